"""Clusters as their hosts answered: recorded answers, with certificates that a test chooses the age of."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.unit.render.sites import profile
from wizard import pki
from wizard.errors import SlipwayError
from wizard.pki.inventory import places
from wizard.plans.status import Answer, Drift, Status, read
from wizard.profile.model import Profile
from wizard.remote.base import Unreachable

DATA = Path(__file__).parent / "data"
HERE = profile(3)
NOW = datetime.datetime.now(datetime.UTC)
OFF = Unreachable("Can't reach the host", where="m3", why="no route to the host", hint="Check power.")


def texts(name: str = "healthy", days: int = 360) -> dict[str, str]:
    """Return what each host answered, by host; its certificates have so many days left."""
    found = {path.stem: path.read_text() for path in sorted((DATA / name).glob("*.txt"))}
    return {
        host: text.replace("certs/seen\n", f"certs/seen\n{certificates(host, days)}\n") for host, text in found.items()
    }


def standing(answers: Mapping[str, str | SlipwayError], site: Profile = HERE, drift: Drift | None = None) -> Status:
    """Return the status that the answers tell of; asked at the moment of the recording, as to clocks."""
    return read(site, {name: answer(said) for name, said in answers.items()}, drift or Drift(), NOW.timestamp())


def answer(said: str | SlipwayError) -> Answer | SlipwayError:
    """Return a text as an answer that took no time."""
    if isinstance(said, SlipwayError):
        return said
    began, ended = (float(said.partition(f"clock/{name}\n")[2].partition("\n")[0] or 0) for name in ("began", "ended"))
    return Answer(said, began, ended)


def certificates(host: str, days: int = 360) -> str:
    """Return the lines that tell of a host's certificates, as `wizard.pki.inventory.look` prints them."""
    keys = _keys(days)
    lines = []
    for place in places(HERE.host(host)):
        pair = keys.pair(place.name.replace("kubelet-own", "kubelet-client"))
        lines.append(f"cert {place.path} {''.join(pair.certificate.decode().splitlines()[1:-1])}")
    return "\n".join(lines)


@cache
def _keys(days: int) -> pki.Pki:
    with tempfile.TemporaryDirectory() as folder:
        return pki.ensure(Path(folder) / "pki", pki.wanted(HERE), NOW - datetime.timedelta(days=365 - days))
