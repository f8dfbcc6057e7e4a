"""What rehearsals and tests ask of a practice datacenter beyond running: cut-off jump hosts, small disks, profiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from wizard.errors import SlipwayError
from wizard.practice import host, network
from wizard.practice.host import Host
from wizard.practice.layout import NAMESPACES, address
from wizard.practice.locks import locked
from wizard.practice.store import Datacenter
from wizard.profile.model import Endpoint, Profile, Role, Ssh
from wizard.profile.model import Host as ProfileHost


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace that sees a datacenter's hosts and nothing else, not even this machine."""

    netns: str
    address: str

    def command(self, *words: str) -> list[str]:
        """Return the command that runs `words` there, with this machine's files."""
        return ["ip", "netns", "exec", self.netns, *words]


@contextmanager
def isolated_namespace(datacenter: Datacenter) -> Iterator[Namespace]:
    """Make a namespace plugged into the datacenter's bridge alone, for the block; `down` removes one left behind.

    It stands for a jump host on a closed site. Raises `SlipwayError` when all eight addresses for such are taken.
    """
    with locked(datacenter.folder / "namespaces.lock", "isolated namespaces", patience=30):
        taken = network.ports(datacenter.number)
        octet = next((octet for octet in NAMESPACES if f"ns{octet}" not in taken), None)
        if octet is None:
            raise SlipwayError(
                "no address is left for an isolated namespace",
                where=datacenter.name,
                hint=f"end and make it anew: slipway practice down --name {datacenter.name}",
            )
        network.plug(datacenter.number, f"ns{octet}", octet, isolated=True)
    try:
        yield Namespace(network.netns(datacenter.number, f"ns{octet}"), address(datacenter.number, octet))
    finally:
        network.unplug(datacenter.number, f"ns{octet}")


def ssh_command(datacenter: Datacenter, target: Host) -> list[str]:
    """Return the words of the ssh command that logs in to a host: the datacenter's key, the host's known key."""
    settings = ("IdentitiesOnly=yes", f"UserKnownHostsFile={datacenter.known_hosts}", "StrictHostKeyChecking=yes")
    options = [word for setting in settings for word in ("-o", setting)]
    return ["ssh", "-F", "none", "-i", str(datacenter.key), *options, f"{datacenter.spec.user}@{target.address}"]


def small_disk(target: Host, path: str, megabytes: int) -> None:
    """Mount an empty disk of that size at `path` in a running host, until its power goes: to see what a full one does.

    What was at `path` is hidden meanwhile.
    """
    host.execute(target, "mkdir", "-p", path)
    host.execute(target, "mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", path)


def profile_of(datacenter: Datacenter) -> Profile:
    """Return the profile for what the datacenter has: ready to install, host keys pinned."""
    root = datacenter.spec.user == "root"
    return Profile(
        name=datacenter.name,
        ssh=Ssh(user=datacenter.spec.user, key=str(datacenter.key), sudo=None if root else "password"),
        hosts=tuple(
            ProfileHost(
                name=each.name,
                address=each.address,
                roles=tuple(Role(role) for role in each.roles),
                fingerprint=each.fingerprint,
            )
            for each in datacenter.hosts
        ),
        endpoint=Endpoint(vip=datacenter.vip),
    )


def write_profile(datacenter: Datacenter, path: Path) -> None:
    """Write the ready profile to `path`."""
    data = profile_of(datacenter).model_dump(mode="json", exclude_defaults=True)
    data = {"version": 1, **data}
    for item, each in zip(data["hosts"], datacenter.hosts, strict=True):
        item["roles"] = list(each.roles)  # said even where they are the default: the file is read by people
    text = f"# The practice datacenter {datacenter.name}, written by `slipway practice up`.\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + yaml.safe_dump(data, sort_keys=False, allow_unicode=True))
    except OSError as failed:
        raise SlipwayError(
            "the profile can't be written",
            where=str(path),
            why=failed.strerror or str(failed),
            hint="name another file",
        ) from failed
