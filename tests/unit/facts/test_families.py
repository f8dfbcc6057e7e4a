"""Each family's parser on what hosts really said (Debian 12) and would say (Ubuntu 24.04, Rocky 9)."""

from __future__ import annotations

import pytest

from wizard.facts import clock, cluster, hardware, network, ports, software, storage, system
from wizard.facts.model import DiskKind, Filesystem, Interface, Listener, Package, Route

from .samples import look, sample

GIB = 1024**3


def test_system_of_debian() -> None:
    found = system.parse(sample("debian-12", "system"))
    assert (found.os_id, found.os_version, found.release) == ("debian", "12", "debian-12")
    assert found.os_name == "Debian GNU/Linux 12 (bookworm)"
    assert (found.hostname, found.init, found.architecture) == ("m1", "systemd", "amd64")
    assert found.machine_id == "08e949b77ca749bf92566f88e59525f3"
    assert found.kernel_number == (6, 18)
    assert found.cgroup_version == 1
    assert found.container == "slipway"
    assert found.lacks_sys_resource
    assert found.hypervisor
    assert (found.selinux, found.apparmor) == ("", False)


def test_system_of_ubuntu() -> None:
    found = system.parse(sample("ubuntu-24.04", "system"))
    assert found.release == "ubuntu-24.04"
    assert (found.cgroup_version, found.container, found.hypervisor) == (2, "", False)
    assert found.apparmor
    assert not found.lacks_sys_resource
    assert found.product == "Dell Inc. PowerEdge R650"
    assert found.product_uuid == "4c4c4544-0051-3210-8052-b4c04f4d3733"
    assert found.proxy == ()


def test_system_of_rocky() -> None:
    found = system.parse(sample("rocky-9", "system"))
    assert (found.release, found.os_version) == ("rocky-9", "9.4")
    assert found.kernel_number == (5, 14)
    assert found.selinux == "enforcing"
    assert dict(item.split("=", 1) for item in found.proxy)["no_proxy"] == "localhost,.site.example,10.20.0.0/24"


@pytest.mark.parametrize(("release", "family"), [("rocky-9", "system"), ("debian-12", "system-in-use")])
def test_a_proxys_password_never_leaves_the_parser(release: str, family: str) -> None:
    found = system.parse(sample(release, family))
    assert any("•••@proxy" in item for item in found.proxy)
    assert not any(word in str(found) for word in ("Pa55word", "secret"))


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("debian-12", hardware.Hardware(2, 24684092 * 1024, 24002192 * 1024)),
        ("ubuntu-24.04", hardware.Hardware(32, 131748912 * 1024, 129320140 * 1024, 8388604 * 1024, ("/swap.img",))),
        ("rocky-9", hardware.Hardware(16, 65518080 * 1024, 60211004 * 1024, 4194300 * 1024, ("/dev/dm-1",))),
    ],
)
def test_hardware(release: str, expected: hardware.Hardware) -> None:
    assert hardware.parse(sample(release, "hardware")) == expected


def test_storage_of_a_host_in_a_container_finds_the_disk_under_the_bind_mount() -> None:
    found = storage.parse(sample("debian-12", "storage"))
    assert [(disk.name, disk.size, disk.kind) for disk in found.disks] == [("vda", 256 * GIB, DiskKind.VIRTUAL)]
    assert found.etcd is not None
    assert (found.etcd.mount, found.etcd.disk, found.etcd.kind) == ("/var/lib", "vda", DiskKind.VIRTUAL)
    root = found.filesystems[0]
    assert (root.mount, root.type, root.kind) == ("/", "overlay", DiskKind.UNKNOWN)
    assert root.paths == ("/", "/usr/local/bin", "/opt", "/tmp")
    assert root.free == 4096 * 16351427


def test_storage_of_a_host_in_use_sees_the_memory_under_etcd() -> None:
    found = storage.parse(sample("debian-12", "storage-in-use")).etcd
    assert found is not None
    assert (found.mount, found.type, found.kind, found.size) == ("/var/lib/etcd", "tmpfs", DiskKind.MEMORY, 64 * 2**20)
    assert "noexec" in found.options


def test_storage_under_lvm_on_raid_is_the_disk_itself() -> None:
    found = storage.parse(sample("ubuntu-24.04", "storage"))
    assert [(disk.name, disk.kind) for disk in found.disks] == [("nvme0n1", DiskKind.NVME), ("nvme1n1", DiskKind.NVME)]
    assert found.disks[0].model == "SAMSUNG MZQL2960HCJR-00A07"
    assert found.etcd is not None
    assert (found.etcd.source, found.etcd.disk) == ("/dev/mapper/ubuntu--vg-ubuntu--lv", "nvme0n1")
    assert [item.mount for item in found.filesystems] == ["/", "/tmp"]


def test_storage_of_rocky() -> None:
    found = storage.parse(sample("rocky-9", "storage"))
    assert [(disk.name, disk.kind) for disk in found.disks] == [("sda", DiskKind.ROTATIONAL), ("sdb", DiskKind.NETWORK)]
    opt = found.filesystems[-1]
    assert (opt.mount, opt.kind, opt.disk, opt.inodes_free) == ("/opt", DiskKind.NETWORK, "", None)
    assert "ro" in opt.options


def test_another_etcd_folder_is_found_where_it_lies() -> None:
    text = sample("ubuntu-24.04", "storage").replace("/var/lib/etcd\t/var/lib", "/data/etcd\t/boot")
    found = storage.parse(text, "/data/etcd").etcd
    assert isinstance(found, Filesystem)
    assert found.mount == "/boot"


def test_network_of_debian() -> None:
    found = network.parse(sample("debian-12", "network"))
    assert [item.name for item in found.interfaces] == ["lo", "eth0"]
    assert found.interfaces[1] == Interface(
        "eth0", "02:00:c6:12:02:0b", 1500, True, ("198.18.2.11/24", "fe80::c6ff:fe12:20b/64")
    )
    assert found.routes == (Route("default", "eth0", "198.18.2.1"), Route("198.18.2.0/24", "eth0"))
    assert found.nameservers == ("198.18.2.1",)


def test_network_without_ip_comes_from_the_kernels_tables() -> None:
    found = network.parse(sample("debian-12", "network-bare"))
    assert found.interfaces == (
        Interface("eth0", "02:00:c6:12:02:0d", 1500, True, ("198.18.2.13/24",)),
        Interface("lo", "00:00:00:00:00:00", 65536, True, ("127.0.0.1/8",)),
    )


def test_network_of_ubuntu() -> None:
    found = {item.name: item for item in network.parse(sample("ubuntu-24.04", "network")).interfaces}
    assert (found["eno8303"].up, found["eno8303"].addresses) == (False, ())
    assert (found["ens1f0np0"].mtu, found["ens1f0np0"].up) == (9000, True)
    assert found["vlan30"].addresses == ("10.30.0.17/24",)
    assert (found["wg0"].mac, found["wg0"].addresses) == ("", ("172.31.9.2/32",))


def test_network_of_rocky() -> None:
    found = network.parse(sample("rocky-9", "network"))
    assert [item.name for item in found.interfaces if item.mac == "48:df:37:aa:00:10"] == ["ens1f0", "ens1f1", "bond0"]
    assert Route("172.17.0.0/16", "docker0") in found.routes
    assert found.nameservers == ("10.20.0.2", "10.20.0.3")


def test_ports_of_debian() -> None:
    assert ports.parse(sample("debian-12", "ports")) == (Listener("tcp", "*", 22, "sshd", "ssh.service", 103),)


@pytest.mark.parametrize("family", ["ports-in-use", "ports-bare"])
def test_ports_name_process_and_unit_with_and_without_ss(family: str) -> None:
    found = {item.port: item for item in ports.parse(sample("debian-12", family))}
    assert (found[6443].address, found[6443].process, found[6443].unit) == ("*", "socat", "web.service")
    assert (found[22].process, found[22].unit) == ("sshd", "ssh.service")


def test_udp_ports_are_seen() -> None:
    found = {(item.protocol, item.port): item for item in ports.parse(sample("debian-12", "ports-in-use"))}
    assert found["udp", 8472].unit == "udp.service"


def test_ports_of_ubuntu() -> None:
    found = {(item.protocol, item.address, item.port): item for item in ports.parse(sample("ubuntu-24.04", "ports"))}
    assert found["tcp", "127.0.0.53", 53].unit == "systemd-resolved.service"
    assert found["tcp", "*", 22].process == "sshd", "not systemd, which holds the socket too"
    assert found["tcp", "*", 9443].unit == "dashboard.service"


def test_ports_of_rocky() -> None:
    assert Listener("tcp", "*", 2379, "docker-proxy", "docker.service", 4120) in ports.parse(sample("rocky-9", "ports"))


def test_software_of_debian() -> None:
    found = software.parse(sample("debian-12", "software"))
    assert Package("zstd", "1.5.4+dfsg2-5") in found.packages
    assert "chrony" not in {package.name for package in found.packages}
    assert {"ip", "ss", "zstd", "systemctl"} <= found.commands
    assert found.units == frozenset()


def test_software_of_ubuntu() -> None:
    found = software.parse(sample("ubuntu-24.04", "software"))
    assert "containerd" not in {package.name for package in found.packages}, "only its configuration is left"
    assert found.units == {"systemd-timesyncd", "systemd-resolved", "systemd-networkd"}


def test_ufw_counts_only_where_it_filters() -> None:
    text = sample("ubuntu-24.04", "software")
    assert "ufw" not in software.parse(text).units
    assert "ufw" in software.parse(text.replace("ENABLED=no", "ENABLED=yes")).units


def test_software_of_rocky() -> None:
    found = software.parse(sample("rocky-9", "software"))
    assert Package("docker-ce", "3:27.3.1-1.el9") in found.packages
    assert found.units == {"containerd", "docker", "chronyd", "firewalld", "NetworkManager"}


def test_units_whose_answers_do_not_fit_are_left_out() -> None:
    text = sample("rocky-9", "software").replace("inactive\ninactive\nactive", "inactive\nactive", 1)
    assert software.parse(text).units == frozenset()


def test_clocks() -> None:
    assert clock.parse(sample("debian-12", "clock")).synchronized is None
    assert clock.parse(sample("ubuntu-24.04", "clock")).synchronized is True
    assert clock.parse(sample("rocky-9", "clock")).synchronized is True
    lost = sample("rocky-9", "clock").replace(",Normal", ",Not synchronised")
    assert clock.parse(lost).synchronized is False


def test_a_fresh_host_has_no_traces() -> None:
    found = look("debian-12").facts.traces
    assert found == cluster.ClusterTraces()


def test_traces_of_another_cluster() -> None:
    found = cluster.parse(sample("debian-12", "cluster-in-use"))
    assert (found.marker.uid, found.marker.cluster) == ("3f2f5a55-9a0e-4c57-8d37-0b8b1f7c1a11", "other")
    assert found.marker.text.startswith("{")
    assert found.kubelet
    assert found.etcd_data
    assert found.manifests == ("/etc/kubernetes/manifests/kube-apiserver.yaml",)
    assert "/etc/kubernetes/pki/etcd/ca.crt" in found.pki
    assert found.cni == ("/etc/cni/net.d/10-flannel.conflist",)
    assert found.lock == '{"run": "r1"}'


PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("text", "server", "certificate"),
    [
        ("", "", ""),
        ("server https://10.20.0.10:6443\n" + PEM, "https://10.20.0.10:6443", PEM),
        ("server https://10.20.0.10:6443\n", "https://10.20.0.10:6443", ""),
        ('server "https://10.20.0.10:6443"\n', "https://10.20.0.10:6443", ""),
        (PEM, "", PEM),
    ],
)
def test_how_a_kubelet_reaches_the_api(text: str, server: str, certificate: str) -> None:
    found = cluster.parse(f"\n==slipway== cluster/kubelet\n{text}")
    assert (found.kubelet_server, found.kubelet_certificate) == (server, certificate)


@pytest.mark.parametrize("text", ["not json", "[]", '{"uid": 7}', "{" * 10_000])
def test_a_marker_that_cannot_be_read_keeps_its_text(text: str) -> None:
    marker = cluster.parse(f"\n==slipway== cluster/marker\n{text}\n").marker
    assert (marker.uid, marker.text) == ("", text)


def test_the_whole_answer_of_ubuntu() -> None:
    facts = look("ubuntu-24.04", sent=1727860490.0, received=1727860490.4).facts
    assert facts.system.systemd_resolved
    assert facts.etcd_disk is not None
    assert facts.etcd_disk.kind is DiskKind.NVME
    assert facts.clock.service == "systemd-timesyncd"
    assert facts.clock.offset == pytest.approx(10.0, abs=0.001)
    assert facts.clock.error == pytest.approx(0.1, abs=0.001)
    assert facts.filesystem_of("/opt") == facts.etcd_filesystem
    interface = facts.address_interface("10.30.0.17")
    assert interface is not None
    assert interface.name == "vlan30"


def test_the_whole_answer_of_rocky() -> None:
    facts = look("rocky-9").facts
    assert not facts.system.systemd_resolved
    assert facts.package("docker-ce") is not None
    assert facts.package("kubelet") is None
    assert facts.traces.running == ()
