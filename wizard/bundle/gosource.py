"""The source "built from source": Go modules through the Go module proxy, pinned by go.sum, built here."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from wizard.bundle.lock import Artifact, BundleError, Kind
from wizard.bundle.pack import LEVEL, store
from wizard.bundle.places import host_arch
from wizard.bundle.process import need, run
from wizard.bundle.recipes import GoRecipe, recipes
from wizard.bundle.task import Done, Inputs, Report, Task
from wizard.paths import assets_dir
from wizard.versions import Versions, load, number

CROSS_COMPILERS = {"amd64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}
BUILD_SHARE = 0.85
"""How much of a task's time is compiling; the rest is linking and compression."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The tools on this machine: Go's program and version, and the C compiler's for cgo."""

    go: str
    go_version: str
    compiler: str
    compiler_version: str


def parse_go_version(text: str) -> str:
    """Return the version in what ``go env GOVERSION`` says (``go1.26.8 X:nodwarf5`` → ``1.26.8``), "" where none."""
    found = re.match(r"go(\d+\.\d+(?:\.\d+)?)", text.strip())
    return found.group(1) if found else ""


def check_go_version(version: str, minimum: str) -> None:
    """Raise `BundleError` in one sentence where Go is older than the modules ask for."""
    if not version or number(version) < number(minimum):
        raise BundleError(
            f"Go {version or 'of an unknown version'} is too old to build the bundle",
            why=f"its modules ask for Go {minimum} or newer",
            hint=f"Install Go {load().go_tested} (the version the recipes are proven with) and put it in PATH.",
        )


def find_toolchain(arch: str) -> Toolchain:
    """Look for Go and the C compiler. Raises `BundleError` naming what is missing and how to get it."""
    try:
        go = need("go", "golang-go", "to build the bundle's programs")
    except BundleError as error:
        raise BundleError(
            "Go is missing on this machine",
            why="the bundle's programs are built from source",
            hint=f"Install Go {load().go_tested} and put it in PATH.",
        ) from error
    version = parse_go_version(run([go, "env", "GOVERSION"], doing="Asking Go for its version", env=PINNED))
    check_go_version(version, load().go_minimum)
    cross = arch != host_arch()
    compiler = need(
        CROSS_COMPILERS[arch] if cross else "gcc",
        f"crossbuild-essential-{arch}" if cross else "gcc libc6-dev",
        "to build runc, flannel and pause",
    )
    compiler_version = run([compiler, "-dumpfullversion"], doing="Asking the C compiler for its version").strip()
    config = need("pkg-config", "pkg-config", "to build runc")
    try:
        run([config, "--exists", "libseccomp"], doing="Looking for libseccomp")
    except BundleError as error:
        raise BundleError(
            "libseccomp's headers are missing on this machine",
            why="runc is built with it",
            hint="Run `apt-get install libseccomp-dev` and try again.",
        ) from error
    return Toolchain(go, version, compiler, compiler_version)


PINNED = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
"""What every call of Go gets: the Go that is installed, nothing that is not in go.sum."""


def environment(recipe: GoRecipe, arch: str, compiler: str) -> dict[str, str]:
    """Return what the build's environment adds to this process's."""
    return {
        **PINNED,
        "GOOS": "linux",
        "GOARCH": arch,
        "GOAMD64": "v1",
        "GOARM64": "v8.0",
        "GOEXPERIMENT": "",
        "CGO_ENABLED": "1" if recipe.cgo else "0",
        "CC": compiler,
        "CGO_CFLAGS": "-O2",
        "CGO_LDFLAGS": "-O2",
    }


class GoSource:
    """Builds every Go component and pause."""

    name = "source"

    def __init__(self, tools: Toolchain) -> None:
        """Take the tools to build with, from `find_toolchain`."""
        self._tools = tools

    def tasks(self, versions: Versions, arch: str) -> tuple[Task, ...]:
        """Return a task for each recipe, and one for pause."""
        pause = _pause(versions.pause, arch, self._tools)
        return (pause, *(_task(recipe, arch, self._tools) for recipe in recipes(versions)))


def _task(recipe: GoRecipe, arch: str, tools: Toolchain) -> Task:
    folder = assets_dir() / "bundle" / recipe.folder

    def inputs(_: Done) -> Inputs:
        return {
            "source": recipe.source,
            "packages": dict(recipe.packages),
            "binaries": recipe.binaries,
            "cni": recipe.cni,
            "go": tools.go_version,
            "compiler": tools.compiler_version if recipe.cgo else "",
            "environment": environment(recipe, arch, Path(tools.compiler).name),
            "arguments": recipe.arguments(),
            "pins": {name: (folder / name).read_text(encoding="utf-8") for name in ("go.mod", "go.sum")},
            "level": LEVEL,
        }

    def make(target: Path, _: Done, report: Report) -> tuple[Artifact, ...]:
        raw = target / "raw"
        raw.mkdir()
        _go_build(recipe, folder, raw, environment(recipe, arch, tools.compiler), tools.go, report)
        kept = [(name, name, Kind.BINARY) for name in recipe.binaries]
        kept += [(f"cni/{name}", name, Kind.CNI) for name in recipe.cni]
        artifacts = []
        for place, (name, file, kind) in enumerate(kept):
            report(BUILD_SHARE + (1 - BUILD_SHARE) * place / len(kept), f"compressing {file}")
            stored = store(raw / file, target / "files")
            artifacts.append(
                Artifact(name=name, version=recipe.version, arch=arch, kind=kind, source=recipe.source, **stored)
            )
        return tuple(artifacts)

    return Task(recipe.component, recipe.title, recipe.seconds, inputs, make)


def _go_build(recipe: GoRecipe, folder: Path, raw: Path, env: dict[str, str], go: str, report: Report) -> None:
    """Build the recipe's packages into `raw`, each under its own name."""
    # Listed with -v, compiled packages come one a line; downloads of modules as "go: downloading …" before them.
    count = Counter(recipe.compiled, report)
    report(0.0, "fetching modules")
    run(
        [go, "build", "-v", *recipe.arguments(), "-o", f"{raw}{os.sep}", *recipe.packages.values()],
        doing=f"Building {recipe.title}",
        cwd=folder,
        env=env,
        on_line=count,
        hint="If a download failed, check that this machine reaches a Go module proxy (GOPROXY), then run it again.",
    )
    for name, package in recipe.packages.items():
        made = raw / executable_name(package)
        if made.name != name:
            made.rename(raw / name)


class Counter:
    """Turns the lines of ``go build -v`` into how far it is."""

    def __init__(self, expected: int, report: Report) -> None:
        self._expected = expected
        self._seen = 0
        self._report = report

    def __call__(self, line: str) -> None:
        """Take one line."""
        if line.startswith("go: "):
            self._report(self._share(), line.removeprefix("go: "))
        elif line and " " not in line and not line.startswith("#"):
            self._seen += 1
            self._report(self._share(), f"{self._seen} packages, {line}")

    def _share(self) -> float:
        return BUILD_SHARE * min(self._seen / self._expected, 1.0)


def executable_name(package: str) -> str:
    """Return the name ``go build -o DIR/`` gives a package's program: its last word, a major version left out."""
    words = package.split("/")
    return words[-2] if re.fullmatch(r"v\d+", words[-1]) and len(words) > 1 else words[-1]


def _pause(version: str, arch: str, tools: Toolchain) -> Task:
    source = assets_dir() / "bundle" / "pause" / "pause.c"
    flags = ("-Os", "-Wall", "-Werror", "-static", "-s", f'-DVERSION="{version}"')

    def inputs(_: Done) -> Inputs:
        return {
            "code": source.read_text(encoding="utf-8"),
            "flags": flags,
            "compiler": tools.compiler_version,
            "arch": arch,
        }

    def make(target: Path, _: Done, report: Report) -> tuple[Artifact, ...]:
        report(0.0, "compiling")
        (target / "raw").mkdir()
        run([tools.compiler, *flags, "-o", str(target / "raw" / "pause"), str(source)], doing="Building pause")
        return ()

    return Task("pause", f"pause {version}", 1, inputs, make)
