"""What is asked of the API once it answers: the cluster's own objects, the nodes, and that all of it came up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wizard.engine.step import Change, Diff, Drifted, Probe, Satisfied, Step, Unknown, Verdict
from wizard.profile.model import Host, Profile
from wizard.steps.kit import wait_on_host
from wizard.steps.kubectl import AGAIN, KUBECTL, PATIENCE, READY, asked_again, where_it_answers
from wizard.steps.objects import Object, compare, identity, items_of, label_of, parse

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def objects_step(
    id: str, title: str, hosts: Sequence[str], manifests: str, *, needs_any: tuple[str, ...], weight: float,
    fresh: bool = False,
) -> Step:  # fmt: skip
    """Return the step that holds the objects of the YAML stream `manifests` in the API.

    It is asked on the first of `hosts` that works. In a `fresh` cluster, where nothing was ever applied, the last of
    the objects is asked for first: where that one isn't, none is, and everybody waits for this step.
    """
    wanted = parse(manifests)
    document = f"<<'--slipway-manifests--'\n{manifests.strip()}\n--slipway-manifests--"
    probe = f"{KUBECTL} get --ignore-not-found -o json -f - {document}\n"
    if fresh:
        kind, namespace, name = identity(wanted[-1])
        last = f"{KUBECTL} get {kind} {name} {f'-n {namespace}' if namespace else ''} --ignore-not-found -o name"
        probe = f'if last=$({last}) && [ -z "$last" ]; then :; else\n{probe}fi\n'
    ready = wait_on_host(READY, 60, "no apiserver answered through haproxy")
    # To check them, kubectl would fetch the API's whole schema, which a fresh apiserver has yet to compute; a field
    # that the API doesn't know shows at the look afterwards.
    options = "--server-side --validate=false --force-conflicts --field-manager=slipway"
    apply = ready + asked_again(f"{KUBECTL} apply {options} -f - {document}")

    def judge(output: str, status: int) -> Verdict:
        if status != 0 and not output.strip():
            return Unknown("the API does not answer yet")
        diff = compare(wanted, output)
        return Drifted(diff) if diff else Satisfied(f"{len(wanted)} objects as wanted")

    return Step(
        id, title, hosts[0], "cluster", Probe(where_it_answers(probe), judge), Change(script=apply),
        needs_any=needs_any, alternates=tuple(hosts[1:]), weight=weight, timeout=120.0, settle=5.0,
    )  # fmt: skip


def rollout_step(
    id: str, title: str, hosts: Sequence[str], manifests: str, *,
    needs: tuple[str, ...] = (), after: tuple[str, ...] = (), weight: float, seconds: float = 180.0,
    networked: bool = True,
) -> Step:  # fmt: skip
    """Return the step that waits until every DaemonSet and Deployment of `manifests` has all its Pods ready.

    A node that is down holds nobody up: a DaemonSet may lack as many Pods as there are nodes that are not Ready. In a
    cluster whose Pod network is yet to come (not `networked`) no node is Ready, and that tells nothing.
    """
    workloads = tuple(item for item in parse(manifests) if item["kind"] in {"DaemonSet", "Deployment"})
    names = " ".join(f"{item['kind'].lower()}/{item['metadata']['name']}" for item in workloads)
    namespaces = sorted({item["metadata"]["namespace"] for item in workloads})
    get = "\n".join(
        f"{KUBECTL} -n {namespace} get -o json --ignore-not-found {_in(workloads, namespace)} | tr -d '\\n' && echo"
        for namespace in namespaces
    )
    nodes = f"{KUBECTL} get nodes -o jsonpath='{_READY}'"
    ready = "".join(
        asked_again(
            f"{KUBECTL} -n {item['metadata']['namespace']} rollout status --timeout={seconds:.0f}s "
            f"{item['kind'].lower()}/{item['metadata']['name']}",
            round(seconds),
        )
        for item in workloads
    )
    down = f"{AGAIN}nodes=$(again {PATIENCE} {nodes})\nif printf '%s\\n' \"$nodes\" | grep -qvx 'node True'"

    def judge(output: str, status: int) -> Verdict:
        lines = output.splitlines()
        live = [item for line in lines for item in items_of(line)]
        if not live and status != 0:
            return Unknown("the API does not answer yet")
        down = sum(networked and line.startswith("node ") and line != "node True" for line in lines)
        diff = tuple(diff for item in workloads if (diff := not_ready(item, live, down)))
        return Drifted(diff) if diff else Satisfied(f"{names} ready")

    return Step(
        id, title, hosts[0], "cluster", Probe(where_it_answers(f"{get}\n{nodes}"), judge),
        # kubectl would wait for the Pods of nodes that are down as well: then the looks after it do the waiting.
        Change(script=f"{down}; then :; else\n{ready}\nfi" if networked else ready),
        needs=needs, after=after, alternates=tuple(hosts[1:]), weight=weight, timeout=seconds + 30, settle=seconds,
    )  # fmt: skip


_READY = r'{range .items[*]}node {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}'
"""A line a node, as a template for kubectl: ``node True`` where it is Ready."""


def not_ready(wanted: Object, live: Sequence[Object], down: int = 0) -> Diff | None:
    """Return a diff where a workload is missing or has fewer ready Pods than it wants; `down` nodes are not Ready."""
    kind, meta = wanted["kind"], wanted["metadata"]
    for item in live:
        there = item.get("metadata", {})
        if item.get("kind") == kind and there.get("name") == meta["name"]:
            if there.get("namespace") != meta["namespace"]:
                continue
            status: dict[str, Any] = item.get("status", {})
            if kind == "DaemonSet":
                want, have = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0) + down
                fresh = status.get("updatedNumberScheduled", 0) + down >= want
            else:
                want, have = item.get("spec", {}).get("replicas", 1), status.get("readyReplicas", 0)
                fresh = status.get("updatedReplicas", 0) >= want
            observed = status.get("observedGeneration", 0) >= there.get("generation", 1)
            if want and have >= want and fresh and observed:
                return None
            ready = status.get("numberReady", 0) if kind == "DaemonSet" else have
            return Diff(label_of(wanted), f"{ready} of {want} Pods ready", "all ready")
    return Diff(label_of(wanted), "", "all ready")


def node_step(profile: Profile, host: Host, *, needs: tuple[str, ...], weight: float, networked: bool = True) -> Step:
    """Return the step that makes `host` a Ready node with the labels and taints of a master.

    Not `networked` it need not be Ready: that comes with a Pod network that somebody else brings.
    """
    name = host.name
    label = f"{KUBECTL} label --overwrite node {name} {CONTROL_PLANE}= -o jsonpath='{{.spec.taints[*].key}}'"
    taint, wanted = f"{KUBECTL} taint --overwrite node {name} {CONTROL_PLANE}", not profile.masters_schedulable
    # A kubelet registers with the taint where the profile wants one: mostly there is nothing to do.
    arms = (f"*{CONTROL_PLANE}*) ;; *) {taint}=:NoSchedule", f"*{CONTROL_PLANE}*) {taint}:NoSchedule-")
    marked = asked_again(f'taints=$({label}) && case "$taints" in {arms[0] if wanted else arms[1]};; esac')
    # One kubectl that watches: one after the other would keep the processor from the kubelet they wait for.
    there = f"{KUBECTL} wait --for=create node/{name} >/dev/null 2>&1"
    ready = f"{KUBECTL} wait --for=condition=Ready node/{name} >/dev/null 2>&1"
    registered = wait_on_host(f"{there} --timeout=30s", 90, f"node {name} did not register", LOGS)
    became_ready = wait_on_host(f"{ready} --timeout=30s", 130, f"node {name} did not become Ready", LOGS)
    wait = f"{ready} --timeout=20s || {WAKE}\n{became_ready}\n" if networked else ""
    words = IS[networked]

    def judge(output: str, status: int) -> Verdict:
        found = items_of(output)
        if not found:
            return (
                Unknown("the API does not answer yet") if status != 0 else Drifted((Diff(f"node {name}", "", words),))
            )
        diff = master_differences(found[0], host, schedulable=profile.masters_schedulable, networked=networked)
        return Drifted(diff) if diff else Satisfied(f"node {name} is {words}")

    return Step(
        f"{name}/node", f"Node is {words}", name, "nodes",
        Probe(where_it_answers(f"{KUBECTL} get node {name} --ignore-not-found -o json"), judge),
        Change(
            script=f"{there} --timeout=10s || {WAKE}\n{registered}\n{marked}\n{wait}"
        ),
        needs=needs, weight=weight, timeout=300.0, settle=10.0,
    )  # fmt: skip


IS = {True: "Ready", False: "registered"}
"""What a node has to become, by whether its Pod network comes with the cluster."""
WAKE = "systemctl restart kubelet"
"""A kubelet that waited long for its API asks ever more rarely, up to a minute apart; started anew it asks at once."""
LOGS = "journalctl -u kubelet -n 15 --no-pager -o cat >&2"


def master_differences(node: Object, host: Host, *, schedulable: bool, networked: bool = True) -> tuple[Diff, ...]:
    """Return what of a master's Node object is not as wanted: label, taint, Ready, its address."""
    subject = f"node {host.name}"
    diff = []
    if CONTROL_PLANE not in node["metadata"].get("labels", {}):
        diff.append(Diff(f"{subject} label", "", CONTROL_PLANE))
    tainted = any(
        taint.get("key") == CONTROL_PLANE and taint.get("effect") == "NoSchedule"
        for taint in node.get("spec", {}).get("taints", ())
    )
    if tainted == schedulable:
        words = ("none", "NoSchedule")
        diff.append(Diff(f"{subject} taint {CONTROL_PLANE}", words[tainted], words[not tainted]))
    return (*diff, *node_differences(node, host, networked=networked))


def node_differences(node: Object, host: Host, *, networked: bool = True) -> tuple[Diff, ...]:
    """Return what of any Node object is not as wanted: Ready (where it is `networked`), its address."""
    subject = f"node {host.name}"
    diff = []
    status = node.get("status", {})
    ready: Object = next((item for item in status.get("conditions", ()) if item.get("type") == "Ready"), {})
    if networked and ready.get("status") != "True":
        diff.append(Diff(f"{subject} condition Ready", str(ready.get("message", "unknown"))[:200], "True"))
    address = next((item["address"] for item in status.get("addresses", ()) if item["type"] == "InternalIP"), "")
    if address and address != host.ip:
        diff.append(Diff(f"{subject} InternalIP", address, host.ip))
    return tuple(diff)


def endpoint_step(profile: Profile, hosts: Sequence[str], *, needs_any: tuple[str, ...], weight: float) -> Step:
    """Return the step that proves the endpoint: the API answers through the VIP, with its certificate verified."""
    url = f"https://{profile.endpoint.vip}:{profile.endpoint.port}/readyz"
    authority = "/etc/kubernetes/pki/ca.crt"
    # A bare host is not asked: nobody has the VIP yet, and to find that out takes as long as it may.
    test = f"[ -e {authority} ] && curl -sf -m 2 -o /dev/null --cacert {authority} {url}"

    def judge(_output: str, status: int) -> Verdict:
        if status == 0:
            return Satisfied(f"{url} answers")
        return Drifted((Diff(f"API at {url}", "no answer", "answers"),))

    evidence = "ip -brief address; systemctl --no-pager -l -n 10 status keepalived haproxy"
    return Step(
        "cluster/endpoint", "API answers through the VIP", hosts[0], "cluster", Probe(test, judge),
        Change(script=wait_on_host(test, 60, f"the API did not answer at {url}", evidence)),
        needs_any=needs_any, alternates=tuple(hosts[1:]), weight=weight, timeout=90.0, settle=5.0,
    )  # fmt: skip


def _in(workloads: Sequence[Object], namespace: str) -> str:
    return " ".join(
        f"{item['kind'].lower()}/{item['metadata']['name']}"
        for item in workloads
        if item["metadata"]["namespace"] == namespace
    )
