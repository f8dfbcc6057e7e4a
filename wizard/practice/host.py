"""One practice host: its disk, its start, its end, and commands in it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wizard.errors import SlipwayError
from wizard.paths import assets_dir
from wizard.practice import cgroups, network
from wizard.practice.keys import KeyPair
from wizard.practice.layout import JUMP, address
from wizard.practice.shell import environment, run

BOOT_SECONDS = 180.0
"""How long a host may take until its sshd answers, on a machine with much else to do."""

HOST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Host:
    """A practice host. `octet` ends its address; `fingerprint` is its SSH host key's; `datacenter` its state folder."""

    name: str
    number: int
    octet: int
    roles: tuple[str, ...]
    fingerprint: str
    datacenter: Path
    base: Path

    @property
    def address(self) -> str:
        """Return the host's IPv4 address."""
        return address(self.number, self.octet)

    @property
    def folder(self) -> Path:
        """Return the folder of its disk."""
        return self.datacenter / "hosts" / self.name

    @property
    def netns(self) -> str:
        """Return the name of its network namespace."""
        return network.netns(self.number, self.name)

    @property
    def pid(self) -> int | None:
        """Return the process ID, on this machine, of the host's PID 1; None when the host is off."""
        return init_of(cgroups.pids(cgroups.detect().folders(self.number, self.name)))

    @property
    def running(self) -> bool:
        """Tell whether the host has power."""
        return self.pid is not None


def init_of(pids: set[int]) -> int | None:
    """Return the one of `pids` that is PID 1 in a PID namespace right below this one's, or None."""
    own = len(_namespace_ids("self"))
    for pid in sorted(pids):
        ids = _namespace_ids(str(pid))
        if len(ids) == own + 1 and ids[-1] == "1":
            return pid
    return None


def _namespace_ids(pid: str) -> list[str]:
    with suppress(OSError):
        state = ids = ""
        for line in Path("/proc", pid, "status").read_text().splitlines():
            if line.startswith("State:"):
                state = line.split()[1]
            elif line.startswith("NSpid:"):
                ids = line.partition(":")[2]
        return [] if state in {"Z", "X"} else ids.split()
    return []


def prepare(host: Host, key: KeyPair, authorized: str) -> None:
    """Make the host's disk: its own identity over the shared base system, root's login, a /var/lib of its own."""
    upper = host.folder / "upper"
    for name, mode in ((".", 0o755), ("etc", 0o755), ("etc/ssh", 0o755), ("root", 0o700), ("root/.ssh", 0o700)):
        (upper / name).mkdir(parents=True, exist_ok=True)
        (upper / name).chmod(mode)
    gateway = address(host.number, JUMP)
    files = {
        "etc/hostname": (0o644, f"{host.name}\n"),
        "etc/hosts": (0o644, f"127.0.0.1 localhost\n::1 localhost ip6-localhost\n{host.address} {host.name}\n"),
        "etc/machine-id": (0o444, f"{uuid.uuid4().hex}\n"),
        # No name server answers there: a closed site. Programs that insist on one in the file find one.
        "etc/resolv.conf": (0o644, f"nameserver {gateway}\n"),
        "etc/ssh/ssh_host_ed25519_key": (0o600, key.private),
        "etc/ssh/ssh_host_ed25519_key.pub": (0o644, f"{key.public} root@{host.name}\n"),
        "root/.ssh/authorized_keys": (0o600, authorized),
    }
    for name, (mode, text) in files.items():
        path = upper / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        path.chmod(mode)
    if not (host.folder / "varlib").exists():
        # When this process is killed the copying ends too, or it would go on under the next command's hands.
        copy = ("cp", "-a", "--reflink=auto")
        run("setpriv", "--pdeathsig", "KILL", *copy, host.base / "var/lib", host.folder / "varlib")


def start(host: Host) -> None:
    """Power on: a new network namespace with the same addresses, the same disk, a new PID 1. Raises `SlipwayError`."""
    groups = cgroups.detect()
    cgroups.remove(groups, host.number, host.name)
    network.plug(host.number, host.name, host.octet)
    cgroups.create(groups, host.number, host.name)
    words = ["sh", str(assets_dir() / "practice" / "host.sh"), "launch"]
    if groups.by_systemd:
        unit = cgroups.scope(host.number, host.name)
        scope = ["systemd-run", "--scope", "--quiet", "--collect", f"--slice={cgroups.TOP}.slice", f"--unit={unit}"]
        words = [*scope, "--property=Delegate=yes", "--", *words]
    variables = {
        "HOST_NAME": host.name,
        "HOST_DIR": str(host.folder),
        "HOST_BASE": str(host.base),
        "HOST_NETNS": host.netns,
        "HOST_CGROUP_VERSION": str(groups.version),
        "HOST_HOMES": " ".join(str(home) for home in groups.homes(host.number, host.name)),
        "HOST_HIERARCHIES": " ".join(each.options for each in groups.hierarchies),
    }
    with (host.folder / "console.log").open("wb") as console:
        # --fork: the host belongs to no terminal and to no slipway; it lives on when this process ends.
        subprocess.run(
            ["setsid", "--fork", *words],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment(**variables),
            check=True,
        )


def wait_until_up(host: Host, seconds: float = BOOT_SECONDS) -> None:
    """Wait until sshd answers and lets users in. Raises `SlipwayError` with the host's last words when it doesn't."""
    now = time.monotonic()
    deadline, last_alive, seen = now + seconds, now, False
    while (now := time.monotonic()) < deadline:
        pid = host.pid
        seen = seen or pid is not None
        last_alive = last_alive if pid is None else now
        if now - last_alive > (1 if seen else 15):
            break  # what started it has ended as well
        if pid is not None and answers(host.address) and not Path(f"/proc/{pid}/root/run/nologin").exists():
            return
        time.sleep(0.2)
    console = (host.folder / "console.log").read_text(errors="replace").strip()
    raise SlipwayError(
        "the host ended while it was starting" if seen and not host.running else "the host does not come up",
        where=host.name,
        why=console.splitlines()[-1] if console else f"its sshd did not answer within {seconds:.0f} s",
        hint=f"look at {host.folder / 'console.log'}, then power it on again",
        details="\n".join(console.splitlines()[-10:]),
    )


def answers(where: str, port: int = 22) -> bool:
    """Tell whether an SSH server greets at the address."""
    with suppress(OSError), socket.create_connection((where, port), timeout=1) as connection:
        return connection.recv(4) == b"SSH-"
    return False


def stop(host: Host) -> None:
    """Power off, as by pulling the plug: link down, SIGKILL to PID 1 and so to every process; the disk stays."""
    cut(host)
    cgroups.remove(cgroups.detect(), host.number, host.name)
    network.unplug(host.number, host.name)


def cut(host: Host) -> None:
    """Do the power loss alone and return when the last process is dead; `stop` clears away what is left as well."""
    network.link_down(host.number, host.name)
    if (pid := host.pid) is None:
        return
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            select.select([handle], [], [], 30)
        finally:
            os.close(handle)


def inside(host: Host, *words: str) -> list[str]:
    """Return the command that runs `words` in the host as root, without SSH. Raises `SlipwayError` when it is off."""
    if (pid := host.pid) is None:
        raise SlipwayError("the host is off", where=host.name, hint=f"slipway practice power-on {host.name}")
    enter = ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "-C", "--"]
    clean = ["env", "-i", f"PATH={HOST_PATH}", "HOME=/root", "USER=root", f"TERM={os.environ.get('TERM', 'dumb')}"]
    return [*enter, *clean, *words]


def execute(host: Host, *words: str, stdin: str | None = None) -> str:
    """Run a command in the host as root and return its stdout. Raises `SlipwayError` when it fails."""
    return run(*inside(host, *words), stdin=stdin)


def discard(host: Host) -> None:
    """Remove the host's disk."""
    shutil.rmtree(host.folder, ignore_errors=False)
