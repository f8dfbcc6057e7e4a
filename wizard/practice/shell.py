"""Running the jump host's own tools (`ip`, `mount`, `debootstrap` …), with failures told in words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from wizard.errors import SlipwayError, UsageError

Progress = Callable[[str, str], None]
"""Called with (where, text): a host's name, or empty for the datacenter as a whole, and what it is doing now."""

TOOLS = {
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
}
"""Tools a practice datacenter needs on the jump host, and the Debian or Ubuntu package that has each."""

DEBIAN_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""Without it debootstrap takes packages unverified; Ubuntu does not have it from the start."""


def silent(where: str, text: str) -> None:
    """Take progress and show nothing."""


def requirements() -> list[str]:
    """Return the distribution packages that are missing on this machine, sorted; empty when all is there."""
    missing = {package for tool, package in TOOLS.items() if not _found(tool)}
    if not DEBIAN_KEYRING.exists():
        missing.add("debian-archive-keyring")
    return sorted(missing)


def search_path() -> str:
    """Return PATH with the system folders that an ordinary user's PATH leaves out."""
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin"


def environment(**more: str) -> dict[str, str]:
    """Return the environment of the tools: this one, all tools found, messages in English."""
    return {**os.environ, "PATH": search_path(), "LC_ALL": "C.UTF-8", **more}


def _found(tool: str) -> bool:
    return shutil.which(tool, path=search_path()) is not None


def demand_root() -> None:
    """Make sure this is Linux and root. Raises `UsageError` with what to do when it isn't."""
    if sys.platform != "linux":
        raise UsageError(
            "practice hosts need Linux",
            why="they are Linux systems that share this machine's kernel",
            hint="run slipway on a Debian or Ubuntu machine, a virtual one will do",
        )
    if os.geteuid() != 0:
        raise UsageError(
            "practice hosts need root",
            why="they have mounts and networks of their own",
            hint="run the same command with sudo",
        )


def demand_machine() -> None:
    """Make sure this machine can hold practice hosts. Raises `UsageError` with what to do when it can't."""
    demand_root()
    if missing := requirements():
        words = " ".join(missing)
        debian_like = _found("apt-get")
        raise UsageError(
            f"practice hosts need what is not installed here: {words}",
            hint=f"apt-get install {words}"
            if debian_like
            else f"use Debian or Ubuntu, or install the like of {words} with this distribution's package manager",
        )


def run(*words: str | Path, stdin: str | None = None, check: bool = True) -> str:
    """Run a tool and return its stdout. Raises `SlipwayError` with the last lines it said when it fails."""
    try:
        done = subprocess.run(
            [str(word) for word in words],
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=environment(),
        )
    except FileNotFoundError as missing:
        raise UsageError(
            f"the tool {words[0]} is not installed", hint=f"install {TOOLS.get(str(words[0]), 'it')}"
        ) from (missing)
    if check and done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-10:])
        raise SlipwayError(
            f"{Path(words[0]).name} failed (exit {done.returncode})",
            why=said.splitlines()[-1] if said else " ".join(str(word) for word in words[:4]),
            details=said,
        )
    return done.stdout
