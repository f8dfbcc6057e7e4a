"""Taking a host back to what it was before slipway: a step for each layer, from what runs down to the host's marker.

What slipway put there it knows by the marker; what was there before, by its notes in `STATE`, which go last of all. So
a reset that was killed is done again from whatever it had come to.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wizard.engine.marker import DIRECTORIES, FOLDERS, MARKER, STATE, parse
from wizard.engine.step import Change, Diff, Drifted, Probe, Satisfied, Step, Unknown, Verdict
from wizard.profile.model import Host, Profile
from wizard.render.files import fill
from wizard.render.places import ETCD_CONFIG, ETCD_PKI, KUBELET_KUBECONFIG, RUN
from wizard.render.pod_network import POD_NETWORKS
from wizard.render.site import Site
from wizard.steps import balancer, control_plane, etcd, runtime
from wizard.steps.host import TURNED_OFF
from wizard.steps.kubectl import KUBECTL, PATIENCE, where_it_answers
from wizard.steps.leave import drained
from wizard.steps.remains import STAYS, remains, running, stays

UNITS = (
    control_plane.KUBELET_UNIT, balancer.KEEPALIVED_UNIT, balancer.HAPROXY_UNIT, etcd.UNIT, runtime.UNIT,
)  # fmt: skip
CHAINS = ("KUBE-", *(name for row in POD_NETWORKS for name in row.chains))
LINKS = tuple(name for row in POD_NETWORKS for name in row.links)
NETWORKS = tuple(row.cni_name for row in POD_NETWORKS if row.cni_name)
TABLES = ("kube-proxy", *(name for row in POD_NETWORKS for name in row.tables))
DRAIN_SECONDS = 120


def reset_steps(
    site: Site, host: Host, *, run: str = "", keep_packages: bool = False, after: tuple[str, ...] = ()
) -> tuple[Step, ...]:
    """Return the steps that put `host` back, one after another, the first one after those that are named `after`.

    What the kernel refuses to take back in the run `run` is told and holds up nothing; another run tries it again.
    On a host without a marker there is nothing to put back, but what a killed reset may have left of slipway's notes.
    """
    facts = site.facts_of(host)
    marker = parse(facts.traces.marker.text) if facts else None
    steps: list[Step] = []

    def add(name: str, title: str, step: Callable[..., Step], **more: Any) -> None:
        needs = (steps[-1].id,) if steps else ()
        steps.append(step(f"{host.name}/{name}", title, host.name, needs=needs, after=() if needs else after, **more))

    if marker and marker.uid:
        add("stop", "Services and Pods end", _stop, vip=site.profile.endpoint.vip)
        add("pod-network", "Pod network", _network, values=network_values(site.profile))
        add("data", "Pods' data, images, etcd's data", _data)
        add("files", "Files and settings as before", _files, paths=tuple(marker.files))
        add("kernel", "Kernel parameters and swap as before", _kernel, run=run)
        if not keep_packages:
            add("packages", "Packages as before", _packages)
        add("services", "Services as before", _services)
    add("free", "Nothing of slipway is left", _free)
    return tuple(steps)


def _step(
    id: str, title: str, host: str, template: str, values: Mapping[str, Any], judge: str | Callable[[str], Verdict], *,
    needs: tuple[str, ...], after: tuple[str, ...], timeout: float, weight: float,
) -> Step:  # fmt: skip
    """Return a step whose script looks (a line for each thing that is left) or takes away.

    `judge` judges the look, or is what is said where it names nothing.
    """
    look, change = (fill(f"reset/{template}.sh", **values, look=each) for each in (True, False))

    def verdict(output: str, _status: int) -> Verdict:
        return _verdict(remains(output, template), judge) if isinstance(judge, str) else judge(output)

    return Step(
        id, title, host, "reset", Probe(look, verdict),
        Change(script=change),
        needs=needs, after=after, timeout=timeout, weight=weight, settle=5.0,
    )  # fmt: skip


def _verdict(diff: tuple[Diff, ...], fine: str) -> Verdict:
    return Drifted(diff) if diff else Satisfied(fine)


def _stop(id: str, title: str, host: str, *, vip: str, **more: Any) -> Step:
    values = {
        "units": " ".join(UNITS),
        "kubelet": control_plane.KUBELET_UNIT,
        "containerd": runtime.STATE,
        "directories": DIRECTORIES,
        "vip": vip,
    }

    def verdict(output: str) -> Verdict:
        return _verdict(running(output), "nothing of the cluster runs")

    return _step(id, title, host, "stop", values, verdict, timeout=180.0, weight=15, **more)


def network_values(profile: Profile) -> dict[str, str]:
    """Return what the script that takes the Pod network off a host is filled with."""
    return {
        "links": " ".join(shlex.quote(name) for name in LINKS),
        "chains": "|".join(CHAINS),
        "tables": "|".join(TABLES),
        "networks": "|".join(NETWORKS),
        "pods": profile.network.pod_cidr,
        "nodes": "|".join(host.ip.replace(".", r"\.") for host in profile.hosts),
    }


def _network(id: str, title: str, host: str, *, values: Mapping[str, str], **more: Any) -> Step:
    return _step(id, title, host, "network", values, "no link, route or rule of it", timeout=60.0, weight=1, **more)


def _data(id: str, title: str, host: str, **more: Any) -> Step:
    return _step(id, title, host, "data", data_values(), "nothing of it is left", timeout=300.0, weight=3, **more)


def data_values(root: str = "") -> dict[str, Any]:
    """Return what the script that removes data is filled with. `root` is a prefix of all paths (tests).

    A worker's kubelet writes its kubeconfig by itself as it joins; a master's comes back where there was one before.
    """
    return {
        "root": root,
        "directories": DIRECTORIES,
        "folders": FOLDERS,
        "paths": " ".join((*control_plane.KUBELET_STATE, KUBELET_KUBECONFIG, "/opt/containerd")),
        "containerd": runtime.STATE,
    }


def _files(id: str, title: str, host: str, *, paths: Sequence[str], **more: Any) -> Step:
    return _step(id, title, host, "files", files_values(paths), "as before slipway", timeout=120.0, weight=2, **more)


def files_values(paths: Sequence[str], root: str = "") -> dict[str, Any]:
    """Return what the script that puts files back is filled with: `paths` are the marker's."""
    return {
        "root": root,
        "state": STATE,
        "paths": "\n".join(sorted(path for path in paths if not path.startswith(f"{STATE}/"))),
        "made": f"{ETCD_PKI} {ETCD_CONFIG}",
    }


def _kernel(id: str, title: str, host: str, *, run: str, **more: Any) -> Step:
    def verdict(output: str) -> Verdict:
        stay = tuple(line.removeprefix(STAYS) for line in output.splitlines() if line.startswith(STAYS))
        left = remains("\n".join(line for line in output.splitlines() if not line.startswith(STAYS)), "kernel")
        if left or not stay:
            return _verdict(left, "as before slipway")
        return Satisfied(f"can't be put back: {', '.join(stay)}", tuple(stays(host, what) for what in stay))

    return _step(id, title, host, "kernel", kernel_values(run), verdict, timeout=120.0, weight=0.5, **more)


def kernel_values(run: str, root: str = "") -> dict[str, Any]:
    """Return what the script that puts kernel parameters and swap back in the run `run` is filled with."""
    return {"root": root, "state": STATE, "run": run, "stays": STAYS, "turned_off": TURNED_OFF}


def _packages(id: str, title: str, host: str, **more: Any) -> Step:
    fine = "none that slipway installed can go"
    return _step(id, title, host, "packages", {"state": STATE}, fine, timeout=300.0, weight=5, **more)


def _services(id: str, title: str, host: str, **more: Any) -> Step:
    values = {"state": STATE, "units": " ".join(UNITS)}
    return _step(id, title, host, "services", values, "none were the site's own", timeout=60.0, weight=0.5, **more)


def _free(id: str, title: str, host: str, *, needs: tuple[str, ...], after: tuple[str, ...]) -> Step:
    """Return the last step. The marker goes first: what is left without it is slipway's alone."""
    look = f"for path in {MARKER} {STATE}; do [ ! -e $path ] || echo $path; done"
    script = fill("reset/free.sh", root="", state=STATE, run=RUN)
    return Step(
        id, title, host, "reset",
        Probe(look, lambda output, _: _verdict(remains(output), "nothing of slipway is on it")),
        Change(absent=(MARKER,), script=script),
        needs=needs, after=after, weight=0.5, timeout=60.0,
    )  # fmt: skip


def leave_step(host: Host, masters: Sequence[str]) -> Step:
    """Return the step that takes a node out of the cluster: its Pods go elsewhere, then its Node object.

    It is asked on the first of `masters` that works. Pods that don't go in time end with the host.
    """
    name = host.name
    script = f"""
{drained(name, DRAIN_SECONDS)} >/dev/null \\
  || echo "not all Pods of {name} moved elsewhere within {DRAIN_SECONDS} s; they end with it"
again {PATIENCE} {KUBECTL} delete node {name} --ignore-not-found --wait=false >/dev/null
"""

    def judge(output: str, status: int) -> Verdict:
        if status != 0:
            return Unknown("the API does not answer")
        return _verdict(
            (Diff(f"node {name}", "there", "removed"),) if output.strip() else (), f"there is no node {name}"
        )

    return Step(
        f"{name}/leave", "Node leaves the cluster", masters[0], "reset",
        Probe(where_it_answers(f"{KUBECTL} get node {name} --ignore-not-found -o name"), judge), Change(script=script),
        alternates=tuple(masters[1:]), weight=10, timeout=DRAIN_SECONDS + 60.0, settle=5.0,
    )  # fmt: skip
