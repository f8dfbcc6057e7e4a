"""Shared by the tests on practice hosts: their order, one datacenter for many files, and an end for each in any case.

    hosts     three booted masters where root logs in by key; bad input is tried on them before anything is installed
    cluster   the same hosts, installed by `slipway apply`; its first answer is in `cluster.kept["first"]`
    closed    three masters and two etcd-only hosts, installed by a sudo user with a password, from a jump host that
              sees nothing but them; its first answer is in `closed.kept["first"]`

    workers   three masters and a worker, installed; its first answer is in `workers.kept["first"]`. A second worker is
              up and not in the cluster yet

A datacenter is made when first asked for and ended after its last file, so that idle clusters slow nothing down.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from wizard import practice, versions
from wizard.bundle.lock import BundleError
from wizard.bundle.opened import Bundle, load_bundle
from wizard.bundle.places import default_folder

from .helpers import OWN, Lab, Labs

ORDER = (
    *("bad_input", "install", "verify", "certs", "status", "failover", "isolated", "five", "workers", "change"),
    *("site", "scale", "roles", "resume", "reset", "networks", "wizard", "datacenter"),
)
"""Files by what they share: who bends hosts goes before who installs on them, users of one cluster side by side."""
USES = {"hosts": "hosts", "cluster": "hosts", "closed": "closed", "workers": "workers"}
"""Fixture → the datacenter it stands on."""
ENDS = pytest.StashKey[set[str]]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of this folder in `ORDER` behind all others; note at each datacenter's last file that it ends.

    It comes last, after -m and -k have taken tests away: the last file is one that really runs.
    """
    mine = [item for item in items if item.path.parent == Path(__file__).parent]
    others = [item for item in items if item not in mine]
    places = {f"test_{name}": place for place, name in enumerate(ORDER)}
    mine.sort(key=lambda item: places.get(item.path.stem, len(ORDER)))
    items[:] = others + mine
    last = {USES[name]: item for item in mine for name in getattr(item, "fixturenames", ()) if name in USES}
    for name, item in last.items():
        if module := item.getparent(pytest.Module):
            module.stash.setdefault(ENDS, set()).add(name)


@pytest.fixture(scope="session", autouse=True)
def _machine() -> None:
    """Fail without root; end what the datacenters of runs that are gone left behind."""
    if os.geteuid() != 0:
        pytest.fail("tests on practice hosts need root: run them with sudo", pytrace=False)
    for name in practice.names():
        owner = re.fullmatch(r"test-(\d+)-\w+", name)
        if owner and not Path("/proc", owner[1]).exists():
            practice.down(name)


@pytest.fixture(scope="session")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labs]:
    with ExitStack() as stack:
        made = Labs(tmp_path_factory.mktemp("labs"))
        stack.callback(_end_own)
        stack.callback(made.end_all)
        yield made


def _end_own() -> None:
    for name in practice.names():
        if name.startswith(OWN):
            practice.down(name)


@pytest.fixture(scope="module", autouse=True)
def _end_after_last_file(request: pytest.FixtureRequest, labs: Labs) -> Iterator[None]:
    yield
    for name in request.node.stash.get(ENDS, set()):
        labs.end(name)


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    folder = default_folder(versions.default())
    try:
        return load_bundle(folder)
    except BundleError as error:
        pytest.fail(f"{error}: run `make bundle` first", pytrace=False)


@pytest.fixture(scope="session")
def hosts(labs: Labs, bundle: Bundle) -> Lab:
    return labs.open("hosts")


@pytest.fixture(scope="session")
def cluster(hosts: Lab) -> Lab:
    return hosts.installed()


@pytest.fixture(scope="session")
def closed(labs: Labs, bundle: Bundle) -> Lab:
    made = labs.open("closed", etcd=2, user="ops")
    jump = labs.keep("closed", practice.isolated_namespace(made.datacenter))
    return replace(made, inside=tuple(jump.command())).installed()


@pytest.fixture(scope="session")
def workers(labs: Labs, bundle: Bundle) -> Lab:
    made = labs.open("workers", workers=2)
    return made.installed(made.written("one-worker", lambda data: data["hosts"].pop()))
