"""What is not as the profile says: the install's own look at the hosts, which changes nothing.

Whether it was changed by hand is told by the hosts' markers, which name what slipway put where.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from wizard.engine.files import sha256_of
from wizard.engine.marker import HostMarker, parse
from wizard.engine.mask import fingerprint
from wizard.engine.record import Record, State, StepRecord, fold
from wizard.engine.sink import Memory
from wizard.engine.step import Change as Wanted
from wizard.engine.step import Diff, File, Plan, Step
from wizard.errors import SlipwayError, errors_of
from wizard.facts.model import Survey
from wizard.plans.job import Job, dry_run
from wizard.plans.look import Connect
from wizard.plans.status.model import Cause, Change, Drift

_STATES = (" state", " at boot", " ready", " condition Ready", " started with", " serves a certificate")
"""How what the status itself tells of is called in a diff: whether a unit runs, whether a server answers."""
_TO_BE_MADE = "made by `slipway apply`"
"""What a diff says of keys that are not on this jump host: what lies on the host can't be compared with any."""
_ALL = "all that slipway puts on a host"
_NO_API = "what is in the API was not looked at"
_NOT_OURS = ("verify/", "cluster/rollout", "cluster/endpoint", "cluster/join-token", "cluster/no-token")
_NOT_OURS_ON_HOSTS = ("/join", "/joined", "/served")
"""Steps that hold nothing in place: they wait, try, or let somebody in."""


async def look(job: Job, connect: Connect, *, api: bool = True) -> Drift:
    """Look at everything that an install of the job's profile would hold in place; nothing is touched. Never raises.

    Without the `api` only at hosts: who asks an API that doesn't answer waits for long.
    """
    memory = Memory()

    def only(step: Step) -> bool:
        return _holds(step.id) and (api or not _asks_api(step.id))

    try:
        found, plan = await dry_run(job, connect, memory, "status", only=only)
    except SlipwayError as error:
        # That a run would be held is nothing to whoever only looks: what stands in the way is.
        problems = errors_of(getattr(error, "problems", ()))
        if not problems:
            return Drift(why=": ".join(filter(None, (error.title, error.why))))
        host, words = problems[0].host, problems[0].message
        return Drift(why=words if host in words else f"{host}: {words}")
    drift = read(plan, fold(memory.events), found.survey, time.time())
    return drift if api else replace(drift, why="; ".join(filter(None, (drift.why, _NO_API))))


def read(plan: Plan, record: Record, survey: Survey, now: float) -> Drift:
    """Return what the record of a dry run of `plan` tells of; `survey` has the hosts' markers."""
    markers = {host: _marker(facts.traces.marker.text) for host, facts in survey.facts.items()}
    bare = [host for host, facts in survey.facts.items() if not facts.traces.marker.text.strip()]
    if bare and len(bare) == len(survey.facts):
        return Drift(why="nothing is installed on these hosts")
    files = {
        (step.host, file.path): file
        for step in plan.steps
        if isinstance(step.change, Wanted)
        for file in step.change.files
    }
    steps = tuple(record.steps.values())
    changes = tuple(
        Change(
            step.host, step.info.id, diff.subject, diff.before, diff.after, diff.secret,
            _cause(diff, files.get((step.host, diff.subject)), markers.get(step.host, HostMarker())),
        )
        for step in steps
        if step.host not in bare
        for diff in _told(step)
    )  # fmt: skip
    changes += tuple(
        Change(host, "", _ALL, "", "put there by `slipway apply`", cause=Cause.NOT_APPLIED) for host in bare
    )
    return Drift(now, changes, "; ".join(_unseen(record, steps)))


def _holds(step: str) -> bool:
    return not step.startswith(_NOT_OURS) and not step.endswith(_NOT_OURS_ON_HOSTS)


def _asks_api(step: str) -> bool:
    return step.startswith("cluster/") or step.endswith("/node")


def _told(step: StepRecord) -> Iterator[Diff]:
    """Yield what of a step's diff is drift. Where a file differs, that the process does follows from it."""
    files = any(diff.subject.startswith("/") for diff in step.diff)
    for diff in step.diff:
        joins = diff.subject == f"node {step.host}"
        if not (
            joins
            or diff.after == _TO_BE_MADE
            or diff.subject.endswith(_STATES)
            or (files and diff.subject.startswith("process "))
        ):
            yield diff


def _cause(diff: Diff, file: File | None, marker: HostMarker) -> Cause:
    """Return why a file is not as wanted, as far as the marker tells: it names what slipway put there last."""
    put = marker.files.get(diff.subject)
    if file is None:
        return Cause.UNKNOWN
    if put is None:
        return Cause.NOT_APPLIED
    if not diff.before:
        return Cause.BY_HAND  # slipway put it there, and it is gone
    if diff.before.startswith("mode "):
        return Cause.NOT_APPLIED if diff.before.split()[1] == put.mode else Cause.BY_HAND
    if sha256_of(file) == put.sha256 or diff.before.startswith("("):
        return Cause.BY_HAND
    return Cause.NOT_APPLIED if _is(diff.before, put.sha256) else Cause.UNKNOWN


def _is(shown: str, sha256: str) -> bool:
    """Tell whether what a diff shows of a file's content is the file with that digest."""
    return (
        shown == fingerprint(sha256)
        or shown.startswith(f"sha256:{sha256[:16]}")
        or hashlib.sha256(shown.encode()).hexdigest() == sha256
    )


def _unseen(record: Record, steps: Sequence[StepRecord]) -> Iterator[str]:
    """Yield what could not be looked at."""
    for host, why in record.quarantined.items():
        yield f"not looked at on {host}: {why}"
    there = [step for step in steps if step.host not in record.quarantined]
    for step in there:
        if step.state is State.FAILED and step.problem:
            yield f"{step.info.title} on {step.host}: {step.problem.message}"
    blind = [
        f"{step.info.title} ({step.host})"
        for step in there
        if step.state is State.DRIFTED and (not step.diff or any(diff.after == _TO_BE_MADE for diff in step.diff))
    ]
    if blind:
        yield f"could not be looked at: {', '.join(dict.fromkeys(blind))}"


def _marker(text: str) -> HostMarker:
    try:
        return parse(text)
    except (ValueError, RecursionError):
        return HostMarker()


def by_host(drift: Drift) -> Mapping[str, Sequence[Change]]:
    """Return the changes of each host that has any."""
    found: dict[str, list[Change]] = {}
    for change in drift.changes:
        found.setdefault(change.host, []).append(change)
    return found
