"""The clusters that stand, as the wizard sees them: which there are, and how one stands."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

from wizard.cli.drifting import looking
from wizard.cli.site import connections
from wizard.paths import state_dir
from wizard.plans.status import Status
from wizard.plans.status.watching import Watching
from wizard.profile.model import Profile
from wizard.remote.base import HostKeyUnknown
from wizard.remote.secrets import Secrets


def applied() -> tuple[Profile, ...]:
    """Return the profiles, as last applied, of the clusters whose folders are here; the newest first."""
    return tuple(_applied())


def _applied() -> Iterator[Profile]:
    for path in sorted(state_dir().glob("*/profile.json"), key=_changed, reverse=True):
        # A folder that can't be read, or that another version of slipway wrote, is no reason to show none.
        with contextlib.suppress(OSError, ValueError):
            yield Profile.model_validate_json(path.read_text(encoding="utf-8"))


def _changed(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


async def statuses(
    profile: Profile, secrets: Secrets, bundle: Path | None, hurry: asyncio.Event, every: float
) -> AsyncGenerator[Status]:
    """Yield how the cluster of `profile` stands, each `every` seconds and when `hurry` is set."""
    # Importing asyncssh takes longer than a frame.
    await asyncio.to_thread(importlib.import_module, "wizard.remote.ssh.opener")
    async with connections(profile, secrets, _nobody_confirms) as connect:
        watching = Watching(profile, connect, looking(profile, bundle, connect), every, hurry)
        async with aclosing(watching.statuses()) as told:
            async for status in told:
                yield status


async def _nobody_confirms(_unknown: HostKeyUnknown) -> bool:
    """Leave an unknown key unknown: a cluster's own hosts are known since it was installed."""
    return False
