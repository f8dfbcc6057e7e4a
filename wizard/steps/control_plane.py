"""The kubelet and the control plane's static Pods: files on the host, and processes that run as the files say."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from wizard.engine.files import file_probe_fragment, judge_files
from wizard.engine.step import Change, Diff, Drifted, File, Probe, Satisfied, Step, Verdict
from wizard.pki.hosts import credentials
from wizard.pki.store import Pki
from wizard.pki.wanted import of_host
from wizard.profile.model import Host
from wizard.render import api as render
from wizard.render.control_plane import CREDENTIALS
from wizard.render.places import API_PORT, CONTROLLER_MANAGER_PORT, MANIFESTS, NODE_API, RUN, SCHEDULER_PORT
from wizard.render.plain import documents
from wizard.render.pod_network import POD_NETWORKS
from wizard.render.site import Site
from wizard.steps.balancer import draining
from wizard.steps.etcd import api_ready
from wizard.steps.kit import Service, files_of, listening, note_folders, service_step, wait_on_host
from wizard.steps.turns import in_turn

KUBELET_UNIT = "kubelet.service"
KUBELET_STATE = (
    *("/var/lib/kubelet", "/var/log/pods", "/var/log/containers", "/usr/libexec/kubernetes"),
    *(path for row in POD_NETWORKS for path in row.paths),
    "/etc/systemd/logind.conf.d/99-kubelet.conf",
)
"""What the kubelet and the Pods it runs make on the host; the last so that a shutdown waits for Pods."""
_FOLDERS = (
    *("/etc/ca-certificates", "/usr/local/share/ca-certificates", "/usr/share/ca-certificates"),
    *("/lib/modules", "/etc/systemd/logind.conf.d"),
)
"""Folders that the kubelet makes where they are missing, for itself or for Pods (``DirectoryOrCreate``)."""
_CUT = "--slipway-cut--"
_COMM = 15
"""The kernel keeps 15 characters of a process's name (proc(5), comm)."""


def kubelet_step(site: Site, host: Host, *, needs: tuple[str, ...], weight: float) -> Step:
    """Return the step that keeps the kubelet configured and running.

    Its folder of manifests is there before it: one that starts without looks for it again only after a while, and
    then misses what was put there meanwhile until it reads the folder anew, each 20 s (fileCheckFrequency).
    """
    service = Service(
        unit=KUBELET_UNIT,
        files=files_of(render.kubelet(site, host)),
        ready="curl -sf -m 2 -o /dev/null http://127.0.0.1:10248/healthz",
        ready_seconds=60,
        # It is for Pods.
        quiet=frozenset({NODE_API}),
        before_start=f"{note_folders((*_FOLDERS, MANIFESTS))}\n[ -d {MANIFESTS} ] || mkdir -m 700 {MANIFESTS}",
        state=KUBELET_STATE,
    )
    step = service_step(f"{host.name}/kubelet", "kubelet", host.name, "node", service, needs=needs, weight=weight)
    return in_turn(step, site, host)


def apiserver_step(site: Site, host: Host, *, needs: tuple[str, ...], weight: float) -> Step:
    """Return the step that keeps the host's own apiserver running as its manifest says, and ready.

    One that runs is drained while it is changed, so that no request fails.
    """
    ready = {"kube-apiserver": api_ready(host)}
    ports = {"kube-apiserver": API_PORT}
    step = _pods_step(site, host, "apiserver", "kube-apiserver", ready, ports, {}, needs=needs, weight=weight)
    return replace(step, touches=frozenset({f"apiserver/{host.name}"}), around=draining(site, host))


def controllers_step(site: Site, host: Host, keys: Pki | None, *, needs: tuple[str, ...], weight: float) -> Step:
    """Return the step that keeps controller-manager and scheduler running as their manifests say, and healthy.

    They run with the kubeconfigs that are made of `keys`: a new one starts them anew.
    """
    ports = {"kube-controller-manager": CONTROLLER_MANAGER_PORT, "kube-scheduler": SCHEDULER_PORT}
    # Their serving certificates are their own, on loopback alone; `/healthz` needs no login.
    ready = {name: f"curl -skf -m 2 -o /dev/null https://127.0.0.1:{port}/healthz" for name, port in ports.items()}
    made = keys is not None and all(item.name in keys.pairs for item in of_host(site.profile, host))
    digests = credentials(keys, site.profile, host) if keys and made else {}
    step = _pods_step(
        site, host, "controllers", "controller-manager and scheduler", ready, ports, digests, needs=needs, weight=weight
    )
    return replace(step, touches=frozenset({f"controllers/{host.name}"}))


def _pods_step(
    site: Site, host: Host, id: str, title: str, ready: Mapping[str, str], ports: Mapping[str, int],
    digests: Mapping[str, str], *, needs: tuple[str, ...], weight: float,
) -> Step:  # fmt: skip
    files = tuple(file for file in files_of(render.static_pods(site, host, digests)) if _name(file) in ready)
    wanted = {_name(file): command_of(file) for file in files}
    look = "\n".join(
        f"if {listening(ports[name])} && {test}; then echo '{name} ready=yes'; else echo '{name} ready=no'; fi\n"
        f"{_process(name)}"
        for name, test in ready.items()
    )
    script = f"{file_probe_fragment(files)}\necho {_CUT}\n{look}\n"

    def judge(output: str, _status: int) -> Verdict:
        listing, _, state = output.partition(_CUT)
        diff = judge_files(listing, files) + processes(state, wanted)
        return Drifted(diff) if diff else Satisfied(f"{title} runs as wanted")

    began = f"{RUN}/{host.name}-{id}.began"
    waits = f"touch {began}\n{_REFUSED}\n" + "\n".join(
        wait_on_host(
            f"{listening(ports[name])} && {test} && {_runs_as(name, wanted[name])}",
            180, f"{name} did not become ready",
            f"tail -n 15 /var/log/pods/kube-system_{name}-*/{name}/*.log; "
            "journalctl -u kubelet -n 15 --no-pager -o cat",
            hopeless=f"refused {name} {began}",
            # Its port opens seconds before it is ready, and every question costs it a handshake.
            pause=0.5,
        )
        for name, test in ready.items()
    )  # fmt: skip
    return Step(
        f"{host.name}/{id}", title, host.name, "control-plane",
        Probe(script, judge), Change(files=files, script=waits), needs=needs, weight=weight, timeout=420.0, settle=20.0,
    )  # fmt: skip


_REFUSED = r"""
refused() {
  log=$(ls -t /var/log/pods/kube-system_$1-*/$1/*.log 2>/dev/null | head -n 1)
  [ -n "$log" ] && [ "$log" -nt $2 ] || return 1
  said=$(tail -n 20 "$log" | sed -n 's/^[^ ]* std[a-z]* [FP] //; /unknown .*flag\|invalid argument/p' | tail -n 1)
  [ -n "$said" ] || return 1
  echo "$1 does not start: $said" >&2
}
"""
"""Whether a component that was started since refuses its own flags: no waiting helps then."""


def _name(file: File) -> str:
    return file.path.rpartition("/")[2].removesuffix(".yaml")


def command_of(file: File) -> tuple[str, ...]:
    """Return the command line of a static Pod's only container, after the variable that tells its credentials."""
    assert isinstance(file.content, bytes)
    container = documents(file.content)[0]["spec"]["containers"][0]
    variables = [f"{item['name']}={item['value']}" for item in container.get("env", ()) if item["name"] == CREDENTIALS]
    return (*variables, *container["command"])


def _process(name: str) -> str:
    """Return a fragment that prints ``name command=<its arguments, one space apart>`` for each such process."""
    return (
        f"for p in $(grep -lx {name[:_COMM]} /proc/[0-9]*/comm 2>/dev/null); do\n"
        f'  echo "{name} command={_CREDENTIALS_OF}$({_COMMAND_OF} 2>/dev/null)"\ndone'
    )


_COMMAND_OF = "tr '\\0' ' ' < ${p%comm}cmdline"
_CREDENTIALS_OF = f"$(tr '\\0' '\\n' 2>/dev/null < ${{p%comm}}environ | sed -n 's/^{CREDENTIALS}=.*/& /p')"
"""What ``/proc/PID/environ`` tells of its credentials (proc(5)), with a blank behind it; nothing where it has none."""


def _runs_as(name: str, command: Sequence[str]) -> str:
    """Return a shell test that a process of that name runs with exactly that command line and those credentials."""
    want = shlex.quote(" ".join(command) + " ")
    return (
        f"{{ for p in $(grep -lx {name[:_COMM]} /proc/[0-9]*/comm 2>/dev/null); do "
        f'[ "{_CREDENTIALS_OF}$({_COMMAND_OF}; echo .)" = {want}. ] && echo yes; done | grep -q yes; }}'
    )


def processes(state: str, wanted: Mapping[str, tuple[str, ...]]) -> tuple[Diff, ...]:
    """Return what differs between the processes seen and the command lines wanted, and which are not ready."""
    seen: dict[str, list[str]] = {}
    ready: dict[str, str] = {}
    for line in state.splitlines():
        name, _, rest = line.partition(" ")
        key, _, value = rest.partition("=")
        if key == "command":
            seen.setdefault(name, []).append(value.strip())
        elif key == "ready":
            ready[name] = value
    diff = []
    for name, command in wanted.items():
        line = " ".join(command)
        running = seen.get(name, [])
        if line not in running:
            diff.append(Diff(f"process {name}", "\n".join(running[0].split()) if running else "", "\n".join(command)))
        if ready.get(name) != "yes":
            diff.append(Diff(f"{name} ready", ready.get(name, "") or "no", "yes"))
    return tuple(diff)
