"""`slipway check` and `slipway plan`: what stands against an install, and what it would do. Nothing is touched."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Sequence
from dataclasses import replace

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wizard.cli.output import JsonFlag, emit, guarded, plain, problem_list, problems_view
from wizard.cli.site import (
    BundleFolder,
    ProfileFile,
    SecretsFd,
    ask_secret,
    connections,
    job_of,
    secrets_from,
    with_extras_files,
)
from wizard.cli.survival import survival_view
from wizard.engine.record import Record, State, fold
from wizard.engine.sink import Memory
from wizard.engine.step import Diff, Plan
from wizard.errors import Exit, Level, Problem, errors_of
from wizard.facts.model import Facts, Survey
from wizard.plans.folder import identity
from wizard.plans.job import Job, dry_run, look
from wizard.plans.judging import Found, asked, judge
from wizard.plans.task import ALLOW_REMOVAL, Task
from wizard.profile.model import Profile
from wizard.profile.survival import survival
from wizard.remote.secrets import AskedSecrets


@guarded
def check(
    profile: ProfileFile, bundle: BundleFolder = None, secrets_fd: SecretsFd = None, json_flag: JsonFlag = False
) -> None:
    """Look at the hosts of a profile and judge them: what stands against an install. Nothing is touched."""
    begun = time.monotonic()
    job = job_of(profile, bundle)
    found = asyncio.run(_check(job, secrets_fd))
    held = bool(errors_of(found.problems))
    emit(
        {
            "result": "held" if held else "done",
            "cluster": job.profile.name,
            "seconds": round(time.monotonic() - begun, 2),
            "hosts": {name: _facts(facts) for name, facts in found.survey.facts.items()},
            "problems": problem_list(found.problems),
            "survival": survival(job.profile).as_dict(),
        },
        json_flag,
        _check_view(job, found),
    )
    if held:
        raise typer.Exit(int(Exit.HELD))


@guarded
def plan(
    profile: ProfileFile, bundle: BundleFolder = None, secrets_fd: SecretsFd = None, json_flag: JsonFlag = False
) -> None:
    """Show exactly what `apply` would change on which host, secrets as fingerprints. Nothing is touched.

    Hosts that the profile names no more are shown as they would leave; `apply` needs --allow-removal for that.
    """
    begun = time.monotonic()
    job = job_of(profile, bundle, Task(options={ALLOW_REMOVAL: True}))
    memory = Memory()
    found, made = asyncio.run(_plan(job, secrets_fd, memory))
    found = replace(found, problems=(*found.problems, *out_of_reach(found), *made.told))
    record = fold(memory.events)
    changes = [step for step in record.steps.values() if step.state is State.DRIFTED]
    emit(
        {
            "result": "done",
            "cluster": job.profile.name,
            "seconds": round(time.monotonic() - begun, 2),
            "changed": [step.info.id for step in changes],
            "steps": [
                {
                    "id": step.info.id,
                    "title": step.info.title,
                    "host": step.host,
                    "state": step.state.value,
                    "diff": [_diff(diff) for diff in step.diff],
                }
                for step in record.steps.values()
            ],
            "quarantined": sorted(found.dead),
            "problems": problem_list(found.problems),
            "survival": survival(job.profile).as_dict(),
        },
        json_flag,
        _plan_view(job.profile, made, record, found),
    )


async def _check(job: Job, secrets_fd: int | None) -> Found:
    secrets = AskedSecrets(ask_secret, secrets_from(secrets_fd))
    async with connections(job.profile, secrets, before=job.before) as connect:
        job = await with_extras_files(job, secrets)
        found = judge(job, await look(job, connect), identity(job.folder, job.profile.name))
        found = await asked(job, found, connect)
        return replace(found, problems=(*found.problems, *out_of_reach(found)))


def out_of_reach(found: Found) -> tuple[Problem, ...]:
    """Return why hosts of a cluster that stands could not be reached, as warnings: the others go on without them."""
    return tuple(replace(problem, level=Level.WARNING) for problem in found.dead.values())


async def _plan(job: Job, secrets_fd: int | None, memory: Memory) -> tuple[Found, Plan]:
    secrets = AskedSecrets(ask_secret, secrets_from(secrets_fd))
    async with connections(job.profile, secrets, before=job.before) as connect:
        return await dry_run(await with_extras_files(job, secrets), connect, memory, "plan")


def _facts(facts: Facts) -> dict[str, object]:
    disk = facts.etcd_filesystem
    return {
        "os": facts.system.os_name,
        "kernel": facts.system.kernel,
        "cpus": facts.hardware.cpus,
        "memory": facts.hardware.memory,
        "etcd_disk": disk.kind.value if disk else "",
        "cgroup": facts.system.cgroup_version,
        "clock_offset": round(facts.clock.offset, 3),
        "cluster": facts.traces.marker.cluster,
    }


def _check_view(job: Job, found: Found) -> RenderableType:
    parts: list[RenderableType] = [_hosts_table(found.survey)]
    if found.problems:
        parts.append(Padding(problems_view(found.problems), (1, 0, 0, 0), expand=False))
    parts.append(Padding(survival_view(job.profile), (1, 0, 0, 0), expand=False))
    errors = len(errors_of(found.problems))
    if errors:
        words = "1 error holds" if errors == 1 else f"{errors} errors hold"
        last = Text(f"✗ {words} an install of {job.profile.name}.", style="bold red")
    else:
        last = Text(f"✓ Nothing stands against an install of {job.profile.name}.", style="bold green")
    parts.append(Padding(last, (1, 0, 0, 0), expand=False))
    return Group(*parts)


def _hosts_table(survey: Survey) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("host", "system", "CPUs", "memory", "etcd's disk", "clock"):
        table.add_column(column, style=None if column != "host" else "bold")
    for name, facts in survey.facts.items():
        disk = facts.etcd_filesystem
        memory = f"{facts.hardware.memory / 2**30:.1f} GiB"
        table.add_row(
            name, plain(facts.system.os_name), str(facts.hardware.cpus), memory,
            disk.kind.value if disk else "unknown", f"{facts.clock.offset:+.1f} s",
        )  # fmt: skip
    for name, failure in survey.failures.items():
        why = f": {failure.why}" if failure.why else ""
        table.add_row(name, Text(plain(f"✗ {failure.title}{why}"), style="red"))
    return table


def _plan_view(profile: Profile, plan: Plan, record: Record, found: Found) -> RenderableType:
    parts: list[RenderableType] = [Text(plan.title, style="bold")]
    warnings = [problem for problem in found.problems if problem.level != "info" or problem in plan.told]
    if warnings:
        parts.append(Padding(problems_view(warnings), (1, 0, 0, 0), expand=False))
    changes = [step for step in record.steps.values() if step.state is State.DRIFTED]
    for step in changes:
        head = Text.assemble(("~ ", "yellow"), (step.host, "bold"), f"  {step.info.title}")
        parts.append(Padding(head, (1, 0, 0, 0), expand=False))
        if not step.diff:
            parts.append(
                Padding(Text("to be seen when what it needs is there", style="dim"), (0, 0, 0, 4), expand=False)
            )
        parts += [Padding(diff_view(diff), (0, 0, 0, 4), expand=False) for diff in step.diff]
    parts.append(Padding(survival_view(profile), (1, 0, 0, 0), expand=False))
    same = len(record.steps) - len(changes)
    last = f"{len(changes)} of {len(record.steps)} steps would change something; {same} are as wanted."
    parts.append(Padding(Text(last, style="bold"), (1, 0, 0, 0), expand=False))
    return Group(*parts)


def diff_view(diff: Diff) -> RenderableType:
    """Return what a diff names, and what differs: line by line where it is a text."""
    if "\n" in diff.before.strip() or "\n" in diff.after.strip():
        return Group(Text(plain(diff.subject)), Padding(Group(*_lines(diff)), (0, 0, 0, 2), expand=False))
    before = plain(diff.before) or "absent"
    return Text.assemble(f"{plain(diff.subject)}: ", (before, "red"), " → ", (plain(diff.after) or "absent", "green"))


def _lines(diff: Diff) -> Sequence[Text]:
    styles = {"+": "green", "-": "red", "@": "cyan"}
    before, after = plain(diff.before).splitlines(), plain(diff.after).splitlines()
    lines = list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]
    return [Text(line, style=styles.get(line[:1], "dim")) for line in lines]


def _diff(diff: Diff) -> dict[str, object]:
    return {"subject": diff.subject, "before": diff.before, "after": diff.after, "secret": diff.secret}
