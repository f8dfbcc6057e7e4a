"""What slipway remembers of a practice datacenter: one folder each, readable by root alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wizard.errors import SlipwayError, UsageError
from wizard.paths import state_dir
from wizard.practice.host import Host
from wizard.practice.layout import JUMP, SUBNETS, VIP, Spec, address, demand_name


@dataclass(frozen=True, slots=True)
class Datacenter:
    """A practice datacenter. `number` says which /24 is its own; `ready` is False while it is being made.

    `key` is the private key's file that logs in as `spec.user`; `known_hosts` has the hosts' real keys.
    """

    spec: Spec
    number: int
    folder: Path
    base: Path
    hosts: tuple[Host, ...]
    ready: bool = False

    @property
    def name(self) -> str:
        """Return the datacenter's name."""
        return self.spec.name

    @property
    def subnet(self) -> str:
        """Return the /24, such as ``198.18.0.0/24``."""
        return str(SUBNETS[self.number])

    @property
    def gateway(self) -> str:
        """Return this machine's address in the datacenter."""
        return address(self.number, JUMP)

    @property
    def vip(self) -> str:
        """Return the address set aside for the cluster's VIP."""
        return address(self.number, VIP)

    @property
    def key(self) -> Path:
        """Return the file of the private key that logs in."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Return the known_hosts file with all hosts' keys."""
        return self.folder / "known_hosts"

    def host(self, name: str) -> Host:
        """Return the host called `name`. Raises `UsageError` when there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise UsageError(
            f"{self.name} has no host {name}", hint=f"it has {', '.join(host.name for host in self.hosts)}"
        )


def practice_dir() -> Path:
    """Return the folder that holds all datacenters of this user."""
    return state_dir() / "practice"


def folder_of(name: str) -> Path:
    """Return the folder of the datacenter `name`. Raises `UsageError` for what can't be a name."""
    demand_name(name)
    return practice_dir() / name


def names() -> list[str]:
    """Return the names of all datacenters of this user, also of those left half-made."""
    folder = practice_dir()
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def save(datacenter: Datacenter) -> None:
    """Write the datacenter's state, as a whole or not at all."""
    hosts = [
        {"name": host.name, "octet": host.octet, "roles": host.roles, "fingerprint": host.fingerprint}
        for host in datacenter.hosts
    ]
    state = {
        "spec": asdict(datacenter.spec),
        "number": datacenter.number,
        "base": str(datacenter.base),
        "ready": datacenter.ready,
        "hosts": hosts,
    }
    write_private(datacenter.folder / "datacenter.json", json.dumps(state, indent=1) + "\n")


def load(name: str) -> Datacenter:
    """Return the datacenter called `name`. Raises `UsageError` if there is none, `SlipwayError` if it is half-made."""
    folder = folder_of(name)
    if not folder.is_dir():
        there = ", ".join(names())
        raise UsageError(
            f"there is no practice datacenter {name}",
            hint=f"there is {there}; say which one with --name" if there else "make one with: slipway practice up",
        )
    try:
        state: dict[str, Any] = json.loads((folder / "datacenter.json").read_text())
    except FileNotFoundError:
        raise SlipwayError(
            f"the practice datacenter {name} is half-made",
            why="the `up` that began it did not come to its end",
            hint=f"make it again with `slipway practice up --name {name}`, or clear it with `down --name {name}`",
        ) from None
    spec, number, base = Spec(**state["spec"]), int(state["number"]), Path(state["base"])
    hosts = tuple(
        Host(item["name"], number, item["octet"], tuple(item["roles"]), item["fingerprint"], folder, base)
        for item in state["hosts"]
    )
    return Datacenter(spec, number, folder, base, hosts, bool(state["ready"]))


def write_private(path: Path, text: str) -> None:
    """Write a file that only root may read, atomically."""
    part = path.with_name(f".{path.name}.part")
    part.touch(mode=0o600)
    part.write_text(text)
    part.replace(path)
