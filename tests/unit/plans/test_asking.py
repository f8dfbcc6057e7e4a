"""What hosts are asked about registries and kernel settings: the real script against a real TLS server on loopback."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.practice import registry
from tests.unit.render.sites import profile, site
from wizard.engine.files import sha256_of
from wizard.engine.marker import HostMarker, Put, dump
from wizard.errors import Level, Problem
from wizard.facts.traces import ClusterTraces, Marker
from wizard.plans import asking
from wizard.profile.extras import Registry, Words
from wizard.remote.base import Secret
from wizard.render import api
from wizard.render.extras_files import ExtrasFiles
from wizard.render.files import fill
from wizard.render.site import Site
from wizard.steps.kit import files_of


@pytest.fixture(scope="module", params=[False, True], ids=["password", "token"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.Registry]:
    with registry.running("127.0.0.1", tmp_path_factory.mktemp("registry"), {}, 0, token=request.param) as made:
        yield made


def site_with(served: registry.Registry, ca: bytes | None = None, password: str = "", **more: Any) -> Site:
    """Return a site that fetches from `served`, with that authority and, where there is a password, that login."""
    wanted = profile(registries=(Registry(name=served.name, username="pull" if password else None, **more),))
    passwords = {served.name: Secret(password)} if password else {}
    return replace(site(wanted), extras_files=ExtrasFiles({served.name: ca} if ca else {}, passwords, read=True))


def said(of: Site, *, settled: bool = False) -> dict[str, Problem]:
    """Run what a host is asked here, with a host's shell; return what it says against the profile."""
    host = of.profile.hosts[0]
    places = asking.places_of(of, host)
    script = fill("site/ask.sh", places=places, keys=[], environment=())
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return {problem.code: problem for problem in asking.problems(done.stdout, host, places, settled=settled)}


def test_a_registry_that_is_as_the_profile_says_is_fine(served: registry.Registry) -> None:
    assert said(site_with(served, served.ca.read_bytes(), registry.PASSWORD)) == {}


def test_a_wrong_authority_is_told_apart_from_all_else(served: registry.Registry) -> None:
    for ca in (served.wrong_ca.read_bytes(), None):
        (problem,) = said(site_with(served, ca, registry.PASSWORD)).values()
        assert (problem.code, problem.level, problem.host) == ("registry.tls", Level.ERROR, "m1")
        assert served.name in problem.message
        assert "certificate" in problem.message


def test_a_wrong_password_is_refused_and_never_shown(served: registry.Registry) -> None:
    (problem,) = said(site_with(served, served.ca.read_bytes(), "no-such-password")).values()
    assert (problem.code, problem.level) == ("registry.login", Level.ERROR)
    assert "no-such-password" not in problem.message + problem.hint


def test_a_registry_that_wants_a_login_and_gets_none_is_warned_of(served: registry.Registry) -> None:
    found = said(site_with(served, served.ca.read_bytes()))
    # One that hands out tokens may give them to anybody.
    asks_for_password = not any("/token" in line for line in served.asked)
    assert [problem.level for problem in found.values()] == ([Level.WARNING] if asks_for_password else [])


def test_one_that_can_not_be_reached_holds_nobody_up(served: registry.Registry) -> None:
    gone = replace(served, name="127.0.0.1:1")
    (problem,) = said(site_with(gone, served.ca.read_bytes(), "x")).values()
    assert (problem.code, problem.level) == ("registry.unreachable", Level.WARNING)
    assert "127.0.0.1" in problem.message


def test_what_went_wrong_elsewhere_holds_no_run_that_changes_nothing_of_it(served: registry.Registry) -> None:
    of = site_with(served, served.wrong_ca.read_bytes(), registry.PASSWORD)
    (problem,) = said(of, settled=True).values()
    assert (problem.code, problem.level) == ("registry.tls", Level.WARNING)
    host = of.profile.hosts[0]
    files = files_of(api.registries(of, host))
    facts = of.facts["m1"]
    for last, settled in ((files, True), (files[:1], False)):
        text = dump(HostMarker("u", "c", files={file.path: Put(sha256_of(file)) for file in last}))
        there = replace(facts, traces=ClusterTraces(marker=Marker(text=text)))
        assert asking._settled(of, host, there) is settled


def test_the_script_leaves_nothing_and_needs_curl(served: registry.Registry, tmp_path: Path) -> None:
    of = site_with(served, served.ca.read_bytes(), registry.PASSWORD)
    script = fill("site/ask.sh", places=asking.places_of(of, of.profile.hosts[0]), keys=[], environment=())
    for path, output in (("/usr/sbin:/usr/bin:/sbin:/bin", ""), (str(tmp_path), "curl\n")):
        done = subprocess.run(
            ["/bin/sh", "-c", script if path != str(tmp_path) else script.replace("mktemp -d", "echo /nowhere")],
            capture_output=True, text=True, env={"PATH": path, "TMPDIR": str(tmp_path)}, timeout=60,
        )  # fmt: skip
        assert output in done.stdout
        assert registry.PASSWORD not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_setting_that_is_none_is_named() -> None:
    of = site(profile(sysctls=Words({"net.core.somaxconn": "1", "net.core.no_such": "1"})))
    keys = ["net.core.somaxconn", "net.core.no_such"]
    script = fill("site/ask.sh", places=(), keys=keys, environment=())
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
    (problem,) = asking.problems(done.stdout, of.profile.hosts[0], (), settled=True)
    assert (problem.code, problem.level) == ("sysctl.unknown", Level.ERROR)
    assert "net.core.no_such" in problem.message
