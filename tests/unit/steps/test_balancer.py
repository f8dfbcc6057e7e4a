"""Draining an apiserver: the fragments run with a real shell against a stand-in for haproxy's admin socket."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from wizard.errors import SlipwayError
from wizard.profile.model import Host
from wizard.remote.base import Command, Result
from wizard.render.places import HAPROXY_SOCKET
from wizard.steps.balancer import DRAINED, drain_fragment, drained, undrain_fragment

STATUS = 17
"""``show stat``'s column of the status, counted from 0 (haproxy's management guide, 9.1)."""


class Balancer:
    """haproxy's admin socket as far as these fragments use it: a ``socat`` that answers and notes what was said."""

    def __init__(self, folder: Path, states: dict[str, str]) -> None:
        self.folder = folder
        self.path = folder / "admin.sock"
        socket.socket(socket.AF_UNIX).bind(str(self.path))
        rows = ["# pxname,svname"]
        for name, state in states.items():
            cells = ["apiservers", name] + ["0"] * 40
            cells[STATUS] = state
            rows.append(",".join(cells) + ",")
        (folder / "stat").write_text("\n".join(rows) + "\n\n")
        fake = folder / "socat"
        fake.write_text(
            f'#!/bin/sh\nread -r line; echo "$line" >> {folder}/said\n'
            f'case $line in "show stat"*) cat {folder}/stat;; esac\n'
        )
        fake.chmod(0o755)

    def run(self, fragment: str) -> str:
        words = ["sh", "-euc", fragment.replace(HAPROXY_SOCKET, str(self.path))]
        path = f"{self.folder}:{os.environ['PATH']}"
        done = subprocess.run(words, env={"PATH": path}, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    @property
    def orders(self) -> list[str]:
        with suppress(FileNotFoundError):
            return [line for line in (self.folder / "said").read_text().splitlines() if line.startswith("set ")]
        return []


def test_one_of_several_is_drained(tmp_path: Path) -> None:
    haproxy = Balancer(tmp_path, {"m1": "UP", "m2": "UP 1/2", "m3": "DOWN"})
    assert haproxy.run(drain_fragment("m1", 0)) == DRAINED
    assert haproxy.orders == ["set server apiservers/m1 state drain"]


@pytest.mark.parametrize(
    "states",
    [
        {"m1": "UP", "m2": "DOWN", "m3": "NOLB"},
        {"m1": "DOWN", "m2": "UP", "m3": "UP"},
        {"m1": "DRAIN", "m2": "UP", "m3": "UP"},
        {"m11": "UP", "m1": "DOWN", "m2": "UP"},
        {},
    ],
)
def test_the_last_one_and_one_without_requests_are_left_alone(tmp_path: Path, states: dict[str, str]) -> None:
    haproxy = Balancer(tmp_path, states)
    assert haproxy.run(drain_fragment("m1", 0)) == ""
    assert haproxy.orders == []


def test_without_haproxy_there_is_nothing_to_do(tmp_path: Path) -> None:
    haproxy = Balancer(tmp_path, {"m1": "UP", "m2": "UP"})
    haproxy.path.unlink()
    assert haproxy.run(drain_fragment("m1", 0)) == ""
    assert haproxy.run(undrain_fragment("m1")) == ""
    assert haproxy.orders == []


class Fleet:
    """A `Context` whose hosts drain as told; those in `dead` can't be reached."""

    host = "m2"

    def __init__(self, dead: Sequence[str] = (), idle: Sequence[str] = ()) -> None:
        self.dead, self.idle = dead, idle
        self.did: list[str] = []

    async def run(self, host: str, command: Command) -> Result:
        if host in self.dead:
            raise SlipwayError("gone", where=host)
        drains = "state drain" in command.script
        self.did.append(f"{host} {'drain' if drains else 'ready'}")
        return Result(0, f"{DRAINED}\n".encode() if drains and host not in self.idle else b"", b"", 0.1)

    def say(self, text: str) -> None:
        self.did.append(text)

    def progress(self, fraction: float, text: str = "") -> None:
        raise AssertionError("nothing to say")


MASTERS = tuple(Host(name=f"m{n}", address=f"198.18.0.{10 + n}") for n in (1, 2, 3))


async def test_every_master_is_told_before_and_after_also_when_the_work_fails() -> None:
    fleet = Fleet(dead=["m3"], idle=["m2"])

    async def work() -> None:
        async with drained(fleet, MASTERS, MASTERS[1]):
            fleet.did.append("work")
            raise ValueError("work")

    with pytest.raises(ValueError, match="work"):
        await work()
    first, second, said, *rest = fleet.did
    assert {first, second} == {"m1 drain", "m2 drain"}
    assert said.endswith("from the haproxy on m1")
    assert rest == ["work", "m1 ready"]
