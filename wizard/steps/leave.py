"""How a host leaves a cluster that stays: what runs on it goes elsewhere, before anything on it stops.

Nothing here takes by force: Pods are evicted, so PodDisruptionBudgets hold; the VIP is handed over; the apiserver gets
no new requests before it is told to end, and ends those it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from wizard.engine.step import Change, Context, Diff, Drifted, Probe, Satisfied, Step, Unknown, Verdict
from wizard.errors import SlipwayError
from wizard.profile.model import Host
from wizard.remote.base import Command
from wizard.render.places import MANIFESTS, PKI
from wizard.render.site import Site, endpoint_url
from wizard.steps.balancer import KEEPALIVED_UNIT, drain_fragment, undrain_fragment
from wizard.steps.kit import wait_on_host
from wizard.steps.kubectl import AGAIN, KUBECTL, PATIENCE, where_it_answers
from wizard.steps.objects import Object, items_of

MIRROR = "kubernetes.io/config.mirror"
"""The annotation of a static Pod's mirror (the kubelet's own)."""
STATIC_PODS = tuple(
    f"{MANIFESTS}/{name}.yaml" for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
)
_CUT = "--slipway-cut--"


def drain_step(
    host: Host, masters: Sequence[str], *, seconds: int, phase: str = "leave", force: bool = True,
    needs: tuple[str, ...] = (), after: tuple[str, ...] = (),
) -> Step:  # fmt: skip
    """Return the step after which no ordinary Pod is on `host` and none comes: its node is cordoned and drained.

    It is asked on the first of `masters` that works. Where Pods stay for longer than `seconds` it fails and names them;
    nothing of the host has been taken away then. `force` deletes those that nobody starts anew, too.
    """
    name = host.name
    pods = f"{KUBECTL} get pods -A --field-selector spec.nodeName={name} -o json"
    look = f"{KUBECTL} get node {name} --ignore-not-found -o json && echo {_CUT} && {pods}"

    def judge(output: str, status: int) -> Verdict:
        if status != 0:
            return Unknown("the API does not answer")
        node, _, listed = output.partition(_CUT)
        found = items_of(node)
        if not found:
            return Satisfied(f"there is no node {name}")
        left = ordinary(items_of(listed))
        closed = found[0].get("spec", {}).get("unschedulable")
        diff = [] if closed else [Diff(f"node {name}", "takes Pods", "takes none")]
        diff += [Diff(f"Pod {pod}", f"on {name}", "elsewhere") for pod in left]
        return Drifted(tuple(diff)) if diff else Satisfied(f"no Pod of users is on {name}")

    until = f"`kubectl uncordon {name}`" if phase == "leave" else "the maintenance ends"
    return Step(
        f"{name}/drain", "Pods move elsewhere", masters[0], phase, Probe(where_it_answers(look), judge),
        wait=_drain(name, pods, seconds, force=force, until=until), needs=needs, after=after,
        alternates=tuple(masters[1:]), weight=10, timeout=seconds + 120.0, settle=10.0,
    )  # fmt: skip


def ordinary(pods: Sequence[Object]) -> list[str]:
    """Return the Pods that a drain has to move, as ``namespace/name``: none of a DaemonSet, none that has ended."""
    return [
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for pod in pods
        if MIRROR not in pod["metadata"].get("annotations", {})
        and not any(owner.get("kind") == "DaemonSet" for owner in pod["metadata"].get("ownerReferences", ()))
        and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
    ]


def _drain(name: str, pods: str, seconds: int, *, force: bool, until: str) -> Callable[[Context], Awaitable[None]]:
    script = drained(name, seconds, force=force)

    async def drain(context: Context) -> None:
        done = await context.run(context.host, Command(f"{script} 2>&1 >/dev/null", timeout=seconds + 60))
        if done.ok:
            return
        listed = await context.run(context.host, Command(pods, timeout=30))
        left = ordinary(items_of(listed.text)) if listed.ok else []
        raise stuck(name, seconds, left, done.text, force=force, until=until)

    return drain


def drained(name: str, seconds: int, *, force: bool = True) -> str:
    """Return shell lines that drain the node `name`, for `seconds` in all however often the API breaks off meanwhile;
    the last line is a command, which succeeds where its Pods are gone.
    """
    options = f"--ignore-daemonsets --delete-emptydir-data{' --force' if force else ''}"
    drain = f'{KUBECTL} drain {name} {options} --timeout="${{left}}s"'
    return f"{AGAIN}drained() {{ {drain}; }}\nagain {seconds} drained"


def stuck(name: str, seconds: int, left: Sequence[str], said: str, *, force: bool, until: str) -> SlipwayError:
    """Return the error that says which Pods are still on `name`, and which a budget holds, by what kubectl `said`.

    `until` says when the node takes Pods again.
    """
    held = [pod for pod in left if any(_refused(pod, line) for line in said.splitlines())]
    rest = [pod for pod in left if pod not in held]
    parts = [f"{', '.join(held)}: a PodDisruptionBudget forbids to evict"] if held else []
    parts += [f"{', '.join(rest)}: did not end"] if rest else []
    return SlipwayError(
        f"{name} still has Pods after {seconds} s",
        where=name,
        why="; ".join(parts) or (said.strip().splitlines() or ["kubectl drain failed"])[-1],
        hint="Give them room on other nodes, or change their budget, then run again"
        f"{'' if force else ' (--force deletes those that nobody would start anew)'}. Nothing was taken away; "
        f"{name} takes no new Pods until {until}.",
        details="\n".join(said.strip().splitlines()[-10:]),
    )


def _refused(pod: str, line: str) -> bool:
    namespace, _, name = pod.partition("/")
    return f'pods/"{name}" -n "{namespace}"' in line and "disruption budget" in line


def gone_step(host: Host, masters: Sequence[str], *, needs: tuple[str, ...], after: tuple[str, ...] = ()) -> Step:
    """Return the step after which the cluster knows no node called as `host`; what the API still has there goes too."""
    name = host.name

    def judge(output: str, status: int) -> Verdict:
        if status != 0:
            return Unknown("the API does not answer")
        there = output.strip()
        return Drifted((Diff(f"node {name}", "there", ""),)) if there else Satisfied(f"there is no node {name}")

    return Step(
        f"{name}/node-gone", "Node is deleted", masters[0], "leave",
        Probe(where_it_answers(f"{KUBECTL} get node {name} --ignore-not-found -o name"), judge),
        Change(script=f"{AGAIN}again {PATIENCE} {KUBECTL} delete node {name} --ignore-not-found >/dev/null"),
        needs=needs, after=after, alternates=tuple(masters[1:]), weight=1, timeout=90.0, settle=5.0,
    )  # fmt: skip


def vip_step(site: Site, host: Host, *, needs: tuple[str, ...], after: tuple[str, ...]) -> Step:
    """Return the step after which `host` neither holds the VIP nor ever takes it: where it has it, another one gets it.

    keepalived says goodbye, and the VIP stays here until the next master has it.
    """
    vip = site.profile.endpoint.vip
    answers = f"curl -sf -m 2 -o /dev/null --cacert {PKI}/ca.crt {endpoint_url(site.profile)}/readyz"
    look = f"systemctl is-active {KEEPALIVED_UNIT}\nip -o -4 address show to {vip}/32"

    def judge(output: str, _status: int) -> Verdict:
        state, _, held = output.strip().partition("\n")
        diff = [Diff(KEEPALIVED_UNIT, state, "inactive")] if state in ("active", "activating", "deactivating") else []
        diff += [Diff("VIP", "held", "with another master")] if held.strip() else []
        return Drifted(tuple(diff)) if diff else Satisfied("it has no part in the VIP")

    return Step(
        f"{host.name}/vip", "VIP goes elsewhere", host.name, "leave", Probe(look, judge),
        Change(
            script=f"systemctl disable -q {KEEPALIVED_UNIT}\nsystemctl stop {KEEPALIVED_UNIT}\n"
            + wait_on_host(answers, 20, f"the API did not answer at {vip}", "ip -brief address")
        ),
        needs=needs, after=after, weight=2, timeout=60.0, settle=5.0,
    )  # fmt: skip


@asynccontextmanager
async def _forsaken(context: Context, masters: Sequence[Host], host: Host) -> AsyncIterator[None]:
    """Keep new requests away from the apiserver on `host` for good, on every haproxy that still knows it.

    Where the block fails it gets requests again. A haproxy that can't be told sees by its own checks when it ends.
    """

    async def tell(script: str) -> None:
        asked = (context.run(master.name, Command(script, timeout=20)) for master in masters)
        await asyncio.gather(*asked, return_exceptions=True)

    await tell(drain_fragment(host.name))
    try:
        yield
    except BaseException:
        await tell(undrain_fragment(host.name))
        raise


def silent_step(host: Host, masters: Sequence[Host], *, needs: tuple[str, ...], after: tuple[str, ...] = ()) -> Step:
    """Return the step that ends the control plane on `host`: no haproxy of `masters` or its own sends it anything new,
    and what it has under way comes to its end.
    """  # fmt: skip
    look = f"ls {' '.join(STATIC_PODS)} 2>/dev/null\npgrep -x kube-apiserver >/dev/null && echo running\n:"

    def judge(output: str, _status: int) -> Verdict:
        lines = output.split()
        diff = tuple(Diff(path, "there", "") for path in STATIC_PODS if path in lines)
        diff += (Diff("process kube-apiserver", "runs", "ended"),) if "running" in lines else ()
        return Drifted(diff) if diff else Satisfied("no control plane runs here")

    wait = wait_on_host("! pgrep -x kube-apiserver >/dev/null", 90, "kube-apiserver did not end", pause=0.5)
    return Step(
        f"{host.name}/control-plane-ends", "Control plane ends", host.name, "leave", Probe(look, judge),
        Change(absent=STATIC_PODS, script=wait), touches=frozenset({f"apiserver/{host.name}"}),
        around=lambda context: _forsaken(context, masters, host),
        needs=needs, after=after, weight=10, timeout=150.0, settle=10.0,
    )  # fmt: skip
