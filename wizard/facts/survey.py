"""A look at every host at once: one round trip each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from wizard.errors import SlipwayError
from wizard.facts.look import Look, read, script
from wizard.facts.model import Facts, Survey
from wizard.remote.base import Command, Connection

Seen = Callable[[str, Facts | SlipwayError | None, float], None]
"""Hears of each host: None when it is asked, then its facts or its failure; and the seconds that took."""


async def gather(
    connect: Callable[[str], Awaitable[Connection]],
    hosts: Iterable[str],
    etcd_data_dir: str,
    prefix_script: str = "",
    *,
    seen: Seen | None = None,
    at_once: int = 64,
    time_limit: float = 60.0,
) -> Survey:
    """Look at all `hosts` concurrently and return what was found.

    `connect` opens the connection to a host by its name in the profile. `prefix_script` runs first in the same round
    trip; what it leaves is in `Survey.prefixed`. A host that fails is a failure in the survey and stops nobody else.
    `time_limit` (seconds) ends one look; `at_once` bounds how many hosts are asked at a time.
    """
    text = script(etcd_data_dir, prefix_script)
    gate = asyncio.Semaphore(at_once)

    async def one(host: str) -> Look | SlipwayError:
        async with gate:
            began = time.monotonic()
            _tell(seen, host, None, 0.0)
            answer: Look | SlipwayError
            try:
                answer = await _look(await connect(host), host, text, etcd_data_dir, time_limit)
            except SlipwayError as error:
                answer = error
            _tell(seen, host, answer.facts if isinstance(answer, Look) else answer, time.monotonic() - began)
            return answer

    names = tuple(dict.fromkeys(hosts))
    answers = dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
    looks = {name: answer for name, answer in answers.items() if isinstance(answer, Look)}
    return Survey(
        facts={name: look.facts for name, look in looks.items()},
        failures={name: answer for name, answer in answers.items() if isinstance(answer, SlipwayError)},
        prefixed={name: look.prefixed for name, look in looks.items() if look.prefixed},
    )


async def _look(connection: Connection, host: str, text: str, etcd_data_dir: str, time_limit: float) -> Look:
    sent = time.time()
    result = await connection.run(Command(text, timeout=time_limit, looks=True))
    received = time.time()
    if not result.ok:
        raise SlipwayError(
            "Looking at the host failed",
            where=host,
            why=f"its shell ended with status {result.status}",
            hint=f"Log in to {host} and see whether `sh` and the basic tools work.",
            details=result.complaint,
        )
    return read(host, result.text, etcd_data_dir, sent, received)


def _tell(seen: Seen | None, host: str, what: Facts | SlipwayError | None, seconds: float) -> None:
    if seen is not None:
        seen(host, what, seconds)
