"""Locks: one run a cluster on the jump host, and one jump host a host.

On the jump host ``<cluster_dir>/lock`` is held with flock(2), so it ends with its process. On a host,
``/run/slipway/run.lock`` says which run works there and until when, by the host's own clock; it is a lease, renewed
while the run lasts, so that a jump host that died locks nobody out for long.

The lease is taken in the same round trip as the facts: from the first host of the plan first, which decides between two
jump hosts, then from the others at once. Another run of the same jump host's same state folder may take a lease over
without asking: the lock on the jump host has shown that the old run is gone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wizard.errors import HeldError

LOCK = "/run/slipway/run.lock"
FIRST_SECONDS = 30
"""How long a lease lasts at first. A run that finds nothing to do ends without another round trip to give it back."""
_READ = '[ ! -e "$f" ] || read -r have <"$f" || :'
_MUTEX = "/run/slipway/lock.mutex"


@dataclass(frozen=True, slots=True)
class HostLock:
    """A lease on hosts: the run's id, who holds it (`holder_of`), and for how many seconds at a time."""

    run: str
    holder: str
    seconds: int = 90


@dataclass(frozen=True, slots=True)
class LockReply:
    """What taking a lease gave: `taken`, or who has it: run, holder, for how many seconds (negative: stale)."""

    taken: bool
    run: str = ""
    holder: str = ""
    left: int = 0

    @property
    def stale(self) -> bool:
        """Tell whether the lease that is in the way has run out: ask, then take it over."""
        return not self.taken and self.left <= 0


def holder_of(cluster_dir: Path) -> str:
    """Return the name of this jump host's state folder as a holder of leases: ``jump-1 (3f2a…)``."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except OSError:
        machine = ""
    place = hashlib.sha256(f"{machine}:{cluster_dir.resolve()}".encode()).hexdigest()[:8]
    return f"{socket.gethostname()} ({place})"


def take_fragment(lock: HostLock, *, take_over: bool = False, root: str = "") -> str:
    """Return the shell fragment that takes the lease and prints one line for `parse_take`; it changes nothing else.

    A lease of the same holder is replaced, another's is left alone unless `take_over`.
    """
    return f"""(
umask 022; mkdir -p {root}/run/slipway; exec 8>{root}{_MUTEX}; flock -w 10 8
f={root}{LOCK}; now=$(date +%s); have=; {_READ}
case "$have" in
''|*{_quoted(f'"holder": {json.dumps(lock.holder)}')}*) free=yes;;
*) free={"yes" if take_over else "no"};;
esac
if [ $free = yes ]; then {_write(lock, min(lock.seconds, FIRST_SECONDS))}; echo "slipway-lock taken"
else echo "slipway-lock held $now $have"; fi
)"""


def _write(lock: HostLock, seconds: int) -> str:
    body = json.dumps({"run": lock.run, "holder": lock.holder})[:-1] + ', "expires": '
    return f'printf \'%s%s}}\\n\' {shlex.quote(body)} $((now+{seconds})) >"$f.$$" && mv -f "$f.$$" "$f"'


def _quoted(text: str) -> str:
    return shlex.quote(text)


def parse_take(output: str) -> LockReply | None:
    """Return what `take_fragment` printed, wherever in `output` it stands; None if it isn't there."""
    for line in output.splitlines():
        match line.split(" ", 3):
            case ["slipway-lock", "taken"]:
                return LockReply(True)
            case ["slipway-lock", "held", now, have]:
                return _held(now, have)
            case _:
                pass
    return None


def _held(now: str, have: str) -> LockReply:
    try:
        data = json.loads(have)
        return LockReply(False, str(data["run"]), str(data["holder"]), int(data["expires"]) - int(now))
    except (ValueError, KeyError, TypeError):
        return LockReply(False, holder="someone (the lock can't be read)")


def renew_fragment(lock: HostLock, root: str = "") -> str:
    """Return the fragment that begins a change: renews the lease, or refuses (``die lock``) where another has it."""
    mine = _quoted(f'"run": {json.dumps(lock.run)}')
    return f"""f={root}{LOCK}; now=$(date +%s); have=; {_READ}
mkdir -p {root}/run/slipway
case "$have" in *{mine}*|'') {_write(lock, lock.seconds)};; *) die lock - "$have";; esac"""


def check_fragment(lock: HostLock, root: str = "") -> str:
    """Return the fragment that refuses like `renew_fragment`, and renews only a lease that is gone."""
    mine = _quoted(f'"run": {json.dumps(lock.run)}')
    return f"""f={root}{LOCK}; have=; {_READ}
case "$have" in *{mine}*) ;; *) {renew_fragment(lock, root)};; esac"""


def release_fragment(lock: HostLock, root: str = "") -> str:
    """Return the fragment that gives the lease back if it is still ours."""
    mine = _quoted(f'"run": {json.dumps(lock.run)}')
    return f"""f={root}{LOCK}; case "$(cat "$f" 2>/dev/null || :)" in *{mine}*) rm -f "$f";; esac"""


@contextmanager
def cluster_lock(cluster_dir: Path, run: str) -> Iterator[None]:
    """Hold the cluster's lock on this jump host; it ends with the process at the latest.

    Raises `HeldError` where another run of this cluster is under way here.
    """
    cluster_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(cluster_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(cluster_dir, os.pread(descriptor, 4096, 0)) from None
        said = json.dumps({"run": run, "pid": os.getpid(), "since": int(time.time())}).encode()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, said, 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _busy(cluster_dir: Path, said: bytes) -> HeldError:
    try:
        data = json.loads(said)
        since = time.strftime("%H:%M:%S", time.localtime(int(data["since"])))
        who = f"run {data['run']} (process {int(data['pid'])}) works on it since {since}"
    except (ValueError, KeyError, TypeError):
        who = "another run works on it"
    return HeldError(
        "This cluster is being worked on",
        where=cluster_dir.name,
        why=who,
        hint="Open slipway to attach to that run, or cancel it, then try again.",
    )
