"""A worker's way in: who needs a token, where it goes, and that nobody sees it."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import yaml

from tests.unit.render.sites import profile, site
from wizard.engine.step import Change, Drifted, File, Satisfied, Step, Unknown
from wizard.engine.stream import encode
from wizard.facts.traces import ClusterTraces
from wizard.pki.certificates import Wanted, new_leaf
from wizard.pki.store import Pki, make
from wizard.pki.wanted import node_client, wanted
from wizard.render.site import Site
from wizard.steps import join

from .samples import judged

NOW = datetime.datetime.now(datetime.UTC)
HERE = profile(3, 0, 2)
W1 = HERE.host("w1")
VIP = "https://198.18.0.100:6443"
TOKEN = join.new_token()


@cache
def keys() -> Pki:
    return make(wanted(HERE), None, NOW)[0]


def issued(item: Wanted | None = None, authority: str = "ca", age: int = 0) -> str:
    made = new_leaf(item or node_client(W1), keys().pair(authority), NOW - datetime.timedelta(days=age))
    return made.certificate.decode()


def found(**traces: Any) -> Site:
    here = site(HERE)
    facts = replace(here.facts["w1"], traces=ClusterTraces(**traces))
    return replace(here, facts={**here.facts, "w1": facts})


@pytest.mark.parametrize(
    ("traces", "needs_one"),
    [
        (lambda: {"kubelet_server": VIP, "kubelet_certificate": issued()}, False),
        (dict, True),
        (lambda: {"kubelet_server": VIP}, True),
        (lambda: {"kubelet_certificate": issued()}, True),
        (lambda: {"kubelet_server": "https://198.18.0.99:6443", "kubelet_certificate": issued()}, True),
        (lambda: {"kubelet_server": VIP, "kubelet_certificate": issued(age=400)}, True),
        (lambda: {"kubelet_server": VIP, "kubelet_certificate": issued(age=360)}, False),
        (lambda: {"kubelet_server": VIP, "kubelet_certificate": issued(authority="etcd/ca")}, True),
        (lambda: {"kubelet_server": VIP, "kubelet_certificate": issued(node_client(HERE.host("w2")))}, True),
        (lambda: {"kubelet_server": VIP, "kubelet_certificate": "no certificate"}, True),
    ],
    ids=[
        "joined", "new", "no certificate", "no kubeconfig", "another endpoint", "expired", "soon renewed by itself",
        "another authority", "another node's", "text",
    ],
)  # fmt: skip
def test_who_needs_a_token(traces: Any, needs_one: bool) -> None:
    assert join.joins(found(**traces()), W1, keys()) is needs_one


def test_a_host_that_was_not_looked_at_gets_none_and_a_new_cluster_gives_all() -> None:
    blind = replace(site(HERE), facts={})
    assert not join.joins(blind, W1, keys())
    assert not join.joins(blind, W1, None)
    assert join.joins(site(HERE), W1, None)


def test_tokens_are_of_the_form_that_kubernetes_takes_and_each_is_another() -> None:
    """https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#token-format"""
    tokens = [join.new_token() for _ in range(50)]
    assert all(re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", token.whole.reveal()) for token in tokens)
    assert len({token.whole.reveal() for token in tokens}) == 50
    assert TOKEN.secret.reveal() not in repr(TOKEN)


def token_step(token: join.Token | None = TOKEN) -> Step:
    return join.token_step(token, ["m1", "m2", "m3"], ["w1", "w2"], needs=(), weight=1)


def join_step() -> Step:
    return join.join_step(site(HERE), W1, keys(), TOKEN, needs=(), weight=1)


def change_of(step: Step) -> Change:
    assert isinstance(step.change, Change)
    return step.change


def test_the_token_is_an_hours_secret_that_may_only_join() -> None:
    (pipe,) = change_of(token_step()).pipes
    assert isinstance(pipe.content, bytes)
    kubectl = "exec 5>&1; kubectl() { cat >&5; }; "
    done = subprocess.run(["sh", "-c", kubectl + pipe.command], input=pipe.content, capture_output=True, check=True)
    item = yaml.safe_load(done.stdout)
    assert (item["kind"], item["type"]) == ("Secret", "bootstrap.kubernetes.io/token")
    assert item["metadata"]["namespace"] == "kube-system"
    assert item["metadata"]["name"] == f"bootstrap-token-{TOKEN.id}"
    data = item["stringData"]
    assert f"{data['token-id']}.{data['token-secret']}" == TOKEN.whole.reveal()
    assert data["auth-extra-groups"] == "system:bootstrappers:kubeadm:default-node-token"
    assert {key for key, value in data.items() if value == "true"} == {"usage-bootstrap-authentication"}
    left = datetime.datetime.fromisoformat(data["expiration"]) - datetime.datetime.now(datetime.UTC)
    assert 3500 < left.total_seconds() <= 3600


def test_the_token_is_made_once_a_run() -> None:
    name = f"Secret kube-system/bootstrap-token-{TOKEN.id}"
    assert judged(token_step(), "") == [name]
    assert [pipe.subject for pipe in change_of(token_step()).pipes] == [name]
    assert judged(token_step(), f"secret/bootstrap-token-{TOKEN.id}\n") == []
    assert isinstance(token_step().probe.judge("", 1), Unknown)


def test_the_token_goes_over_as_a_stream_and_is_masked_wherever_output_is_kept() -> None:
    secret = TOKEN.secret.reveal()
    for step in (token_step(), join_step()):
        change = change_of(step)
        encoded = encode(change, fragments=[step.probe.script], known=())
        assert secret not in encoded.command.script, step.id
        assert any(isinstance(part, bytes) and secret.encode() in part for part in encoded.command.stdin), step.id
        assert secret in {item.reveal().rpartition(".")[2] for item in step.secrets}
        verdict = step.probe.judge("", 0)
        assert isinstance(verdict, Drifted)
        assert secret not in repr(verdict)


def test_a_plan_without_a_token_says_that_one_would_be_made() -> None:
    for step in (token_step(None), join.join_step(site(HERE), W1, keys(), None, needs=(), weight=1)):
        verdict = step.probe.judge("", 0)
        assert isinstance(verdict, Drifted)
        assert "w1, w2" in verdict.diff[0].after or "slipway apply" in verdict.diff[0].after
        assert step.change == Change()
        assert step.probe.script == "true"


def test_the_bootstrap_kubeconfig_leads_to_the_vip_and_trusts_this_cluster_alone() -> None:
    (file,) = change_of(join_step()).files
    assert (file.path, file.mode, file.secret) == ("/etc/kubernetes/bootstrap-kubelet.conf", 0o600, True)
    assert isinstance(file, File)
    assert isinstance(file.content, bytes)
    config = yaml.safe_load(file.content)
    assert config["clusters"][0]["cluster"]["server"] == VIP
    assert "insecure-skip-tls-verify" not in config["clusters"][0]["cluster"]
    assert config["users"][0]["user"] == {"token": TOKEN.whole.reveal()}
    assert config["contexts"][0]["context"]["user"] == config["users"][0]["name"]


def test_what_does_not_serve_any_more_is_taken_from_the_kubelet_before_it_asks_anew() -> None:
    script = change_of(join_step()).script
    assert "/etc/kubernetes/kubelet.conf" in script
    assert "/var/lib/kubelet/pki/kubelet-client-current.pem" in script


def test_a_worker_that_joined_keeps_no_token() -> None:
    step = join.joined_step(W1, needs=())
    assert judged(step, "") == []
    missing = judged(step, "there\n")
    assert change_of(step).narrowed(frozenset(missing)).absent == ("/etc/kubernetes/bootstrap-kubelet.conf",)


def test_every_token_of_slipways_goes_and_no_other() -> None:
    step = join.no_token_step(["m1", "m2"], after=(), weight=1)
    assert judged(step, "") == []
    assert judged(step, "secret/bootstrap-token-aaaaaa\nsecret/bootstrap-token-bbbbbb\n") == [
        "Secret kube-system/bootstrap-token-aaaaaa", "Secret kube-system/bootstrap-token-bbbbbb",
    ]  # fmt: skip
    assert isinstance(step.probe.judge("", 1), Unknown)
    (pipe,) = change_of(token_step()).pipes
    assert isinstance(pipe.content, bytes)
    ((label, _),) = yaml.safe_load(pipe.content)["metadata"]["labels"].items()
    assert f" delete secret -l {label} " in change_of(step).script
    assert f" -l {label} " in step.probe.script


def node(**status: Any) -> dict[str, Any]:
    plain = {
        "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "198.18.0.51"}],
    }
    return {"kind": "Node", "metadata": {"name": "w1"}, "status": plain | status}


@pytest.mark.parametrize(
    ("seen", "wrong"),
    [
        (node(), []),
        (node(conditions=[{"type": "Ready", "status": "False", "message": "no CNI"}]), ["node w1 condition Ready"]),
        (node(conditions=[]), ["node w1 condition Ready"]),
        (node(addresses=[{"type": "InternalIP", "address": "198.18.0.100"}]), ["node w1 InternalIP"]),
    ],
)
def test_a_worker_is_ready_under_its_own_address_and_has_no_role(seen: dict[str, Any], wrong: list[str]) -> None:
    step = join.worker_step(site(HERE), W1, needs=(), weight=1)
    assert judged(step, json.dumps(seen, indent=2)) == wrong
    assert "label" not in change_of(step).script
    assert "taint" not in change_of(step).script


@pytest.mark.parametrize(("status", "kind"), [(22, Drifted), (7, Unknown), (58, Unknown), (127, Unknown)])
def test_no_answer_is_told_from_no_such_node(status: int, kind: type) -> None:
    """curl's statuses: the API refused, nobody listens, no certificate yet; and a host without curl."""
    step = join.worker_step(site(HERE), W1, needs=(), weight=1)
    assert isinstance(step.probe.judge("", status), kind)


def test_a_worker_is_asked_for_with_its_own_certificate_through_the_vip() -> None:
    script = join.worker_step(site(HERE), W1, needs=(), weight=1).probe.script
    assert f"{VIP}/api/v1/nodes/w1" in script
    assert "--cacert /etc/kubernetes/pki/ca.crt" in script
    assert "super-admin" not in script


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(("status", "ready"), [("True", True), ("False", False), ("Unknown", False)])
def test_the_wait_sees_what_the_judge_sees(indent: int | None, status: str, ready: bool) -> None:
    step = join.worker_step(site(HERE), W1, needs=(), weight=1)
    seen = node(conditions=[{"type": "Ready", "status": status, "reason": "KubeletReady"}])
    test = next(line for line in change_of(step).script.splitlines() if "grep" in line)
    test = test.removeprefix("until ").removeprefix("( ").removesuffix("; do")
    said = json.dumps(seen, indent=indent)
    done = subprocess.run(["sh", "-c", f"curl() {{ cat; }}; {test}"], input=said.encode(), check=False)
    assert (done.returncode == 0) is ready
    assert isinstance(step.probe.judge(said, 0), Satisfied if ready else Drifted)
