"""How a worker joins: TLS bootstrap through the VIP, with a token of this run that is gone when all have joined.

Whoever has the token may ask for a node's certificate and look at nodes, no more (`assets/rbac`). It goes over as a
stream and as a file for root alone, never in a command line.
https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/
"""

from __future__ import annotations

import datetime
import secrets
import shlex
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace

import yaml

from wizard.engine.step import Change, Diff, Drifted, Pipe, Probe, Satisfied, Step, Unknown, Verdict
from wizard.pki.hosts import bootstrap_kubeconfig
from wizard.pki.judge import Expectation, judge_certificate
from wizard.pki.store import Pki
from wizard.pki.wanted import CA, node_client
from wizard.profile.model import Host
from wizard.remote.base import Secret
from wizard.render.places import BOOTSTRAP_KUBECONFIG, KUBELET_CLIENT, KUBELET_KUBECONFIG, PKI
from wizard.render.site import Site, endpoint_url
from wizard.steps.cluster import IS, LOGS, WAKE, node_differences
from wizard.steps.kit import files_of, files_step, wait_on_host
from wizard.steps.kubectl import KUBECTL, asked_again, where_it_answers
from wizard.steps.objects import items_of

MINUTES = 60
"""How long a token is taken at most: what removes it may never come to its turn."""
_LABEL = "slipway/join"
_EXPIRES = "@EXPIRES@"
_ALPHABET = string.ascii_lowercase + string.digits
_TOKENS = f"{KUBECTL} -n kube-system get secret -l {_LABEL} -o name"


@dataclass(frozen=True, slots=True)
class Token:
    """A bootstrap token: `id` is public, the name of its Secret; the rest is not."""

    id: str
    secret: Secret

    @property
    def whole(self) -> Secret:
        """Return the token as a kubelet says it."""
        return Secret(f"{self.id}.{self.secret.reveal()}")


def new_token() -> Token:
    """Return a new random token of the form that Kubernetes takes: 6 and 16 characters."""
    first, second = ("".join(secrets.choice(_ALPHABET) for _ in range(length)) for length in (6, 16))
    return Token(first, Secret(second))


def joins(site: Site, host: Host, keys: Pki | None) -> bool:
    """Tell whether the kubelet of worker `host` has no way to the API yet: no certificate that serves, or none to
    this endpoint.

    A host that could not be looked at does not join in this run.
    """
    facts = site.facts_of(host)
    if facts is None or keys is None:
        return facts is not None
    traces = facts.traces
    if traces.kubelet_server != endpoint_url(site.profile):
        return True
    now = datetime.datetime.now(datetime.UTC)
    expectation = Expectation(node_client(host), keys.pair(CA).certificate, now)
    return bool(judge_certificate(traces.kubelet_certificate.encode(), expectation))


def token_step(
    token: Token | None, masters: Sequence[str], workers: Sequence[str], *, needs: tuple[str, ...], weight: float
) -> Step:
    """Return the step that makes the token by which `workers` join; without one it says that `apply` makes it."""
    name = f"bootstrap-token-{token.id if token else 'NEW'}"
    subject = f"Secret kube-system/{name}"
    to_come = Drifted((Diff(subject, "", f"for {', '.join(workers)} to join with; ends after {MINUTES} min"),))

    def judge(output: str, status: int) -> Verdict:
        if token and output.strip():
            return Satisfied(f"{subject} is there")
        return Unknown("the API does not answer yet") if status != 0 else to_come

    step = Step(
        "cluster/join-token", "Token for new workers", masters[0], "cluster", Probe("true", judge),
        needs=needs, alternates=tuple(masters[1:]), weight=weight, timeout=90.0, settle=5.0,
    )  # fmt: skip
    if token is None:
        return step
    look = f"{KUBECTL} -n kube-system get secret {name} --ignore-not-found -o name"
    until = f"$(date -u -d '+{MINUTES} min' +%Y-%m-%dT%H:%M:%SZ)"
    apply = f"{KUBECTL} apply --server-side --force-conflicts --field-manager=slipway -f -"
    send = asked_again(f"""printf '%s\\n' "$token" | {apply}""")
    make = f'token=$(sed "s/{_EXPIRES}/{until}/")\n{send}'
    change = Change(pipes=(Pipe(subject, _manifest(token), make),))
    return replace(step, probe=Probe(where_it_answers(look), judge), change=change, secrets=(token.secret, token.whole))


def _manifest(token: Token) -> bytes:
    """Return the Secret of a bootstrap token.

    https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#bootstrap-token-secret-format
    """
    item = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"bootstrap-token-{token.id}",
            "namespace": "kube-system",
            "labels": {_LABEL: "yes"},
        },
        "type": "bootstrap.kubernetes.io/token",
        "stringData": {
            "description": "For workers that slipway joins; removed when they have.",
            "token-id": token.id,
            "token-secret": token.secret.reveal(),
            "expiration": _EXPIRES,
            "usage-bootstrap-authentication": "true",
            "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
        },
    }
    return yaml.safe_dump(item, sort_keys=False).encode()


def no_token_step(masters: Sequence[str], *, after: tuple[str, ...], weight: float) -> Step:
    """Return the step that holds no token of slipway's in the API, once those who need one have tried: this run's, and
    what a run that was killed left.
    """

    def judge(output: str, status: int) -> Verdict:
        if status != 0:
            return Unknown("the API does not answer yet")
        diff = tuple(Diff(f"Secret kube-system/{line.partition('/')[2]}", "there") for line in output.split())
        return Drifted(diff) if diff else Satisfied("no token is left")

    return Step(
        "cluster/no-join-token", "Token for new workers is gone", masters[0], "cluster",
        Probe(where_it_answers(_TOKENS), judge),
        Change(script=asked_again(f"{KUBECTL} -n kube-system delete secret -l {_LABEL} --ignore-not-found")),
        after=after, alternates=tuple(masters[1:]), weight=weight, timeout=90.0, settle=5.0,
    )  # fmt: skip


def join_step(
    site: Site, host: Host, keys: Pki | None, token: Token | None, *, needs: tuple[str, ...], weight: float
) -> Step:
    """Return the step that puts the token where the worker's kubelet reads it, and takes away what no longer serves."""
    name, title = f"{host.name}/join", "Bootstrap kubeconfig"
    if keys is None or token is None:
        diff = Drifted((Diff(BOOTSTRAP_KUBECONFIG, "", "made by `slipway apply`"),))
        return Step(name, title, host.name, "node", Probe("true", lambda _output, _status: diff), needs=needs)
    files = files_of([bootstrap_kubeconfig(keys, site.profile, token.whole.reveal())])
    # A kubelet would hold on to a certificate of another authority, and to another endpoint, until its last day.
    script = f"rm -f {KUBELET_KUBECONFIG} {KUBELET_CLIENT}\nsystemctl try-restart kubelet.service 2>/dev/null || true"
    step = files_step(name, title, host.name, "node", files, script=script, needs=needs, weight=weight)
    return replace(step, secrets=(token.secret, token.whole))


def joined_step(host: Host, *, needs: tuple[str, ...]) -> Step:
    """Return the step that holds no token on a worker that has joined: its kubelet renews its certificate itself."""

    def judge(output: str, _status: int) -> Verdict:
        return Drifted((Diff(BOOTSTRAP_KUBECONFIG, "there"),)) if output.strip() else Satisfied("no token is left")

    return Step(
        f"{host.name}/joined", "Bootstrap kubeconfig is gone", host.name, "nodes",
        Probe(f"[ ! -e {BOOTSTRAP_KUBECONFIG} ] || echo there", judge),
        Change(absent=(BOOTSTRAP_KUBECONFIG,)), needs=needs, weight=0.2,
    )  # fmt: skip


def worker_step(site: Site, host: Host, *, needs: tuple[str, ...], weight: float, networked: bool = True) -> Step:
    """Return the step that makes a worker a Ready node. It asks with the kubelet's own certificate, through the VIP.

    Not `networked` it need not be Ready: that comes with a Pod network that somebody else brings.
    """
    name = host.name
    url = shlex.quote(f"{endpoint_url(site.profile)}/api/v1/nodes/{name}")
    credentials = f"--cacert {PKI}/ca.crt --cert {KUBELET_CLIENT} --key {KUBELET_CLIENT}"
    ask = f"curl -sf -m 5 {credentials} {url}"
    there = f"{ask} >/dev/null 2>&1"
    # The API writes a condition's type before its status, always.
    ready = f"""{ask} | tr -d ' \\n' | grep -q '"type":"Ready","status":"True"'"""

    def judge(output: str, status: int) -> Verdict:
        found = items_of(output)
        if not found:
            # curl's 22: the API answered with an error, above all that there is no such node.
            return (
                Drifted((Diff(f"node {name}", "", IS[networked]),))
                if status == 22
                else Unknown("the kubelet has not joined yet, or the API does not answer at the VIP")
            )
        diff = node_differences(found[0], host, networked=networked)
        return Drifted(diff) if diff else Satisfied(f"node {name} is {IS[networked]}")

    wait = (
        f"( {wait_on_host(ready, 20, '')} ) 2>/dev/null || {WAKE}\n"
        f"{wait_on_host(ready, 130, f'node {name} did not become Ready', LOGS)}\n"
    )
    return Step(
        f"{name}/node", f"Node is {IS[networked]}", name, "nodes", Probe(ask, judge),
        Change(
            script=f"( {wait_on_host(there, 15, '')} ) 2>/dev/null || {WAKE}\n"
            f"{wait_on_host(there, 90, f'node {name} did not register', LOGS)}\n{wait if networked else ''}"
        ),
        needs=needs, weight=weight, timeout=300.0, settle=10.0,
    )  # fmt: skip
