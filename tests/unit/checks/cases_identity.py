"""Sites on which a host can't be looked at, or isn't free, or isn't a machine of its own."""

from __future__ import annotations

from typing import Any

from wizard.errors import Level, SlipwayError
from wizard.facts.traces import Marker
from wizard.remote.base import (
    HostKeyChanged,
    HostKeyUnknown,
    LoginRefused,
    RemoteError,
    SudoRefused,
    TimedOut,
    Unreachable,
)

from . import sites as site
from .case import Case
from .sites import UID

ERROR, WARNING, INFO = Level.ERROR, Level.WARNING, Level.INFO


def failing(error: SlipwayError) -> dict[str, Any]:
    return {"failures": {"m1": error}}


TRACES = site.traces(manifests=("/etc/kubernetes/manifests/etcd.yaml",), etcd_data=True, running=("etcd", "kubelet"))
SAME_BOOT = site.both(site.system(machine_id="a" * 32, boot_id="b"), site.interface(mac="b0:00:00:00:00:01"))
OTHERS = Marker(UID, "elsewhere", "{}")

CASES = (
    Case(
        "host.unreachable",
        ERROR,
        None,
        ("Nobody answers", "no route", "cable"),
        "hosts[0].address",
        given=failing(Unreachable("Nobody answers", where="m1", why="no route to host", hint="Look at the cable.")),
    ),
    Case("host.login-refused", ERROR, None, ("Refused",), "hosts[0].ssh", given=failing(LoginRefused("Refused"))),
    Case(
        "host.key-unknown",
        ERROR,
        None,
        (),
        "hosts[0].fingerprint",
        given=failing(HostKeyUnknown("First sight", fingerprint="SHA256:x", key="x")),
    ),
    Case(
        "host.key-changed",
        ERROR,
        None,
        (),
        "hosts[0].fingerprint",
        given=failing(HostKeyChanged("Another key", fingerprint="SHA256:x")),
    ),
    Case("host.sudo-refused", ERROR, None, (), "hosts[0].ssh.sudo", given=failing(SudoRefused("No sudo"))),
    Case("host.timed-out", ERROR, None, (), "hosts[0].address", given=failing(TimedOut("Too long"))),
    Case("host.failed", ERROR, None, (), "hosts[0]", given=failing(RemoteError("Odd"))),
    Case("host.failed", ERROR, None, ("cut short",), "hosts[0]", given=failing(SlipwayError("It was cut short"))),
    Case(
        "host.another-cluster",
        ERROR,
        site.traces(marker=OTHERS),
        ("another cluster, elsewhere", "3f2f5a55"),
        "hosts[0]",
        given={"uid": "00000000-mine"},
    ),
    Case("host.another-cluster", ERROR, site.traces(marker=Marker(UID, "elsewhere", "{}")), ("elsewhere",)),
    Case(
        "host.another-cluster",
        ERROR,
        site.traces(marker=Marker(UID, "site", "{}")),
        ("whose state this machine doesn't hold", "jump host"),
    ),
    Case("host.marker-unreadable", ERROR, site.traces(marker=Marker(text="{")), ("/etc/slipway/cluster.json",)),
    Case(
        "host.foreign-cluster",
        ERROR,
        TRACES,
        ("etcd and kubelet running", "/etc/kubernetes/manifests/etcd.yaml", "/var/lib/etcd/member", "rm -rf"),
    ),
    Case(
        "host.foreign-cluster",
        ERROR,
        site.both(TRACES, site.facts(commands=frozenset({"kubeadm"}))),
        ("kubeadm reset",),
    ),
    Case("host.foreign-cluster", ERROR, site.both(TRACES, site.unit("kubelet")), ("disable --now kubelet",)),
    Case("host.foreign-cluster", ERROR, site.traces(folders=("/var/lib/rancher/k3s",)), ("k3s-uninstall.sh",)),
    Case("host.foreign-cluster", ERROR, site.traces(kubelet=True), ("a kubelet's configuration",)),
    Case("host.foreign-cluster", ERROR, site.traces(pki=tuple("abcde")), ("a, b, c and 2 more",)),
    Case("host.cni-leftover", WARNING, site.traces(cni=("/etc/cni/net.d/87-podman.conflist",)), ("87-podman",)),
    Case("host.listed-twice", ERROR, SAME_BOOT, ("m1 and m2", "one and the same"), host="m2", given={"on": "m1 m2"}),
    Case(
        "host.duplicate-machine-id",
        ERROR,
        site.system(machine_id="c" * 32),
        ("m1, m2 and m3", "c" * 32),
        host="m3",
        given={"on": "m1 m2 m3"},
    ),
    Case("host.duplicate-mac", ERROR, site.interface(mac="b0:7b:25:c1:00:02"), ("m1 and m2",), host="m2"),
    Case("host.duplicate-product", WARNING, site.system(product_uuid="uuid-2"), ("m1 and m2",), host="m2"),
    Case("host.duplicate-hostname", WARNING, site.system(hostname="m2"), ("m1 and m2",), host="m2"),
    Case("host.hostname", INFO, site.system(hostname="localhost"), ("localhost",), "hosts[0].name"),
)
