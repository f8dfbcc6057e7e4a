"""Every field of the forms: where it stands in the profile, what it is called, why it matters, an example.

`path` is the profile's own path (``endpoint.vip``), the one that Problems name. `kind` says how the typed text becomes
the profile's value: ``text``, ``int``, ``float``, ``list`` (separated by spaces or commas), ``bool`` or ``hops``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wizard import versions

Kind = Literal["text", "int", "float", "list", "bool", "hops"]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field. With `choices` it is chosen rather than typed. `empty` says what leaving it empty means."""

    path: str
    label: str
    help: str
    example: str = ""
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    empty: str = ""


CLUSTER = (
    FieldSpec(
        "name",
        "Cluster name",
        "Names the cluster in kubeconfigs, certificates and in the state folder on this jump host. It can't be changed "
        "after the install.",
        "site-a",
    ),
)

ENDPOINT = (
    FieldSpec(
        "endpoint.vip",
        "VIP",
        "The virtual address of the Kubernetes API. One healthy master holds it; when that master dies another takes "
        "it over within seconds. It must be free and lie in the masters' own subnet.",
        "198.18.0.100",
    ),
    FieldSpec(
        "endpoint.port",
        "API port",
        "The port people and workers use at the VIP. 6443 is what every tool expects.",
        "6443",
        "int",
    ),
    FieldSpec(
        "endpoint.dns_name",
        "DNS name",
        "A name that points to the VIP in your DNS. It goes into the certificate and the kubeconfig, so that the "
        "address can change one day.",
        "api.site-a.example",
        empty="none: the VIP itself is used",
    ),
    FieldSpec(
        "endpoint.interface",
        "Interface",
        "The network interface that carries the VIP on every master. Needed only where it has another name than the "
        "one that holds the host's own address.",
        "eth0",
        empty="the one with the host's address",
    ),
    FieldSpec(
        "endpoint.vrid",
        "VRRP ID",
        "1 to 255. Must be unique among all VRRP routers on this network segment: ask the network people.",
        "51",
        "int",
    ),
)

NETWORK = (
    FieldSpec(
        "network.pod_cidr",
        "Pod network",
        "Addresses of Pods. Private to the cluster, but no host, route or Service may use them. Each host takes a /24.",
        "10.244.0.0/16",
    ),
    FieldSpec(
        "network.service_cidr",
        "Services",
        "Virtual addresses of Services. Never seen on a wire; they may overlap with nothing that Pods have to reach.",
        "10.96.0.0/12",
    ),
    FieldSpec(
        "network.plugin",
        "Plug-in",
        "What carries traffic between Pods. flannel comes with the bundle. calico and cilium add network policies; "
        "their images are added to the bundle first. none: you install yours afterwards, and nodes wait for it.",
        choices=("flannel", "calico", "cilium", "none"),
    ),
    FieldSpec(
        "network.backend",
        "Carried by",
        "vxlan works over any network. host-gw sends packets as they are, which is faster, and needs flannel and all "
        "nodes on one segment.",
        choices=("vxlan", "host-gw"),
    ),
    FieldSpec(
        "network.mtu",
        "Pods' MTU",
        "The largest packet of Pods, in bytes. Set it where the hosts' interfaces differ, or where the network between "
        "them carries less than they say.",
        "1450",
        "int",
        empty="the interface's, less 50 with vxlan",
    ),
    FieldSpec(
        "network.kube_proxy",
        "kube-proxy",
        "How Services are made real on each host. iptables runs everywhere; nftables scales better to thousands of "
        "Services and needs kernel 5.13 or later.",
        choices=("iptables", "nftables"),
    ),
    FieldSpec(
        "network.upstream_dns",
        "Name servers",
        "Who answers Pods' questions for names outside the cluster.",
        "10.0.0.53 10.0.1.53",
        "list",
        empty="those of each node's /etc/resolv.conf",
    ),
    FieldSpec(
        "time_servers",
        "NTP servers",
        "Clocks that drift apart break etcd and TLS. A host's time service asks these; one without any gets chrony.",
        "10.0.0.1 10.0.0.2",
        "list",
        empty="hosts keep the time service they have",
    ),
    FieldSpec(
        "kubernetes",
        "Kubernetes",
        "The version to install. All parts that go with it (etcd, containerd, CoreDNS and so on) are fixed by it.",
        choices=versions.known(),
    ),
    FieldSpec(
        "masters_schedulable",
        "Pods on masters",
        "Whether ordinary Pods may run on masters. Without workers they have no other place; with workers, masters "
        "are better left alone.",
        kind="bool",
        choices=("no", "yes"),
    ),
)

ETCD = (
    FieldSpec(
        "etcd.data_dir",
        "Data folder",
        "Where etcd keeps its data on each member: on a local SSD or NVMe disk. Every write waits for this disk, so a "
        "slow one slows the whole cluster.",
        "/var/lib/etcd",
    ),
    FieldSpec(
        "etcd.tuning",
        "Timing",
        "default: heartbeat 100 ms, election 1 s. slow-disk: 250 ms and 5 s, so that a slow disk causes no needless "
        "elections, at the price of a slower failover. auto: chosen from the disks found.",
        choices=("auto", "default", "slow-disk"),
    ),
)

ETCD_SIZE = FieldSpec(
    "etcd.size",
    "Members",
    "etcd is the cluster's database: it lives while more than half of its members do. Three are the least for high "
    "availability; five let one be down for work while another dies.",
    choices=("1", "3", "5", "7"),
)
ETCD_MEMBERS = FieldSpec(
    "etcd.members",
    "Hosts",
    "Masters hold a member first: an apiserver with a member beside it depends on no other host. For more members than "
    "masters, add small hosts that hold etcd only. Spread them over zones.",
)
HOST_LIST = FieldSpec(
    "hosts",
    "Hosts",
    "Three masters are the least for high availability. a adds one, p pastes several or a range, t tests whether "
    "slipway can log in and shows what each machine is, Enter changes one or shows why its test failed.",
)

LOGIN = (
    FieldSpec(
        "ssh.user",
        "User",
        "Who logs in on all hosts: root, or a user who may use sudo. A host can have its own.",
        "admin",
        empty="as ~/.ssh/config says, else root",
    ),
    FieldSpec("ssh.port", "Port", "The SSH port of all hosts.", "22", "int", empty="as ~/.ssh/config says, else 22"),
    FieldSpec(
        "ssh.key",
        "Private key",
        "Path of a private key on this jump host. A passphrase is asked for when it is needed and never stored.",
        "~/.ssh/id_ed25519",
        empty="~/.ssh/config, the agent, the usual keys",
    ),
    FieldSpec(
        "ssh.via",
        "Jump chain",
        "SSH hosts to go through, the nearest first, separated by commas. Only their SSH port has to be open.",
        "admin@bastion.example:22",
        "hops",
        empty="straight to the hosts",
    ),
    FieldSpec(
        "ssh.sudo",
        "Become root",
        "How the user becomes root. auto: tries without a password and asks you when one is needed. Passwords are "
        "kept in memory only.",
        choices=("auto", "password", "nopasswd"),
    ),
)

HOST = (
    FieldSpec("name", "Name", "The host's name in Kubernetes and on these screens; also its node name.", "m1"),
    FieldSpec("address", "SSH address", "Where SSH finds the host: an IP address or a name.", "198.18.0.11"),
    FieldSpec(
        "zone",
        "Zone",
        "Rack, room or power feed: what fails together. Used to say what the site survives.",
        "rack1",
        empty="not said",
    ),
    FieldSpec(
        "node_ip",
        "Node address",
        "The address for Kubernetes traffic, where it differs from the SSH address, or where that is a name.",
        "10.0.0.11",
        empty="the SSH address",
    ),
    FieldSpec(
        "etcd_ip",
        "etcd address",
        "The address for traffic between etcd members, where they have a network of their own.",
        "10.0.1.11",
        empty="the node address",
    ),
    FieldSpec("ssh.user", "SSH user", "Only where it differs from the shared login.", "admin", empty="shared login"),
    FieldSpec(
        "ssh.port", "SSH port", "Only where it differs from the shared login.", "22", "int", empty="shared login"
    ),
    FieldSpec("ssh.key", "SSH key", "Only where it differs from the shared login.", empty="shared login"),
    FieldSpec(
        "fingerprint",
        "Host key",
        "The SHA256 fingerprint of the host's SSH key, from its console or your inventory. Without it you are asked "
        "at first sight.",
        "SHA256:…",
        empty="asked at first sight",
    ),
)

CLUSTER_FIELDS = CLUSTER + ENDPOINT + NETWORK + ETCD + LOGIN
BY_PATH = {spec.path: spec for spec in CLUSTER_FIELDS}
HOST_BY_PATH = {spec.path: spec for spec in HOST}
