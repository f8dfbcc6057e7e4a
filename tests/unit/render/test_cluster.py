"""The cluster's own objects: valid, complete, deterministic."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from wizard.profile.model import Endpoint, Network
from wizard.render import api
from wizard.render.images import image_refs
from wizard.render.places import NODE_API
from wizard.render.site import Site
from wizard.versions import components, known

from .sites import PRACTICE, V1_37, profile, site


def objects(of: Site) -> dict[tuple[str, str], dict[str, Any]]:
    documents = [item for part in api.manifests(of) for item in yaml.safe_load_all(part.yaml)]
    found = {(item["kind"], item["metadata"]["name"]): item for item in documents}
    assert len(found) == len(documents), "an object was rendered twice"
    return found


def test_the_order_is_fixed_and_the_bytes_are_the_same_each_time() -> None:
    assert [part.name for part in api.manifests(site())] == ["rbac", "flannel", "kube-proxy", "coredns"]
    assert api.manifests(site()) == api.manifests(site())


@pytest.mark.parametrize("version", known())
def test_every_version_renders_and_names_its_own_images(version: str) -> None:
    wanted = Site(profile(), components(version), "uid-1")
    refs = set(image_refs(wanted.versions).values())
    used = set()
    for item in objects(wanted).values():
        pod = item.get("spec", {}).get("template", {}).get("spec", {})
        for container in [*pod.get("containers", ()), *pod.get("initContainers", ())]:
            used.add(container["image"])
            assert container["imagePullPolicy"] == "IfNotPresent"
    assert used <= refs
    assert {ref.split("/")[-1].split(":")[0] for ref in used} == {"coredns", "flannel", "kube-proxy"}


def test_bindings_as_kubeadm_makes_them() -> None:
    """kubeadm 1.37: phases bootstraptoken/node and kubeconfig; without the second the API can't read logs."""
    bindings = {
        (item["roleRef"]["name"], item["subjects"][0]["kind"], item["subjects"][0]["name"])
        for (kind, _), item in objects(site()).items()
        if kind == "ClusterRoleBinding"
    }
    joining = "system:bootstrappers:kubeadm:default-node-token"
    csr = "system:certificates.k8s.io:certificatesigningrequests"
    assert bindings >= {
        ("cluster-admin", "Group", "kubeadm:cluster-admins"),
        ("system:kubelet-api-admin", "User", "kube-apiserver-kubelet-client"),
        (f"{csr}:selfnodeclient", "Group", "system:nodes"),
        (f"{csr}:nodeclient", "Group", joining),
        ("system:node-bootstrapper", "Group", joining),
        ("kubeadm:get-nodes", "Group", joining),
        ("system:node-proxier", "ServiceAccount", "kube-proxy"),
    }


def test_pods_of_every_node_find_the_api_by_their_nodes_own_file() -> None:
    """Neither needs kube-proxy's work to come up, and on a master neither needs the VIP."""
    found = objects(site(profile(3, 0, 1)))
    for name in ("kube-flannel-ds", "kube-proxy"):
        pod = found["DaemonSet", name]["spec"]["template"]["spec"]
        (volume,) = [item for item in pod["volumes"] if item["name"] == "node-api"]
        assert volume["hostPath"] == {"path": NODE_API, "type": "File"}
        (mount,) = [item for item in pod["containers"][0]["volumeMounts"] if item["name"] == "node-api"]
        assert (mount["mountPath"], mount["readOnly"]) == (NODE_API, True)
        assert pod["tolerations"] == [{"operator": "Exists"}]
        assert pod["hostNetwork"] is True
    flannel = found["DaemonSet", "kube-flannel-ds"]["spec"]["template"]["spec"]["containers"][0]
    assert f"--kubeconfig-file={NODE_API}" in flannel["args"]
    proxy = yaml.safe_load(found["ConfigMap", "kube-proxy"]["data"]["config.conf"])
    assert proxy["clientConnection"]["kubeconfig"] == NODE_API


def test_a_worker_more_changes_no_object_of_a_cluster_that_is_large_enough() -> None:
    assert api.manifests(site(profile(3, 0, 2))) == api.manifests(site(profile(3)))


def test_another_vip_rolls_the_pods_that_use_it() -> None:
    def checksums(vip: str) -> set[str]:
        found = objects(site(profile(endpoint=Endpoint(vip=vip))))
        pods = [found["DaemonSet", name]["spec"]["template"] for name in ("kube-flannel-ds", "kube-proxy")]
        return {pod["metadata"]["annotations"]["slipway/config"] for pod in pods}

    assert not checksums("198.18.0.100") & checksums("198.18.0.101")


@pytest.mark.parametrize("mode", ["iptables", "nftables"])
def test_kube_proxy_mode_is_always_said(mode: Any) -> None:
    found = objects(site(profile(network=Network(kube_proxy=mode, pod_cidr="10.50.0.0/16"))))
    config = yaml.safe_load(found["ConfigMap", "kube-proxy"]["data"]["config.conf"])
    assert (config["mode"], config["clusterCIDR"]) == (mode, "10.50.0.0/16")
    net_conf = yaml.safe_load(found["ConfigMap", "kube-flannel-cfg"]["data"]["net-conf.json"])
    assert net_conf == {"Network": "10.50.0.0/16", "EnableNFTables": mode == "nftables", "Backend": {"Type": "vxlan"}}


def test_the_connection_table_is_left_alone_in_containers() -> None:
    def conntrack(of: Site) -> Any:
        return yaml.safe_load(objects(of)["ConfigMap", "kube-proxy"]["data"]["config.conf"]).get("conntrack")

    assert conntrack(site()) is None
    assert conntrack(site(**PRACTICE)) == {"maxPerCore": 0, "min": 0}


def test_a_changed_configuration_rolls_its_pods() -> None:
    def checksum(of: Site, name: str) -> str:
        template = objects(of)["DaemonSet", name]["spec"]["template"]
        return str(template["metadata"]["annotations"]["slipway/config"])

    other = site(profile(network=Network(pod_cidr="10.60.0.0/16")))
    for name in ("kube-proxy", "kube-flannel-ds"):
        assert checksum(site(), name) == checksum(site(), name) != checksum(other, name)


@pytest.mark.parametrize(("masters", "replicas"), [(1, 1), (3, 2), (5, 2)])
def test_dns_survives_a_node(masters: int, replicas: int) -> None:
    found = objects(site(profile(masters)))
    spec = found["Deployment", "coredns"]["spec"]
    assert spec["replicas"] == replicas
    terms = spec["template"]["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert terms[0]["topologyKey"] == "kubernetes.io/hostname"
    assert found["PodDisruptionBudget", "coredns"]["spec"]["maxUnavailable"] == 1
    assert found["Service", "kube-dns"]["spec"]["clusterIP"] == "10.96.0.10"
    assert spec["template"]["spec"]["containers"][0]["image"] == f"registry.k8s.io/coredns/coredns:v{V1_37.coredns}"


def test_dns_follows_the_domain_and_stands_without_name_servers() -> None:
    domain = profile(network=Network(dns_domain="site.example"))
    corefile = objects(site(domain))["ConfigMap", "coredns"]["data"]["Corefile"]
    assert "kubernetes site.example in-addr.arpa" in corefile
    assert "forward . /etc/resolv.conf" in corefile
    own = profile(network=Network(upstream_dns=("10.0.0.53", "10.0.1.53")))
    for has_some in (True, False):
        corefile = objects(Site(own, V1_37, "uid-1", upstream_dns=has_some))["ConfigMap", "coredns"]["data"]["Corefile"]
        assert "forward . 10.0.0.53 10.0.1.53 {" in corefile
    alone = Site(domain, V1_37, "uid-1", upstream_dns=False)
    assert "forward" not in objects(alone)["ConfigMap", "coredns"]["data"]["Corefile"]
