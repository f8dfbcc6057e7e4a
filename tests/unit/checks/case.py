"""One case: a site on which a code is said."""

from __future__ import annotations

from typing import Any, NamedTuple

from wizard.errors import Level

from . import sites as site


class Case(NamedTuple):
    """`words` must all be in the message or the hint."""

    code: str
    level: Level
    mend: site.Mend | None
    words: tuple[str, ...] = ()
    field: str | None = None
    host: str = "m1"
    given: dict[str, Any] = {}
