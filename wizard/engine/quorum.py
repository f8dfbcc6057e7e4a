"""The quorum rule, pure: which voters may be touched now, so that the others keep the cluster alive.

A group of voters stays alive while `needed` of them are healthy (etcd: n // 2 + 1). A healthy member that is touched
counts as down until the step that touches it has ended; a sick one is down already, so mending it costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from wizard.engine.step import VoterGroup


class Word(StrEnum):
    """What the rule says: go, wait for others to come back, or ask a person, because waiting will never help."""

    GO = "go"
    WAIT = "wait"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rule says, and why, in words for the screen."""

    word: Word
    why: str = ""


GO = Judgement(Word.GO)


def of_voters(group: VoterGroup, voters: frozenset[str]) -> VoterGroup:
    """Return `group` while just `voters` vote: a majority of them is needed. Unchanged where none are known."""
    return replace(group, members=voters, needed=len(voters) // 2 + 1) if voters else group


def may_touch(
    group: VoterGroup, healthy: frozenset[str], touched: frozenset[str], under_way: frozenset[str] = frozenset()
) -> Judgement:
    """Say whether the members `touched` may be disturbed now.

    `healthy` are the members healthy at this moment, `under_way` those that other steps are touching. Names outside
    the group don't matter. Asks where even a group in full health could not bear it (one member, or two).
    """
    mine = touched & group.members
    if group.exempt or not mine & healthy:
        return GO
    standing = (healthy & group.members) - under_way - mine
    if len(standing) >= group.needed:
        busy = (under_way & group.members) - mine
        if group.alone and busy:
            return Judgement(Word.WAIT, f"{_list(busy)}, being worked on: one of {group.name} at a time")
        return GO
    if len(group.members - mine) < group.needed:
        return Judgement(Word.ASK, _only(group, mine))
    return Judgement(Word.WAIT, _missing(group, healthy, mine, under_way))


def _only(group: VoterGroup, mine: frozenset[str]) -> str:
    left = len(group.members - mine)
    return (
        f"{group.name} needs {group.needed} of {len(group.members)} members; without {_list(mine)} only {left} "
        f"{'is' if left == 1 else 'are'} left, so it stops for a moment"
    )


def _missing(group: VoterGroup, healthy: frozenset[str], mine: frozenset[str], under_way: frozenset[str]) -> str:
    sick = group.members - healthy - under_way
    busy = (under_way & group.members) - mine
    words = [f"{_list(sick)} not healthy"] if sick else []
    words += [f"{_list(busy)} being worked on"] if busy else []
    return f"the quorum of {group.name} ({group.needed} of {len(group.members)}; {', '.join(words) or 'none to spare'})"


def _list(members: frozenset[str]) -> str:
    return ", ".join(sorted(members))
