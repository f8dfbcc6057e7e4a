"""What a source offers: tasks with named inputs and a way to make their artifacts; `wizard.bundle.build` runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from wizard.bundle.lock import Artifact
from wizard.versions import Versions

Inputs = Mapping[str, Any]
"""Everything a task's result depends on, as plain JSON data; its hash names the result."""

Report = Callable[[float, str], None]
"""Takes how far a task is (0 to 1) and what it is at, in a few words."""


@dataclass(frozen=True)
class Built:
    """A task's result in the build cache.

    `folder`/files/<sha256> are the stored files of `artifacts`; `folder`/raw/<name> are plain files for other tasks
    (executables, layers), and `raw` gives the SHA-256 of each.
    """

    folder: Path
    artifacts: tuple[Artifact, ...]
    raw: Mapping[str, str]
    inputs: Inputs

    def raw_path(self, name: str) -> Path:
        """Return where the plain file of that name is."""
        return self.folder / "raw" / name


Done = Mapping[str, Built]
"""The results so far, by the task's name."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to be made.

    `name` is unique (``kubernetes``, ``image/coredns``); `seconds` is what it took on 2 cores with nothing cached.
    `inputs` may look at earlier results; `make` fills `folder` (files/, raw/) and returns the artifacts.
    `perishable` tells that the same inputs may give something newer later: it is made again when asked for.
    """

    name: str
    title: str
    seconds: float
    inputs: Callable[[Done], Inputs]
    make: Callable[[Path, Done, Report], tuple[Artifact, ...]]
    perishable: bool = False


class Source(Protocol):
    """Where artifacts come from: built from source, a distribution's archive, official releases."""

    name: str

    def tasks(self, versions: Versions, arch: str) -> tuple[Task, ...]:
        """Return what has to be made, in an order in which every task comes after those it needs.

        Raises `BundleError` in one sentence where something this source needs is missing on the jump host.
        """
