"""What a site brings of its own reaches hosts and cluster, follows the profile, and is refused with a reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from wizard.bundle.opened import Bundle
from wizard.practice.layout import JUMP, address

from . import registry
from .helpers import Lab, Labs, Said, until
from .registry import Registry

pytestmark = pytest.mark.practice

MASTERS = ("m1", "m2", "m3")
NODES = (*MASTERS, "w1")
TAINT = "dedicated=site:NoSchedule"
SETTING = "net.core.somaxconn"
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "lamps.site.example"},
    "spec": {
        "group": "site.example",
        "scope": "Namespaced",
        "names": {"plural": "lamps", "singular": "lamp", "kind": "Lamp"},
        "versions": [
            {
                "name": "v1", "served": True, "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}  # fmt: skip


def thing(kind: str, name: str, version: str = "v1", namespace: str | None = "shop", **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": version, "kind": kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})}, **more,
    }  # fmt: skip


def pod(name: str, image: str) -> dict[str, Any]:
    return thing(
        "Pod", name,
        spec={
            "containers": [{"name": "pause", "image": image, "imagePullPolicy": "Always"}],
            "nodeSelector": {"example.com/tier": "gold"},
            "tolerations": [{"key": "dedicated", "operator": "Exists"}],
            "terminationGracePeriodSeconds": 0,
        },
    )  # fmt: skip


def put(folder: Path, name: str, *objects: dict[str, Any]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump_all(objects))


class Shop:
    """The site under test: a datacenter, its registry, and the folder of manifests beside the profile."""

    def __init__(self, lab: Lab, served: Registry) -> None:
        self.lab, self.served = lab, served
        self.folder = lab.folder / "things"
        self.images = {
            "own": f"{served.name}/{registry.REPOSITORY}:1",
            "mirrored": f"images.example/{registry.REPOSITORY}:1",
        }
        password = lab.folder / "registry.password"
        password.write_text(registry.PASSWORD + "\n")
        password.chmod(0o600)
        put(
            self.folder,
            "shop.yaml",
            thing("Namespace", "shop", namespace=None),
            thing("ConfigMap", "prices", data={"tea": "3"}),
        )
        put(self.folder, "pods/own.yaml", pod("own", self.images["own"]))
        put(self.folder, "pods/mirrored.yaml", pod("mirrored", self.images["mirrored"]))
        put(self.folder, "a-lamp.yaml", thing("Lamp", "hall", "site.example/v1", watt=7), DEFINITION)
        put(self.folder, "key.yaml", thing("Secret", "key", stringData={"pin": "0815-shop"}))
        put(self.folder, "default.yaml", thing("ConfigMap", "plain", namespace=None, data={"a": "yes", "b": "12:30"}))

    def bend(self, data: dict[str, Any], *, ca: Path) -> None:
        """Give the profile all that a site may bring."""
        login = {"username": registry.USER, "password_file": "registry.password"}
        data["registries"] = [
            {"name": self.served.name, "ca": ca.name, **login},
            {"name": "images.example", "mirrors": [f"https://{self.served.name}"], "upstream": False},
        ]
        data["proxy"] = {"http_proxy": "http://198.18.255.1:3128"}
        data["manifests"] = "things"
        data["sysctls"] = {SETTING: 5000}
        data["time_servers"] = ["198.18.255.9"]
        data["extra_args"] = {
            "kube-apiserver": {"audit-log-maxage": 30},
            "kube-controller-manager": {"kube-api-qps": 60},
            "kube-scheduler": {"v": 3},
            "kubelet": {"max-pods": 77},
            "kube-proxy": {"iptables-sync-period": "45s"},
            "etcd": {"snapshot-count": 9000, "max-txn-ops": 256},
        }
        worker = data["hosts"][-1]
        worker["labels"] = {"example.com/tier": "gold"}
        worker["taints"] = [TAINT]

    def written(self, name: str, change: Callable[[dict[str, Any]], object] = lambda _: None, **more: Any) -> Path:
        def bend(data: dict[str, Any]) -> None:
            self.bend(data, **{"ca": self.served.ca, **more})
            change(data)

        return self.lab.written(name, bend)

    def node(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self.lab.kubectl("get", "node", name, "-o", "json")))

    def names(self, *words: str) -> set[str]:
        return set(self.lab.kubectl(*words, "-o", "name").split())

    def setting(self, host: str) -> str:
        return self.lab.on(host, f"cat /proc/sys/{SETTING.replace('.', '/')}")

    def running(self, host: str, process: str) -> str:
        return self.lab.on(host, f"for p in $(pgrep -x {process[:15]}); do tr '\\0' ' ' < /proc/$p/cmdline; done")


@pytest.fixture(scope="module")
def shop(labs: Labs, bundle: Bundle) -> Iterator[Shop]:
    lab = labs.open("site", workers=1)
    with registry.running(address(lab.datacenter.number, JUMP), lab.folder, registry.image(bundle)) as served:
        made = Shop(lab, served)
        lab.kept["before"] = {name: made.setting(name) for name in NODES}
        yield made
    labs.end("site")


def untouched(shop: Shop) -> bool:
    return all(shop.lab.on(name, "ls /etc/slipway /etc/containerd 2>/dev/null", check=False) == "" for name in NODES)


def test_what_can_not_work_is_refused_with_the_reason_before_anything_is_touched(shop: Shop) -> None:
    lab = shop.lab
    setting = {"net.core.no_such_thing": "1"}
    wrong = shop.written("wrong-ca", lambda data: data["sysctls"].update(setting), ca=shop.served.wrong_ca)
    said = lab.apply(wrong)
    assert (said.exit, said.result) == (3, "held")
    assert {problem["host"] for problem in said.found["problems"] if problem["code"] == "registry.tls"} == set(NODES)
    assert "certificate" in said.problem("registry.tls", "m1")["message"]
    assert "no_such_thing" in said.problem("sysctl.unknown", "m2")["message"]
    put(shop.folder, "broken.yaml", {"kind": "ConfigMap"})
    with lab.started("apply", shop.written("broken"), "--yes") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "broken.yaml, line 1" in out + err
    (shop.folder / "broken.yaml").unlink()
    assert untouched(shop)


def test_everything_reaches_the_hosts_and_the_cluster(shop: Shop) -> None:
    lab = shop.lab
    lab.installed(shop.written("site"))
    said: Said = lab.kept["first"]
    assert {"m1/registries", "w1/registries", "m2/manifests", "cluster/manifests", "cluster/nodes"} <= said.changed
    assert shop.names("-n", "shop", "get", "configmap,secret,lamps", "-l", "slipway/manifests") == {
        "configmap/prices", "secret/key", "lamp.site.example/hall",
    }  # fmt: skip
    assert lab.kubectl("get", "configmap", "plain", "-o", "jsonpath={.data}") == '{"a":"yes","b":"12:30"}'
    flags = {
        "kube-apiserver": "--audit-log-maxage=30", "kube-controller-manager": "--kube-api-qps=60",
        "kube-scheduler": "--v=3", "kubelet": "--max-pods=77", "kube-proxy": "--iptables-sync-period=45s",
        "etcd": "--max-txn-ops=256",
    }  # fmt: skip
    for name, flag in flags.items():
        assert f" {flag} " in f"{shop.running('m2', name)} ", name
    assert "ETCD_SNAPSHOT_COUNT=9000" in lab.on("m1", "cat /etc/etcd/etcd.env")
    assert "--kube-api-qps=50" not in shop.running("m2", "kube-controller-manager")
    node = shop.node("w1")
    assert node["metadata"]["labels"]["example.com/tier"] == "gold"
    assert {"key": "dedicated", "value": "site", "effect": "NoSchedule"} in node["spec"]["taints"]
    assert [shop.setting(name) for name in NODES] == ["5000"] * 4
    proxy = lab.on("w1", "tr '\\0' '\\n' < /proc/$(pgrep -x containerd | head -n 1)/environ")
    assert "http_proxy=http://198.18.255.1:3128" in proxy
    direct = next(line for line in proxy.splitlines() if line.startswith("no_proxy=")).partition("=")[2].split(",")
    assert {"10.244.0.0/16", "10.96.0.0/12", lab.vip, ".svc", ".cluster.local"} <= set(direct)
    assert lab.on("m3", "cat /etc/chrony/sources.d/slipway.sources").endswith("server 198.18.255.9 iburst")


def test_pods_run_from_the_private_registry_and_through_the_mirror(shop: Shop) -> None:
    lab = shop.lab

    def phases() -> set[str]:
        path = r"{range .items[*]}{.metadata.name}={.status.phase}@{.spec.nodeName}{'\n'}{end}"
        return set(lab.kubectl("-n", "shop", "get", "pods", "-o", f"jsonpath={path}").split())

    until("both Pods run", lambda: phases() == {"own=Running@w1", "mirrored=Running@w1"}, 60, lab.pods)
    worker = lab.host("w1").address
    manifests = [line for line in shop.served.asked if f"200 {worker} /v2/{registry.REPOSITORY}/manifests/1" in line]
    assert any(line.endswith("?ns=images.example") for line in manifests), shop.served.asked
    assert any(line.endswith("manifests/1") for line in manifests), shop.served.asked
    places = f"/etc/containerd/certs.d/{shop.served.name}/hosts.toml /etc/containerd/certs.d/images.example/hosts.toml"
    assert lab.on("w1", f"stat -c '%a %U' {places}").splitlines() == ["600 root", "600 root"]
    for secret in (registry.PASSWORD, "0815-shop"):
        for path in lab.cluster.rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_a_second_apply_changes_nothing(shop: Shop) -> None:
    said = shop.lab.apply(shop.written("site"))
    assert (said.exit, said.changed, said.found["problems"]) == (0, set(), [])


def test_all_of_it_follows_profile_and_folder(shop: Shop) -> None:
    lab = shop.lab
    put(shop.folder, "shop.yaml", thing("ConfigMap", "prices", data={"tea": "4"}))
    (shop.folder / "a-lamp.yaml").unlink()
    shutil.rmtree(shop.folder / "pods")
    lab.kubectl("-n", "shop", "patch", "secret", "key", "-p", json.dumps({"stringData": {"pin": "1"}}))
    lab.kubectl("label", "node", "w1", "example.com/hand=made")

    def change(data: dict[str, Any]) -> None:
        del data["sysctls"], data["time_servers"], data["registries"][1]
        data["hosts"][-1].update(labels={"example.com/tier": "silver", "example.com/new": ""}, taints=[])

    changed = shop.written("site", change)
    plan = lab.slipway("plan", changed)
    shown = {step["id"]: step["diff"] for step in plan.found["steps"]}
    assert any('"tea": "4"' in diff["after"] for diff in shown["m1/manifests"])
    assert [diff["subject"] for diff in shown["cluster/nodes"]] == ["node w1"]
    assert "0815-shop" not in json.dumps(plan.found)
    said = lab.apply(changed)
    assert (said.exit, said.result) == (0, "done")
    assert lab.kubectl("-n", "shop", "get", "configmap", "prices", "-o", "jsonpath={.data.tea}") == "4"
    assert lab.kubectl("-n", "shop", "get", "secret", "key", "-o", "jsonpath={.data.pin}") == "MDgxNS1zaG9w"
    # What holds other things stays: the namespace and the kind of lamps; the lamp and the Pods are gone.
    assert shop.names("-n", "shop", "get", "pods,lamps") == set()
    assert shop.names("get", "namespace/shop", "crd/lamps.site.example") == {
        "namespace/shop", "customresourcedefinition.apiextensions.k8s.io/lamps.site.example",
    }  # fmt: skip
    node = shop.node("w1")
    labels = {key: value for key, value in node["metadata"]["labels"].items() if key.startswith("example.com/")}
    assert labels == {"example.com/tier": "silver", "example.com/new": "", "example.com/hand": "made"}
    assert "taints" not in node["spec"]
    assert {name: shop.setting(name) for name in NODES} == lab.kept["before"]
    gone = "/etc/chrony/sources.d/slipway.sources /etc/containerd/certs.d/images.example"
    assert lab.on("w1", f"ls {gone} 2>/dev/null", check=False) in ("", "/etc/containerd/certs.d/images.example:")
    again = lab.apply(changed)
    assert (again.exit, again.changed) == (0, set())


def test_a_component_that_does_not_start_is_told_with_its_own_words(shop: Shop) -> None:
    lab = shop.lab
    bad = shop.written("bad-flag", lambda data: data["extra_args"]["kube-scheduler"].update({"no-such-flag": "1"}))
    said = lab.apply(bad)
    assert said.result in ("failed", "partial")
    assert "unknown flag: --no-such-flag" in "\n".join(one["message"] for one in said.found["problems"]), said
    assert said.found["seconds"] < 90
