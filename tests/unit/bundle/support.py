"""A small bundle made by the real assembler out of tasks that build in no time."""

from __future__ import annotations

from pathlib import Path

from wizard.bundle.build import BuildResult, assemble
from wizard.bundle.cache import Cache
from wizard.bundle.lock import Artifact, Kind
from wizard.bundle.pack import keep
from wizard.bundle.progress import OnProgress, ignore
from wizard.bundle.task import Done, Report, Task
from wizard.versions import components

VERSIONS = components("1.37.2")


class Workshop:
    """Tasks by name with the content they make; `made` counts how often each was done."""

    def __init__(self, root: Path) -> None:
        self.contents = {"kubelet": b"kubelet " * 1000, "etcd": b"etcd " * 1000, "runc": b"runc"}
        self.made: list[str] = []
        self.fail_at = ""
        self.perishable: set[str] = set()
        self.cache = Cache(root / "builds")
        self.folder = root / "bundle"

    def task(self, name: str) -> Task:
        def make(folder: Path, done: Done, report: Report) -> tuple[Artifact, ...]:
            report(0.5, "halfway")
            self.made.append(name)
            (folder / "raw").mkdir()
            (folder / "raw" / name).write_bytes(self.contents[name])
            if name == self.fail_at:
                raise KeyboardInterrupt
            copy = folder / name
            copy.write_bytes(self.contents[name])
            return (
                Artifact(
                    name=name,
                    version="1.0.0",
                    arch="amd64",
                    kind=Kind.BINARY,
                    source=f"example.org/{name}@v1.0.0",
                    **keep(copy, folder / "files"),
                ),
            )

        content = self.contents[name].decode()
        return Task(name, name.title(), 10, lambda done: {"content": content}, make, perishable=name in self.perishable)

    def build(self, *, refresh: bool = False, on_progress: OnProgress = ignore) -> BuildResult:
        self.made.clear()
        return assemble(
            VERSIONS,
            "amd64",
            [self.task(name) for name in self.contents],
            folder=self.folder,
            cache=self.cache,
            releases=("debian-12",),
            refresh=refresh,
            on_progress=on_progress,
        )

    def left_over(self) -> list[str]:
        """Return what an unfinished build would leave in the cache or in the bundle."""
        places = [*self.cache.folder.glob(".unfinished*"), *self.folder.glob("**/.part*")]
        return [path.name for path in places]
