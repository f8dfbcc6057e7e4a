"""docs/cluster.md names every file that slipway puts on a host, and no other."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from pathlib import Path

from wizard import pki
from wizard.pki.hosts import bootstrap_kubeconfig
from wizard.profile.extras import Registry
from wizard.render import api
from wizard.render.extras_files import ExtrasFiles

from .sites import profile, site

DOC = Path(__file__).parents[3] / "docs" / "cluster.md"
COMPONENTS = (
    *(api.system, api.containerd, api.registries, api.etcd, api.haproxy, api.keepalived, api.kubelet, api.static_pods),
)


def test_every_file_is_documented_and_nothing_else() -> None:
    registries = (Registry(name="registry.example:5000"),)
    wanted = profile(3, 1, 1, time_servers=("ntp.example",), registries=registries)
    extras_files = ExtrasFiles({"registry.example:5000": b"-----"})
    sites = tuple(
        replace(site(wanted, time_service=service), extras_files=extras_files)
        for service in ("chrony", "systemd-timesyncd")
    )
    keys, _ = pki.make(pki.wanted(wanted), None, datetime.datetime.now(datetime.UTC))
    files = [
        file
        for host in wanted.hosts
        for files in (
            *(component(of, host) for of in sites for component in COMPONENTS),
            pki.host_files(keys, wanted, host),
        )
        for file in files
    ]
    files.append(bootstrap_kubeconfig(keys, wanted, "abcdef.0123456789abcdef"))
    rows = [line for line in DOC.read_text().splitlines() if line.startswith("| `/")]
    documented = [path for row in rows for path in re.findall(r"`(/[^`]+)`", row.split("|")[1])]
    assert len(documented) == len(set(documented))
    assert set(documented) == {file.path for file in files}
