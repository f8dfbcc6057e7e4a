"""What is to be done: a task, and a job, which is a task on one site. Both are values; a task goes through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import Field, JsonValue

from wizard.bundle.lock import BundleError
from wizard.bundle.opened import Bundle
from wizard.checks.case import spoken
from wizard.profile.model import Host, Part, Profile
from wizard.render.extras_files import ExtrasFiles


class Kind(StrEnum):
    """Kinds of tasks; `wizard.plans.kinds` says of each what it is."""

    INSTALL = "install"
    VERIFY = "verify"
    RENEW = "renew"
    RESET = "reset"
    MAINTAIN = "maintain"


class Task(Part):
    """One thing that a run can do. A run that is resumed does the same task again."""

    kind: Kind = Kind.INSTALL
    hosts: tuple[str, ...] = ()
    """The hosts it is about, by their names in the profile. Empty: all."""
    options: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What else the kind's plan needs to know; no secret: a run's order lies on file."""


ALLOW_REMOVAL = "allow_removal"
"""An install's option: hosts that the profile names no more are taken out of the cluster."""
DRAIN_SECONDS = "drain_seconds"
DRAINS = 180
"""How long Pods of a host that leaves have to go elsewhere where nobody says otherwise, in seconds."""
"""An install's option: how long Pods of a host that leaves have to go elsewhere, in seconds."""

INSTALL = Task()
"""Bring all hosts to what the profile says."""


def whom(cluster: str, task: Task) -> str:
    """Return what the task is about, for titles: ``site``, or ``m2 and m3 of site``."""
    return f"{spoken(task.hosts)} of {cluster}" if task.hosts else cluster


def drain_seconds(task: Task) -> int:
    """Return how long Pods of a host that leaves have to go elsewhere, in seconds."""
    seconds = task.options.get(DRAIN_SECONDS)
    return seconds if isinstance(seconds, int) else DRAINS


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done: `task` on the hosts of `profile`. `folder` is the cluster's.

    `bundle` is what an install takes everything from; None for a task that brings hosts nothing of one. `before` is the
    profile that was applied last, with whatever hosts have not been taken out yet; None: there is none. `extras_files`
    is what the site's own files hold, where the task needs them.
    """

    profile: Profile
    bundle: Bundle | None
    folder: Path
    task: Task = INSTALL
    before: Profile | None = None
    extras_files: ExtrasFiles = field(default_factory=ExtrasFiles)

    @property
    def installs(self) -> bool:
        """Tell whether the hosts are to become what the profile says."""
        return self.task.kind is Kind.INSTALL

    @property
    def leaving(self) -> tuple[Host, ...]:
        """Return the hosts of the cluster that an install's profile names no more, as they were applied last."""
        if self.before is None or not self.installs:
            return ()
        return tuple(host for host in self.before.hosts if host.name not in self.hosts)

    @property
    def reached(self) -> tuple[str, ...]:
        """Return the names of all hosts that are looked at: the profile's, then those that leave."""
        return (*self.hosts, *(host.name for host in self.leaving))

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names of all hosts, in the profile's order."""
        return tuple(host.name for host in self.profile.hosts)

    @property
    def about(self) -> tuple[str, ...]:
        """Return the names of the hosts that the task is about, in the profile's order."""
        return tuple(name for name in self.hosts if not self.task.hosts or name in self.task.hosts)

    @property
    def whole(self) -> bool:
        """Tell whether the task is about all hosts of the profile."""
        return self.about == self.hosts


def demanded(bundle: Bundle | None) -> Bundle:
    """Return `bundle`, for a task that can't do without. Raises `BundleError` where there is none."""
    if bundle is None:
        raise BundleError("This takes files from a bundle", why="it was given none", hint="Name one with --bundle.")
    return bundle
