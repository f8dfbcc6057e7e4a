"""Taking a host out for maintenance, and back: Pods, the apiserver's clients, VIP and etcd's leader go elsewhere.

A host that is out runs on all the while; the others count on nothing that it does. So it may be patched, rebooted or
switched off at any moment.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from wizard.engine.step import Change, Diff, Drifted, File, Probe, Satisfied, Step, Unknown, Verdict
from wizard.facts.maintenance import NOTE, Note, dump
from wizard.profile.model import Host, Role
from wizard.render.node import is_node
from wizard.render.places import (
    BALANCER_HEALTH_PORT,
    CONTROLLER_MANAGER_PORT,
    HAPROXY_STATE,
    PKI,
    RUN,
    SCHEDULER_PORT,
)
from wizard.render.site import Site, endpoint_url
from wizard.steps.cluster import LOGS
from wizard.steps.etcd import READY, api_ready
from wizard.steps.kit import files_step, wait_on_host
from wizard.steps.kubectl import AGAIN, KUBECTL, PATIENCE, where_it_answers
from wizard.steps.objects import items_of

CORDONED = "slipway/cordoned"
"""The annotation of a node that was made unschedulable by slipway: what a person made so stays so."""
LET_GO = f"{RUN}/let-go"
"""That the apiserver was started anew for this maintenance, as its note's number; gone with a reboot."""


def note_step(host: str, note: Note, *, needs: tuple[str, ...] = ()) -> Step:
    """Return the step that holds on `host` the note of who is out."""
    files = (File(NOTE, dump(note).encode()),)
    return files_step(f"{host}/note", "Note of who is out", host, "maintenance", files, needs=needs, weight=0.2)


def cordon_step(host: Host, masters: Sequence[str], *, needs: tuple[str, ...]) -> Step:
    """Return the step after which no new Pod comes to the node. It is asked on the first of `masters` that works."""
    name = host.name
    script = f"""{AGAIN}
again {PATIENCE} {KUBECTL} annotate --overwrite node {name} {CORDONED}=maintenance >/dev/null
again {PATIENCE} {KUBECTL} cordon {name} >/dev/null
"""

    def judge(output: str, status: int) -> Verdict:
        found = items_of(output)
        if not found:
            return Unknown("the API does not answer") if status != 0 else Satisfied(f"there is no node {name}")
        if found[0].get("spec", {}).get("unschedulable"):
            return Satisfied("unschedulable")
        return Drifted((Diff(f"node {name}", "schedulable", "unschedulable"),))

    return Step(
        f"{name}/cordon", "No new Pods", masters[0], "maintenance",
        Probe(where_it_answers(f"{KUBECTL} get node {name} --ignore-not-found -o json"), judge), Change(script=script),
        needs=needs, alternates=tuple(masters[1:]), weight=0.5, timeout=90.0, settle=5.0,
    )  # fmt: skip


def let_go_step(host: Host, note: Note, *, needs: tuple[str, ...]) -> Step:
    """Return the step in which the apiserver on `host` is started anew, once: clients that have been on it for long
    are told to go, what they asked is answered, and they come back by another.
    """
    name = "kube-apiserver"
    anew = f'[ "$(pgrep -o -x {name})" != "$old" ] && {api_ready(host)}'
    script = f"""
old=$(pgrep -o -x {name} || true)
[ -z "$old" ] || kill -TERM "$old"
{wait_on_host(anew, 150, f"{name} did not become ready again", f"pgrep -a {name}; {LOGS}")}
echo {note.number} > {LET_GO}
"""

    def judge(output: str, _status: int) -> Verdict:
        if output.strip() == str(note.number):
            return Satisfied("its apiserver has no old clients")
        return Drifted((Diff("clients of its apiserver", "may be there", "with the others"),))

    return Step(
        f"{host.name}/let-go", "Its apiserver lets its clients go", host.name, "maintenance",
        Probe(f"cat {LET_GO} 2>/dev/null || true", judge), Change(script=script),
        needs=needs, weight=12, timeout=210.0,
    )  # fmt: skip


def vip_step(site: Site, host: Host, *, needs: tuple[str, ...]) -> Step:
    """Return the step after which another master holds the VIP: keepalived gives it up as if haproxy were gone.

    That lasts until another has it; then the host is one that would take it, as the others are.
    """
    vip = site.profile.endpoint.vip
    here = f"ip -4 -o address show to {vip}/32"
    url = f"{endpoint_url(site.profile)}/livez"
    elsewhere = f'[ -z "$({here})" ] && curl -sf -m 1 -o /dev/null --cacert {PKI}/ca.crt {url}'
    script = f"""
back() {{ if systemctl is-active -q haproxy.service; then echo 0 > {HAPROXY_STATE}; fi; }}
trap back EXIT
echo 1 > {HAPROXY_STATE}
{wait_on_host(elsewhere, 10, f"no other master took {vip}", "systemctl status --no-pager -n 5 keepalived", pause=0.05)}
"""

    def judge(output: str, _status: int) -> Verdict:
        return Drifted((Diff(f"VIP {vip}", host.name, "another master"),)) if output.strip() else Satisfied("elsewhere")

    return Step(
        f"{host.name}/vip", "Another master holds the VIP", host.name, "maintenance", Probe(here, judge),
        Change(script=script), needs=needs, weight=1, timeout=30.0, settle=3.0,
    )  # fmt: skip


def works_step(host: Host) -> Step:
    """Return the step that waits until all that runs on `host` works again."""
    tests = {}
    if Role.ETCD in host.roles:
        tests["etcd"] = READY
    if is_node(host):
        tests["kubelet"] = "curl -sf -m 2 -o /dev/null http://127.0.0.1:10248/healthz"
    if Role.MASTER in host.roles:
        tests |= {
            "apiserver": api_ready(host),
            "controller-manager": f"curl -skf -m 2 -o /dev/null https://127.0.0.1:{CONTROLLER_MANAGER_PORT}/healthz",
            "scheduler": f"curl -skf -m 2 -o /dev/null https://127.0.0.1:{SCHEDULER_PORT}/healthz",
            "haproxy": f"curl -sf -m 2 -o /dev/null http://127.0.0.1:{BALANCER_HEALTH_PORT}/",
            "keepalived": "systemctl is-active -q keepalived.service",
        }
    looks = "\n".join(f"if {test}; then :; else echo {name}; fi" for name, test in tests.items())
    waits = "\n".join(
        wait_on_host(test, 240, f"{name} does not work again", f"systemctl --failed --no-pager; {LOGS}")
        for name, test in tests.items()
    )

    def judge(output: str, _status: int) -> Verdict:
        diff = tuple(Diff(name, "does not work", "works") for name in output.split())
        return Drifted(diff) if diff else Satisfied(f"{', '.join(tests)} work")

    return Step(
        f"{host.name}/works", "All on it works again", host.name, "maintenance", Probe(looks, judge),
        Change(script=waits), weight=10, timeout=300.0, settle=20.0,
    )  # fmt: skip


def uncordon_step(host: Host, masters: Sequence[str], *, needs: tuple[str, ...]) -> Step:
    """Return the step that waits until the node is Ready, and lets Pods come again where slipway kept them away."""
    name = shlex.quote(host.name)
    script = f"""{AGAIN}
is_ready() {{ {KUBECTL} wait --for=condition=Ready node/{name} --timeout="${{left}}s"; }}
again 180 is_ready >/dev/null
cordoned=$(again {PATIENCE} {KUBECTL} get node {name} -o jsonpath='{{.metadata.annotations.{CORDONED}}}')
if [ -n "$cordoned" ]; then
  again {PATIENCE} {KUBECTL} uncordon {name} >/dev/null
  again {PATIENCE} {KUBECTL} annotate node {name} {CORDONED}- >/dev/null
fi
"""

    def judge(output: str, status: int) -> Verdict:
        found = items_of(output)
        if not found:
            return Unknown("the API does not answer") if status != 0 else Satisfied(f"there is no node {name}")
        conditions = found[0].get("status", {}).get("conditions", ())
        diff = []
        if not any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions):
            diff.append(Diff(f"node {name}", "not Ready", "Ready"))
        if CORDONED in found[0]["metadata"].get("annotations", {}):
            diff.append(Diff(f"node {name}", "unschedulable", "schedulable"))
        return Drifted(tuple(diff)) if diff else Satisfied("Ready, for Pods as before")

    return Step(
        f"{host.name}/uncordon", "Pods may come again", masters[0], "maintenance",
        Probe(where_it_answers(f"{KUBECTL} get node {name} --ignore-not-found -o json"), judge), Change(script=script),
        needs=needs, alternates=tuple(masters[1:]), weight=3, timeout=300.0, settle=10.0,
    )  # fmt: skip
