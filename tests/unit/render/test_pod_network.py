"""What can carry the Pods' traffic: every way of it renders to objects that fit together, with the profile's values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import yaml

from wizard.bundle.recipes import CNI_PLUGINS
from wizard.profile.model import Network
from wizard.render import api, carriers
from wizard.render.images import OFFICIAL, image_refs
from wizard.render.pod_network import POD_NETWORKS, images_wanted, pod_network

from .sites import V1_37, profile, site

PLUGINS = get_args(Network.model_fields["plugin"].annotation)
BROUGHT = [plugin for plugin in PLUGINS if plugin != "none"]
Object = dict[str, Any]


def manifest(**network: Any) -> list[Object]:
    """The objects of the Pod network itself."""
    wanted = Network(**network)
    found = {part.name: part.yaml for part in api.manifests(site(profile(network=wanted)))}
    return [item for item in yaml.safe_load_all(found[wanted.plugin]) if item]


def named(objects: list[Object], kind: str, name: str) -> Object:
    (found,) = [item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    return found


def pods(objects: list[Object]) -> Iterator[Object]:
    for item in objects:
        if item["kind"] in ("DaemonSet", "Deployment"):
            yield item["spec"]["template"]["spec"]


def containers(objects: list[Object]) -> Iterator[Object]:
    for pod in pods(objects):
        yield from (*pod.get("initContainers", ()), *pod["containers"])


def variables(objects: list[Object], container: str) -> dict[str, str]:
    (found,) = [item for item in containers(objects) if item["name"] == container]
    return {item["name"]: item.get("value", "") for item in found["env"]}


def test_the_table_has_a_row_for_every_choice_of_the_profile() -> None:
    assert tuple(row.name for row in POD_NETWORKS) == PLUGINS
    for plugin in PLUGINS:
        row = pod_network(Network(plugin=plugin))
        assert (row.name, row.manifest is None) == (plugin, plugin == "none")
        assert row.look
    # A profile that the rules refuse can still be looked at: a reset asks for no rule.
    assert pod_network(Network(plugin="calico", backend="host-gw")).name == "calico"


@pytest.mark.parametrize("plugin", BROUGHT)
def test_its_pods_run_the_images_that_the_table_names_and_no_others(plugin: Any) -> None:
    row, refs = pod_network(Network(plugin=plugin)), image_refs(V1_37)
    wanted = {refs[name.removeprefix("image/")] for name in row.images}
    found = list(containers(manifest(plugin=plugin)))
    assert {item["image"] for item in found} == wanted
    assert {item["imagePullPolicy"] for item in found} == {"IfNotPresent"}
    assert set(row.official) == {name.removeprefix("image/") for name in row.images} & set(OFFICIAL)


@pytest.mark.parametrize("plugin", BROUGHT)
@pytest.mark.parametrize("kube_proxy", ["iptables", "nftables"])
def test_what_its_objects_name_is_there(plugin: Any, kube_proxy: Any) -> None:
    objects = manifest(plugin=plugin, kube_proxy=kube_proxy, mtu=1400)
    there = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    assert len(there) == len(objects), "an object was rendered twice"
    for item in objects:
        if item["kind"].endswith("Binding"):
            assert (item["roleRef"]["kind"], item["roleRef"]["name"]) in there
            assert all((subject["kind"], subject["name"]) in there for subject in item["subjects"])
        if item["kind"] in ("DaemonSet", "Deployment"):
            labels, chosen = item["spec"]["template"]["metadata"]["labels"], item["spec"]["selector"]["matchLabels"]
            assert chosen.items() <= labels.items()
        if item["kind"] == "ConfigMap":
            assert all(isinstance(value, str) for value in item["data"].values())
    for pod in pods(objects):
        assert ("ServiceAccount", pod["serviceAccountName"]) in there
        volumes = {volume["name"]: volume for volume in pod["volumes"]} if "volumes" in pod else {}
        used = {mount["name"] for item in containers(objects) for mount in item.get("volumeMounts", ())}
        assert volumes.keys() <= used
        for volume in volumes.values():
            assert "configMap" not in volume or ("ConfigMap", volume["configMap"]["name"]) in there
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert {mount["name"] for mount in container.get("volumeMounts", ())} <= volumes.keys()
            for variable in container.get("env", ()):
                assert isinstance(variable.get("value", ""), str)
                if key := variable.get("valueFrom", {}).get("configMapKeyRef"):
                    assert key["key"] in there["ConfigMap", key["name"]]["data"]


@pytest.mark.parametrize("plugin", BROUGHT)
def test_it_comes_to_every_node_before_the_node_is_ready(plugin: Any) -> None:
    (daemon,) = [item for item in manifest(plugin=plugin) if item["kind"] == "DaemonSet"]
    pod = daemon["spec"]["template"]["spec"]
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert (pod["hostNetwork"], pod["priorityClassName"]) == (True, "system-node-critical")


@pytest.mark.parametrize("plugin", BROUGHT)
def test_a_changed_mtu_rolls_its_pods(plugin: Any) -> None:
    def checksum(**more: Any) -> str:
        (daemon,) = [item for item in manifest(plugin=plugin, **more) if item["kind"] == "DaemonSet"]
        return json.dumps(daemon["spec"]["template"], sort_keys=True)

    assert checksum() == checksum() != checksum(mtu=1300) != checksum(mtu=1301)


def flannel_conf(**network: Any) -> tuple[Object, Object]:
    data = named(manifest(**network), "ConfigMap", "kube-flannel-cfg")["data"]
    return json.loads(data["net-conf.json"])["Backend"], json.loads(data["cni-conf.json"])["plugins"][0]["delegate"]


def test_flannel_takes_the_hosts_mtu_unless_the_profile_says_one() -> None:
    """Pods get what the profile says whatever the backend; a tunnel's own packets are larger by 50 bytes."""
    plain = {"hairpinMode": True, "isDefaultGateway": True}
    assert flannel_conf() == ({"Type": "vxlan"}, plain)
    assert flannel_conf(backend="host-gw") == ({"Type": "host-gw"}, plain)
    assert flannel_conf(mtu=1300) == ({"Type": "vxlan", "MTU": 1350}, plain | {"mtu": 1300})
    assert flannel_conf(mtu=1300, backend="host-gw") == ({"Type": "host-gw"}, plain | {"mtu": 1300})


def test_calico_has_the_profiles_addresses_and_rules_of_kube_proxys_kind() -> None:
    objects = manifest(plugin="calico", pod_cidr="10.50.0.0/16", mtu=1400)
    settings = variables(objects, "calico-node")
    assert (settings["CALICO_IPV4POOL_CIDR"], settings["FELIX_VXLANMTU"]) == ("10.50.0.0/16", "1400")
    assert settings["FELIX_NFTABLESMODE"] == "Disabled"
    assert variables(manifest(plugin="calico", kube_proxy="nftables"), "calico-node")["FELIX_NFTABLESMODE"] == "Enabled"
    installing = variables(objects, "install-cni")
    assert installing["CNI_MTU"] == "1400"
    ours = {name for names in CNI_PLUGINS.values() for name in names} | {"flannel"}
    assert set(installing["SKIP_CNI_BINARIES"].split(",")) == ours, "it would overwrite what slipway keeps there"
    conf = json.loads(
        named(objects, "ConfigMap", "calico-config")["data"]["cni_network_config"].replace("__CNI_MTU__", "1")
    )
    assert [plugin["type"] for plugin in conf["plugins"]] == ["calico", "portmap"]


def test_every_type_that_calicos_roles_name_is_defined() -> None:
    objects = manifest(plugin="calico")
    defined = {item["spec"]["names"]["plural"] for item in objects if item["kind"] == "CustomResourceDefinition"}
    named_in_roles = {
        resource.partition("/")[0]
        for item in objects
        if item["kind"] == "ClusterRole"
        for rule in item["rules"]
        if rule["apiGroups"] == ["crd.projectcalico.org"]
        for resource in rule["resources"]
    }
    assert named_in_roles <= defined
    assert {plural for _, plural in carriers.CALICO_TYPES} | {"clusternetworkpolicies"} == defined


def test_cilium_leaves_services_to_kube_proxy_and_addresses_to_kubernetes() -> None:
    settings = named(manifest(plugin="cilium", mtu=1400), "ConfigMap", "cilium-config")["data"]
    assert (settings["ipam"], settings["kube-proxy-replacement"], settings["mtu"]) == ("kubernetes", "false", "1450")
    assert "mtu" not in named(manifest(plugin="cilium"), "ConfigMap", "cilium-config")["data"]
    assert settings["write-cni-conf-when-ready"].endswith(f"/{pod_network(Network(plugin='cilium')).config}")


def test_nothing_of_a_pod_network_is_rendered_for_a_site_that_brings_its_own() -> None:
    parts = [part.name for part in api.manifests(site(profile(network=Network(plugin="none"))))]
    assert parts == ["rbac", "kube-proxy", "coredns"]


def test_nodes_that_fetch_images_themselves_get_none_from_the_bundle() -> None:
    """flannel's are built, and so always there."""
    assert images_wanted(Network(plugin="cilium", images="registry")) == ()
    assert images_wanted(Network(images="registry")) == ("image/flannel",)
    assert images_wanted(Network(plugin="calico")) == pod_network(Network(plugin="calico")).images
    assert images_wanted(Network(plugin="none")) == ()
