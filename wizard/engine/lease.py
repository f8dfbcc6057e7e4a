"""What slipway keeps on each host beside the cluster itself: the marker and the run's lease, carried by the changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from wizard.engine import marker as markers
from wizard.engine.events import Note
from wizard.engine.hosts import HostGivenUp, HostLink
from wizard.engine.locks import FIRST_SECONDS, LOCK, HostLock, check_fragment, release_fragment, renew_fragment
from wizard.engine.marker import MARKER, Owner
from wizard.engine.reply import Reply, parse
from wizard.engine.step import Change, Retry, Step
from wizard.engine.stream import Encoded, encode
from wizard.errors import SlipwayError
from wizard.remote.base import Command

_QUICK = Retry(times=1)
RUN = LOCK.rpartition("/")[0]
_BEHIND = "renice -n 10 -p $$ >/dev/null 2>&1 || :"
"""The change's own shell, and with it what it starts; where renice(1) isn't there, it goes on all the same."""


class Leases:
    """Adds marker and lease to the changes of a run, renews the leases, and gives them back."""

    def __init__(
        self, links: Mapping[str, HostLink], owner: Owner | None, lock: HostLock | None, root: Mapping[str, str]
    ) -> None:
        self._links = links
        self._owner = owner
        self._lock = lock
        self._root = root
        self._unmarked: set[str] = set()
        """Hosts whose marker was removed on purpose: it isn't written again."""

    def encode(
        self, host: str, step: Step, change: Change, fragments: Sequence[str], *, timeout: float, secret: bool
    ) -> tuple[Encoded, int]:
        """Return `change` of `step` as one command with the host's new marker, and that marker's revision."""
        link = self._links[host]
        if any(path == MARKER or MARKER.startswith(f"{path}/") for path in change.absent):
            self._unmarked.add(host)
        text = ""
        known = frozenset(link.marker.files)
        if self._owner and host not in self._unmarked and (change.files or change.ours):
            link.marker = markers.with_change(link.marker, self._owner, step.id, change)
            text = markers.dump(link.marker)
        link.changed = True
        encoded = encode(
            change,
            fragments=fragments,
            known=known,
            marker=text,
            revision=link.marker.revision,
            first="\n".join([self._check(host), *([_BEHIND] if step.background else [])]),
            timeout=timeout,
            root=self._root.get(host, ""),
            secret=secret,
        )
        return encoded, link.marker.revision if text else 0

    def took(self, host: str, change: Change, reply: Reply, revision: int) -> None:
        """Take what the host reported: what was there before, and what is gone."""
        link = self._links[host]
        link.marker = markers.with_before(link.marker, reply.before)
        if reply.done:
            link.marker = markers.without(link.marker, change.absent)
            link.written = max(link.written, revision)

    def _check(self, host: str) -> str:
        return check_fragment(self._lock, self._root.get(host, "")) if self._lock else ""

    def _first(self, host: str) -> str:
        return renew_fragment(self._lock, self._root.get(host, "")) if self._lock else ""

    async def keep(self) -> None:
        """Renew the leases for as long as the run lasts; a host that can't be reached is noticed by its steps."""
        if self._lock is None:
            return
        pause = min(self._lock.seconds, FIRST_SECONDS) / 3
        while True:
            await asyncio.sleep(pause)
            pause = self._lock.seconds / 3
            await asyncio.gather(*(self._renew(link) for link in self._links.values() if not link.given_up))

    async def _renew(self, link: HostLink) -> None:
        script = f"die() {{ exit 97; }}\n{self._first(link.name)}"
        with contextlib.suppress(SlipwayError):
            await link.send(Command(script, timeout=20.0), retry=_QUICK)
            link.changed = True

    async def give_back(self) -> tuple[Note, ...]:
        """Write what markers don't say yet and give the leases back, on every changed host; say what failed."""
        links = [link for link in self._links.values() if link.changed and not link.given_up]
        return tuple(note for note in await asyncio.gather(*(self._give_back(link) for link in links)) if note)

    async def _give_back(self, link: HostLink) -> Note | None:
        stale = self._owner and link.name not in self._unmarked and link.marker.revision > link.written
        if not stale and self._lock is None:
            return None
        root = self._root.get(link.name, "")
        script = release_fragment(self._lock, root) if self._lock else ""
        if link.name in self._unmarked:
            script += f"\nrm -f {root}{RUN}/mutex {root}{RUN}/lock.mutex; rmdir {root}{RUN} 2>/dev/null || :"
        encoded = encode(
            Change(script=script),
            marker=markers.dump(link.marker) if stale else "",
            revision=link.marker.revision,
            first=self._first(link.name),
            timeout=30.0,
            root=root,
        )
        try:
            result = await link.send(encoded.command, retry=_QUICK)
        except (SlipwayError, HostGivenUp) as error:
            return Note(f"the run's lock could not be given back: {error}; it ends by itself", link.name)
        reply = parse(result.text, encoded.token)
        if not reply.done:
            return Note(
                f"the run's lock could not be given back: {result.complaint or 'another run has it'}", link.name
            )
        link.written = link.marker.revision
        return None
