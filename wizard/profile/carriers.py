"""Rules on what carries the Pods' traffic, and on who answers their questions for names."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.profile.finding import Finding, error, info
from wizard.profile.model import Profile

MOST_UPSTREAMS = 15
"""What CoreDNS' forward takes (https://coredns.io/plugins/forward/)."""


def backend(profile: Profile) -> Iterator[Finding]:
    """Routes without tunnels are flannel's alone."""
    network = profile.network
    if network.backend == "host-gw" and network.plugin in ("calico", "cilium"):
        yield error(
            "network.backend",
            ("network.backend", "network.plugin"),
            f"host-gw is a backend of flannel; with {network.plugin} slipway sets up vxlan.",
            "Take vxlan, or flannel.",
        )


def brought(profile: Profile) -> Iterator[Finding]:
    """Without a Pod network of its own the cluster is not whole when slipway is done."""
    if profile.network.plugin == "none":
        yield info(
            "network.plugin-none",
            "network.plugin",
            "No Pod network is installed: nodes stay NotReady and CoreDNS waits until yours is there. The install "
            "waits for neither and doesn't try the Pod network.",
            f"Install yours for {profile.network.pod_cidr} afterwards, then run `slipway verify`.",
        )


def upstreams(profile: Profile) -> Iterator[Finding]:
    """CoreDNS takes so many upstream servers and no more."""
    many = len(profile.network.upstream_dns)
    if many > MOST_UPSTREAMS:
        yield error(
            "network.upstream-dns-many",
            "network.upstream_dns",
            f"There are {many} upstream name servers; CoreDNS takes {MOST_UPSTREAMS}.",
            "Two or three are enough.",
        )
