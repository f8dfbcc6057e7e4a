"""Small plans on fake hosts: steps that hold files below a temporary root."""

from __future__ import annotations

from pathlib import Path

from tests.unit.engine.fakes import ME, FakeConnection, FakeHost
from wizard.engine import runner
from wizard.engine.outcome import Outcome
from wizard.engine.sink import Memory
from wizard.engine.step import Change, Diff, Drifted, File, Plan, Probe, Retry, Satisfied, Step, Verdict
from wizard.engine.stream import file_probe_fragment, judge_files
from wizard.remote.base import Connection

QUICK = Retry(times=3, backoff=0.001)


class Site:
    """Fake hosts with their temporary roots, and the connections to them."""

    def __init__(self, tmp_path: Path, *names: str) -> None:
        self.hosts = {name: FakeHost(name, tmp_path / name) for name in names}
        self.connections: dict[str, FakeConnection] = {}
        for host in self.hosts.values():
            host.root.mkdir(parents=True, exist_ok=True)

    async def connect(self, name: str) -> Connection:
        if name not in self.connections:
            self.connections[name] = FakeConnection(self.hosts[name])
        return self.connections[name]

    def __getitem__(self, name: str) -> FakeHost:
        return self.hosts[name]

    def trips(self, name: str) -> int:
        return self.connections[name].round_trips if name in self.connections else 0

    def root(self) -> dict[str, str]:
        return {name: str(host.root) for name, host in self.hosts.items()}

    def marker(self, name: str) -> str:
        path = self.hosts[name].path("/etc/slipway/cluster.json")
        return path.read_text() if path.exists() else ""

    async def run(self, plan: Plan, sink: Memory | None = None, **more: object) -> Outcome:
        """Run `plan` here and now, with quick retries."""
        more.setdefault("retry", QUICK)
        return await runner.run(
            plan, self.connect, sink or Memory(), run_id="r1", root=self.root(), **more  # type: ignore[arg-type]
        )  # fmt: skip

    def file_step(self, host: str, name: str, text: str = "wanted\n", script: str = "", **more: object) -> Step:
        """Return the step that holds one file, ``/etc/NAME``, and writes its id to the host's ``order`` file."""
        files = (File(f"/etc/{name}", text.encode(), owner=ME),)
        root = str(self.hosts[host].root)

        def judge(output: str, _status: int) -> Verdict:
            diff = judge_files(output, files)
            return Drifted(diff) if diff else Satisfied()

        note = f"echo {name} >> {root}/order\n{script}"
        more.setdefault("retry", QUICK)
        return Step(
            f"{host}/{name}", name, host, "files", Probe(file_probe_fragment(files, root), judge),
            Change(files=files, script=note), **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def script_step(self, id: str, host: str, test: str, script: str, **more: object) -> Step:
        """Return the step that is satisfied when `test` succeeds, and runs `script`; both see ``$ROOT``."""

        def judge(_output: str, status: int) -> Verdict:
            return Satisfied() if status == 0 else Drifted((Diff(id, "no", "yes"),))

        more.setdefault("retry", QUICK)
        return Step(id, id, host, "scripts", Probe(test, judge), Change(script=script), **more)  # type: ignore[arg-type]

    def order(self, name: str) -> list[str]:
        path = self.hosts[name].root / "order"
        return path.read_text().split() if path.exists() else []


def plan(*steps: Step, **more: object) -> Plan:
    hosts = tuple(dict.fromkeys(host for step in steps for host in step.hosts))
    return Plan("demo", "Install", steps, hosts=hosts, **more)  # type: ignore[arg-type]
