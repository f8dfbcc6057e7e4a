"""The base system of all practice hosts: Debian bookworm, made once by debootstrap and kept in the cache.

Not a later release: systemd 256 and newer refuse version 1 control groups, which some machines still have.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from wizard.errors import SlipwayError
from wizard.paths import assets_dir, cache_dir
from wizard.practice.locks import locked
from wizard.practice.mirror import mirror_of_this_machine
from wizard.practice.shell import Progress, environment, run

SUITE = "bookworm"
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "iproute2", "iptables", "nftables", "conntrack",
    "socat", "ebtables", "ethtool", "kmod", "procps", "ca-certificates", "curl", "iputils-ping", "ipset", "zstd",
)  # fmt: skip
"""What a Debian server has from its installer, and what Kubernetes asks of it. keepalived and haproxy are not among
them: they come with the bundle, as on a site."""

MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "fstrim.timer",
    "e2scrub_all.timer",
    "getty@tty1.service",
    "systemd-remount-fs.service",
)
"""Units that make no sense on a practice host: it has no way out, its disk is the machine's, and it has no screen."""

EMPTIED = ("var/lib/apt/lists", "var/cache/apt", "var/log")
REMOVED = ("etc/ssh/ssh_host_*", "etc/machine-id", "etc/hostname", "etc/resolv.conf", "var/lib/dbus/machine-id")
"""What would be the same on all hosts, and must not be; or is of use only while the system is made."""

STAGES = {"Retrieving": "fetching packages", "Extracting": "unpacking", "Unpacking": "unpacking"}
STAGES["Configuring"] = "configuring"


def _files() -> Path:
    return assets_dir() / "practice" / "base"


def recipe() -> str:
    """Return the hash of everything that decides what the base system is."""
    parts = [SUITE, platform.machine(), *PACKAGES, *MASKED, *EMPTIED, *REMOVED, "1"]
    for path in sorted(_files().rglob("*")):
        if path.is_file():
            parts += [str(path.relative_to(_files())), path.read_text()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def base_dir() -> Path:
    """Return where the base system of today's recipe is or will be."""
    return cache_dir() / "practice" / f"base-{recipe()}"


def ensure(progress: Progress) -> Path:
    """Return the base system's folder; make it when it is not there (about 90 s, 300 MB, from the Debian mirror).

    Raises `SlipwayError` with the last lines debootstrap said when it fails.
    """
    base = base_dir()
    if base.is_dir():
        return base

    def waiting() -> None:
        progress("", "another slipway makes the base system; waiting for it …")

    with locked(base.parent / "lock", "the base system", patience=1800, waiting=waiting):
        if base.is_dir():
            return base
        for leftover in base.parent.glob("base-*.part"):
            shutil.rmtree(leftover)
        part = base.with_suffix(".part")
        part.mkdir()
        _debootstrap(part, progress)
        _tidy(part)
        os.sync()
        part.rename(base)
    return base


def command(target: Path, mirror: str) -> list[str]:
    """Return the debootstrap command. It ends with whoever started it, with all it started and mounted."""
    words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    words += ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(target)]
    return [*words, mirror] if mirror else words


def _debootstrap(target: Path, progress: Progress) -> None:
    progress("", f"base system (Debian {SUITE}): once, about 2 minutes …")
    # A power cut in the middle costs nothing here, so dpkg need not sync each file.
    variables = {"DEBIAN_FRONTEND": "noninteractive", "DPKG_FORCE": "unsafe-io"}
    if proxy := run("apt-config", "shell", "proxy", "Acquire::http::Proxy", check=False).strip():
        variables["http_proxy"] = proxy.partition("=")[2].strip("'")
    said: list[str] = []
    with subprocess.Popen(
        command(target, mirror_of_this_machine(SUITE)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment(**variables),
    ) as process:
        assert process.stdout is not None
        for line in steps(_remember(process.stdout, said)):
            progress("", f"base system: {line}")
    if process.returncode:
        log = target / "debootstrap/debootstrap.log"
        details = "\n".join([*said[-5:], *(log.read_text(errors="replace").splitlines()[-10:] if log.exists() else [])])
        raise SlipwayError(
            "the base system can't be made",
            why=re.sub(r"^[EW]: ", "", said[-1]) if said else f"debootstrap ended with {process.returncode}",
            hint="check that this machine's apt reaches its mirror (apt-get update), then run the command again",
            details=details,
        )


def _remember(lines: Iterator[str], said: list[str]) -> Iterator[str]:
    for line in lines:
        said.append(line.rstrip())
        yield said[-1]


def steps(lines: Iterator[str]) -> Iterator[str]:
    """Yield what to tell a person of debootstrap's output: each stage, and every fiftieth package in it."""
    stage, count = "", 0
    for line in lines:
        word = line.removeprefix("I: ").split(" ", 1)[0]
        new = STAGES.get(word, stage) if line.startswith("I: ") else stage
        if new != stage:
            stage, count = new, 0
            yield f"{stage} …"
        elif word in STAGES:
            count += 1
            if count % 50 == 0:
                yield f"{stage} … {count}"


def _tidy(root: Path) -> None:
    for pattern in REMOVED:
        for path in root.glob(pattern):
            path.unlink()
    for name in EMPTIED:
        for path in sorted((root / name).rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                if name != "var/log":
                    path.rmdir()
            else:
                path.unlink()
    for unit in MASKED:
        link = root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    # Journals survive a power loss, as on an installed Debian.
    (root / "var/log/journal").mkdir(exist_ok=True)
    shutil.copytree(_files(), root, dirs_exist_ok=True)
