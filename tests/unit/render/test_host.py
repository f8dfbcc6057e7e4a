"""Host settings, containerd, kubelet and etcd: the facts choose."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wizard.facts.model import Facts, Hardware
from wizard.profile.model import EtcdTuning, Host
from wizard.render import api
from wizard.render.node import reserved_memory, zone_label
from wizard.render.site import Site

from .sites import PRACTICE, by_path, profile, site

MASTER = profile().hosts[0]


def text(component: Any, path: str, of: Site, host: Host = MASTER) -> str:
    return by_path(component(of, host))[path].text


def env(content: str) -> dict[str, str]:
    lines = [line for line in content.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize(
    ("facts", "driver", "systemd", "fail_v1", "fail_swap"),
    [({}, "systemd", True, True, True), (PRACTICE, "cgroupfs", False, False, False)],
)
def test_cgroup_version_chooses_the_driver(
    facts: dict[str, Any], driver: str, systemd: bool, fail_v1: bool, fail_swap: bool
) -> None:
    kubelet = yaml.safe_load(text(api.kubelet, "/var/lib/kubelet/config.yaml", site(**facts)))
    containerd = tomllib.loads(text(api.containerd, "/etc/containerd/config.toml", site(**facts)))
    runtime = containerd["plugins"]["io.containerd.cri.v1.runtime"]
    options = runtime["containerd"]["runtimes"]["runc"]["options"]
    assert (kubelet["cgroupDriver"], options["SystemdCgroup"]) == (driver, systemd)
    assert (kubelet["failCgroupV1"], kubelet["failSwapOn"]) == (fail_v1, fail_swap)
    assert runtime.get("restrict_oom_score_adj", False) is not systemd


def test_oom_scores_are_lowered_only_where_root_may() -> None:
    units = {
        "/etc/systemd/system/containerd.service": api.containerd,
        "/etc/systemd/system/kubelet.service": api.kubelet,
        "/etc/systemd/system/etcd.service": api.etcd,
        "/etc/systemd/system/haproxy.service.d/slipway.conf": api.haproxy,
        "/etc/systemd/system/keepalived.service.d/slipway.conf": api.keepalived,
    }
    for path, component in units.items():
        assert "OOMScoreAdjust=-99" in text(component, path, site()), path
        assert "OOMScoreAdjust" not in text(component, path, site(**PRACTICE)), path


def test_no_unit_is_ever_left_dead() -> None:
    paths = {
        "/etc/systemd/system/containerd.service": api.containerd,
        "/etc/systemd/system/kubelet.service": api.kubelet,
        "/etc/systemd/system/etcd.service": api.etcd,
        "/etc/systemd/system/haproxy.service.d/slipway.conf": api.haproxy,
        "/etc/systemd/system/keepalived.service.d/slipway.conf": api.keepalived,
    }
    for path, component in paths.items():
        lines = text(component, path, site()).splitlines()
        assert "Restart=always" in lines, path
        assert "StartLimitIntervalSec=0" in lines, path
        assert lines.index("StartLimitIntervalSec=0") < lines.index("[Service]"), f"{path}: it belongs to [Unit]"


def test_clients_get_their_answers_before_a_stopping_etcd_leaves_them() -> None:
    unit = text(api.etcd, "/etc/systemd/system/etcd.service", site())
    line = next(line for line in unit.splitlines() if line.startswith("ExecStop="))
    assert line.startswith("ExecStop=+-"), "as root, and a host where it can't be done stops all the same"
    words = line.split("'")[1].split("; ")
    assert [word.split()[0] for word in words] == ["kill", "sleep", "ss"]
    assert "sport = :2379" in words[2]


def test_pause_is_pinned_under_its_official_name() -> None:
    config = tomllib.loads(text(api.containerd, "/etc/containerd/config.toml", site()))
    images = config["plugins"]["io.containerd.cri.v1.images"]
    assert images["pinned_images"] == {"sandbox": "registry.k8s.io/pause:3.10.2"}
    assert config["version"] == 3


def test_a_container_keeps_off_the_settings_of_its_kernel() -> None:
    real, practice = by_path(api.system(site(), MASTER)), by_path(api.system(site(**PRACTICE), MASTER))
    assert "/etc/modules-load.d/slipway.conf" in real
    assert "/etc/modules-load.d/slipway.conf" not in practice
    assert "gc_thresh" in real["/etc/sysctl.d/90-slipway.conf"].text
    assert "fs." not in practice["/etc/sysctl.d/90-slipway.conf"].text
    for files in (real, practice):
        assert "net.ipv4.ip_nonlocal_bind = 1" in files["/etc/sysctl.d/90-slipway.conf"].text


def test_etcd_only_hosts_get_no_balancer_settings() -> None:
    wanted = profile(3, 1)
    files = by_path(api.system(site(wanted), wanted.hosts[-1]))
    assert "ip_nonlocal_bind" not in files["/etc/sysctl.d/90-slipway.conf"].text
    assert "haproxy 0644" not in files["/etc/tmpfiles.d/slipway.conf"].text
    assert "etcd etcd" in files["/etc/tmpfiles.d/slipway.conf"].text
    assert "/etc/sysusers.d/slipway.conf" in files


def test_time_servers_are_written_only_where_the_profile_has_some() -> None:
    path = "/etc/chrony/sources.d/slipway.sources"
    assert path not in by_path(api.system(site(), MASTER))
    with_time = site(profile(time_servers=("ntp1.example", "198.18.0.5")))
    assert text(api.system, path, with_time).splitlines()[-2:] == [
        "server ntp1.example iburst",
        "server 198.18.0.5 iburst",
    ]


def test_a_host_keeps_the_time_service_it_has() -> None:
    wanted = site(profile(time_servers=("ntp1.example", "ntp2.example")), time_service="systemd-timesyncd")
    files = by_path(api.system(wanted, MASTER))
    assert "NTP=ntp1.example ntp2.example\n" in files["/etc/systemd/timesyncd.conf.d/slipway.conf"].text
    assert not [path for path in files if "chrony" in path]


def test_etcd_members_know_each_other_and_none_else() -> None:
    wanted = profile(3, 2)
    for host in wanted.hosts:
        first = env(text(api.etcd, "/etc/etcd/bootstrap.env", site(wanted), host))
        assert first["ETCD_INITIAL_CLUSTER"] == ",".join(f"{h.name}=https://{h.address}:2380" for h in wanted.hosts)
        assert first["ETCD_INITIAL_CLUSTER_TOKEN"] == "slipway-uid-1"
        assert first["ETCD_INITIAL_CLUSTER_STATE"] == "new"
        own = env(text(api.etcd, "/etc/etcd/etcd.env", site(wanted), host))
        assert own["ETCD_NAME"] == host.name
        assert own["ETCD_LISTEN_PEER_URLS"] == f"https://{host.address}:2380"
        assert own["ETCD_CLIENT_CERT_AUTH"] == own["ETCD_PEER_CLIENT_CERT_AUTH"] == "true"
        assert "InitialCorruptCheck=true" in own["ETCD_FEATURE_GATES"]
    joining = by_path(api.etcd(site(wanted), wanted.hosts[0], state="existing"))
    assert "STATE=existing" in joining["/etc/etcd/bootstrap.env"].text


@pytest.mark.parametrize(
    ("tuning", "heartbeat", "election"),
    [(EtcdTuning.DEFAULT, "100", "1000"), (EtcdTuning.AUTO, "100", "1000"), (EtcdTuning.SLOW_DISK, "250", "5000")],
)
def test_tuning_is_equal_on_all_members(tuning: EtcdTuning, heartbeat: str, election: str) -> None:
    wanted = profile(3, 2)
    for host in wanted.hosts:
        own = env(text(api.etcd, "/etc/etcd/etcd.env", site(wanted, tuning=tuning), host))
        assert (own["ETCD_HEARTBEAT_INTERVAL"], own["ETCD_ELECTION_TIMEOUT"]) == (heartbeat, election)


def test_etcd_uses_the_peer_address_and_the_profile_data_dir() -> None:
    wanted = profile()
    host = wanted.hosts[0].model_copy(update={"etcd_ip": "198.19.0.11"})
    moved = wanted.model_copy(
        update={"hosts": (host, *wanted.hosts[1:]), "etcd": wanted.etcd.model_copy(update={"data_dir": "/srv/etcd"})}
    )
    own = env(text(api.etcd, "/etc/etcd/etcd.env", site(moved), host))
    assert own["ETCD_LISTEN_CLIENT_URLS"] == "https://127.0.0.1:2379,https://198.19.0.11:2379"
    unit = text(api.etcd, "/etc/systemd/system/etcd.service", site(moved), host)
    assert "ReadWritePaths=-/srv/etcd\n" in unit
    assert "TimeoutStartSec=infinity" in unit
    assert "/var/lib/etcd" not in unit


def test_kubelet_names_and_addresses_its_node() -> None:
    host = MASTER.model_copy(update={"node_ip": "198.19.0.11", "zone": "Rack 7/left"})
    arguments = text(api.kubelet, "/etc/kubernetes/kubelet.env", site(), host)
    assert "--hostname-override=m1 --node-ip=198.19.0.11" in arguments
    assert "--node-labels=topology.kubernetes.io/zone=Rack-7-left" in arguments


WORKERS = profile(3, 0, 2, masters_schedulable=False)
W1 = WORKERS.host("w1")


def test_a_worker_asks_for_its_certificate_and_has_no_taint() -> None:
    of = site(WORKERS)
    assert " --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf" in text(
        api.kubelet, "/etc/kubernetes/kubelet.env", of, W1
    )
    assert "bootstrap" not in text(api.kubelet, "/etc/kubernetes/kubelet.env", of)
    config = yaml.safe_load(text(api.kubelet, "/var/lib/kubelet/config.yaml", of, W1))
    assert "registerWithTaints" not in config
    assert config["rotateCertificates"] is True


def test_a_worker_has_no_part_of_the_control_plane() -> None:
    of = site(WORKERS)
    for component in (api.etcd, api.haproxy, api.keepalived, api.static_pods):
        assert component(of, W1) == ()
    files = by_path(api.system(of, W1))
    assert "ip_nonlocal_bind" not in files["/etc/sysctl.d/90-slipway.conf"].text
    assert "net.ipv4.ip_forward = 1" in files["/etc/sysctl.d/90-slipway.conf"].text
    assert "/etc/sysusers.d/slipway.conf" not in files


@pytest.mark.parametrize(("host", "server"), [("m1", "https://127.0.0.1:6443"), ("w1", "https://198.18.0.100:6443")])
def test_a_nodes_pods_find_the_api_beside_them_or_at_the_vip_and_bring_their_own_tokens(host: str, server: str) -> None:
    config = yaml.safe_load(text(api.kubelet, "/etc/kubernetes/node-api.conf", site(WORKERS), WORKERS.host(host)))
    account = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert config["clusters"][0]["cluster"] == {"certificate-authority": f"{account}/ca.crt", "server": server}
    assert config["users"][0]["user"] == {"tokenFile": f"{account}/token"}


def test_masters_are_tainted_unless_the_profile_wants_them_schedulable() -> None:
    tainted = yaml.safe_load(text(api.kubelet, "/var/lib/kubelet/config.yaml", site()))
    free = yaml.safe_load(text(api.kubelet, "/var/lib/kubelet/config.yaml", site(profile(masters_schedulable=True))))
    assert tainted["registerWithTaints"] == [{"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane"}]
    assert "registerWithTaints" not in free


def test_resolved_hosts_show_pods_the_real_name_servers() -> None:
    path = "/var/lib/kubelet/config.yaml"
    resolved = yaml.safe_load(text(api.kubelet, path, site(systemd_resolved=True)))
    assert resolved["resolvConf"] == "/run/systemd/resolve/resolv.conf"
    assert "resolvConf" not in yaml.safe_load(text(api.kubelet, path, site()))


def test_node_files_are_for_root_alone() -> None:
    """CIS 4.1.1, 4.1.9."""
    for file in api.kubelet(site(), MASTER):
        assert (file.mode, file.owner) == (0o600, "root:root"), file.path


@given(st.integers(min_value=0, max_value=2**45))
def test_reserved_memory_never_takes_most_of_a_small_host(memory: int) -> None:
    reserved = reserved_memory(Facts("x", hardware=Hardware(memory=memory)))
    assert 128 <= reserved.system <= 1024
    assert 192 <= reserved.kube <= 1024
    if memory >= 1700 * 2**20:
        assert (reserved.system + reserved.kube) * 2**20 < memory / 4


@given(st.text(max_size=200))
def test_any_zone_becomes_a_valid_label(zone: str) -> None:
    label = zone_label(zone)
    assert len(label) <= 63
    assert label == "" or (label[0].isascii() and label[0].isalnum() and label[-1].isascii() and label[-1].isalnum())
    assert all(char.isascii() and (char.isalnum() or char in "-_.") for char in label)
