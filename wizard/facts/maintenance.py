"""Who is out for maintenance: a note on every master and on the host itself, the newest of which counts.

A host that was away when the note changed has an old one; the number in it tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

NOTE = "/etc/slipway/maintenance"
_HEAD = "# Hosts that are out for maintenance; written by slipway, note "


@dataclass(frozen=True, slots=True)
class Note:
    """The hosts that are out, by name, each with the time since when (``2026-11-26T23:10:00Z``); `number` grows."""

    number: int = 0
    hosts: Mapping[str, str] = field(default_factory=dict)

    def begun(self, host: str, since: str) -> Note:
        """Return the note after `host` went out; the same where it is out already."""
        return self if host in self.hosts else Note(self.number + 1, {**self.hosts, host: since})

    def ended(self, host: str) -> Note:
        """Return the note after `host` came back; the same where it isn't out."""
        left = {name: since for name, since in self.hosts.items() if name != host}
        return Note(self.number + 1, left) if host in self.hosts else self

    def among(self, hosts: Iterable[str]) -> Note:
        """Return the note without hosts that are none of `hosts`: they are in the cluster no more."""
        known = set(hosts)
        return replace(self, hosts={name: since for name, since in self.hosts.items() if name in known})


def parse(text: str) -> Note:
    """Return the note in `text`; an empty one for what is none."""
    head = re.match(rf"{re.escape(_HEAD)}([0-9]{{1,9}})\n?", text)
    if not head:
        return Note()
    lines = (line.split(" since ", 1) for line in text[head.end() :].splitlines())
    return Note(int(head[1]), {words[0]: words[1] for words in lines if len(words) == 2})


def dump(note: Note) -> str:
    """Return `note` as the text of its file: a line for each host that is out."""
    return f"{_HEAD}{note.number}\n" + "".join(f"{name} since {since}\n" for name, since in note.hosts.items())


def newest(texts: Iterable[str]) -> Note:
    """Return the newest of the notes that hosts have."""
    return max((parse(text) for text in texts), key=lambda note: note.number, default=Note())
