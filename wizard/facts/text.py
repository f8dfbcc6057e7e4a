"""Reading what the shell fragments print: parts of an output, files with their names, numbers that may be missing.

Nothing here raises on garbage: what can't be read is left out.
"""

from __future__ import annotations

MARK = "==slipway== "
"""Begins the line that names the part which follows; `part` in the script prints it after an empty line."""


def parts(text: str) -> dict[str, str]:
    """Return part → its text, without the line end that `part` put before the next mark."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith(MARK):
            lines = found.setdefault(line.removeprefix(MARK).strip(), [])
        else:
            lines.append(line)
    return {name: "\n".join(content).removesuffix("\n") for name, content in found.items()}


def by_file(text: str) -> dict[str, list[str]]:
    """Return path → lines, of what ``grep -H '' FILES`` printed."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        path, colon, content = line.partition(":")
        if colon and path.startswith("/"):
            found.setdefault(path, []).append(content)
    return found


def first(files: dict[str, list[str]], *paths: str) -> str:
    """Return the first line of the first of `paths` that is there, stripped, or an empty text."""
    for path in paths:
        if files.get(path):
            return files[path][0].strip()
    return ""


def integer(text: str, default: int = 0) -> int:
    """Return a decimal number, or `default` where there is none."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else default


def unescaped(text: str) -> str:
    r"""Return a path of /proc/self/mountinfo or /proc/mounts with its octal escapes (``\040``) undone."""
    for escape, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(escape, character)
    return text
