"""The build cache: results by the hash of their inputs, whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from wizard.bundle.lock import BundleError, artifact_of
from wizard.bundle.pack import sha256_of
from wizard.bundle.task import Built, Done, Report, Task

RESULT = "build.json"
UNFINISHED = ".unfinished-"
"""How the folder of a build under way begins; such a folder without a running build is rubbish."""


def key(task: Task, done: Done) -> str:
    """Return the name of the task's result: the task and the hash of its inputs."""
    inputs = json.dumps(task.inputs(done), sort_keys=True).encode()
    return f"{task.name.replace('/', '-')}-{hashlib.sha256(inputs).hexdigest()[:16]}"


class Cache:
    """The results in `folder`. Reading needs no lock, for a result appears whole; `make` needs `building`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def building(self, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the cache alone for making results, and clear what a killed build left."""
        with self.exclusive("builds", on_wait):
            for rubbish in self.folder.glob(f"{UNFINISHED}*"):
                shutil.rmtree(rubbish, ignore_errors=True)
            yield

    @contextmanager
    def exclusive(self, what: str, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold `what` alone on this machine; `on_wait` is called once when another process has it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / f".lock-{what}").open("w")
        except OSError as error:
            raise BundleError(
                "The build cache can't be written",
                where=str(self.folder),
                why=error.strerror or str(error),
                hint="Set XDG_CACHE_HOME to a folder of yours.",
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def get(self, task: Task, done: Done) -> Built | None:
        """Return the task's result where it is there, with every file in its size; contents are not read."""
        folder = self.folder / key(task, done)
        try:
            plain = json.loads((folder / RESULT).read_bytes())
            artifacts = tuple(artifact_of(entry) for entry in plain["artifacts"])
            built = Built(folder, artifacts, plain["raw"], plain["inputs"])
            whole = all((folder / artifact.file).stat().st_size == artifact.size for artifact in artifacts) and all(
                built.raw_path(name).is_file() for name in built.raw
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return built if whole else None

    def make(self, task: Task, done: Done, report: Report) -> Built:
        """Do the task and return its result; an interrupted one leaves nothing."""
        final = self.folder / key(task, done)
        work = Path(tempfile.mkdtemp(dir=self.folder, prefix=UNFINISHED))
        inputs = task.inputs(done)
        try:
            artifacts = task.make(work, done, report)
            raw_folder = work / "raw"
            raw = {path.name: sha256_of(path) for path in sorted(raw_folder.glob("*"))}
            plain = {
                "task": task.name,
                "inputs": inputs,
                "raw": raw,
                "artifacts": [asdict(artifact) for artifact in artifacts],
            }
            (work / RESULT).write_text(json.dumps(plain, indent=1, sort_keys=True), encoding="utf-8")
            work.chmod(0o755)
            self.drop(final)
            work.rename(final)
        except OSError as error:
            raise BundleError(
                f"{task.title} can't be built",
                where=error.filename or str(self.folder),
                why=error.strerror or str(error),
                hint="Free some space (a bundle takes about 6 GB while it is built), then run it again.",
            ) from error
        finally:
            # Once renamed it is no longer here.
            shutil.rmtree(work, ignore_errors=True)
        return Built(final, artifacts, raw, inputs)

    def drop(self, folder: Path) -> None:
        """Remove a result. It stops being one at once: it is renamed before it is deleted."""
        if folder.exists():
            gone = Path(tempfile.mkdtemp(dir=self.folder, prefix=UNFINISHED)) / "old"
            folder.rename(gone)
            shutil.rmtree(gone.parent, ignore_errors=True)


def find(folder: Path, task: str, source: str) -> Path | None:
    """Return the newest result of `task` that was made from `source` (module@version), None where there is none."""
    found = []
    for path in folder.glob(f"{task}-*/{RESULT}"):
        try:
            if json.loads(path.read_bytes())["inputs"]["source"] == source:
                found.append(path)
        except (OSError, ValueError, KeyError, TypeError):
            continue
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return newest.parent if newest else None
