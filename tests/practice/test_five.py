"""Three masters and two hosts for etcd alone: five members, three nodes."""

from __future__ import annotations

import pytest

from .helpers import Lab

pytestmark = pytest.mark.practice

MASTERS, ALL = {"m1", "m2", "m3"}, {"m1", "m2", "m3", "e1", "e2"}


def test_five_members_are_healthy_and_agree(closed: Lab) -> None:
    said = closed.slipway("status", closed.profile)
    assert said.exit == 0, said.found
    members = said.found["etcd"]["members"]
    assert {member["name"] for member in members if member["healthy"]} == ALL
    assert [member["leader"] for member in members].count(True) == 1
    tool = "set -a; . /etc/etcd/etcdctl.env; etcdctl member list"
    lists = {host.name: sorted(closed.on(host.name, tool).splitlines()) for host in closed.hosts}
    assert len(lists["e1"]) == 5
    assert all(lists[name] == lists["e1"] for name in ALL)


def test_hosts_for_etcd_alone_are_no_nodes(closed: Lab) -> None:
    assert closed.ready_nodes() == MASTERS
    assert set(closed.kubectl("get", "nodes", "-o", "name").split()) == {f"node/{name}" for name in MASTERS}
    for name in ALL - MASTERS:
        assert closed.on(name, "systemctl is-active etcd; systemctl is-enabled etcd") == "active\nenabled"
        units = "kubelet containerd haproxy keepalived"
        assert closed.on(name, f"systemctl is-active {units}", check=False).split() == ["inactive"] * 4
        assert closed.on(name, "ls /etc/kubernetes /etc/containerd /var/lib/kubelet", check=False) == ""
        assert closed.on(name, "ls /usr/local/bin").split() == ["etcd", "etcdctl", "etcdutl"]


def test_two_members_may_be_gone_and_writes_go_on(closed: Lab) -> None:
    for name in ("e1", "e2"):
        closed.on(name, "systemctl stop etcd")
    try:
        closed.kubectl("create", "configmap", "three-of-five", "--from-literal=a=b")
    finally:
        for name in ("e1", "e2"):
            closed.on(name, "systemctl start etcd")
    again = closed.apply()
    assert (again.exit, again.found["changed"]) == (0, [])
