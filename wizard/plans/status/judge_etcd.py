"""What the state of etcd's members means."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.errors import Level, Problem
from wizard.plans.status.model import Member, Status

LAGS = 1000
"""A member so many raft entries behind is told of. A learner is kept from voting until it is 90 % there."""
FULL = 0.8
"""The share of its quota from which on the database is told of."""

_ALARMS = {
    "NOSPACE": (
        "etcd's database has reached its quota: nothing can be written any more",
        "Find what fills it, then on a member: `etcdctl compact`, `etcdctl defrag` on each, `etcdctl alarm disarm`.",
    ),
    "CORRUPT": (
        "its data is not that of the other members",
        "Stop this member and replace it: remove it, clear its data, let it join anew. Don't restart the others.",
    ),
}


def etcd(status: Status) -> Iterator[Problem]:
    """Yield what is wrong with the members, and with the quorum. Where none could be asked, nothing is known."""
    if not any(member.asked for member in status.members):
        return
    voters = [member for member in status.members if not member.learner]
    well = [member.name for member in voters if member.healthy]
    needed = len(voters) // 2 + 1
    if voters and len(well) < needed:
        words = f"etcd has no quorum: {len(well)} of {len(voters)} members are known to be healthy, {needed} are needed"
        hint = "Nothing is written until enough are back. Bring the hosts back before anything else; remove none."
        yield Problem("etcd.no-quorum", Level.ERROR, words, hint, "etcd")
    for member in status.members:
        yield from _member(member)
    leaders = [member.name for member in voters if member.leader]
    asked = [member for member in voters if member.asked]
    if not leaders and len(well) >= needed and len(asked) == len(voters):
        words = "No member says that it leads"
        yield Problem("etcd.no-leader", Level.ERROR, words, "An election takes a second or two: ask again.", "etcd")
    elif len(leaders) > 1:
        words = f"{', '.join(leaders)} all say that they lead"
        yield Problem("etcd.several-leaders", Level.WARNING, words, "The leader has just changed: ask again.", "etcd")
    if len(voters) > len(well) == needed:
        words = f"{len(well)} of {len(voters)} members of etcd are healthy: if one more goes, nothing can be written"
        yield Problem("etcd.last-spare", Level.WARNING, words, "Bring back, or replace, what is missing.", "etcd")


def _member(member: Member) -> Iterator[Problem]:
    name = member.name
    if not member.healthy:
        if member.asked:
            words, hint = f"The etcd member is not healthy: {member.why}", "See `journalctl -u etcd` there."
        else:
            words = "The etcd member can't be asked, and no other member is connected to it"
            hint = "Unreachable is not dead: see to the host before its member is replaced."
        yield Problem("etcd.member", Level.ERROR, words, hint, host=name)
    for alarm in member.alarms:
        words, hint = _ALARMS.get(alarm, (f"alarm {alarm}", "See `etcdctl alarm list`."))
        yield Problem("etcd.alarm", Level.ERROR, f"{alarm}: {words}", hint, host=name)
    if member.db_quota and member.db_size > FULL * member.db_quota:
        share = member.db_size / member.db_quota
        words = f"etcd's database has {share:.0%} of its quota; when it is full, nothing can be written"
        yield Problem("etcd.size", Level.WARNING, words, "Find what fills it; `etcdctl defrag` frees it.", host=name)
    if member.lag is not None and member.lag > LAGS and member.healthy:
        words = f"The member is {member.lag} entries behind"
        yield Problem("etcd.lag", Level.WARNING, words, "See to its disk and its network.", host=name)
    if member.learner:
        words = "The member learns, and has no vote yet"
        yield Problem("etcd.learner", Level.INFO, words, "`slipway apply` goes on with it.", host=name)
    if member.stranger:
        words = "is a member of etcd, and none of the profile"
        hint = "It counts for the quorum. Add it to the profile, or remove the member."
        yield Problem("etcd.stranger", Level.WARNING, words, hint, host=name)
