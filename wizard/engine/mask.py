"""Masks: no secret leaves the run's process in a line, a diff, an error or an event."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import replace

from wizard.engine.step import Diff
from wizard.errors import Problem
from wizard.remote.base import Secret

MASK = "•••"
SHORTEST = 3
"""Shorter texts are not masked: they would mask half of every line, and protect nothing."""
SHORTEST_LINE = 8
"""Lines of a secret of several lines (a key) are masked on their own from this length on."""

_KEY = os.urandom(32)


class Masker:
    """Replaces every text of `secrets` by a mask: as it is, its longer lines one by one, and in base64."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        texts: set[str] = set()
        for secret in secrets:
            text = secret.reveal()
            lines = text.splitlines()
            texts.update({text, text.strip(), base64.b64encode(text.encode()).decode()})
            if len(lines) > 1:
                texts.update(line.strip() for line in lines if len(line.strip()) >= SHORTEST_LINE)
        longest_first = sorted((text for text in texts if len(text) >= SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """Return `text` with every secret masked."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def diff(self, diff: Diff) -> Diff:
        """Return `diff` as it may be shown: one marked secret by fingerprints only, others with secrets masked."""
        if diff.secret:
            return replace(
                diff,
                subject=self.text(diff.subject),
                before=fingerprint(diff.before) if diff.before else "",
                after=fingerprint(diff.after) if diff.after else "",
            )
        return replace(
            diff, subject=self.text(diff.subject), before=self.text(diff.before), after=self.text(diff.after)
        )

    def problem(self, problem: Problem) -> Problem:
        """Return `problem` with every secret in its words masked."""
        return replace(problem, message=self.text(problem.message), hint=self.text(problem.hint))


def fingerprint(text: str) -> str:
    """Return a mask that is equal for equal texts, within this process only.

    It is keyed with random bytes, so that a guess at a weak secret can't be confirmed from a diff or a journal.
    """
    if text.startswith(f"{MASK} "):
        return text
    return f"{MASK} {hashlib.blake2b(text.encode(), key=_KEY, digest_size=4).hexdigest()}"
