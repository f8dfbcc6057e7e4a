"""What a host of a cluster runs with that can't be changed later, who leads etcd, and who is out for maintenance."""

from __future__ import annotations

import re

from wizard.facts.maintenance import NOTE
from wizard.facts.text import parts
from wizard.facts.traces import Settled

_ETCD = "/etc/etcd/etcd.env"
_MANIFESTS = "/etc/kubernetes/manifests"
_METRICS = "http://127.0.0.1:2381/metrics"

SCRIPT = rf"""
part settled/etcd
sed -nE 's/^ETCD_(NAME|DATA_DIR|INITIAL_ADVERTISE_PEER_URLS)=/\1 /p' {_ETCD}
[ -f {_ETCD} ] && curl -s -m 2 {_METRICS} | grep '^etcd_server_is_leader 1'
part settled/kubelet
sed -n '/^KUBELET_ARGS=/p' /etc/kubernetes/kubelet.env
sed -nE 's/^clusterDomain: */domain /p' /var/lib/kubelet/config.yaml
part settled/control-plane
sed -nE 's/^ *- --(service-cluster-ip-range|cluster-cidr)=/\1 /p; s/^ *image: .*kube-apiserver:v?/kubernetes /p' \
  {_MANIFESTS}/kube-apiserver.yaml {_MANIFESTS}/kube-controller-manager.yaml
part settled/vip
sed -nE 's/^ +([0-9.]+)\/32 dev .*/\1/p' /etc/keepalived/keepalived.conf
part settled/maintenance
cat {NOTE}
"""


def parse(text: str) -> Settled:
    """Return what the host says; what it does not say stays empty."""
    part = parts(text)
    etcd, plane = (_words(part.get(f"settled/{name}", "")) for name in ("etcd", "control-plane"))
    kubelet = part.get("settled/kubelet", "")
    return Settled(
        node=_argument(kubelet, "hostname-override"),
        node_ip=_argument(kubelet, "node-ip"),
        member=etcd.get("NAME", ""),
        peer_ip=_address(etcd.get("INITIAL_ADVERTISE_PEER_URLS", "")),
        data_dir=etcd.get("DATA_DIR", ""),
        leads=bool(etcd.get("etcd_server_is_leader", "")),
        dns_domain=_words(kubelet).get("domain", ""),
        service_cidr=plane.get("service-cluster-ip-range", ""),
        pod_cidr=plane.get("cluster-cidr", ""),
        kubernetes=plane.get("kubernetes", ""),
        vip=part.get("settled/vip", "").strip(),
        maintenance=part.get("settled/maintenance", "").strip(),
    )


def _words(text: str) -> dict[str, str]:
    """Return the first word of each line with the rest of it."""
    lines = (line.strip().partition(" ") for line in text.splitlines())
    return {first: rest.strip() for first, _, rest in lines if first}


def _argument(text: str, name: str) -> str:
    found = re.search(rf"--{name}=([^\s\"']+)", text)
    return found[1] if found else ""


def _address(url: str) -> str:
    found = re.match(r"https?://([^:/,]+)", url)
    return found[1] if found else ""
