"""Every kind of task, in one table: what it is called, how its plan is made, what is asked before it, what it leaves.

A new kind is a name in `Kind`, a file beside this one that makes its plan, and a row here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from wizard.bundle.opened import Bundle
from wizard.engine.step import Plan
from wizard.errors import Problem
from wizard.facts.model import Survey
from wizard.pki.store import Anew, Pki, never
from wizard.plans import removal
from wizard.plans.install import install
from wizard.plans.look import Connect
from wizard.plans.maintain import afterwards, against, maintain, maintenance_title
from wizard.plans.renew import due, renew, renewal_title
from wizard.plans.reset import reset, reset_title, still_needed
from wizard.plans.scale import scale
from wizard.plans.task import Job, Kind, Task, demanded, drain_seconds
from wizard.plans.verify import verify
from wizard.profile.model import Host, Profile
from wizard.render.site import Site
from wizard.steps.join import Token


@dataclass(frozen=True, slots=True)
class Given:
    """What a plan is made from. `keys` are those that are there (None: none yet); `run` is empty for a mere look.

    `bundle` is None for a kind that takes nothing from one. `token` is what new workers join with (None: a mere look,
    or a kind that lets nobody join). `leaving` are hosts of the profile that was applied `before` which this one names
    no more.
    """

    site: Site
    bundle: Bundle | None
    keys: Pki | None
    task: Task
    run: str = ""
    token: Token | None = None
    leaving: tuple[Host, ...] = ()
    before: Profile | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What one kind of task is.

    `title` is its name, with the cluster's and those of the hosts that the task names. `plan` is pure, and raises
    `SlipwayError` where no plan can be made.
    """

    title: Callable[[str, Task], str]
    plan: Callable[[Given], Plan]
    bundled: bool = False
    """It brings hosts what is in a bundle. The others do without, also where the bundle is long gone."""
    installs: bool = False
    """The rules and checks of an install are asked first. Otherwise the cluster has to stand, and that is all."""
    makes_keys: bool = False
    """Keys and certificates are made where they are missing or about to expire, an install's authorities too; the admin
    kubeconfig is kept after it. Otherwise it gets what is there, and nothing is kept."""
    anew: Callable[[Task], Anew] = lambda _task: never
    """Which leaves are made anew though they still serve."""
    through_maintenance: bool = False
    """It may be done while a host is out for maintenance."""
    undoes: bool = False
    """It takes away what is there: no cluster has to stand, only its own hosts count, and when the last of them is done
    the cluster's keys and identity are put away."""
    asks: Callable[[Job, Survey, Connect], Awaitable[tuple[Problem, ...]]] | None = None
    """What only the cluster itself can tell against it, asked before anything is touched."""
    tally: str = "{changed} of {total} steps changed something"
    """What is told of the steps at the end; ``{good}`` are those that are as wanted."""
    lists: bool = False
    """Every step is told of at the end, not only those that failed."""
    again: str = "Run the same command again to go on: what is done stays done."
    """What to do when it wasn't done to its end; ``{host}`` is the host it is about."""
    then: Callable[[Task], str] = lambda _task: ""
    """What is left to do for a person when it was."""


KINDS: Mapping[Kind, Work] = {
    Kind.INSTALL: Work(
        "Install {}".format,
        lambda given: scale(
            given.site,
            install(given.site, demanded(given.bundle), given.keys, run=given.run, token=given.token),
            given.leaving,
            given.before,
            drain_seconds=drain_seconds(given.task),
            run=given.run,
        ),
        bundled=True,
        installs=True,
        makes_keys=True,
        asks=removal.asks,
    ),
    Kind.VERIFY: Work(
        "Verify {}".format,
        lambda given: verify(given.site, given.run),
        through_maintenance=True,
        tally="{good} of {total} checks passed",
        lists=True,
        again="Mend what is named above, then verify again.",
    ),
    Kind.RENEW: Work(
        renewal_title,
        lambda given: renew(given.site, given.keys, given.task),
        makes_keys=True,
        anew=due,
        again="The new certificates are kept. Run the same command again with --yes, or `slipway apply`: hosts that "
        "lack them get them.",
    ),
    Kind.RESET: Work(
        reset_title,
        lambda given: reset(given.site, given.task, given.run),
        through_maintenance=True,
        undoes=True,
        asks=still_needed,
    ),
    Kind.MAINTAIN: Work(
        maintenance_title,
        lambda given: maintain(given.site, given.task),
        through_maintenance=True,
        asks=against,
        again="Run the same command again to go on. `slipway maintain PROFILE {host} end` takes a begun one back.",
        then=afterwards,
    ),
}
