"""What practice datacenters share on one machine: who has which /24, and the kernel settings to put back.

Kept in /run for this boot alone, like the things it speaks of: after a restart neither links nor settings are there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from wizard.errors import SlipwayError
from wizard.practice import kernel
from wizard.practice.layout import SUBNETS
from wizard.practice.locks import locked
from wizard.practice.shell import run

RUN = Path("/run/slipway-practice")


def register() -> Path:
    """Return the folder of this boot's records, made when it is not there."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    folder = RUN / boot
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def _register() -> Iterator[Path]:
    folder = register()
    with locked(folder / "lock", "the register of practice datacenters", patience=120):
        yield folder


def numbers() -> dict[int, Path]:
    """Return the datacenters that have a number on this machine: number → state folder."""
    found: dict[int, Path] = {}
    for path in sorted(register().glob("slip*.json")):
        found[int(path.stem.removeprefix("slip"))] = Path(json.loads(path.read_text())["folder"])
    return found


def number_of(folder: Path) -> int | None:
    """Return the number of the datacenter whose state is in `folder`, or None when it has none."""
    return next((number for number, owner in numbers().items() if owner == folder), None)


def claim(folder: Path, wanted: int | None = None) -> int:
    """Give the datacenter of `folder` a number whose /24 is free, and save the kernel's settings before the first.

    `wanted` is tried first (a datacenter comes back at its old addresses). Raises `SlipwayError` when no /24 is free.
    """
    with _register() as records:
        if (number := number_of(folder)) is not None:
            return number
        kernel.save(records / "settings.json")
        taken, networks = set(numbers()), _networks_in_use()
        order = range(len(SUBNETS)) if wanted is None else (wanted, *range(len(SUBNETS)))
        for number in order:
            if number not in taken and not any(SUBNETS[number].overlaps(network) for network in networks):
                part = records / "claim.part"
                part.write_text(json.dumps({"folder": str(folder)}))
                part.replace(records / f"slip{number}.json")
                return number
    raise SlipwayError(
        "no network is free for a practice datacenter",
        why="every /24 of 198.18.0.0/15 is in use on this machine",
        hint="see `slipway practice status`, end those you don't need with `slipway practice down --name NAME`",
    )


def release(folder: Path | None = None) -> None:
    """Give the number of the datacenter of `folder` back; after the last one put the kernel's settings back too."""
    with _register() as records:
        if folder is not None and (number := number_of(folder)) is not None:
            (records / f"slip{number}.json").unlink()
        if not numbers():
            kernel.restore(records / "settings.json")


@contextmanager
def sweeping() -> Iterator[None]:
    """Hold the lock under which what nobody owns any more is cleared away."""
    with locked(register() / "sweep.lock", "clearing away lost practice hosts", patience=120):
        yield


def _networks_in_use() -> list[IPv4Network]:
    found = []
    for route in json.loads(run("ip", "-j", "-4", "route", "show", "table", "all") or "[]"):
        target = route.get("dst", "default")
        if target != "default":
            network = IPv4Network(target, strict=False)
            if network.prefixlen > 8:
                found.append(network)
    return found
