"""Read a profile: everything wrong with it at once, in plain words, with lines; counts are reported, never refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wizard.errors import Problem, UsageError, errors_of
from wizard.profile import text as yaml_text
from wizard.profile.fold import fold, stands
from wizard.profile.migrate import migrate
from wizard.profile.model import Profile
from wizard.profile.rules import rules
from wizard.profile.shape import secret_keys, shape_problems
from wizard.profile.text import Document
from wizard.versions import Catalog


class ProfileError(UsageError):
    """A profile that can't be loaded, because of `problems`: each names its field and its line."""

    def __init__(self, title: str, *, problems: tuple[Problem, ...], **words: str) -> None:
        super().__init__(title, **words)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Loaded:
    """A profile that was read: from `path`, whose text was `text`; `problems` are the rules it breaks.

    The problems judge it as for a new install (`wizard.profile.rules`); loading refuses none of them.
    """

    profile: Profile
    problems: tuple[Problem, ...]
    text: str
    path: Path


def load(path: Path, catalog: Catalog | None = None) -> Loaded:
    """Read the profile at `path`.

    Raises `UsageError` where the file can't be read or is no YAML, `ProfileError` with all problems at once where keys
    or values make no profile.
    """
    text = read(path)
    profile = parse(text, str(path), catalog)
    return Loaded(profile, rules(profile, catalog), text, path)


def parse(text: str, where: str = "profile", catalog: Catalog | None = None) -> Profile:
    """Return the profile that `text` (YAML) says; `where` names it in errors. Raises as `load` does."""
    return build(yaml_text.parse(text, where), where, catalog)


def build(document: Document, where: str, catalog: Catalog | None = None) -> Profile:
    """Return the profile that plain data says; raises `ProfileError` with everything that is wrong with it.

    That is first what keeps it from being a profile, then the rules that the rest of it breaks for a new install.
    """
    secrets = secret_keys(document)
    data = migrate(document.data, where)
    profile: Profile | None = None
    shape: tuple[Problem, ...] = ()
    try:
        profile = Profile.model_validate(data)
    except ValidationError as error:
        named = {problem.field for problem in secrets}
        shape = tuple(problem for problem in shape_problems(error, document) if problem.field not in named)
    problems = (*document.problems, *secrets, *shape)
    if problems or profile is None:
        problems = (*problems, *_rest(data, problems, catalog))
        count = f"{len(problems)} things" if len(problems) != 1 else "one thing"
        raise ProfileError("The profile has errors", where=where, why=f"{count} in it must change", problems=problems)
    return profile


def _rest(data: dict[str, Any], problems: tuple[Problem, ...], catalog: Catalog | None) -> Iterator[Problem]:
    """Yield the errors of the rules on fields that stand in the file and can be read; counts need all of it."""
    broken = [problem.field for problem in problems]
    for problem in errors_of(rules(fold(data), catalog)):
        unread = any(problem.field == field or problem.field.startswith((f"{field}.", f"{field}[")) for field in broken)
        if not unread and problem.field != "hosts" and stands(data, problem.field):
            yield problem


def read(path: Path) -> str:
    """Return the text of a profile's file. Raises `UsageError` saying why it can't be read and what to do."""
    try:
        with path.open("rb") as file:
            content = file.read(yaml_text.MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError("There is no such profile", where=str(path), hint=_hint_for_missing(path)) from error
    except IsADirectoryError as error:
        raise UsageError("This is a folder, not a profile", where=str(path), hint="Name the file in it.") from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageError(
            "The profile can't be read", where=str(path), why=why, hint="Check path and rights."
        ) from error
    if len(content) > yaml_text.MAX_BYTES:
        raise UsageError("The file is far too large for a profile", where=str(path))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            "The profile is no UTF-8 text", where=f"{path}, byte {error.start}", hint="Save it as UTF-8 in the editor."
        ) from error


def _hint_for_missing(path: Path) -> str:
    """Name the files that may have been meant."""
    try:
        names = {item.stem: item.name for item in path.parent.iterdir() if item.suffix in (".yaml", ".yml")}
    except OSError:
        return f"The folder {path.parent} can't be read either; check the path."
    # By the names alone: all of them end alike.
    near = names.get(yaml_text.nearest(path.stem, sorted(names)))
    return f"Did you mean {path.parent / near}?" if near else "'slipway profile new' writes one."
