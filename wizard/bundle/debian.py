"""What a Debian package says it needs, read from the package itself (deb(5), deb-control(5))."""

from __future__ import annotations

import gzip
import io
import lzma
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MAGIC = b"!<arch>\n"
_HEADER = 60
_FIRST = 3
"""The control archive is the second member; there is no need to read on where it isn't."""


@dataclass(frozen=True, slots=True)
class Deb:
    """What a package needs to work, any of its alternatives among them, and the names it answers to."""

    needs: frozenset[str]
    provides: frozenset[str]


@cache
def read(path: Path) -> Deb | None:
    """Return what the package in `path` says; None where it can't be read. Nothing but its control file is."""
    try:
        with path.open("rb") as file:
            name, data = _control_archive(file)
        with tarfile.open(fileobj=io.BytesIO(_UNPACK[name.rpartition(".")[2]](data))) as archive:
            found = archive.extractfile("./control")
            text = found.read().decode() if found else ""
    except (OSError, EOFError, ValueError, KeyError, lzma.LZMAError, tarfile.TarError, subprocess.SubprocessError):
        return None
    return parse(text) if text else None


def parse(control: str) -> Deb:
    """Return what a control file says."""
    fields = dict(re.findall(r"^([\w-]+):[ \t]*((?:.*\n?)(?:[ \t].*\n?)*)", control, re.MULTILINE))
    needs = ",".join(fields.get(name, "") for name in ("Pre-Depends", "Depends"))
    return Deb(_names(needs), _names(fields.get("Provides", "")))


def closure(names: Iterable[str], debs: Mapping[str, Deb]) -> frozenset[str]:
    """Return those of `debs` that `names` are or need, directly or not; of alternatives all that are there."""
    answers: dict[str, set[str]] = {}
    for name, deb in debs.items():
        for called in {name, *deb.provides}:
            answers.setdefault(called, set()).add(name)
    found: set[str] = set()
    left = [name for name in names if name in debs]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += [one for need in debs[name].needs for one in answers.get(need, ())]
    return frozenset(found)


def _names(relations: str) -> frozenset[str]:
    words = (re.match(r"\s*([a-z0-9][a-z0-9+.-]*)", one) for one in re.split(r"[,|]", relations))
    return frozenset(word[1] for word in words if word)


def _control_archive(file: io.BufferedReader) -> tuple[str, bytes]:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("no archive")
    for _ in range(_FIRST):
        header = file.read(_HEADER)
        name, size = header[:16].decode("ascii").strip().rstrip("/"), int(header[48:58])
        data = file.read(size + size % 2)[:size]
        if name.startswith("control.tar"):
            return name, data
    raise ValueError("no control archive")


def _zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=True, timeout=30).stdout


_UNPACK: Mapping[str, Callable[[bytes], bytes]] = {
    "xz": lzma.decompress,
    "gz": gzip.decompress,
    "tar": bytes,
    "zst": _zstd,
}
