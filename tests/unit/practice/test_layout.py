from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.errors import UsageError
from wizard.practice.layout import JUMP, NAMESPACES, SUBNETS, VIP, Spec, address, demand_sound, mac, seats

SPECS = st.builds(
    Spec, masters=st.integers(0, 19), etcd=st.integers(0, 19), workers=st.integers(0, 49), name=st.just("lab")
)


@given(SPECS)
def test_every_host_has_a_name_and_an_address_of_its_own(spec: Spec) -> None:
    placed = seats(spec)
    octets = {seat.octet for seat in placed}
    assert len({seat.name for seat in placed}) == len(octets) == spec.masters + spec.etcd + spec.workers
    assert not octets & {JUMP, VIP, *NAMESPACES}


def test_roles_follow_the_kind() -> None:
    placed = {seat.name: (seat.octet, seat.roles) for seat in seats(Spec(masters=1, etcd=1, workers=1))}
    assert placed == {"m1": (11, ("master", "etcd")), "e1": (31, ("etcd",)), "w1": (51, ("worker",))}


@given(st.integers(0, 511), st.integers(1, 254))
def test_addresses_lie_in_the_network_for_benchmarks_and_macs_tell_them_apart(number: int, octet: int) -> None:
    assert IPv4Address(address(number, octet)) in IPv4Network("198.18.0.0/15")
    parts = [int(part, 16) for part in mac(number, octet).split(":")]
    assert parts[0] & 3 == 2, "locally administered, unicast"
    assert ".".join(map(str, parts[2:])) == address(number, octet)


def test_there_are_512_networks() -> None:
    assert len(SUBNETS) == 512
    assert address(0, 11) == "198.18.0.11"
    assert address(256, 11) == "198.19.0.11"


@pytest.mark.parametrize(
    "spec",
    [
        Spec(masters=20),
        Spec(masters=-1),
        Spec(workers=50),
        Spec(masters=0),
        Spec(name="Lab"),
        Spec(name="../up"),
        Spec(name=""),
        Spec(name="a" * 33),
        Spec(user="a b"),
        Spec(user="$(id)"),
    ],
)
def test_what_can_not_be_made_is_refused(spec: Spec) -> None:
    with pytest.raises(UsageError) as refused:
        demand_sound(spec)
    assert refused.value.hint


@given(SPECS.filter(lambda spec: spec.masters + spec.etcd + spec.workers > 0))
def test_all_else_is_taken(spec: Spec) -> None:
    demand_sound(spec)
