"""How a `Command` becomes the one line that a host's login shell runs, and how sudo is spoken to. Pure.

The line is ``exec env … timeout … sh -c SCRIPT``: the same language, PATH and umask on every distribution, and an end
on the host itself when the time is up (the whole process group, even when this side has died). What only looks runs by
way of ``nice``, which costs no process of its own either.

The script first prints a marker on stdout and stderr. What comes before it is not the script's: a greeting of the
login shell's start files, or sudo. The marker also tells the process to end when nobody waits for the script any more;
sshd passes no signals on to root's commands.

sudo reads a password only when it wants one: what is sent too early would end up in the script's own input. So under
sudo the input waits for the marker. sudo prints its prompt (``-p``, chosen here) when it wants a password. Prompt and
marker carry a random nonce, so that no output can be taken for them.
"""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass

from wizard.remote.base import Command

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH on every host: a login without a terminal lacks the sbin directories on most distributions."""

KILL_AFTER = 5
"""Seconds between SIGTERM and SIGKILL for a command whose time is up."""

NICE = 10
"""How far what only looks steps back behind what works there (nice(1)).

It counts among those that systemd does not weigh against each other; etcd, haproxy and keepalived have weights besides.
"""

LONGEST_ARGUMENT = 96 * 1024
"""Longest script passed as an argument, in bytes; Linux refuses one of 128 KiB (MAX_ARG_STRLEN, execve(2))."""


LONGEST_PREFACE = 64 * 1024
"""How much is kept of what comes before the script, in bytes."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to execute on the host, and what to send as the first bytes of its stdin."""

    line: str
    first: bytes = b""


def launch(command: Command, *, sudo: bool, nonce: str) -> Launch:
    """Return how to start `command`, with markers made of `nonce` (hexadecimal), and under sudo where asked.

    A script that holds a secret, or is too long for an argument, goes over stdin: the process list never shows it.
    """
    body = command.script.encode()
    first = b""
    script = command.script
    if command.secret or len(body) > LONGEST_ARGUMENT:
        first, script = body, f'eval "$(head -c {len(body)})"'
    script = f"echo {nonce}! $PPID; echo {nonce}! $PPID >&2; umask 022\n{script}"
    words = [
        "env",
        "LC_ALL=C",
        f"PATH={PATH}",
        *(("nice", "-n", str(NICE)) if command.looks else ()),
        "timeout",
        "-k",
        str(KILL_AFTER),
        str(limit(command)),
        "sh",
        "-c",
        script,
    ]
    if sudo:
        words = ["env", "LC_ALL=C", "sudo", "-S", "-p", f"{nonce}?", "--", *words]
    return Launch("exec " + shlex.join(words), first)


def limit(command: Command) -> int:
    """Return the host's own time limit for `command` in whole seconds (at least 1)."""
    return max(1, math.ceil(command.timeout))


class Gate:
    """Holds one output stream back until the script runs.

    `opened` tells that it runs, as a child of process `parent` on the host (that is ``timeout``, which ends it when it
    gets SIGTERM); `asked` counts sudo's prompts before that; `said` is what else was written before that.
    """

    def __init__(self, nonce: str) -> None:
        self._go = re.compile(rf"{nonce}! (\d+)\n".encode())
        self._prompt = f"{nonce}?".encode()
        self._seen = b""
        self.opened = False
        self.parent = 0

    def feed(self, data: bytes) -> bytes:
        """Take what came on stderr and return what belongs to the script."""
        if self.opened:
            return data
        self._seen = (self._seen + data)[-LONGEST_PREFACE:]
        go = self._go.search(self._seen)
        if go is None:
            return b""
        after = self._seen[go.end() :]
        self._seen, self.opened, self.parent = self._seen[: go.start()], True, int(go[1])
        return after

    @property
    def asked(self) -> int:
        """Return how often sudo has asked for a password."""
        return self._seen.count(self._prompt)

    @property
    def said(self) -> str:
        """Return sudo's own words, without the prompts."""
        return self._seen.replace(self._prompt, b"").decode(errors="replace").strip()
