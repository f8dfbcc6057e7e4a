"""etcd as a hardened systemd service: it lives without the kubelet, on masters and on hosts of its own alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wizard.profile.model import EtcdTuning, Host, Role
from wizard.render.arguments import command_line, with_variables
from wizard.render.files import RenderedFile, fill, rendered
from wizard.render.places import ETCD_CLIENT_PORT, ETCD_CONFIG, ETCD_METRICS_PORT, ETCD_PEER_PORT, ETCD_PKI
from wizard.render.site import Site, initial_cluster


@dataclass(frozen=True, slots=True)
class Pace:
    """etcd's heartbeat interval and election timeout, in milliseconds."""

    heartbeat: int
    election: int


PACES = {
    EtcdTuning.AUTO: Pace(100, 1000),
    EtcdTuning.DEFAULT: Pace(100, 1000),
    EtcdTuning.SLOW_DISK: Pace(250, 5000),
}


def etcd(site: Site, host: Host, *, state: Literal["new", "existing"] = "new") -> tuple[RenderedFile, ...]:
    """Return etcd's unit, its settings, and what it reads at its first start alone.

    `state` is ``existing`` for a member that joins a cluster that runs. A change of ``bootstrap.env`` or
    ``etcdctl.env`` needs no restart.
    """
    if Role.ETCD not in host.roles:
        return ()
    pace = PACES[site.tuning]
    data_dir = site.profile.etcd.data_dir
    settings = fill(
        "etcd/etcd.env",
        name=host.name,
        ip=host.peer_ip,
        data_dir=data_dir,
        client_port=ETCD_CLIENT_PORT,
        peer_port=ETCD_PEER_PORT,
        metrics_port=ETCD_METRICS_PORT,
        pki=ETCD_PKI,
        heartbeat=pace.heartbeat,
        election=pace.election,
    )
    settings, flags = with_variables(settings, site.profile.extra_args.etcd)
    return (
        rendered(
            "/etc/systemd/system/etcd.service",
            "etcd/etcd.service",
            data_dir=data_dir,
            client_port=ETCD_CLIENT_PORT,
            restrict_oom=site.lacks_sys_resource(host),
            arguments=command_line(flags),
        ),
        RenderedFile(f"{ETCD_CONFIG}/etcd.env", settings.encode()),
        rendered(
            f"{ETCD_CONFIG}/bootstrap.env",
            "etcd/bootstrap.env",
            initial_cluster=initial_cluster(site.profile),
            state=state,
            token=f"slipway-{site.uid}",
        ),
        rendered(f"{ETCD_CONFIG}/etcdctl.env", "etcd/etcdctl.env", client_port=ETCD_CLIENT_PORT, pki=ETCD_PKI),
    )
