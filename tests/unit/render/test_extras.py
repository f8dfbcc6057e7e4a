"""What a site brings of its own, as it lies on hosts: registries, proxy, flags, labels, kernel settings."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from wizard.profile.extras import ExtraArgs, Registry, Words
from wizard.profile.model import Profile
from wizard.remote.base import Secret
from wizard.render import api
from wizard.render.arguments import proxy_flags, with_variables
from wizard.render.extras_files import ExtrasFiles
from wizard.render.proxy import direct, environment
from wizard.render.registries import endpoints, secrets, unasked
from wizard.render.site import Site

from .sites import PRACTICE, by_path, profile, site

OWN = "registry.example:5000"
CERTS = "/etc/containerd/certs.d"
PEM = b"-----BEGIN CERTIFICATE-----\n"


def with_registries(*registries: Registry, **passwords: str) -> Site:
    wanted = profile(registries=registries)
    told = {name.replace("_", "."): Secret(text) for name, text in passwords.items()}
    extras_files = ExtrasFiles({OWN: PEM}, told or {OWN: Secret("pa:ss")}, read=True)
    return replace(site(wanted), extras_files=extras_files)


def hosts_toml(of: Site, registry: str) -> dict[str, Any]:
    return tomllib.loads(by_path(api.registries(of, of.profile.hosts[0]))[f"{CERTS}/{registry}/hosts.toml"].text)


LOGIN = f"Basic {base64.b64encode(b'pull:pa:ss').decode()}"


def test_a_private_registry_has_its_authority_and_its_login_for_root_alone() -> None:
    of = with_registries(Registry(name=OWN, ca="/x/ca.pem", username="pull"))
    files = by_path(api.registries(of, of.profile.hosts[0]))
    assert files.keys() == {f"{CERTS}/{OWN}/hosts.toml", f"{CERTS}/{OWN}/ca.crt"}
    file = files[f"{CERTS}/{OWN}/hosts.toml"]
    assert (file.mode, file.secret) == (0o600, True)
    assert hosts_toml(of, OWN) == {
        "server": f"https://{OWN}", "ca": f"{CERTS}/{OWN}/ca.crt", "header": {"Authorization": LOGIN},
    }  # fmt: skip
    assert files[f"{CERTS}/{OWN}/ca.crt"].content == PEM
    assert {"pa:ss", LOGIN, LOGIN.removeprefix("Basic ")} == {secret.reveal() for secret in secrets(of)}


def test_a_mirror_takes_the_authority_and_login_of_the_registry_it_is() -> None:
    of = with_registries(
        Registry(name=OWN, ca="/x/ca.pem", username="pull"),
        Registry(name="docker.io", mirrors=(f"https://{OWN}/v2/hub", "https://open.example")),
        Registry(name="quay.io", mirrors=("https://open.example", f"https://{OWN}"), upstream=False),
    )
    docker = hosts_toml(of, "docker.io")
    assert docker["server"] == "https://registry-1.docker.io"
    first, second = docker["host"].items()
    assert first == (
        f"https://{OWN}/v2/hub",
        {
            "capabilities": ["pull", "resolve"], "ca": f"{CERTS}/{OWN}/ca.crt", "override_path": True,
            "header": {"Authorization": LOGIN},
        },
    )  # fmt: skip
    assert second == ("https://open.example", {"capabilities": ["pull", "resolve"]})
    quay = hosts_toml(of, "quay.io")
    # Where the registry itself must not be asked, the last mirror stands in its place.
    assert (quay["server"], quay["header"]) == (f"https://{OWN}", {"Authorization": LOGIN})
    assert list(quay["host"]) == ["https://open.example"]


def test_a_registry_without_a_login_is_no_secret_and_etcd_hosts_have_none() -> None:
    of = replace(with_registries(Registry(name="quay.io", mirrors=("https://open.example",))))
    file = by_path(api.registries(of, of.profile.hosts[0]))[f"{CERTS}/quay.io/hosts.toml"]
    assert (file.mode, file.secret) == (0o644, False)
    apart = replace(of, profile=profile(3, 1, registries=of.profile.registries))
    assert api.registries(apart, apart.profile.hosts[3]) == ()


def test_a_password_nobody_gave_is_named_and_no_empty_login_is_written() -> None:
    of = with_registries(Registry(name=OWN, username="pull"), nobody="x")
    assert unasked(of) == (OWN,)
    assert "header" not in hosts_toml(of, OWN)


@pytest.mark.parametrize(
    ("mirror", "api_address"),
    [
        ("https://m.example", "https://m.example/v2/"),
        ("https://m.example/hub", "https://m.example/hub/v2/"),
        ("https://m.example/v2/hub", "https://m.example/v2/"),
        ("https://m.example/hub/v2", "https://m.example/v2/"),
    ],
)
def test_where_a_registry_is_asked_whether_it_would_serve(mirror: str, api_address: str) -> None:
    registry = Registry(name="docker.io", mirrors=(mirror,), upstream=False)
    (place,) = endpoints(with_registries(registry), registry)
    assert place.api == api_address


def flags(**given: Mapping[str, Any]) -> Profile:
    return profile(extra_args=ExtraArgs.model_validate(given))


def command(of: Site, name: str) -> list[str]:
    file = by_path(api.static_pods(of, of.profile.hosts[0]))[f"/etc/kubernetes/manifests/{name}.yaml"]
    return list(yaml.safe_load(file.content)["spec"]["containers"][0]["command"])


def test_flags_take_the_place_of_slipways_or_come_after_them() -> None:
    given = {
        "kube-controller-manager": {"kube-api-qps": 60, "v": "4"},
        "kube-apiserver": {"audit-log-path": "a: 'b\"#"},
    }
    of = site(flags(**given))
    plain, now = (command(one, "kube-controller-manager") for one in (site(), of))
    assert [word for word in plain if word not in now] == ["--kube-api-qps=50"]
    assert [word for word in now if word not in plain] == ["--kube-api-qps=60", "--v=4"]
    assert now.index("--kube-api-qps=60") == plain.index("--kube-api-qps=50")
    assert command(of, "kube-apiserver")[-1] == "--audit-log-path=a: 'b\"#"
    assert command(of, "kube-scheduler") == command(site(), "kube-scheduler")


def test_flags_of_the_kubelet_follow_its_own() -> None:
    of = site(flags(kubelet={"max-pods": 77, "eviction-hard": "memory.available<200Mi"}))
    text = by_path(api.kubelet(of, of.profile.hosts[0]))["/etc/kubernetes/kubelet.env"].text
    assert ' --eviction-hard=memory.available<200Mi --max-pods=77"' in text


def test_etcd_has_each_setting_once_and_unknown_flags_where_it_refuses_them() -> None:
    of = site(flags(etcd={"snapshot-count": 9000, "max-txn-ops": 256}))
    files = by_path(api.etcd(of, of.profile.hosts[0]))
    lines = files["/etc/etcd/etcd.env"].text.splitlines()
    assert [line for line in lines if "SNAPSHOT" in line] == ["ETCD_SNAPSHOT_COUNT=9000"]
    assert "ExecStart=/usr/local/bin/etcd --max-txn-ops=256\n" in files["/etc/systemd/system/etcd.service"].text
    plain = by_path(api.etcd(site(), of.profile.hosts[0]))
    assert "ExecStart=/usr/local/bin/etcd\n" in plain["/etc/systemd/system/etcd.service"].text
    assert with_variables("A=1\n", {}) == ("A=1\n", {})


def manifest(of: Site, name: str) -> str:
    return next(part.yaml for part in api.manifests(of) if part.name == name)


def test_kube_proxy_gets_all_as_flags_since_it_passes_over_them_beside_a_file() -> None:
    of = site(flags(kube_proxy={"iptables-sync-period": "45s", "conntrack-min": 5}), **PRACTICE)
    (daemons,) = (item for item in yaml.safe_load_all(manifest(of, "kube-proxy")) if item["kind"] == "DaemonSet")
    words = daemons["spec"]["template"]["spec"]["containers"][0]["command"]
    assert words == [
        "/usr/local/bin/kube-proxy", "--cluster-cidr=10.244.0.0/16", "--conntrack-max-per-core=0", "--conntrack-min=5",
        "--iptables-sync-period=45s", "--kubeconfig=/etc/kubernetes/node-api.conf", "--proxy-mode=iptables",
        "--hostname-override=$(NODE_NAME)",
    ]  # fmt: skip
    assert "--config=/var/lib/kube-proxy/config.conf" in manifest(site(), "kube-proxy")
    with pytest.raises(KeyError):
        proxy_flags("kind: X\nnever: heard\n", {})


def test_images_come_by_the_proxy_and_the_clusters_own_never() -> None:
    wanted = profile(3, 0, 1, proxy={"https_proxy": "http://p.example:3128", "no_proxy": [".example"]})
    of = site(Profile.model_validate(wanted.model_dump()))
    host = of.profile.hosts[0]
    unit = by_path(api.containerd(of, host))["/etc/systemd/system/containerd.service"].text
    assert 'Environment="HTTPS_PROXY=http://p.example:3128"' in unit
    assert 'Environment="https_proxy=http://p.example:3128"' in unit
    assert "HTTP_PROXY" not in unit
    spared = direct(of, host)
    assert {"10.244.0.0/16", "10.96.0.0/12", "198.18.0.100", "198.18.0.0/24", ".svc", ".cluster.local", ".example"} <= {
        *spared
    }
    assert f'Environment="NO_PROXY={",".join(spared)}"' in unit
    # One host more in the same network changes nothing on those that are there.
    more = Profile.model_validate(
        {**wanted.model_dump(), "hosts": [*wanted.hosts, {"name": "w9", "address": "198.18.0.99"}]}
    )
    assert direct(site(more), host) == spared
    assert "Environment" not in by_path(api.containerd(site(), host))["/etc/systemd/system/containerd.service"].text
    assert environment(site(), host) == ()


def test_a_node_comes_with_its_taints() -> None:
    wanted = profile()
    hosts = (wanted.hosts[0].model_copy(update={"taints": ("gpu=yes:NoSchedule", "x:NoExecute")}), *wanted.hosts[1:])
    of = site(wanted.model_copy(update={"hosts": hosts}))
    config = yaml.safe_load(by_path(api.kubelet(of, hosts[0]))["/var/lib/kubelet/config.yaml"].content)
    assert config["registerWithTaints"] == [
        {"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane"},
        {"effect": "NoSchedule", "key": "gpu", "value": "yes"},
        {"effect": "NoExecute", "key": "x"},
    ]


def test_kernel_settings_of_the_site_come_last_and_stay_off_another_machines_kernel() -> None:
    wanted = profile(sysctls=Words({"vm.swappiness": "1", "net.core.somaxconn": "4096  8192"}))
    host = wanted.hosts[0]
    text = by_path(api.system(site(wanted), host))["/etc/sysctl.d/90-slipway.conf"].text
    assert text.endswith("net.core.somaxconn = 4096 8192\nvm.swappiness = 1\n")
    inside = by_path(api.system(site(wanted, **PRACTICE), host))["/etc/sysctl.d/90-slipway.conf"].text
    assert inside.endswith("net.core.somaxconn = 4096 8192\n")
    assert "swappiness" not in inside
