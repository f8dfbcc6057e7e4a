"""Practice hosts for one measurement: booted, settled, and gone afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from wizard import practice
from wizard.errors import UsageError
from wizard.practice import Datacenter, Spec


@contextmanager
def booted(name: str, masters: int, *, etcd: int = 0, workers: int = 0) -> Iterator[Datacenter]:
    """Boot fresh hosts, wait until systemd on each says that it is done, and end them at the end."""
    with suppress(UsageError):
        practice.down(name)
    datacenter = practice.up(Spec(name=name, masters=masters, etcd=etcd, workers=workers))
    try:
        for host in datacenter.hosts:
            for _ in range(300):
                with suppress(Exception):
                    if practice.execute(host, "sh", "-c", "systemctl is-system-running || true").strip() in (
                        "running",
                        "degraded",
                    ):
                        break
                time.sleep(0.2)
        yield datacenter
    finally:
        practice.down(name)
