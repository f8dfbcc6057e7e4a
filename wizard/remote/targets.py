"""Where to log in, worked out of the profile and the person's own SSH settings. Pure.

What a host says goes before what the profile says for all, that before ``~/.ssh/config``, that before the defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.errors import UsageError
from wizard.remote.base import Target

if TYPE_CHECKING:  # whoever brings a profile has its models; who only opens connections needs not load them
    from wizard.profile.model import Hop, Host, Profile, Ssh


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``~/.ssh/config`` says for one name (ssh_config(5)). None and empty mean that it says nothing.

    `jump` is ProxyJump, each hop as ``[user@]host[:port]``, the nearest first; `proxy_command` is ProxyCommand.
    """

    host_name: str = ""
    user: str | None = None
    port: int | None = None
    key_files: tuple[Path, ...] = ()
    jump: tuple[str, ...] = ()
    proxy_command: str = ""


Lookup = Callable[[str], Settings]
"""Tells what the person's SSH settings say for a name; `wizard.remote.ssh.settings_of` is the real one."""


def no_settings(name: str) -> Settings:
    """Know nothing: as if there were no ``~/.ssh/config``."""
    return Settings()


def target_of(profile: Profile, host: Host, lookup: Lookup = no_settings) -> Target:
    """Return where and how to log in to `host` of `profile`.

    Raises `UsageError` when the settings want a ProxyCommand, which slipway doesn't run, or jump in a circle.
    """
    ssh = merged(host.ssh, profile.ssh)
    settings = lookup(host.address)
    user = ssh.user or settings.user or "root"
    via: tuple[Target, ...]
    if ssh.via is not None:
        via = tuple(_hop(hop, user, lookup) for hop in ssh.via)
    else:
        via = _jumps(settings, host.address, user, lookup)
    return Target(
        name=host.name,
        address=settings.host_name or host.address,
        port=ssh.port or settings.port or 22,
        user=user,
        key_file=_key(ssh.key, settings),
        fingerprint=host.fingerprint,
        sudo=user != "root",
        via=via,
    )


def targets_of(profile: Profile, lookup: Lookup = no_settings) -> dict[str, Target]:
    """Return the target of every host of `profile` by the host's name."""
    return {host.name: target_of(profile, host, lookup) for host in profile.hosts}


def merged(first: Ssh, second: Ssh) -> Ssh:
    """Return what `first` says, filled up with what `second` says."""
    return second.model_copy(update={key: value for key, value in first if value is not None})


def _hop(hop: Hop, user: str, lookup: Lookup) -> Target:
    """Return one hop of the profile; without a user of its own it is logged in to as its host is."""
    settings = lookup(hop.address)
    return Target(
        name=hop.address,
        address=settings.host_name or hop.address,
        port=hop.port or settings.port or 22,
        user=hop.user or settings.user or user,
        key_file=_key(hop.key, settings),
        fingerprint=hop.fingerprint,
    )


def _jumps(
    settings: Settings, name: str, user: str, lookup: Lookup, seen: frozenset[str] = frozenset()
) -> tuple[Target, ...]:
    """Return the hops of ProxyJump; the first hop may have a ProxyJump of its own."""
    if settings.proxy_command and not settings.jump:
        raise UsageError(
            "Slipway doesn't run a ProxyCommand",
            where=name,
            why=f"~/.ssh/config says ProxyCommand {settings.proxy_command}",
            hint="Name the jump hosts in the profile (ssh.via), or use ProxyJump.",
        )
    if name in seen:
        raise UsageError("~/.ssh/config jumps in a circle", where=name, hint="Mend the ProxyJump lines.")
    if not settings.jump:
        return ()
    hops = [_hop(parse_jump(text), user, lookup) for text in settings.jump]
    nearest = parse_jump(settings.jump[0]).address
    return (*_jumps(lookup(nearest), nearest, user, lookup, seen | {name}), *hops)


def parse_jump(text: str) -> Hop:
    """Return the hop written as ``[user@]host[:port]``, an IPv6 address with a port in brackets.

    Raises `UsageError` for anything else.
    """
    from wizard.profile.model import Hop

    user, _, place = text.removeprefix("ssh://").rpartition("@")
    address, port = place, ""
    if place.startswith("["):
        address, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    elif place.count(":") == 1:
        address, port = place.split(":")
    try:
        return Hop(address=address, user=user or None, port=int(port) if port else None)
    except ValueError:
        hint = "Write it as user@host:port, with a port from 1 to 65535."
        raise UsageError("That is no ProxyJump", where=text, why="the port is no port", hint=hint) from None


def _key(named: str | None, settings: Settings) -> Path | None:
    """Return the key file to use; of the settings' files the first that exists."""
    if named:
        return Path(named).expanduser()
    return next((path for path in settings.key_files if path.exists()), None)


def chain(target: Target) -> Sequence[Target]:
    """Return the hops of `target`, each with those before it as its own way, then `target` itself."""
    hops = [replace(hop, via=target.via[:index]) for index, hop in enumerate(target.via)]
    return [*hops, target]
