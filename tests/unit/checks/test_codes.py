"""The codes: documented, stable, and no code of the profile's rules."""

from __future__ import annotations

import re
from pathlib import Path

import wizard.checks
from wizard.checks.codes import CODES, reference
from wizard.facts.look import read
from wizard.profile.codes import CODES as RULES

from . import sites as site

FOLDER = Path(wizard.checks.__file__).parent
DOCS = FOLDER.parent.parent / "docs" / "checks.md"


def test_the_page_begins_with_them() -> None:
    assert DOCS.read_text().startswith(reference())


def test_no_code_is_said_that_is_not_in_the_list() -> None:
    """Codes stand in the source as literals, apart from those made of a unit's name."""
    families = "|".join(sorted({code.partition(".")[0] for code in CODES}))
    said = set()
    for path in FOLDER.glob("*.py"):
        if path.name != "codes.py":
            said |= set(re.findall(rf'"((?:{families})\.[a-z0-9]+(?:-[a-z0-9]+)*)"', path.read_text()))
    fields = {"etcd.data_dir", "network.pod_cidr", "network.service_cidr", "endpoint.vip"}
    fields |= {"network.backend", "network.mtu", "network.plugin"}
    made = {"software.haproxy-active", "software.keepalived-active"}
    assert said - fields == set(CODES) - made


def test_no_code_is_one_of_the_rules() -> None:
    assert not set(CODES) & set(RULES)


def test_real_answers_can_be_judged() -> None:
    """The recorded hosts, whole: judging them raises nothing and finds what is there."""
    data = Path(__file__).parent.parent / "facts" / "data"
    found = {}
    for name, release in (("m1", "debian-12"), ("m2", "ubuntu-24.04"), ("m3", "rocky-9")):
        families = ("system", "hardware", "storage", "network", "ports", "software", "clock", "cluster")
        text = "".join((data / release / f"{family}.txt").read_text() for family in families)
        found[name] = read(name, f"{text}\n==slipway== end\n", "/var/lib/etcd", 1727860500.0, 1727860500.4).facts
    hosts = [
        {"name": "m1", "address": "198.18.2.11"},
        {"name": "m2", "address": "10.20.0.17"},
        {"name": "m3", "address": "10.20.0.13"},
    ]
    problems = site.checks(site.profile(hosts=hosts), site.Survey(found), site.BUNDLE)
    said = {(problem.host, problem.code) for problem in problems}
    assert {
        ("m1", "vip.outside-subnet"),
        ("m1", "etcd.disk-virtual"),
        ("m2", "bundle.release"),
        ("m2", "swap.on"),
        ("m2", "port.taken"),
        ("m3", "os.unsupported"),
        ("m3", "selinux.enforcing"),
        ("m3", "software.runtime-active"),
        ("m3", "firewall.active"),
        ("m3", "etcd.disk-rotational"),
        ("m3", "disk.noexec"),
        ("m3", "disk.read-only"),
        ("m3", "proxy.set"),
        ("m3", "port.taken"),
    } <= said
    assert not any("Pa55word" in f"{problem.message}{problem.hint}" for problem in problems)
