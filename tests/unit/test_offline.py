"""slipway itself where there is no internet: what is put together, and how it is set up from that alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from wizard.bundle.places import default_folder, host_arch
from wizard.paths import assets_dir, cache_dir

TOOLS = assets_dir().parent / "tools"
PIP = """import json, os, pathlib, sys
env = {key: os.environ.get(key) for key in ("PIP_NO_INDEX", "PIP_FIND_LINKS")}
with open("told", "a") as told:
    told.write(json.dumps([sys.argv[1:], env]) + "\\n")
pathlib.Path(".venv/bin/slipway").touch(mode=0o755)
sys.exit(int(pathlib.Path("exit").read_text()))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with as much in it as its tools look at."""
    here = tmp_path / "slipway"
    shutil.copytree(TOOLS, here / "tools")
    (here / "wizard").mkdir()
    for name in ("requirements.lock", "pyproject.toml"):
        (here / name).write_text(f"# {name}\n")
    return here


def setup(here: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin"
    return subprocess.run(["sh", "tools/setup.sh"], cwd=here, capture_output=True, text=True, env={"PATH": path})


@pytest.fixture
def wheels(checkout: Path) -> Path:
    """Wheels that came along, with a pip (a fake) that notes what it was told."""
    (checkout / "wheels/pip").mkdir(parents=True)
    (checkout / "wheels/pip/__main__.py").write_text(PIP)
    (checkout / "exit").write_text("0")
    return checkout


def test_where_wheels_came_along_no_index_is_asked(wheels: Path) -> None:
    done = setup(wheels)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in (wheels / "told").read_text().splitlines()]
    assert [words for words, _ in told] == [
        ["install", "-q", "--disable-pip-version-check", "--require-hashes", "--find-links", "wheels",
         "-r", "requirements.lock"],
        ["install", "-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "-e", "."],
    ]  # fmt: skip
    assert [env for _, env in told] == [{"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}] * 2
    assert not list((wheels / ".venv").glob("lib/python*/site-packages/pip")), "a Python without pip will do"
    assert setup(wheels).returncode == 0
    assert len((wheels / "told").read_text().splitlines()) == 2, "it is up to date"


def test_wheels_for_another_python_say_how_to_get_the_right_ones(wheels: Path) -> None:
    (wheels / "exit").write_text("1")
    done = setup(wheels)
    assert done.returncode == 1
    assert f"make offline PYTHON={sys.version_info[0]}.{sys.version_info[1]}" in done.stderr


PYTHON = """#!/bin/sh
case "$*" in
*default_folder*) echo "$CACHE/bundles/1.37.2-amd64";;
*pip.__file__*) echo "$CACHE/pip";;
-c*) echo 3.11;;
*"pip download"*) while [ "$1" != -d ]; do [ "$1" != --python-version ] || v=$2; shift; done; touch "$2/some-$v.whl";;
esac
"""


@pytest.fixture
def builder(checkout: Path, tmp_path: Path) -> Path:
    """A checkout under git whose Python (a fake) finds a bundle and a pip in `tmp_path`, and downloads one wheel."""
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    (checkout / ".gitignore").write_text(".venv/\n/dist/\n")
    for name in ("bundles/1.37.2-amd64/bundle.lock", "bundles/1.37.2-amd64/files/ab", "pip/__main__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "pip/__pycache__").mkdir()
    (checkout / "scratch").touch()
    for words in (["init", "-q"], ["add", "."], ["rm", "-q", "--cached", "scratch"]):
        subprocess.run(["git", *words], cwd=checkout, check=True)
    return checkout


def offline(here: Path, *versions: str) -> subprocess.CompletedProcess[str]:
    words = ["sh", "tools/offline.sh", *versions]
    env = {"PATH": "/usr/bin:/bin", "CACHE": str(here.parent)}
    return subprocess.run(words, cwd=here, capture_output=True, text=True, env=env)


@pytest.mark.parametrize(("asked", "got"), [((), ["3.11"]), (("3.12", "3.13"), ["3.12", "3.13"])])
def test_checkout_packages_and_bundle_come_in_one_file(builder: Path, asked: tuple[str, ...], got: list[str]) -> None:
    done = offline(builder, *asked)
    assert done.returncode == 0, done.stderr
    with tarfile.open(builder / "dist/slipway-1.37.2-amd64.tar") as tar:
        names = {member.name for member in tar if member.isfile()}
        assert {member.uid for member in tar} == {0}
    tools = {f"slipway/tools/{path.name}" for path in TOOLS.iterdir() if path.is_file()}
    assert names == tools | {f"slipway/wheels/some-{version}.whl" for version in got} | {
        "slipway/.gitignore", "slipway/pyproject.toml", "slipway/requirements.lock", "slipway/wheels/pip/__main__.py",
        "slipway/bundles/1.37.2-amd64/bundle.lock", "slipway/bundles/1.37.2-amd64/files/ab",
    }  # fmt: skip


def test_without_a_bundle_it_says_how_to_get_one(builder: Path) -> None:
    (builder.parent / "bundles/1.37.2-amd64/bundle.lock").unlink()
    done = offline(builder)
    assert (done.returncode, "make bundle" in done.stderr) == (2, True)
    assert not (builder / "dist").exists()


def test_a_bundle_that_came_along_is_the_one_to_install_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"1.37.2-{host_arch()}"
    monkeypatch.setattr("wizard.bundle.places.carried_dir", lambda: tmp_path)
    assert default_folder("v1.37.2") == cache_dir() / "bundles" / name
    (tmp_path / name).mkdir()
    assert default_folder("1.37.2") == tmp_path / name
