"""Hosts that could not be looked at: what stood in the way, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.checks.case import Case
from wizard.errors import Level, Problem, SlipwayError
from wizard.remote.base import HostKeyChanged, HostKeyUnknown, LoginRefused, SudoRefused, TimedOut, Unreachable

CODES: tuple[tuple[type[SlipwayError], str, str], ...] = (
    (Unreachable, "host.unreachable", "address"),
    (LoginRefused, "host.login-refused", "ssh"),
    (HostKeyUnknown, "host.key-unknown", "fingerprint"),
    (HostKeyChanged, "host.key-changed", "fingerprint"),
    (SudoRefused, "host.sudo-refused", "ssh.sudo"),
    (TimedOut, "host.timed-out", "address"),
)
"""Kind of failure → code, and the field of the host it belongs to; any other is ``host.failed``."""


def code_of(failure: SlipwayError, default: str) -> str:
    """Return the code of a finding that a host could not be looked at because of `failure`."""
    return next((code for kind, code, _ in CODES if isinstance(failure, kind)), default)


def judge(case: Case) -> Iterator[Problem]:
    """Yield a finding for each host without facts: by its failure, or because nobody asked it."""
    for index, host in enumerate(case.profile.hosts):
        failure = case.survey.failures.get(host.name)
        if failure is not None:
            code, field = next(
                ((code, field) for kind, code, field in CODES if isinstance(failure, kind)), ("host.failed", "")
            )
            why = f": {failure.why}" if failure.why else ""
            path = f"hosts[{index}]{f'.{field}' if field else ''}"
            yield Problem(code, Level.ERROR, f"{failure.title}{why}", failure.hint, path, host.name)
        elif host.name not in case.survey.facts:
            yield Problem(
                "host.not-seen",
                Level.ERROR,
                f"Nothing is known of {host.name}: it was not looked at",
                "Look at the hosts again.",
                f"hosts[{index}]",
                host.name,
            )
