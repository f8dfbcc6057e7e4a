"""Control plane and kubelet against what kubeadm 1.37.2 wrote: every difference is on purpose and has a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from wizard.profile.model import Role
from wizard.render import api
from wizard.render.control_plane import CREDENTIALS

from .sites import PRACTICE, by_path, profile, site

REFERENCE = Path(__file__).parent / "reference" / "kubeadm-1.37.2"

DIFFERENCES: dict[str, dict[str, str]] = {
    "kube-apiserver": {
        "metadata.annotations": "kubeadm's own bookkeeping, read by kubeadm alone",
        "status": "an empty status says nothing",
        "+ --bind-address=198.18.0.11": "haproxy has the same port on the VIP: 0.0.0.0 would clash",
        "+ --kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt": "kubelets' certificates are ours: verify them",
        "+ --shutdown-delay-duration=5s": "serves until every haproxy has seen that it stops",
        "+ --shutdown-send-retry-after=true": "ends its watches: they would keep it until it is killed",
    },
    "kube-controller-manager": {
        "status": "an empty status says nothing",
        "+ --kube-api-burst=100": "as kubelet and scheduler: its controllers begin seconds sooner after a failover",
        "+ --kube-api-qps=50": "as kubelet and scheduler: its controllers begin seconds sooner after a failover",
        "env": "its kubeconfig's digest: it reads that once, so a new one has to start it anew",
    },
    "kube-scheduler": {
        "status": "an empty status says nothing",
        "env": "its kubeconfig's digest: it reads that once, so a new one has to start it anew",
    },
    "kubelet": {
        "kubeReserved": "Pods must not starve kubelet and containerd",
        "systemReserved": "Pods must not starve the system",
        "registerWithTaints": "kubeadm taints a node afterwards, by the API",
        "shutdownGracePeriod": "a host that is shut down ends its Pods in order",
        "shutdownGracePeriodCriticalPods": "a host that is shut down ends its Pods in order",
        "tlsCertFile": "the serving certificate is issued by slipway, not self-signed",
        "tlsPrivateKeyFile": "the serving certificate is issued by slipway, not self-signed",
        "tlsMinVersion": "TLS 1.2 said out loud (CIS 4.2.12)",
    },
}


def command(pod: dict[str, Any]) -> set[str]:
    return set(pod["spec"]["containers"][0]["command"])


def without_command(pod: dict[str, Any], *drop: str) -> dict[str, Any]:
    plain = {key: value for key, value in pod.items() if key not in drop}
    plain["metadata"] = {key: value for key, value in pod["metadata"].items() if f"metadata.{key}" not in drop}
    container = {key: value for key, value in pod["spec"]["containers"][0].items() if key not in ("command", *drop)}
    plain["spec"] = {**pod["spec"], "containers": [container]}
    return plain


def meaningful(part: Any) -> Any:
    """Leave out zero values, which kubeadm writes out: they mean the default, as absence does."""
    if not isinstance(part, dict):
        return part
    plain = {key: meaningful(value) for key, value in part.items()}
    return {key: value for key, value in plain.items() if value is False or value not in (0, "0", "0s", "", None, {})}


@pytest.mark.parametrize("name", ["kube-apiserver", "kube-controller-manager", "kube-scheduler"])
def test_static_pod_differs_from_kubeadm_only_on_purpose(name: str) -> None:
    theirs = yaml.safe_load((REFERENCE / "manifests" / f"{name}.yaml").read_text())
    credentials = {"kube-controller-manager": "01234567", "kube-scheduler": "1e5"}
    files = by_path(api.static_pods(site(), site().profile.hosts[0], credentials))
    ours = yaml.safe_load(files[f"/etc/kubernetes/manifests/{name}.yaml"].text)
    reasons = DIFFERENCES[name]
    found = {f"+ {flag}" for flag in command(ours) - command(theirs)}
    found |= {f"- {flag}" for flag in command(theirs) - command(ours)}
    assert found == {key for key in reasons if key[0] in "+-"}
    drop = [key for key in reasons if key[0] not in "+-"]
    assert without_command(ours, *drop) == without_command(theirs, *drop)
    for key in drop:
        part = key.rpartition(".")[2]
        places = (theirs, theirs["metadata"], ours["spec"]["containers"][0])
        assert any(part in place for place in places), f"{key} is no difference any more: take it off the list"


def test_the_variable_is_text_and_is_not_there_without_credentials() -> None:
    host = site().profile.hosts[0]
    for credentials, wanted in (({}, None), ({"kube-scheduler": "1e5"}, [{"name": CREDENTIALS, "value": "1e5"}])):
        files = by_path(api.static_pods(site(), host, credentials))
        pod = yaml.safe_load(files["/etc/kubernetes/manifests/kube-scheduler.yaml"].text)
        assert pod["spec"]["containers"][0].get("env") == wanted


def test_kubelet_configuration_differs_from_kubeadm_only_on_purpose() -> None:
    theirs = yaml.safe_load((REFERENCE / "kubelet-config.yaml").read_text())
    practice = site(**PRACTICE)
    files = by_path(api.kubelet(practice, practice.profile.hosts[0]))
    ours = yaml.safe_load(files["/var/lib/kubelet/config.yaml"].text)
    theirs, ours = meaningful(theirs), meaningful(ours)
    differing = {key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key)}
    assert differing == set(DIFFERENCES["kubelet"])


def test_local_member_serves_the_apiserver_where_there_is_one() -> None:
    wanted = profile(3, 2)
    elsewhere = wanted.model_copy(
        update={"hosts": (wanted.hosts[0].model_copy(update={"roles": (Role.MASTER,)}), *wanted.hosts[1:])}
    )
    remote = by_path(api.static_pods(site(elsewhere), elsewhere.hosts[0]))[
        "/etc/kubernetes/manifests/kube-apiserver.yaml"
    ]
    local = by_path(api.static_pods(site(elsewhere), elsewhere.hosts[1]))[
        "/etc/kubernetes/manifests/kube-apiserver.yaml"
    ]
    members = ",".join(f"https://198.18.0.{n}:2379" for n in (12, 13, 21, 22))
    assert f"--etcd-servers={members}" in command(yaml.safe_load(remote.text))
    assert "--etcd-servers=https://127.0.0.1:2379" in command(yaml.safe_load(local.text))


def test_manifests_are_for_root_alone() -> None:
    """CIS 1.1.1, 1.1.3, 1.1.5."""
    for host in site().profile.hosts:
        for file in api.static_pods(site(), host):
            assert (file.mode, file.owner) == (0o600, "root:root")


def test_a_host_that_is_no_master_gets_no_control_plane() -> None:
    wanted = profile(3, 2)
    for component in (api.static_pods, api.kubelet, api.containerd, api.haproxy, api.keepalived):
        assert component(site(wanted), wanted.hosts[-1]) == ()
