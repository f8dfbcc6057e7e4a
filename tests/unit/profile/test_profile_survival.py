"""What the site survives is what counting every possible loss says; roles are handed out so that it survives most."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_samples import of_size, profile

from wizard.errors import UsageError
from wizard.profile.counts import quorum
from wizard.profile.model import Host, Profile, Role
from wizard.profile.roles import spread_roles
from wizard.profile.survival import survival

role_sets = st.sampled_from([["master", "etcd"], ["master"], ["etcd"], ["worker"]])


def alive(site: Profile, dead: set[str]) -> bool:
    """Tell whether the API still takes writes: a master lives, and a quorum of etcd."""
    masters = [host for host in site.masters if host.name not in dead]
    members = [host for host in site.etcd_members if host.name not in dead]
    return bool(masters and site.etcd_members and len(members) >= quorum(len(site.etcd_members)))


def worst(site: Profile, mortal: tuple[Host, ...]) -> int:
    """Return how many of `mortal` may die whichever they are, by trying all."""
    names = [host.name for host in mortal]
    count = 0
    while count < len(names) and all(alive(site, set(dead)) for dead in combinations(names, count + 1)):
        count += 1
    return count


@given(st.lists(st.tuples(role_sets, st.sampled_from(["", "a", "b", "c"])), max_size=7))
def test_the_numbers_are_those_of_trying_every_loss(hosts: list[tuple[list[str], str]]) -> None:
    site = Profile.model_validate(
        {
            "name": "site1",
            "hosts": [
                {"name": f"h{n}", "address": f"10.20.0.{n + 1}", "roles": roles, "zone": zone}
                for n, (roles, zone) in enumerate(hosts)
            ],
            "endpoint": {"vip": "10.20.0.100"},
        }
    )
    said = survival(site)
    assert said.hosts_may_die == worst(site, site.hosts)
    assert said.masters_may_die == worst(site, site.masters)
    for loss in said.zones:
        dead = {host.name for host in site.hosts if host.zone == loss.zone}
        assert loss.survives is alive(site, dead)
        assert loss.survives is loss.words.endswith(
            ("the API stays up.", "stays up; no worker is left for ordinary Pods.")
        )
        assert loss.quorum is ("etcd keeps its quorum" in loss.words)
        assert loss.masters_left == sum(host.name not in dead for host in site.masters)
        assert loss.workers_left == sum(host.name not in dead for host in site.workers)
    assert len(said.zone_words) == len({host.zone for host in site.hosts if host.zone})
    assert all(said.words)


def test_three_masters_in_words() -> None:
    words = " ".join(survival(of_size(3)).words)
    assert "Any 1 of 3 masters may die and the API stays up." in words
    assert "Any 1 of 3 etcd members may die" in words


def test_five_members_in_words() -> None:
    words = " ".join(survival(of_size(3, 2)).words)
    assert "Any 2 of 3 masters" in words
    assert "Any 2 of 5 etcd members" in words


def test_the_single_ones_are_said_loudly() -> None:
    words = " ".join(survival(of_size(1)).words)
    assert "single point of failure" in words
    assert "only copy of the data" in words


def test_zones_in_words() -> None:
    even = profile(*[(f"hosts[{n}].zone", zone) for n, zone in enumerate("abcab")])
    assert "Any one of the 3 zones (a, b and c) may die and the API stays up." in survival(even).words
    two = profile(*[(f"hosts[{n}].zone", zone) for n, zone in enumerate("aabab")])
    assert "When zone a dies, the cluster stops." in survival(two).words
    assert "When zone b dies, the API stays up." in survival(two).words


def test_what_dies_with_each_zone_in_words() -> None:
    workers = [("hosts[5]", {"name": "w1", "address": "10.20.0.51", "roles": ["worker"], "zone": "a"})]
    said = survival(profile(*workers, *[(f"hosts[{n}].zone", zone) for n, zone in enumerate("aabab")]))
    assert said.zone_words == (
        "Zone a takes 2 of 3 masters, 3 of 5 etcd members and 1 of 1 worker: etcd loses its quorum (2 left, 3 needed), "
        "so the API stops; no worker is left for ordinary Pods.",
        "Zone b takes 1 of 3 masters and 2 of 5 etcd members: etcd keeps its quorum (3 left, 3 needed), the API stays "
        "up.",
    )
    assert said.brief == "Survives any 2 of 3 masters, any 2 of 5 etcd members, not the loss of a."


def test_masters_without_members_in_one_zone_are_told_apart_from_a_lost_quorum() -> None:
    roles = [(f"hosts[{n}].roles", ["master"]) for n in range(2)]
    more = [("hosts[5]", {"name": "e3", "address": "10.20.0.53", "roles": ["etcd"], "zone": "c"})]
    said = survival(profile(*roles, *more, *[(f"hosts[{n}].zone", zone) for n, zone in enumerate("aaabc")]))
    assert "etcd keeps its quorum (3 left, 3 needed), but no master is left, so the API is gone." in said.zone_words[0]


@pytest.mark.parametrize(
    ("workers", "schedulable", "words"),
    [
        (1, False, "only place for ordinary Pods"),
        (1, True, "its Pods start on masters"),
        (3, False, "Any of the 3 workers may die and the API stays up"),
    ],
)
def test_what_becomes_of_ordinary_pods(workers: int, schedulable: bool, words: str) -> None:
    added = [{"name": f"w{n}", "address": f"10.20.0.5{n}", "roles": ["worker"]} for n in range(workers)]
    site = profile(*((f"hosts[{5 + n}]", host) for n, host in enumerate(added)), ("masters_schedulable", schedulable))
    said = survival(site)
    assert words in said.words[-1]
    assert said.words[:-1] == survival(profile()).words


@given(
    st.integers(1, 5), st.integers(0, 4), st.integers(0, 9), st.lists(st.sampled_from("abc"), min_size=9, max_size=9)
)
def test_roles_make_the_size(masters: int, extra: int, size: int, zones: list[str]) -> None:
    names = [f"m{n}" for n in range(masters)], [f"e{n}" for n in range(extra)]
    every = [*names[0], *names[1]]
    zone_of = dict(zip(every, zones, strict=False))
    if size > masters + extra:
        with pytest.raises(UsageError):
            spread_roles(*names, size, zone_of)
        return
    roles = spread_roles(*names, size, zone_of)
    assert list(roles) == every
    assert sum(Role.ETCD in given for given in roles.values()) == size
    assert [name for name in every if Role.MASTER in roles[name]] == names[0]
    taken = {zone: [name for name in every if Role.ETCD in roles[name] and zone_of[name] == zone] for zone in zones}
    for fuller, emptier in combinations(sorted(set(zone_of.values()), key=lambda zone: -len(taken[zone])), 2):
        # A zone has two members more than another only where that one has no host left.
        left = [name for name in every if zone_of[name] == emptier and Role.ETCD not in roles[name]]
        assert len(taken[fuller]) - len(taken[emptier]) <= 1 or not left


def test_masters_hold_members_first() -> None:
    roles = spread_roles(["m1", "m2", "m3"], ["e1", "e2"], 5)
    assert roles["m1"] == (Role.MASTER, Role.ETCD)
    assert roles["e2"] == (Role.ETCD,)
    assert spread_roles(["m1", "m2", "m3"], ["e1"], 3)["e1"] == ()
