"""Looking at what has drifted, for the command line and the wizard: only a bundle tells how each file has to be."""

from __future__ import annotations

import asyncio
from pathlib import Path

from wizard.cli.site import open_bundle
from wizard.errors import SlipwayError
from wizard.paths import cluster_dir
from wizard.plans.job import Job
from wizard.plans.look import Connect
from wizard.plans.status import Drift
from wizard.plans.status.drift import look
from wizard.plans.status.watching import LookForDrift
from wizard.profile.model import Profile


def looking(site: Profile, folder: Path | None, connect: Connect, *, wanted: bool = True) -> LookForDrift:
    """Return the look at what has drifted; with `wanted` False, and without a bundle, it says that there was none."""

    async def look_for_drift(api: bool) -> Drift:
        if not wanted:
            return Drift(why="not asked for")
        try:
            bundle = await asyncio.to_thread(open_bundle, site, folder)
        except SlipwayError as error:
            return Drift(why=f"{error.title} ({error.where})" if error.where else error.title)
        return await look(Job(site, bundle, cluster_dir(site.name)), connect, api=api)

    return look_for_drift
