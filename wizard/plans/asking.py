"""What only the hosts can tell about a site's own parts, asked before anything is touched: do the registries answer as
the profile says, with its authority and its login, and has the kernel the settings?

One round trip a host, none where the profile names neither. A registry that can't be reached holds nobody up: it may
be down for an hour, and an install needs none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from wizard.engine.files import sha256_of
from wizard.engine.marker import parse
from wizard.errors import Level, Problem, SlipwayError
from wizard.facts.model import Facts, Survey
from wizard.plans.look import Connect
from wizard.plans.task import Job
from wizard.profile.model import Host
from wizard.remote.base import Command
from wizard.render import api as render
from wizard.render.files import fill
from wizard.render.node import is_node
from wizard.render.proxy import environment
from wizard.render.registries import Endpoint, endpoints
from wizard.render.site import Site
from wizard.render.system import site_sysctls
from wizard.steps.kit import files_of

SECONDS = 60.0
_LATER = ("net.netfilter.", "net.bridge.", "net.ipv4.neigh.", "net.ipv6.")
"""Settings whose modules may come with the install itself."""


async def ask(job: Job, site: Site, survey: Survey, connect: Connect) -> tuple[Problem, ...]:
    """Return what the hosts that answered say against the profile's registries and kernel settings."""
    asked = [host for host in job.profile.hosts if host.name in survey.facts]

    async def one(host: Host) -> tuple[Problem, ...]:
        places = places_of(site, host)
        keys = [key for key in site_sysctls(site, host) if not key.startswith(_LATER)]
        if not places and not keys:
            return ()
        variables = environment(site, host)
        script = fill("site/ask.sh", places=places, keys=keys, environment=variables)
        try:
            # Secret: it goes over stdin, so that no process list shows a login.
            result = await (await connect(host.name)).run(Command(script, timeout=SECONDS, secret=True))
        except SlipwayError:
            # It answered a moment ago: the run itself will tell what has become of it.
            return ()
        return tuple(problems(result.text, host, places, settled=_settled(site, host, survey.facts[host.name])))

    return tuple(problem for found in await asyncio.gather(*map(one, asked)) for problem in found)


def places_of(site: Site, host: Host) -> tuple[Endpoint, ...]:
    """Return every address at which `host` fetches images by the profile's word, once each."""
    if not is_node(host):
        return ()
    found = [place for registry in site.profile.registries for place in endpoints(site, registry)]
    return tuple({place.api: place for place in found}.values())


def _settled(site: Site, host: Host, facts: Facts) -> bool:
    """Tell whether `host` has all of it as wanted already: what is wrong now came from elsewhere, and a run that mends
    other things is not to blame.
    """
    try:
        put = parse(facts.traces.marker.text).files
    except ValueError:
        return False
    files = files_of(render.registries(site, host))
    return all(file.path in put and put[file.path].sha256 == sha256_of(file) for file in files)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What curl said of one address: exit status, HTTP status, its own words, and how the registry wants a login."""

    status: int
    code: int
    scheme: str
    words: str


def problems(text: str, host: Host, places: tuple[Endpoint, ...], *, settled: bool) -> Iterable[Problem]:
    """Yield what a host's answer says against the profile. `settled`: the host has it all so already."""
    level = Level.WARNING if settled else Level.ERROR
    for line in text.splitlines():
        match line.split(maxsplit=5):
            case ["sysctl", key]:
                words = f"This kernel has no setting {key}"
                hint = "Check how it is written; a setting of a module is there only once the module is loaded."
                yield Problem("sysctl.unknown", Level.ERROR, words, hint, "sysctls", host.name)
            case ["curl"]:
                words = "The registries could not be tried: there is no curl yet"
                yield Problem("registry.untried", Level.INFO, words, "It comes with the install.", host=host.name)
            case ["registry", number, status, code, scheme, *rest]:
                answer = _Answer(int(status), int(code), scheme, rest[0] if rest else "")
                if problem := _judge(places[int(number)], answer, host, level):
                    yield problem


_TLS = frozenset({35, 51, 58, 60, 77, 83, 90, 91})
"""Exit statuses of curl for what is wrong with certificates (https://curl.se/libcurl/c/libcurl-errors.html)."""


def _judge(place: Endpoint, said: _Answer, host: Host, level: Level) -> Problem | None:
    where, words = place.api.removesuffix("/v2/"), said.words.rstrip(".")
    if said.status in _TLS:
        trusted = "the profile's ca" if place.ca else "the authorities that the host trusts"
        message = f"{where} shows a certificate that {trusted} can't vouch for: {words}"
        hint = "Name the authority that signed it as the registry's ca; slipway never skips this check."
        return Problem("registry.tls", level, message, hint, "registries", host.name)
    if said.status:
        message = f"{where} can't be reached: {words or f'curl ended with {said.status}'}"
        hint = "Images can't be fetched from there until it can; the install itself needs none."
        return Problem("registry.unreachable", Level.WARNING, message, hint, "registries", host.name)
    if said.code in (401, 403):
        if place.login:
            message = f"{where} refuses the login ({said.code})"
            return Problem(
                "registry.login", level, message, "Check username and password.", "registries", host.name
            )  # fmt: skip
        if said.scheme == "bearer":
            return None
        message = f"{where} wants a login ({said.code})"
        hint = "Give the registry a username in the profile, or every Pod an imagePullSecret."
        return Problem("registry.login", Level.WARNING, message, hint, "registries", host.name)
    if said.code != 200:
        message = f"{where} answers {said.code} at /v2/, as no registry does"
        return Problem("registry.strange", Level.WARNING, message, "Check its address.", "registries", host.name)
    return None
