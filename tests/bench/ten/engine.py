"""Slipway's engine on the same work: facts, a plan of steps, probes, changes and probes again, a journal on the disk.

engine.py '{"key": …, "known_hosts": …, "state": …, "hosts": {"m1": "198.18.0.11", …}}'
"""

import asyncio
import json
import sys
from pathlib import Path

import jinja2

sys.path.insert(0, __file__.rsplit("/tests/", 1)[0])
from tests.bench.ten import work
from wizard.engine.files import file_probe
from wizard.engine.journal import Journal
from wizard.engine.runner import run
from wizard.engine.step import Change, Diff, Drifted, File, Plan, Probe, Satisfied, Step, Verdict
from wizard.facts.survey import gather
from wizard.remote.base import Connection, Target
from wizard.remote.ssh import SshConnector


def exists(path: str) -> Probe:
    """Look whether a file or folder is there."""

    def judge(_output: str, status: int) -> Verdict:
        return Satisfied() if status == 0 else Drifted((Diff(path, "", "there"),))

    return Probe(f"test -e {path}", judge)


def folders(_output: str, status: int) -> Verdict:
    return Satisfied() if status == 0 else Drifted((Diff("folders", "", "there"),))


def steps_of(name: str, files: tuple[File, ...]) -> list[Step]:
    """Return the steps of one host, in the order in which the other ways do them."""
    there = " && ".join(f"test -d {path}" for path in work.FOLDERS)
    made = [
        Step(
            f"{name}/folders",
            "Folders",
            name,
            "work",
            Probe(there, folders),
            Change(script=f"mkdir -p {' '.join(work.FOLDERS)}"),
        ),
        Step(
            f"{name}/templates",
            "Templates",
            name,
            "work",
            file_probe(files),
            Change(files=files),
            needs=(f"{name}/folders",),
        ),
    ]
    for number, command in enumerate(work.COMMANDS):
        id = f"{name}/command{number}"
        look = exists(f"{work.ROOT}/command{number}")
        made.append(Step(id, f"Command {number}", name, "work", look, Change(script=command), needs=(made[-1].id,)))
    return made


async def main() -> int:
    order = json.loads(sys.argv[1])
    hosts: dict[str, str] = order["hosts"]
    template = jinja2.Template(work.TEMPLATE, keep_trailing_newline=True)
    connector = SshConnector(Path(order["known_hosts"]))

    async def connect(name: str) -> Connection:
        return await connector.connect(Target(name, hosts[name], key_file=Path(order["key"])))

    def files(name: str) -> tuple[File, ...]:
        peers = list(hosts.values())
        texts = (template.render(host=name, address=hosts[name], number=number, peers=peers) for number in range(10))
        return tuple(File(path, text.encode(), work.MODE) for path, text in zip(work.TEMPLATES, texts, strict=True))

    survey = await gather(connect, hosts, "/var/lib/etcd")
    survey.facts[next(iter(hosts))]
    plan = Plan("bench", "Ten hosts", tuple(step for name in hosts for step in steps_of(name, files(name))))
    with Journal(Path(order["state"]), "run", "bench") as journal:
        outcome = await run(plan, connect, journal, run_id="run")
    await connector.close()
    print(outcome.result)
    return int(outcome.exit_code)


sys.exit(asyncio.run(main()))
