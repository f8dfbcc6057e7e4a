"""Every code: one site on which it is said, at which level, about which host and field."""

from __future__ import annotations

import pytest

from wizard.checks.codes import CODES
from wizard.errors import Level

from . import cases_change, cases_identity, cases_machine, cases_network
from . import sites as site
from .case import Case

CASES = (*cases_change.CASES, *cases_identity.CASES, *cases_machine.CASES, *cases_network.CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.level.value}")
def test_it_is_said(case: Case) -> None:
    found = [problem for problem in site.judged(case.mend, **case.given) if problem.code == case.code]
    assert found, f"{case.code} is not said"
    problem = next((problem for problem in found if problem.host == case.host), found[0])
    assert problem.host == case.host
    assert problem.level is case.level
    said = f"{problem.message} {problem.hint}"
    assert all(word in said for word in case.words), said
    assert case.field is None or problem.field == case.field
    assert problem.level is Level.INFO or problem.hint or case.given.get("failures"), "it says what to do"
    assert case.level.value in CODES[case.code].level


def test_a_host_that_nobody_looked_at_is_said() -> None:
    wanted = site.profile()
    found = site.checks(wanted, site.Survey({"m1": site.healthy("m1", 1), "m2": site.healthy("m2", 2)}), site.BUNDLE)
    assert [(problem.code, problem.host, problem.field) for problem in found] == [("host.not-seen", "m3", "hosts[2]")]


def test_every_code_has_a_case() -> None:
    assert {case.code for case in CASES} | {"host.not-seen", "change.plugin"} == set(CODES)
