"""Who gets how much of the processors that all practice hosts share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wizard.practice import cgroups

from .failover import Site, to_themselves


@contextmanager
def behind(site: Site, *names: str) -> Iterator[None]:
    """Let hosts wait for the others' work for the block: in a datacenter each has a processor of its own."""
    groups = cgroups.detect()
    folders = [path for name in names for path in groups.folders(site.lab.datacenter.number, name)]
    wanted = {"cpu.shares": "128", "cpu.weight": "12"}
    files = {path / name: value for path in folders for name, value in wanted.items() if (path / name).exists()}
    before = {file: file.read_text() for file in files}
    for file, value in files.items():
        file.write_text(value)
    try:
        with to_themselves(site):
            yield
    finally:
        for file, value in before.items():
            if file.exists():
                file.write_text(value)
