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


NOT_ASKED = frozenset(code for _, code, _ in CODES)
"""The codes of a host of a cluster that could not be asked: they say nothing of the cluster itself."""


def code_of(failure: SlipwayError) -> str:
    """Return which of `NOT_ASKED` stands for `failure`: that it can't be reached, where there is none of its own."""
    return next((code for kind, code, _ in CODES if isinstance(failure, kind)), "host.unreachable")


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
