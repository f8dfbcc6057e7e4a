"""What tests on practice hosts share: a datacenter with its profile, the command `slipway` on it, and looks inside."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from wizard import practice, versions
from wizard.bundle.build import cached_binary
from wizard.engine.journal_reader import JournalReader
from wizard.errors import SlipwayError

T = TypeVar("T")

OWN = f"test-{os.getpid()}-"
"""How the names of this run's datacenters begin; those of runs that are gone are ended before it starts."""
SLIPWAY = (sys.executable, "-m", "wizard")
ADMIN = "kubectl --kubeconfig /etc/kubernetes/super-admin.conf"


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code, the object on its stdout, and what it told people."""

    exit: int
    found: dict[str, Any]
    words: str

    @property
    def result(self) -> str:
        return str(self.found.get("result", ""))

    @property
    def changed(self) -> set[str]:
        return set(self.found["changed"])

    def problem(self, code: str, host: str = "") -> dict[str, str]:
        """Return the one problem with that code (and host); fail saying which ones there were."""
        problems = self.found["problems"]
        hits = [one for one in problems if one["code"] == code and host in ("", one["host"])]
        assert len(hits) == 1, f"wanted one {code} {host}; there were {json.dumps(problems, indent=1)}\n{self.words}"
        return dict(hits[0])

    def errors(self) -> list[str]:
        return [f"{one['host']} {one['code']}".strip() for one in self.found["problems"] if one["level"] == "error"]


@dataclass(frozen=True)
class Lab:
    """A practice datacenter, a folder for its profiles, and a state folder of its own for the clusters on it."""

    datacenter: practice.Datacenter
    folder: Path
    secrets: str = ""
    """What `slipway` reads on its --secrets-fd."""
    inside: tuple[str, ...] = ()
    """Words before the command: where it runs."""
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.datacenter.name

    @property
    def state(self) -> Path:
        """Return the state folder that `slipway` has here."""
        return self.folder / "state"

    @property
    def cluster(self) -> Path:
        """Return the state folder of the cluster."""
        return self.state / "slipway" / self.name

    @property
    def vip(self) -> str:
        return self.datacenter.vip

    @property
    def hosts(self) -> tuple[practice.Host, ...]:
        return self.datacenter.hosts

    @cached_property
    def profile(self) -> Path:
        """Return the file of the ready profile."""
        return self.written("ready")

    def plain(self) -> dict[str, Any]:
        """Return the ready profile as plain data, to be bent."""
        path = self.folder / "plain.yaml"
        practice.write_profile(self.datacenter, path)
        data: dict[str, Any] = yaml.safe_load(path.read_text())
        return data

    def written(self, name: str, bend: Callable[[dict[str, Any]], object] = lambda _: None) -> Path:
        """Write the ready profile as `bend` leaves it; return its file."""
        data = self.plain()
        bend(data)
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        return path

    def host(self, name: str) -> practice.Host:
        return self.datacenter.host(name)

    def environment(self, state: Path | None = None) -> Mapping[str, str]:
        return {**os.environ, "XDG_STATE_HOME": str(state or self.state), "SSH_AUTH_SOCK": "", "LC_ALL": "C.UTF-8"}

    @contextmanager
    def started(
        self, *words: str | Path, secrets: str | None = None, state: Path | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """Start ``slipway WORDS --json``; a process that still runs at the end of the block is killed."""
        command = [*self.inside, *SLIPWAY, *(str(word) for word in words), "--json"]
        secrets = self.secrets if secrets is None else secrets
        read, write = os.pipe()
        try:
            if secrets:
                command += ["--secrets-fd", str(read)]
                os.write(write, secrets.encode())
            os.close(write)
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                pass_fds=(read,), env=self.environment(state), cwd=self.folder,
            )  # fmt: skip
        finally:
            os.close(read)
        with process:
            try:
                yield process
            finally:
                process.kill()

    def slipway(
        self, *words: str | Path, secrets: str | None = None, state: Path | None = None, seconds: float = 420.0
    ) -> Said:
        """Run ``slipway WORDS --json`` to its end. No run may show a traceback or a secret."""
        with self.started(*words, secrets=secrets, state=state) as process:
            out, err = process.communicate(timeout=seconds)
        assert "Traceback" not in out + err, err
        for line in (self.secrets if secrets is None else secrets).splitlines():
            assert line.partition("=")[2] not in out + err, "a secret was shown"
        try:
            found = json.loads(out)
        except ValueError:
            raise AssertionError(f"no JSON on stdout (exit {process.returncode}): {out!r}\n{err}") from None
        return Said(process.returncode, found, err)

    def apply(self, profile: Path | None = None, *words: str | Path, **more: Any) -> Said:
        return self.slipway("apply", profile or self.profile, "--yes", *words, **more)

    def installed(self, profile: Path | None = None) -> Lab:
        """Install the cluster of the ready profile (or another); fail with the run's own words where that fails."""
        said = self.kept["first"] = self.apply(profile)
        if said.exit != 0:
            steps = self.journal().record(said.found["run"]).steps.values()
            words = [f"{step.info.id}: {step.details}" for step in steps if step.details]
            pytest.fail("\n".join([json.dumps(said.found["problems"], indent=1), *words, said.words]), pytrace=False)
        return self

    def on(self, host: str, script: str, check: bool = True) -> str:
        """Run a shell script on a host as root, not by SSH; return its stdout."""
        words = practice.inside(self.host(host), "bash", "-c", script)
        done = subprocess.run(words, capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, f"{host}: {script}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl on this jump host with the admin kubeconfig alone: through the VIP."""
        done = self._kubectl(*words, stdin=stdin)
        assert not check or done.returncode == 0, f"kubectl {shlex.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def said(self, *words: str) -> str:
        """Return all that kubectl says, for a failure's evidence."""
        done = self._kubectl(*words)
        return f"kubectl {shlex.join(words)} (exit {done.returncode})\n{done.stdout}{done.stderr}"

    def _kubectl(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        binary = cached_binary(versions.default(), "kubectl")
        options = ("--kubeconfig", str(self.cluster / "admin.conf"), "--request-timeout=20s")
        options += ("--cache-dir", str(self.folder / "kubectl"))
        command = [*self.inside, str(binary), *options, *words]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=240)

    def ready_nodes(self) -> set[str]:
        """Return the names of the Ready nodes, asked through the VIP; none while the API does not answer."""
        path = r'{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}'
        lines = self.kubectl("get", "nodes", "-o", f"jsonpath={path}", check=False).splitlines()
        return {name for name, _, ready in (line.partition("=") for line in lines) if ready == "True"}

    def unready(self) -> list[str]:
        """Return the DaemonSets and Deployments of the system that lack Pods, each with what it has of what it wants.

        A node is Ready again before the API has heard that its Pods are.
        """
        have, want = "{.status.numberReady}{.status.readyReplicas}", "{.status.desiredNumberScheduled}{.spec.replicas}"
        path = f'{{range .items[*]}}{{.metadata.name}}={have}/{want}{{"\\n"}}{{end}}'
        said = self.kubectl("-n", "kube-system", "get", "ds,deploy", "-o", f"jsonpath={path}", check=False)
        sets = [(line, *line.partition("=")[2].split("/")) for line in said.splitlines()]
        return [line for line, ready, wanted in sets if ready != wanted] if sets else ["no answer"]

    def pods(self) -> str:
        """Return how all Pods stand and what last happened, for a failure's evidence."""
        events = self.kubectl("get", "events", "-A", "--sort-by=.lastTimestamp", check=False).splitlines()[-20:]
        return "\n".join([self.kubectl("get", "pods", "-A", "-o", "wide", check=False), *events])

    def journal(self) -> JournalReader:
        return JournalReader(self.cluster)


def until(
    what: str,
    test: Callable[[], object],
    seconds: float = 240.0,
    evidence: Callable[[], str] = lambda: "",
    pause: float = 0.5,
) -> None:
    """Wait until `test` gives something true; fail saying `what` never came, and the evidence. A bound, no more."""
    end = time.monotonic() + seconds
    while not (last := test()):
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {seconds:.0f} s (last: {last!r})\n{evidence()}")
        time.sleep(pause)


class Labs:
    """The datacenters that are up, each with what else has to be undone when it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stacks: dict[str, ExitStack] = {}

    def open(self, suffix: str, **spec: Any) -> Lab:
        """Make the datacenter `suffix` of this test run. Fails with what `practice.up` says."""
        name = f"{OWN}{suffix}"
        folder = self._folder / suffix
        folder.mkdir()
        stack = self._stacks[suffix] = ExitStack()
        stack.callback(lambda: practice.down(name) if name in practice.names() else None)
        try:
            made = practice.up(practice.Spec(name=name, **spec))
        except SlipwayError as error:
            pytest.fail(f"{error}\n{error.hint}\n{error.details}", pytrace=False)
        return Lab(made, folder, secrets=f"sudo={made.spec.password}\n" if made.spec.password else "")

    def keep(self, suffix: str, context: AbstractContextManager[T]) -> T:
        """Enter `context`; it is left before the datacenter `suffix` ends."""
        return self._stacks[suffix].enter_context(context)

    def end(self, suffix: str) -> None:
        """End the datacenter `suffix`, if it is up."""
        if stack := self._stacks.pop(suffix, None):
            stack.close()

    def end_all(self) -> None:
        for suffix in list(self._stacks):
            self.end(suffix)
