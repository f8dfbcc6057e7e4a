"""What can carry the Pods' traffic, in one table: what of it other parts have to know.

A new one is its manifest in `wizard.render.carriers`, a word in the profile's model, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from wizard.profile.model import Network
from wizard.render import carriers
from wizard.render.images import OFFICIAL
from wizard.render.places import CNI_NETWORK
from wizard.render.site import Site

Port = tuple[str, int]
"""Protocol and number."""


@dataclass(frozen=True, slots=True)
class PodNetwork:
    """One way to carry the Pods' traffic. What a Pod network leaves on a host is named so that only it can be meant."""

    name: str
    manifest: Callable[[Site], str] | None = None
    """Gives its objects; None where somebody else brings it."""
    images: tuple[str, ...] = ()
    """The bundle's artifacts that its Pods run."""
    config: str = ""
    """Its file in /etc/cni/net.d."""
    cni_name: str = ""
    """What it is called in that file: the CNI plug-ins of whoever else is on a host say another name."""
    ports: tuple[Port, ...] = ()
    """What nodes must reach on each other."""
    local_ports: tuple[int, ...] = ()
    """TCP ports of 127.0.0.1 that its Pods take."""
    overhead: int = 0
    """Bytes of a packet that it needs for itself."""
    one_segment: bool = False
    """It works only where all nodes reach each other without a router between them."""
    kernel: tuple[int, int] = (0, 0)
    """The oldest kernel that it runs on, where that is newer than Kubernetes' own."""
    look: str = ""
    """Where to look when Pods don't reach each other."""
    links: tuple[str, ...] = ()
    """Its interfaces on a host, as shell patterns."""
    chains: tuple[str, ...] = ()
    """How the names of its iptables chains begin."""
    tables: tuple[str, ...] = ()
    """The names of its nftables tables."""
    paths: tuple[str, ...] = ()
    """What its Pods make on the host."""

    @property
    def official(self) -> tuple[str, ...]:
        """Return those of its images that are not built, by their names in `wizard.render.images`."""
        return tuple(name for image in self.images if (name := image.removeprefix("image/")) in OFFICIAL)


_FLANNEL = PodNetwork(
    "flannel",
    carriers.flannel,
    images=("image/flannel",),
    config="10-flannel.conflist",
    cni_name=CNI_NETWORK,
    ports=(("udp", 8472),),
    overhead=carriers.VXLAN_OVERHEAD,
    look="The Pod network's port must be open between all nodes (flannel: UDP 8472), on hosts and between them. "
    "Then look at the logs in namespace kube-flannel.",
    links=("cni0", "flannel.1"),
    chains=("FLANNEL-",),
    tables=("flannel-ipv4", "flannel-ipv6"),
    paths=("/var/lib/cni", "/run/flannel", "/etc/cni/net.d/10-flannel.conflist"),
)

_TABLE: Mapping[tuple[str, str], PodNetwork] = {
    ("flannel", "vxlan"): _FLANNEL,
    ("flannel", "host-gw"): replace(
        _FLANNEL,
        ports=(),
        overhead=0,
        one_segment=True,
        look="All nodes must be on one segment, and nothing between them may drop packets with addresses of Pods. Then "
        "look at `ip route` on the nodes, and at the logs in namespace kube-flannel.",
    ),
    ("calico", "vxlan"): PodNetwork(
        "calico",
        carriers.calico,
        images=("image/calico-node", "image/calico-cni", "image/calico-kube-controllers"),
        config="10-calico.conflist",
        cni_name=carriers.CALICO_CNI,
        ports=(("udp", 4789),),
        local_ports=(9099,),
        overhead=carriers.VXLAN_OVERHEAD,
        look="The Pod network's port must be open between all nodes (calico: UDP 4789), on hosts and between them. "
        "Then look at the logs of k8s-app=calico-node in namespace kube-system.",
        links=("vxlan.calico", "cali*"),
        chains=("cali-",),
        tables=("calico",),
        paths=(
            *("/var/lib/calico", "/run/calico", "/run/nodeagent", "/var/log/calico"),
            *("/etc/cni/net.d/10-calico.conflist", "/etc/cni/net.d/calico-kubeconfig"),
            *("/opt/cni/bin/calico", "/opt/cni/bin/calico-ipam", "/opt/cni/bin/install"),
        ),
    ),
    ("cilium", "vxlan"): PodNetwork(
        "cilium",
        carriers.cilium,
        images=("image/cilium", "image/cilium-operator"),
        config="05-cilium.conflist",
        cni_name="cilium",
        ports=(("udp", 8472), ("tcp", 4240)),
        local_ports=(9234, 9879),
        overhead=carriers.VXLAN_OVERHEAD,
        # https://docs.cilium.io/en/stable/operations/system_requirements/
        kernel=(5, 10),
        look="The Pod network's ports must be open between all nodes (cilium: UDP 8472, TCP 4240), on hosts and "
        "between them. Then look at the logs of k8s-app=cilium in namespace kube-system.",
        links=("cilium_vxlan", "cilium_host", "cilium_net", "lxc*"),
        chains=("CILIUM_",),
        paths=(
            *("/run/cilium", "/sys/fs/bpf/cilium", "/etc/cni/net.d/05-cilium.conflist"),
            *("/opt/cni/bin/cilium-cni", "/etc/sysctl.d/99-zzz-override_cilium.conf"),
        ),
    ),
    ("none", "vxlan"): PodNetwork("none", look="Look at the Pod network that you installed."),
}

POD_NETWORKS = tuple(row for (_, backend), row in _TABLE.items() if backend == "vxlan")
"""Each of them once."""


def pod_network(network: Network) -> PodNetwork:
    """Return what the profile asks for. A backend that its plug-in lacks is `wizard.profile.rules`' to tell."""
    return _TABLE.get((network.plugin, network.backend)) or _TABLE[network.plugin, "vxlan"]


def images_wanted(network: Network) -> tuple[str, ...]:
    """Return the bundle's artifacts that its Pods run: not those that nodes fetch from a registry by themselves."""
    wanted = pod_network(network)
    return () if wanted.official and network.images == "registry" else wanted.images
