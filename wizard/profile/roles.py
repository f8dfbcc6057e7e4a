"""Hand out roles: from a number of etcd members to who holds one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from wizard.errors import UsageError
from wizard.profile.finding import counted
from wizard.profile.model import Role


def spread_roles(
    masters: Sequence[str],
    extra_hosts: Sequence[str],
    etcd_size: int,
    zones: Mapping[str, str] | None = None,
) -> dict[str, tuple[Role, ...]]:
    """Return host → roles, masters first, so that etcd has `etcd_size` members.

    Members go to the zone that has fewest so far (`zones` maps host → zone; a host without one is in a zone of that
    name: none), and there to masters before `extra_hosts`, because an apiserver with a member on its own host needs no
    other. An extra host that gets none has no roles. Workers are never among them: ordinary Pods and etcd don't share
    a host. Raises `UsageError` where there are too few hosts. Sizes are not
    judged here but by the rules.
    """
    candidates = [*masters, *extra_hosts]
    if etcd_size > len(candidates):
        raise UsageError(
            f"etcd with {counted(etcd_size, 'member')} needs {counted(etcd_size, 'host')}, "
            f"and there are {len(candidates)}",
            hint=f"Add {counted(etcd_size - len(candidates), 'host')} for etcd alone, or choose a smaller etcd.",
        )
    zone_of = zones or {}
    taken: Counter[str] = Counter()
    members: set[str] = set()
    for _ in range(etcd_size):
        chosen = min(
            (index for index, name in enumerate(candidates) if name not in members),
            key=lambda index: (taken[zone_of.get(candidates[index], "")], index),
        )
        members.add(candidates[chosen])
        taken[zone_of.get(candidates[chosen], "")] += 1
    return {
        name: ((Role.MASTER,) if position < len(masters) else ()) + ((Role.ETCD,) if name in members else ())
        for position, name in enumerate(candidates)
    }
