"""Proving a cluster by using it: what Pods, Services, DNS, logs and commands in Pods do on every node.

One script on one master tries everything, through the VIP, and leaves a line for each thing tried. The steps after it
read those lines, a step for each thing that users rely on, so that a person sees what fails, where, and what to do.
What was tried counts in its own run only. What passed is noted on that master with a digest of what the cluster is
made of: an install tries again when that has changed, not each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wizard.engine.step import Blocked, Change, Diff, Drifted, Probe, Satisfied, Step, Unknown, Verdict
from wizard.errors import Level, Problem
from wizard.profile.model import Host, Network
from wizard.render.api import Manifest, Site
from wizard.render.files import fill
from wizard.render.images import image_refs
from wizard.render.node import is_node
from wizard.render.places import RUN
from wizard.render.pod_network import pod_network
from wizard.render.site import endpoint_url
from wizard.steps.kubectl import AGAIN, kubectl

RESULTS = f"{RUN}/verify"
"""What the last verify on this master tried: its run, a line for each try, and ``done`` where it came to its end."""
NOTE = "/var/lib/slipway/verified"
"""The digest of what passed last on this master."""
LABEL = "slipway/verify"
"""Every namespace that verify makes has it."""
PORT = 8080
SERVICE = "service"
"""What a Pod tried stands here where it is no node's Pod."""
UNTOLD = "its Pod could not be told to try"
"""Why nothing was tried from a node on which no command runs."""
MOST = 15
"""How many other nodes' Pods each Pod tries: all of them in a cluster of up to 16 nodes, its neighbours in a larger."""
SECONDS = 300.0
"""What the script may take where all that it waits for never comes; and 3 s more a node."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that users rely on: `what` in the results, its title, its failure in words, and what to do then."""

    what: str
    title: str
    fails: str
    hint: str


_KUBELET = "The apiservers must reach TCP 10250 on that node, and trust its certificate (`slipway apply` mends that)."
_FIRST = "Where Pods don't reach each other by address, mend that first."
_PROXY = "Look at the logs of that node's kube-proxy, in namespace kube-system."
CHECKS = (
    Check(
        "pods",
        "Every node runs a Pod",
        "Not every node runs a Pod",
        "`slipway status` tells of that node; so does `journalctl -u kubelet -u containerd -n 50` on it.",
    ),
    Check("logs", "Logs are read on all nodes through the VIP", "Logs can't be read on every node", _KUBELET),
    Check("exec", "Commands run in Pods on all nodes through the VIP", "Commands don't run on every node", _KUBELET),
    Check(
        "address",
        "Pods on all nodes reach each other by address",
        "Pods don't reach each other by address",
        pod_network(Network()).look,
    ),
    Check(
        "name",
        "Pods on all nodes find Pods and Services by name",
        "Names are not found from Pods",
        f"{_FIRST} Then look at the logs of k8s-app=kube-dns in namespace kube-system.",
    ),
    Check(
        "service",
        "Pods on all nodes reach a Service",
        "A Service is not reached from Pods",
        f"{_FIRST} {_PROXY}",
    ),
    Check(
        "nodeport",
        "Every node answers at a NodePort",
        "Not every node answers at a NodePort",
        f"{_FIRST} TCP 30000 to 32767 must be open on every node. {_PROXY}",
    ),
    Check("closed", "A NodePort closes with its Service", "A NodePort stays open without its Service", _PROXY),
    Check(
        "again",
        "A Pod that is killed is made anew",
        "A Pod that was killed is not made anew",
        "Controller manager and scheduler do that: look at their Pods in namespace kube-system.",
    ),
    Check(
        "clean",
        "Nothing is left behind",
        "Something is left behind",
        "`kubectl describe namespace` says what holds it. The next verify tries again to remove it.",
    ),
)


@dataclass(frozen=True, slots=True)
class Try:
    """One thing that was tried: `why` is empty where it worked. `frm` and `to` are nodes, or empty."""

    what: str
    frm: str
    to: str
    why: str


def verify_steps(
    site: Site, manifests: Sequence[Manifest], run: str, *, needs: tuple[str, ...] = (), installing: bool = False
) -> tuple[Step, ...]:
    """Return the steps that prove the cluster of `site`, whose own objects are `manifests`, in the run `run`.

    It is done on the first master that works. At the end of an install (`installing`) what is noted as proven is left
    alone, and a node that isn't there is another step's failure.
    """
    masters = tuple(host.name for host in site.profile.masters)
    digest = digest_of(site, manifests)
    passed = digest if installing else ""
    look = pod_network(site.profile.network).look
    checks = [replace(check, hint=look) if check.what == "address" else check for check in CHECKS]
    tried = Step(
        "verify/try", "All is tried on every node", masters[0], "verify",
        Probe(_read("^done$"), lambda output, _: judge_run(output, run, passed)),
        Change(script=script(site, run, digest), ours=(NOTE,)),
        needs=needs, alternates=masters[1:], weight=10, timeout=SECONDS + 3 * len(_nodes(site)),
    )  # fmt: skip
    return (tried, *(_check_step(check, masters, run, passed, absent=not installing) for check in checks))


def _check_step(check: Check, masters: tuple[str, ...], run: str, passed: str, *, absent: bool) -> Step:
    lines = (f"^{check.what}|", "^absent|") if check.what == "pods" and absent else (f"^{check.what}|",)
    return Step(
        f"verify/{check.what}", check.title, masters[0], "verify",
        Probe(_read(*lines), lambda output, _: judge_check(output, check, run, passed)),
        needs=("verify/try",), alternates=masters[1:], weight=0.1, timeout=30.0,
    )  # fmt: skip


def _read(*lines: str) -> str:
    """Return the fragment that prints what is noted, of which run the results are, and those `lines` of them."""
    wanted = " ".join(f"-e '/{line}/p'" for line in ("^run|", *lines))
    return f'echo "passed|$(cat {NOTE} 2>/dev/null)"; [ ! -f {RESULTS} ] || sed -n {wanted} {RESULTS}'


def digest_of(site: Site, manifests: Sequence[Manifest]) -> str:
    """Return a digest of what a verified cluster is made of: versions, its own objects, its nodes."""
    nodes = [(host.name, host.ip) for host in _nodes(site)]
    parts = (site.uid, site.versions, nodes, [(part.name, part.yaml) for part in manifests])
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _nodes(site: Site) -> tuple[Host, ...]:
    return tuple(host for host in site.profile.hosts if is_node(host))


def script(site: Site, run: str, digest: str) -> str:
    """Return the script that tries everything, as it runs on a master."""
    profile = site.profile
    return fill(
        "verify/verify.sh",
        again=AGAIN,
        kubectl=kubectl(endpoint_url(profile)),
        nodes=" ".join(host.name for host in _nodes(site)),
        domain=profile.network.dns_domain,
        pods=fill("verify/pods.yaml", label=LABEL, port=PORT, image=image_refs(site.versions)["kube-proxy"]),
        inside=fill("verify/try.sh", port=PORT),
        label=LABEL,
        most=MOST,
        untold=UNTOLD,
        results=RESULTS,
        note=NOTE,
        run=run,
        digest=digest,
    )


def judge_run(output: str, run: str, passed: str) -> Verdict:
    """Judge whether there is anything to try: not in a run that has done so, nor where `passed` is noted."""
    lines = output.splitlines()
    if run and f"run|{run}" in lines and "done" in lines:
        return Satisfied("everything was tried")
    if passed and f"passed|{passed}" in lines:
        return Satisfied("this cluster was verified as it is")
    return Drifted((Diff("the cluster in use", "not tried", "tried on every node"),))


def judge_check(output: str, check: Check, run: str, passed: str) -> Verdict:
    """Judge one check by what was tried in this run; where nothing was, by whether `passed` is noted."""
    lines = output.splitlines()
    if not run or f"run|{run}" not in lines:
        noted = bool(passed) and f"passed|{passed}" in lines
        return Satisfied("was so when this cluster was verified") if noted else Unknown("it has not been tried yet")
    tries = sorted(tries_of(lines), key=lambda item: (item.frm, item.to))
    failed = [item for item in tries if item.why]
    if tries and not failed:
        return Satisfied(f"{len(tries)} of {len(tries)} tries")
    words = message_of(check, failed) if failed else f"{check.fails}: it could not be tried, as no Pod works"
    hint = check.hint if any(item.why != UNTOLD for item in failed) else "Mend what is named first, then verify again."
    return Blocked(Problem(f"verify.{check.what}", Level.ERROR, words, hint, host=_common(failed)))


def tries_of(lines: Sequence[str]) -> tuple[Try, ...]:
    """Return what was tried, as the results' lines tell it."""
    words = (line.split("|", 3) for line in lines if not line.startswith(("run|", "passed|")))
    return tuple(Try(*item) for item in words if len(item) == 4)


def message_of(check: Check, failed: Sequence[Try]) -> str:
    """Return in one sentence what failed: each reason once, with all the nodes or pairs of nodes it is true for."""
    reasons: dict[str, list[str]] = {}
    for item in failed:
        reasons.setdefault(item.why, []).append(" → ".join(name for name in (item.frm, item.to) if name))
    parts = [f"{_some(places)}: {why}" if all(places) else why for why, places in reasons.items()]
    return f"{check.fails}: {'; '.join(parts)}"


def _some(places: Sequence[str], most: int = 12) -> str:
    more = len(places) - most
    return ", ".join(places) if more <= 0 else f"{', '.join(places[:most])} and {more} more"


def _common(failed: Sequence[Try]) -> str:
    """Return the one node that all failures have in common, or an empty text."""
    sets = [{item.frm, item.to} - {"", SERVICE} for item in failed]
    common = set.intersection(*sets) if sets else set()
    return common.pop() if len(common) == 1 else ""
