"""The manifests of what carries the Pods' traffic: flannel, calico, cilium.

flannel's and the settings of the two others follow their makers' own manifests: flannel 0.28
(Documentation/kube-flannel.yml), calico 3.32 (manifests/calico.yaml, for VXLAN and without typha), cilium 1.19 (what
its chart gives with ipam.mode=kubernetes, kubeProxyReplacement=false, without hubble and envoy).
"""

from __future__ import annotations

import json

from wizard.profile.model import Network
from wizard.render.files import checksum, fill
from wizard.render.images import image_refs
from wizard.render.node import is_node, node_api_texts
from wizard.render.places import CNI_BIN, CNI_NETWORK, NODE_API
from wizard.render.site import Site

VXLAN_OVERHEAD = 50
"""Bytes of each packet that a tunnel takes: Ethernet 14, IPv4 20, UDP 8, VXLAN 8 (RFC 7348)."""

CALICO_CNI = "k8s-pod-network"
"""What calico's network is called in the CNI's configuration."""
CALICO_TYPES = (
    *(("BGPConfiguration", "bgpconfigurations"), ("BGPFilter", "bgpfilters"), ("BGPPeer", "bgppeers")),
    *(("BlockAffinity", "blockaffinities"), ("CalicoNodeStatus", "caliconodestatuses")),
    *(("ClusterInformation", "clusterinformations"), ("FelixConfiguration", "felixconfigurations")),
    *(("GlobalNetworkPolicy", "globalnetworkpolicies"), ("GlobalNetworkSet", "globalnetworksets")),
    *(("HostEndpoint", "hostendpoints"), ("IPAMBlock", "ipamblocks"), ("IPAMConfig", "ipamconfigs")),
    *(("IPAMHandle", "ipamhandles"), ("IPPool", "ippools"), ("IPReservation", "ipreservations")),
    *(("KubeControllersConfiguration", "kubecontrollersconfigurations"), ("NetworkPolicy", "networkpolicies")),
    *(("NetworkSet", "networksets"), ("StagedGlobalNetworkPolicy", "stagedglobalnetworkpolicies")),
    *(("StagedKubernetesNetworkPolicy", "stagedkubernetesnetworkpolicies"), ("Tier", "tiers")),
    ("StagedNetworkPolicy", "stagednetworkpolicies"),
)
"""Kind and plural of what calico keeps in the API, group ``crd.projectcalico.org``."""
_IN_NAMESPACES = frozenset({"NetworkPolicy", "NetworkSet", "StagedKubernetesNetworkPolicy", "StagedNetworkPolicy"})
_OUR_CNI_PLUGINS = (
    *("bandwidth", "bridge", "dhcp", "firewall", "flannel", "host-device", "host-local", "ipvlan", "loopback"),
    *("macvlan", "portmap", "ptp", "sbr", "static", "tuning", "vlan", "vrf"),
)
"""CNI plug-ins that slipway keeps on every node, and nobody else may overwrite."""

CILIUM_TYPES = (
    *("ciliumbgpadvertisements", "ciliumbgpnodeconfigs", "ciliumbgppeerconfigs", "ciliumcidrgroups"),
    *("ciliumclusterwideenvoyconfigs", "ciliumclusterwidenetworkpolicies", "ciliumegressgatewaypolicies"),
    *("ciliumendpoints", "ciliumendpointslices", "ciliumenvoyconfigs", "ciliumidentities"),
    *("ciliuml2announcementpolicies", "ciliumloadbalancerippools", "ciliumlocalredirectpolicies"),
    *("ciliumnetworkpolicies", "ciliumnodeconfigs", "ciliumnodes", "ciliumpodippools"),
)
"""What cilium's agent reads in the API, group ``cilium.io``."""
_CILIUM_OPERATORS = ("ciliumbgpclusterconfigs", "ciliumbgpnodeconfigoverrides", "ciliumgatewayclassconfigs")
_CILIUM_CGROUP = "/run/cilium/cgroupv2"


def flannel(site: Site) -> str:
    """Return flannel's objects. Without an MTU in the profile it takes each node's own, by its interface."""
    network = site.profile.network
    delegate: dict[str, object] = {"hairpinMode": True, "isDefaultGateway": True}
    backend: dict[str, object] = {"Type": network.backend}
    if network.mtu:
        delegate["mtu"] = network.mtu
        if network.backend == "vxlan":
            # flannel wants to know what the tunnel's own packets may have.
            backend["MTU"] = network.mtu + VXLAN_OVERHEAD
    cni_conf = {
        "name": CNI_NETWORK,
        "cniVersion": "0.3.1",
        "plugins": [
            {"type": "flannel", "delegate": delegate},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    net_conf = {"Network": network.pod_cidr, "EnableNFTables": _nftables(network), "Backend": backend}
    texts = (json.dumps(cni_conf, indent=2), json.dumps(net_conf, indent=2))
    return fill(
        "flannel/flannel.yaml",
        image=image_refs(site.versions)["flannel"],
        cni_conf=texts[0],
        net_conf=texts[1],
        checksum=checksum(*texts, *node_api_texts(site.profile)),
        node_api=NODE_API,
    )


def calico(site: Site) -> str:
    """Return calico's objects: VXLAN everywhere, no BGP. An MTU of 0 has it find each node's own."""
    network, images = site.profile.network, image_refs(site.versions)
    mtu = str(network.mtu or 0)
    cni_conf = """{
  "name": "CNI-NAME",
  "cniVersion": "0.3.1",
  "plugins": [
    {
      "type": "calico",
      "datastore_type": "kubernetes",
      "nodename": "__KUBERNETES_NODE_NAME__",
      "mtu": __CNI_MTU__,
      "log_level": "info",
      "log_file_path": "/var/log/calico/cni/cni.log",
      "ipam": {"type": "calico-ipam"},
      "policy": {"type": "k8s"},
      "kubernetes": {"kubeconfig": "__KUBECONFIG_FILEPATH__"}
    },
    {"type": "portmap", "snat": true, "capabilities": {"portMappings": true}}
  ]
}""".replace("CNI-NAME", CALICO_CNI)
    settings = {
        "DATASTORE_TYPE": "kubernetes",
        "WAIT_FOR_DATASTORE": "true",
        "CLUSTER_TYPE": "k8s",
        "CALICO_NETWORKING_BACKEND": "vxlan",
        "IP": "autodetect",
        "IP_AUTODETECTION_METHOD": "kubernetes-internal-ip",
        "CALICO_IPV4POOL_CIDR": network.pod_cidr,
        "CALICO_IPV4POOL_VXLAN": "Always",
        "CALICO_IPV4POOL_IPIP": "Never",
        "CALICO_IPV6POOL_VXLAN": "Never",
        "CALICO_DISABLE_FILE_LOGGING": "true",
        "FELIX_VXLANMTU": mtu,
        "FELIX_IPV6SUPPORT": "false",
        "FELIX_HEALTHENABLED": "true",
        "FELIX_DEFAULTENDPOINTTOHOSTACTION": "ACCEPT",
        # Its rules and kube-proxy's must be of one kind.
        "FELIX_NFTABLESMODE": "Enabled" if _nftables(network) else "Disabled",
    }
    return fill(
        "calico/calico.yaml",
        types=[(kind, plural, "Namespaced" if kind in _IN_NAMESPACES else "Cluster") for kind, plural in CALICO_TYPES],
        cni_conf=cni_conf,
        cni_image=images["calico-cni"],
        node_image=images["calico-node"],
        controllers_image=images["calico-kube-controllers"],
        mtu=mtu,
        skipped=",".join(_OUR_CNI_PLUGINS),
        settings=settings,
        checksum=checksum(cni_conf),
    )


def cilium(site: Site) -> str:
    """Return cilium's objects: VXLAN, each node's addresses as Kubernetes hands them out, Services by kube-proxy."""
    network, images = site.profile.network, image_refs(site.versions)
    settings = {
        "agent-not-ready-taint-key": "node.cilium.io/agent-not-ready",
        "bpf-root": "/sys/fs/bpf",
        "cgroup-root": _CILIUM_CGROUP,
        "cluster-id": "0",
        "cluster-name": "default",
        "cni-exclusive": "true",
        "cni-log-file": "/var/run/cilium/cilium-cni.log",
        "custom-cni-conf": "false",
        "datapath-mode": "veth",
        "debug": "false",
        "enable-endpoint-health-checking": "true",
        "enable-health-checking": "true",
        "enable-hubble": "false",
        "enable-ipv4": "true",
        "enable-ipv4-masquerade": "true",
        "enable-ipv6": "false",
        "enable-k8s-networkpolicy": "true",
        "enable-l7-proxy": "false",
        "enable-metrics": "false",
        "enable-policy": "default",
        "enable-tcx": "true",
        "enable-xt-socket-fallback": "true",
        "external-envoy-proxy": "false",
        "identity-allocation-mode": "crd",
        "ipam": "kubernetes",
        "k8s-require-ipv4-pod-cidr": "true",
        "kube-proxy-replacement": "false",
        "operator-api-serve-addr": "127.0.0.1:9234",
        "preallocate-bpf-maps": "false",
        "procfs": "/host/proc",
        "remove-cilium-node-taints": "true",
        "routing-mode": "tunnel",
        "set-cilium-is-up-condition": "true",
        "set-cilium-node-taints": "true",
        "synchronize-k8s-nodes": "true",
        "tunnel-protocol": "vxlan",
        "unmanaged-pod-watcher-interval": "15s",
        "write-cni-conf-when-ready": "/host/etc/cni/net.d/05-cilium.conflist",
    }
    if network.mtu:
        # Of the network beneath; cilium takes the tunnel's part off.
        settings["mtu"] = str(network.mtu + VXLAN_OVERHEAD)
    return fill(
        "cilium/cilium.yaml",
        types=CILIUM_TYPES,
        definitions=[f"{name}.cilium.io" for name in (*CILIUM_TYPES, *_CILIUM_OPERATORS)],
        settings=settings,
        image=images["cilium"],
        operator_image=images["cilium-operator"],
        replicas=min(2, sum(is_node(host) for host in site.profile.hosts)),
        cgroup=_CILIUM_CGROUP,
        cni_bin=CNI_BIN,
        checksum=checksum(json.dumps(settings, sort_keys=True)),
    )


def _nftables(network: Network) -> bool:
    return network.kube_proxy == "nftables"
