"""Building a bundle: the sources' tasks one after the other, then the folder and its lock."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wizard.bundle.added import kept
from wizard.bundle.aptsources import SYSTEM_SOURCES
from wizard.bundle.cache import Cache, find
from wizard.bundle.gosource import GoSource, find_toolchain
from wizard.bundle.images import ImageSource
from wizard.bundle.lock import FILES, LOCK_NAME, BundleError, Lock
from wizard.bundle.opened import Bundle, load_bundle
from wizard.bundle.pack import copy_hashing
from wizard.bundle.packages import PackageSource
from wizard.bundle.places import builds_dir, default_folder, host_arch, lock_name
from wizard.bundle.progress import OnProgress, Tracker, Weight, ignore
from wizard.bundle.task import Built, Done, Source, Task
from wizard.bundle.verify import remember, stats_of, verify_quick
from wizard.versions import Versions, components

PART = ".part-"
STORED_NAME = re.compile(rf"[0-9a-f]{{64}}|{re.escape(PART)}.*")


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build did: the bundle, whether its folder changed, the tasks that were done, and how long it took (s)."""

    bundle: Bundle
    changed: bool
    built: tuple[str, ...]
    seconds: float


def build_bundle(
    kubernetes: str,
    *,
    folder: Path | None = None,
    arch: str = "",
    releases: Sequence[str] = (),
    package_sources: Path | None = None,
    refresh: bool = False,
    on_progress: OnProgress = ignore,
) -> BuildResult:
    """Build the bundle of a Kubernetes version from source, or bring an existing one up to date.

    `folder` is where it goes (default: by version and architecture in the cache), `releases` the target releases
    (default: this machine's; images are made of the first one's packages), `package_sources` an apt folder to take
    their sources from, `refresh` asks for the distribution's newest packages. A second build with the same inputs
    finds everything in the cache. Raises `UsageError` for an unknown version and `BundleError` for what is missing or
    fails; then, as after an interruption, a bundle that was there before is still whole.
    """
    versions = components(kubernetes)
    arch = arch or host_arch()
    packages = [
        PackageSource(release, package_sources or SYSTEM_SOURCES) for release in dict.fromkeys(releases or [""])
    ]
    tools = find_toolchain(arch)
    sources: Sequence[Source] = (*packages, GoSource(tools), ImageSource(packages[0].task_name))
    return assemble(
        versions,
        arch,
        [task for source in sources for task in source.tasks(versions, arch)],
        folder=folder or default_folder(versions.kubernetes, arch),
        cache=Cache(builds_dir()),
        releases=tuple(source.release.name for source in packages),
        built_with={"go": tools.go_version},
        refresh=refresh,
        on_progress=on_progress,
    )


def assemble(
    versions: Versions,
    arch: str,
    tasks: Sequence[Task],
    *,
    folder: Path,
    cache: Cache,
    releases: tuple[str, ...] = (),
    built_with: dict[str, str] | None = None,
    refresh: bool = False,
    on_progress: OnProgress = ignore,
) -> BuildResult:
    """Do the tasks whose results are not in the cache, and make `folder` a bundle of all their artifacts."""
    begin = time.monotonic()
    check_folder(folder)
    tracker = Tracker([Weight(task.name, task.title, task.seconds) for task in tasks], on_progress)

    def wait() -> None:
        tracker.waiting("another build is under way; waiting for it")

    made: tuple[str, ...] = ()
    done = look_up(tasks, cache, refresh)
    if len(done) < len(tasks):
        with cache.building(wait):
            done, made = do_tasks(tasks, cache, refresh, tracker)
    built = [artifact for result in done.values() for artifact in result.artifacts]
    with cache.exclusive(lock_name(folder), wait):
        lock = Lock(
            kubernetes=versions.kubernetes,
            arch=arch,
            # What somebody put in can't be built again.
            artifacts=tuple(sorted([*built, *kept(folder, versions.kubernetes)])),
            components=versions.as_dict(),
            releases=releases,
            built_with=built_with or {},
        )
        changed = write_bundle(folder, lock, done, cache)
    return BuildResult(load_bundle(folder), changed, made, time.monotonic() - begin)


def look_up(tasks: Sequence[Task], cache: Cache, refresh: bool) -> dict[str, Built]:
    """Return the results that are in the cache already, by task."""
    done: dict[str, Built] = {}
    for task in tasks:
        if (built := _cached(task, done, cache, refresh)) is not None:
            done[task.name] = built
    return done


def do_tasks(
    tasks: Sequence[Task], cache: Cache, refresh: bool, tracker: Tracker
) -> tuple[dict[str, Built], tuple[str, ...]]:
    """Return every task's result, and the names of those that were not in the cache."""
    done = look_up(tasks, cache, refresh)
    for name in done:
        tracker.cached(name)
    made = []
    for task in tasks:
        if task.name in done:
            continue
        # What it waited for may have been the only thing that was new.
        built = _cached(task, done, cache, refresh)
        if built is not None:
            tracker.cached(task.name)
        else:
            tracker.running(task.name, 0.0)
            built = cache.make(task, done, _reporter(tracker, task.name))
            made.append(task.name)
            tracker.done(task.name)
        done[task.name] = built
    return {task.name: done[task.name] for task in tasks}, tuple(made)


def _reporter(tracker: Tracker, name: str) -> Callable[[float, str], None]:
    return lambda fraction, detail: tracker.running(name, fraction, detail)


def _cached(task: Task, done: Done, cache: Cache, refresh: bool) -> Built | None:
    if refresh and task.perishable:
        return None
    try:
        return cache.get(task, done)
    except KeyError:
        # Its inputs ask for a result that is not there yet.
        return None


def check_folder(folder: Path) -> None:
    """Raise `BundleError` where `folder` holds what is no bundle's: nothing of anybody else's is deleted."""
    if not folder.exists() or (folder / LOCK_NAME).is_file():
        return
    strange = [path.name for path in folder.iterdir() if path.name != FILES and not path.name.startswith(PART)]
    files = folder / FILES
    strange += [path.name for path in files.iterdir() if not STORED_NAME.fullmatch(path.name)] if files.is_dir() else []
    if strange:
        raise BundleError(
            "The folder is not empty and is no bundle",
            where=str(folder),
            why=f"it has {', '.join(sorted(strange)[:3])}",
            hint="Name a new folder with --bundle.",
        )


def write_bundle(folder: Path, lock: Lock, done: Done, cache: Cache) -> bool:
    """Make `folder` what `lock` says, from the results, and tell whether anything changed.

    New files come first, then the lock in one move, then old files go: whoever reads meanwhile finds a whole bundle.
    """
    data = lock.dump()
    bundle = Bundle(folder, lock)
    files = folder / FILES
    try:
        files.mkdir(parents=True, exist_ok=True)
        same_lock = (folder / LOCK_NAME).is_file() and (folder / LOCK_NAME).read_bytes() == data
        bad = {problem.field for problem in verify_quick(bundle)}
        copied = _copy_missing(bundle, done, cache, bad)
        if not same_lock:
            part = folder / f"{PART}lock"
            part.write_bytes(data)
            part.replace(folder / LOCK_NAME)
        kept = {artifact.sha256 for artifact in lock.artifacts}
        old = [path for path in files.iterdir() if path.name not in kept and STORED_NAME.fullmatch(path.name)]
        for path in old:
            path.unlink()
    except OSError as error:
        raise BundleError(
            "The bundle can't be written",
            where=str(folder),
            why=error.strerror or str(error),
            hint="Free some space, or name another folder with --bundle.",
        ) from error
    if copied:
        remember(bundle, stats_of(bundle))
    return bool(copied or old or not same_lock)


def _copy_missing(bundle: Bundle, done: Done, cache: Cache, bad: set[str]) -> int:
    """Copy the stored files that are missing or differ and return how many; on failure take back what was added."""
    added: list[Path] = []
    copied: set[Path] = set()
    fields = {name for field in bad for name in field.split(", ")}
    try:
        for built in done.values():
            for artifact in built.artifacts:
                target = bundle.path(artifact)
                if target in copied or artifact.name not in fields:
                    continue
                part = target.with_name(f"{PART}{os.getpid()}")
                part.unlink(missing_ok=True)
                found = copy_hashing(built.folder / artifact.file, part)
                if found != artifact.sha256:
                    part.unlink()
                    cache.drop(built.folder)
                    raise BundleError(
                        f"{artifact.name} was damaged in the build cache",
                        where=str(built.folder),
                        why="its content does not have the recorded SHA-256",
                        hint="It was thrown away. Run `slipway bundle build` again, and check the disk.",
                    )
                existed = target.exists()
                part.replace(target)
                copied.add(target)
                if not existed:
                    added.append(target)
    except BaseException:
        for path in [*added, *bundle.folder.joinpath(FILES).glob(f"{PART}*")]:
            path.unlink(missing_ok=True)
        raise
    return len(copied)


def cached_binary(kubernetes: str, name: str) -> Path:
    """Return a plain executable from the build cache, such as kubeadm, which is built but in no bundle.

    Raises `BundleError` where it was not built on this machine.
    """
    found = find(builds_dir(), "kubernetes", f"k8s.io/kubernetes@v{kubernetes.removeprefix('v')}")
    if found is not None and (found / "raw" / name).is_file():
        return found / "raw" / name
    raise BundleError(
        f"{name} was not built on this machine", where=str(builds_dir()), hint="Run `slipway bundle build` first."
    )
