"""Journals made by hand, of the engine's own event types: what a run on three hosts looks like.

They are made, not recorded: names and order follow the install plan, times and log lines are invented. Screens can't
tell them from a real journal, because the reducer folds both.
"""

from __future__ import annotations

from collections.abc import Iterator

from wizard.engine import events as e
from wizard.engine.events import Event, RunResult, Seen, StepInfo
from wizard.errors import Level, Problem

START = 1_900_000_000.0

PARTS = (
    ("packages", "Packages of the distribution", "host", 6.0),
    ("settings", "Kernel modules and parameters", "host", 0.5),
    ("pki", "Certificates and keys", "host", 0.5),
    ("etcd-binaries", "etcd's binaries", "software", 2.0),
    ("etcd", "etcd", "etcd", 3.0),
    ("runtime-binaries", "Runtime's binaries", "software", 2.0),
    ("containerd", "containerd", "runtime", 1.0),
    ("kubernetes-binaries", "Kubernetes' binaries", "software", 2.0),
    ("haproxy", "haproxy", "endpoint", 0.5),
    ("keepalived", "keepalived", "endpoint", 0.5),
    ("apiserver-images", "Images: apiserver", "images", 3.0),
    ("controller-images", "Images: controllers", "images", 3.0),
    ("addon-images", "Images: network and DNS", "images", 3.0),
    ("kubelet", "kubelet", "control-plane", 2.0),
    ("apiserver", "apiserver", "control-plane", 8.0),
    ("controllers", "controller-manager and scheduler", "control-plane", 3.0),
)
CLUSTER = (
    ("objects", "Network, DNS and access rules", 2.0),
    ("endpoint", "The API answers through the VIP", 1.0),
    ("rollout", "Network and DNS run", 4.0),
)
LINES = {
    "packages": ("Unpacking keepalived (1:2.2.7-1+b2) ...", "Setting up haproxy (2.6.12-1+deb12u2) ..."),
    "etcd": ("etcd.service: started", "elected leader at term 2"),
    "apiserver-images": ("unpacking registry.k8s.io/kube-apiserver:v1.37.2 ...done",),
    "apiserver": ("waiting for https://198.18.0.11:6443/readyz", "[+]etcd ok", "readyz check passed"),
}


def steps(hosts: tuple[str, ...] = ("m1", "m2", "m3")) -> tuple[StepInfo, ...]:
    """Return the steps of an install on `hosts`."""
    found: list[StepInfo] = []
    for host in hosts:
        before: tuple[str, ...] = ()
        for name, title, phase, weight in PARTS:
            found.append(StepInfo(f"{host}/{name}", title, host, phase, weight, before))
            before = (f"{host}/{name}",)
    before = tuple(f"{host}/controllers" for host in hosts)
    for name, title, weight in CLUSTER:
        found.append(StepInfo(f"cluster/{name}", title, hosts[0], "cluster", weight, before))
        before = (f"cluster/{name}",)
    return tuple(found)


def install(hosts: tuple[str, ...] = ("m1", "m2", "m3"), cluster: str = "site-a") -> list[Event]:
    """Return the whole journal of an install that goes well."""
    infos = steps(hosts)
    raw: list[tuple[float, Event]] = [(0.0, started(infos, hosts, cluster))]
    raw += [(0.4, e.FactsGathered(host=host, seconds=0.4)) for host in hosts]
    raw += [(0.9, e.StepProbed(step=info.id, seen=Seen.DRIFTED, host=info.host)) for info in infos]
    clock = {host: 1.0 + 0.3 * place for place, host in enumerate(hosts)}
    for info in infos:
        begin = max(clock.values()) if info.phase == "cluster" else clock[info.host]
        raw += list(one_step(info, begin))
        clock[info.host] = begin + info.weight
    end = max(clock.values()) + 0.2
    raw.append((end, e.RunFinished(result=RunResult.DONE, seconds=end)))
    return in_time(raw)


def started(infos: tuple[StepInfo, ...], hosts: tuple[str, ...], cluster: str) -> Event:
    """Return the first event."""
    title = f"Install {cluster}: Kubernetes 1.37.2 on {len(hosts)} hosts"
    return e.RunStarted(run="20301231-1", cluster=cluster, title=title, steps=infos, hosts=hosts, version="0.1.0")


def one_step(info: StepInfo, begin: float) -> Iterator[tuple[float, Event]]:
    """Yield what a step that changes something goes through."""
    yield begin, e.StepStarted(step=info.id, host=info.host)
    lines = LINES.get(info.id.partition("/")[2], (f"{info.title}: put in place",))
    for number, line in enumerate(lines):
        yield begin + info.weight * (number + 1) / (len(lines) + 1), e.StepLog(step=info.id, line=line)
    if info.weight >= 3:
        yield begin + info.weight / 2, e.StepProgress(step=info.id, fraction=0.5, text="38 of 76 MB")
    yield begin + info.weight, e.StepDone(step=info.id, changed=True, seconds=info.weight)


def in_time(raw: list[tuple[float, Event]]) -> list[Event]:
    """Return events in the order of their times, stamped."""
    ordered = sorted(raw, key=lambda item: item[0])
    return [e.stamped(event, number, START + at) for number, (at, event) in enumerate(ordered, 1)]


def until(events: list[Event], seconds: float) -> list[Event]:
    """Return the events of the first `seconds` of a run."""
    return [event for event in events if event.time <= START + seconds]


CONTAINERD_FAILS = Problem(
    "step.failed",
    Level.ERROR,
    "containerd does not start: its unit ended with status 1",
    "Free the port it wants, or end the other containerd; then press r.",
    host="m2",
)
STDERR = """\
$ systemctl restart containerd
Job for containerd.service failed because the control process exited with error code.
Dec 31 10:00:12 m2 containerd[812]: failed to load TLS: •••
Dec 31 10:00:12 m2 containerd[812]: listen unix /run/containerd/containerd.sock: bind: address already in use
Dec 31 10:00:12 m2 systemd[1]: containerd.service: Main process exited, code=exited, status=1/FAILURE"""


def failing() -> list[Event]:
    """Return a run in which containerd fails on m2 while the others go on; it has not ended."""
    events = [
        event
        for event in until(install(), 20.0)
        if not (getattr(event, "step", "").startswith("m2/") and event.time > START + 14.0)
        and not (isinstance(event, e.StepDone) and event.step == "m2/containerd")
    ]
    last = events[-1].time
    failed = e.StepFailed(step="m2/containerd", problem=CONTAINERD_FAILS, details=STDERR, seconds=1.0)
    return [*events, e.stamped(failed, len(events) + 1, last)]


def failed() -> list[Event]:
    """Return the same run at its end."""
    events = failing()
    end = e.RunFinished(result=RunResult.FAILED, seconds=24.0, problems=(CONTAINERD_FAILS,))
    return [*events, e.stamped(end, len(events) + 1, START + 24.0)]


def asking(question: e.Question) -> list[Event]:
    """Return a run that waits for an answer."""
    events = until(install(), 8.0)
    return [*events, e.stamped(question, len(events) + 1, events[-1].time)]


def partial() -> list[Event]:
    """Return a run that ended with m3 in quarantine."""
    why = "no answer for 15 s: the host is off, or the network to it is cut"
    problem = Problem("host.unreachable", Level.ERROR, f"m3 was given up: {why}", "Bring it back, then r.", host="m3")
    raw: list[tuple[float, Event]] = []
    for event in install():
        at, name = event.time - START, getattr(event, "step", "")
        if isinstance(event, e.RunFinished):
            event = e.RunFinished(result=RunResult.PARTIAL, seconds=at, problems=(problem,))
        if not (name.startswith("m3/") and at > 12.0):
            raw.append((at, event))
    raw.append((12.5, e.HostQuarantined(host="m3", why=why, problem=problem)))
    rest = [f"m3/{name}" for name, *_ in PARTS[6:]]
    raw += [(12.6, e.StepSkipped(step=name, why="m3 is in quarantine", quarantined=True)) for name in rest]
    return in_time(raw)
