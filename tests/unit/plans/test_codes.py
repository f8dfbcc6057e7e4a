"""The codes of plans and runs: documented, and no other is said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from wizard.checks.codes import CODES as CHECKS
from wizard.engine.reply import _HINTS
from wizard.plans.codes import CODES, reference
from wizard.profile.codes import CODES as RULES

ROOT = Path(__file__).parents[3]
SAID = re.compile(r'(?:Problem|_problem|_held|as_problem)\(\s*(?:host, )?"([a-z]+\.[a-z-]+)"')
KINDS = re.compile(r'^    (?:TimedOut|RemoteError): "([a-z]+\.[a-z-]+)"', re.M)


def said(*folders: str) -> set[str]:
    """Return the codes that stand in the source as literals."""
    texts: Iterable[str] = (path.read_text() for folder in folders for path in (ROOT / "wizard" / folder).rglob("*.py"))
    return {code for text in texts for pattern in (SAID, KINDS) for code in pattern.findall(text)}


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "checks.md").read_text()
    assert page == reference(), "write it anew: docs/checks.md is wizard.plans.codes.reference()"


def test_no_code_is_said_that_is_in_no_list() -> None:
    found = said("bundle", "remote", "engine", "steps", "plans", "cli") | {f"step.{code}" for code in _HINTS}
    assert {"quorum.refused", "removal.still-alive", "maintain.another-out", "registry.login", "bundle.extra"} <= found
    elsewhere = "".join((ROOT / "docs" / name).read_text() for name in ("status.md", "certificates.md"))
    assert (
        sorted(code for code in found if code not in {*CODES, *CHECKS, *RULES} and f"`{code}`" not in elsewhere) == []
    )


def test_no_code_is_in_the_list_that_nobody_says() -> None:
    found = said("bundle", "remote", "engine", "steps", "plans", "cli") | {f"step.{code}" for code in _HINTS}
    texts = "".join(path.read_text() for path in (ROOT / "wizard").rglob("*.py") if path.name != "codes.py")
    made = {"step.script", "step.pipe"}
    assert sorted(code for code in CODES if code not in found | made and f'"{code}"' not in texts) == []


def test_no_code_is_one_of_the_checks() -> None:
    assert not set(CODES) & set(CHECKS)
