"""What an install would do to hosts as they are now: who joins, who leaves, and which steps would change something."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from wizard.engine.record import State, fold
from wizard.engine.runner import run
from wizard.engine.sink import Memory
from wizard.facts.model import Survey
from wizard.pki import store
from wizard.plans.folder import identity
from wizard.plans.job import prepare
from wizard.plans.judging import judge, stands_on
from wizard.plans.look import Connect
from wizard.plans.task import Job


@dataclass(frozen=True, slots=True)
class Preview:
    """What an install would do. `stands` tells whether the cluster is there already, on any host that answered.

    `new` are hosts of the profile that answered and are none of the cluster's yet, `leaving` those that it names no
    more. Hosts in `unseen` can't be looked at, or refused an answer to some step.
    """

    stands: bool = False
    new: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    changing: frozenset[str] | None = None
    """Ids of the steps that would change something, as the probes say. None: no host is the cluster's, nobody looked.
    """
    unseen: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Tell whether the cluster stands and is as the profile says, as far as it could be seen."""
        return self.stands and not (self.new or self.leaving or self.changing or self.unseen)


def told(job: Job, survey: Survey, uid: str) -> Preview:
    """Return what the facts tell alone; pure. `uid` is the cluster's, empty where it was never begun."""
    ours = {host for host, facts in survey.facts.items() if uid and facts.traces.marker.uid == uid}
    return Preview(
        stands_on(survey, uid),
        tuple(host for host in job.hosts if host in survey.facts and host not in ours),
        tuple(host.name for host in job.leaving),
        frozenset() if ours else None,
    )


async def preview(job: Job, survey: Survey, connect: Connect) -> Preview:
    """Return what the install would do, by its probes where any host is the cluster's already; nothing is touched.

    `survey` is the look at the hosts that the person has seen judged. Raises `SlipwayError` where no plan can be made;
    a host that can't be asked is `unseen`.
    """
    uid = identity(job.folder, job.profile.name)
    seen = told(job, survey, uid)
    if seen.changing is None:
        return seen
    found = await asyncio.to_thread(judge, job, survey, uid)
    plan = await asyncio.to_thread(prepare, job, survey, uid, store.load(job.folder / "pki"))
    memory = Memory()
    await run(plan, connect, memory, run_id="preview", dry=True, failures=found.dead)
    record = fold(memory.events)
    changing = (name for name, step in record.steps.items() if step.state is State.DRIFTED)
    failed = (step.host for step in record.steps.values() if step.state is State.FAILED)
    return replace(seen, changing=frozenset(changing), unseen=tuple(dict.fromkeys((*record.quarantined, *failed))))
