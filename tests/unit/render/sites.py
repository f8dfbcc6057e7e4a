"""Sites to render, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wizard.facts.model import Clock, Facts, Hardware, Interface, System
from wizard.profile.model import Endpoint, EtcdTuning, Host, Profile, Role
from wizard.render.api import Site
from wizard.render.files import RenderedFile
from wizard.versions import components

V1_37 = components("1.37.2")


def profile(masters: int = 3, etcd_only: int = 0, workers: int = 0, **fields: Any) -> Profile:
    """A site like kubeadm's reference: masters from 198.18.0.11 on, etcd-only hosts from .21, workers from .51 on."""
    hosts = [Host(name=f"m{n}", address=f"198.18.0.{10 + n}") for n in range(1, masters + 1)]
    hosts += [Host(name=f"e{n}", address=f"198.18.0.{20 + n}", roles=(Role.ETCD,)) for n in range(1, etcd_only + 1)]
    hosts += [Host(name=f"w{n}", address=f"198.18.0.{50 + n}", roles=(Role.WORKER,)) for n in range(1, workers + 1)]
    plain: dict[str, Any] = {"name": "demo", "hosts": tuple(hosts), "endpoint": Endpoint(vip="198.18.0.100")}
    return Profile(**{**plain, **fields})


def facts(host: Host, *, time_service: str = "chrony", **system: Any) -> Facts:
    """What an ordinary machine looks like, with the system facts that matter changed."""
    return Facts(
        host.name,
        system=System(**{"cgroup_version": 2, "os_id": "debian", "os_version": "12", **system}),
        hardware=Hardware(cpus=8, memory=32 * 2**30),
        clock=Clock(service=time_service),
        interfaces=(
            Interface("lo", "", 65536, up=True, addresses=("127.0.0.1/8",)),
            Interface("enp1s0", "02:00:00:00:00:01", 1500, up=True, addresses=(f"{host.ip}/24",)),
        ),
    )


def site(wanted: Profile | None = None, *, tuning: EtcdTuning = EtcdTuning.DEFAULT, **system: Any) -> Site:
    """A site whose hosts all look alike."""
    wanted = wanted or profile()
    return Site(wanted, V1_37, "uid-1", {host.name: facts(host, **system) for host in wanted.hosts}, tuning)


def by_path(files: tuple[RenderedFile, ...]) -> Mapping[str, RenderedFile]:
    """Files by path, each there once."""
    found = {file.path: file for file in files}
    assert len(found) == len(files), "a path was rendered twice"
    return found


PRACTICE = {"cgroup_version": 1, "container": "lxc", "lacks_sys_resource": True}
"""System facts of a practice host."""
