"""What the wizard holds while it is open: the draft, what was seen of the hosts, the judgement, the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from wizard.engine.record import Record
from wizard.engine.step import Plan
from wizard.errors import Level, Problem, errors_of
from wizard.facts.model import Survey
from wizard.plans.preview import Preview
from wizard.plans.removal import LEAVES
from wizard.ui.draft import Draft, blank
from wizard.ui.services import Built, HostLook, RunRef


class Step(StrEnum):
    """The steps of the trail, in order."""

    HOSTS = "Hosts"
    NETWORK = "Network"
    ETCD = "etcd"
    REVIEW = "Review"
    RUN = "Run"
    DONE = "Done"

    @property
    def number(self) -> int:
        """Return the place in the trail, from 0."""
        return list(Step).index(self)


@dataclass(frozen=True)
class Judgement:
    """What the review found for one draft: problems, and the plan where there is one.

    `preview` says what that plan would change; None where there is no plan, or where that could not be seen.
    """

    draft: Draft
    problems: tuple[Problem, ...]
    plan: Plan | None = None
    preview: Preview | None = None
    unseen: str = ""
    """Why it could not be seen what the plan would change."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return what holds the install."""
        return errors_of(self.problems)

    @property
    def leaving(self) -> tuple[Problem, ...]:
        """Return an error for each host of the cluster that the draft names no more; none once they may leave."""
        return tuple(problem for problem in self.errors if problem.code == LEAVES)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Return what must be acknowledged."""
        return tuple(problem for problem in self.problems if problem.level is Level.WARNING)


@dataclass
class Session:
    """The wizard's memory. Screens read it and are made anew from it; only the app and its jobs write it."""

    draft: Draft = field(default_factory=blank)
    saved: Draft | None = None
    """The draft as last opened or saved; None for a new one."""
    path: Path | None = None
    reached: int = 0
    """The furthest step of the trail that was open so far."""
    looks: dict[str, HostLook] = field(default_factory=dict)
    survey: Survey | None = None
    surveyed: object = None
    """What the survey depends on, as it was then; see `survey_key`."""
    surveying: bool = False
    judgement: Judgement | None = None
    unjudged: str = ""
    """Why there is no judgement and none is under way: what went wrong."""
    accepted: tuple[Problem, ...] = ()
    """Warnings that the person has acknowledged."""
    out: frozenset[str] = frozenset()
    """Hosts of the cluster that the person takes out of it; those that the draft names again don't leave."""
    run: RunRef | None = None
    run_file: Path | None = None
    """The file of the profile of the run's cluster; None where nobody knows it."""
    record: Record | None = None
    built: Built | None = None
    told: str = ""
    """The run whose end the person has seen."""
    etcd_size: int | None = None
    """The etcd size asked for while there are too few hosts for it."""

    @property
    def unsaved(self) -> bool:
        """Tell whether leaving would lose what was typed."""
        return self.draft != (self.saved or blank())

    def survey_key(self) -> object:
        """Return all that a survey depends on: when it changes, the survey is of other hosts."""
        login = tuple(self.draft.text(path) for path in ("name", "ssh.user", "ssh.port", "ssh.key", "ssh.via"))
        hosts = tuple(tuple(sorted(host.texts.items())) for host in self.draft.hosts)
        return login, self.draft.text("etcd.data_dir"), hosts

    def current_survey(self) -> Survey | None:
        """Return the survey, unless hosts or login were changed since."""
        return self.survey if self.survey is not None and self.surveyed == self.survey_key() else None

    def taken_out(self) -> tuple[str, ...]:
        """Return the hosts that leave the cluster with the install, as far as the judgement goes."""
        found = self.judgement.warnings if self.judgement else ()
        return tuple(problem.host for problem in found if problem.code == LEAVES)

    def open_warnings(self) -> tuple[Problem, ...]:
        """Return the warnings of the judgement that nobody has acknowledged."""
        if self.judgement is None:
            return ()
        return tuple(problem for problem in self.judgement.warnings if problem not in self.accepted)
