"""A host taken back: its scripts run by a real `sh` below a temporary root, with stand-ins for the machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.render.sites import profile, site
from wizard.engine.marker import MARKER, STATE, HostMarker, Owner, dump, with_change
from wizard.engine.step import Change, Diff, Drifted, File, Satisfied, Step, Unknown
from wizard.errors import Level
from wizard.facts.model import Facts
from wizard.facts.traces import ClusterTraces, Marker
from wizard.render.files import fill
from wizard.steps.host import TURNED_OFF
from wizard.steps.remains import remains, running
from wizard.steps.reset import (
    data_values,
    files_values,
    kernel_values,
    leave_step,
    network_values,
    reset_steps,
)

from .test_kit import Here

ETCD = "/srv/etcd"


class Host(Here):
    """A temporary folder that stands for a host's root; what changes a machine is noted in `calls` (stand-ins)."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.root = folder / "root"
        (self.root / "proc/sys/net").mkdir(parents=True)
        self.write("/proc/swaps", "Filename Type Size Used Priority\n")
        for name in ("systemctl", "userdel", "swapon"):
            self.command(name, f'#!/bin/sh\necho "{name} $*" >> $HERE/calls\n')
        self.command("getent", '#!/bin/sh\ngrep -q "^userdel $2$" $HERE/calls 2>/dev/null && exit 2; [ $2 = etcd ]\n')

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)
        self.path(path).chmod(mode)

    def note(self, name: str, *lines: str) -> None:
        self.write(f"{STATE}/{name}", "".join(f"{line}\n" for line in lines))

    def do(self, template: str, values: dict[str, Any]) -> list[str]:
        """Look, take away, look again; return what the first look named. The second must name nothing."""
        before = self.look(template, values)
        done = self.sh(fill(f"reset/{template}.sh", **values, look=False))
        assert done.returncode == 0, done.stderr.decode()
        assert self.look(template, values) == []
        return before

    def look(self, template: str, values: dict[str, Any]) -> list[str]:
        done = self.sh(fill(f"reset/{template}.sh", **values, look=True).replace("set -eu", ""))
        assert done.stderr == b""
        return done.stdout.decode().splitlines()

    def files(self, *paths: str) -> list[str]:
        return self.do("files", files_values(paths, str(self.root)))

    def kernel(self) -> list[str]:
        return self.do("kernel", kernel_values("r1", str(self.root)))

    def data(self) -> list[str]:
        return self.do("data", data_values(str(self.root)))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_files_go_or_become_what_they_were(host: Host) -> None:
    host.write("/etc/app/new.conf", "slipway's")
    host.write("/etc/app/old.conf", "slipway's")
    host.write(f"{STATE}/before/etc/app/old.conf", "the site's", 0o640)
    host.path(f"{STATE}/before/etc/app/link").symlink_to("old.conf")
    host.write("/etc/app/link", "slipway's")
    host.write("/etc/app/same.conf", "as ever", 0o600)
    host.write(f"{STATE}/before/etc/app/same.conf", "as ever", 0o600)
    names = [f"/etc/app/{name}" for name in ("new.conf", "old.conf", "link", "same.conf", "gone.conf")]
    assert sorted(host.files(*names, f"{STATE}/units/app")) == sorted(names[:3])
    assert not host.path("/etc/app/new.conf").exists()
    assert host.path("/etc/app/old.conf").read_text() == "the site's"
    assert host.path("/etc/app/old.conf").stat().st_mode & 0o777 == 0o640
    assert host.path("/etc/app/link").readlink() == Path("old.conf")


def test_a_reset_that_is_done_again_leaves_what_it_put_back(host: Host) -> None:
    host.write("/etc/old.conf", "slipway's")
    host.write(f"{STATE}/before/etc/old.conf", "the site's")
    assert host.files("/etc/old.conf") == ["/etc/old.conf"]
    assert host.files("/etc/old.conf") == []
    assert host.path("/etc/old.conf").read_text() == "the site's"


def test_what_was_found_before_a_package_came_is_put_back_though_it_is_none_of_the_marker_s(host: Host) -> None:
    host.note("packages/found", "app /etc/app.conf", "app /etc/not-kept.conf")
    host.write(f"{STATE}/before/etc/app.conf", "the site's")
    host.write("/etc/not-kept.conf", "the site's")
    assert host.files() == ["/etc/app.conf"]
    assert host.path("/etc/app.conf").read_text() == host.path("/etc/not-kept.conf").read_text() == "the site's"


def test_folders_that_slipway_made_go_when_they_are_empty_and_others_stay(host: Host) -> None:
    host.note("folders", "/etc/app/deep", "/etc/app", "/etc/shared", "/etc/app/deep")
    for folder in ("/etc/app/deep", "/etc/shared", "/etc/empty", "/etc/etcd/pki"):
        host.path(folder).mkdir(parents=True)
    host.write("/etc/app/deep/a", "")
    host.write("/etc/shared/theirs", "the site's")
    host.files("/etc/app/deep/a")
    assert sorted(path.name for path in host.path("/etc").iterdir()) == ["empty", "shared"]


def test_users_parameters_and_swap_become_what_they_were(host: Host) -> None:
    host.note("found/users", "etcd", "etcd", "never-there")
    host.note("found/sysctl", "net.a=0", "net.gone=1", "net.same=5")
    host.write("/proc/sys/net/a", "1\n")
    host.write("/proc/sys/net/same", "5\n")
    host.write("/etc/fstab", f"/dev/sda1 / ext4\n{TURNED_OFF}/swap.img none swap sw 0 0\n# /old none swap sw 0 0\n")
    assert host.files() == ["user etcd"]
    assert host.kernel() == ["sysctl net.a=0", "swap /etc/fstab"]
    assert host.path("/proc/sys/net/a").read_text() == "0\n"
    assert host.path("/etc/fstab").read_text() == (
        "/dev/sda1 / ext4\n/swap.img none swap sw 0 0\n# /old none swap sw 0 0\n"
    )
    assert "userdel etcd" in host.calls()
    assert "systemctl daemon-reload" in host.calls()


def test_swap_that_was_on_is_turned_on(host: Host, tmp_path: Path) -> None:
    device = tmp_path / "swap.img"
    device.touch()
    host.note("found/swap", str(device), "/dev/none")
    host.command("swapon", f'#!/bin/sh\necho "$1 file 1 0 -2" >> {host.path("/proc/swaps")}\n')
    assert host.kernel() == [f"swap {device}"]


def test_what_the_kernel_refuses_is_named_and_holds_up_nothing_and_another_run_tries_it_again(
    host: Host, tmp_path: Path
) -> None:
    device = tmp_path / "swap.img"
    device.touch()
    host.note("found/swap", str(device))
    host.note("found/sysctl", "net.refused=2 3", "net.a=0")
    host.note("found/masked", "dev-sdb.swap")
    host.path("/proc/sys/net/refused").symlink_to("/dev/full")  # written to, it says that no space is left
    host.write("/proc/sys/net/a", "1\n")
    host.command("systemctl", '#!/bin/sh\n[ "$1" != is-enabled ] || echo masked\n[ "$1" != unmask ]\n')
    host.command("swapon", "#!/bin/sh\necho 'swapon failed: Invalid argument' >&2; exit 255\n")
    host.command("cat", '#!/bin/sh\ncase "$1" in */refused) echo 1;; *) exec /bin/cat "$@";; esac\n')
    refused = ["sysctl net.refused=2 3", "swap dev-sdb.swap", f"swap {device}"]
    assert host.look("kernel", kernel_values("r1", str(host.root))) == [refused[0], "sysctl net.a=0", *refused[1:]]
    done = host.sh(fill("reset/kernel.sh", **kernel_values("r1", str(host.root)), look=False))
    assert done.returncode == 0, done.stderr.decode()
    assert b"Invalid argument" in done.stderr, "it is in the log"
    assert host.path("/proc/sys/net/a").read_text() == "0\n"
    stay = host.look("kernel", kernel_values("r1", str(host.root)))
    assert stay == [f"stays {what}" for what in refused]
    assert host.look("kernel", kernel_values("r2", str(host.root))) == refused
    verdict = kernel_step("r1").probe.judge("\n".join(stay), 0)
    assert isinstance(verdict, Satisfied)
    assert "net.refused=2 3" in verdict.note
    assert [(one.code, one.level, one.host) for one in verdict.warnings] == [("reset.stays", Level.WARNING, "m1")] * 3
    by_hand = ("sysctl -w net.refused='2 3'", "systemctl unmask dev-sdb.swap", f"swapon {device}")
    assert [words in one.hint for one, words in zip(verdict.warnings, by_hand, strict=True)] == [True] * 3
    assert kernel_step("r1").probe.judge("stays swap /dev/sdb\nsysctl net.a=0", 0) == Drifted(
        (Diff("sysctl net.a=0", "as slipway set it", "as it was before"),)
    )
    assert kernel_step("r1").probe.judge("", 0) == Satisfied("as before slipway")


def kernel_step(run: str) -> Step:
    there = replace(site(profile()), facts={"m1": marked("/etc/one")})
    (found,) = [step for step in reset_steps(there, profile().host("m1"), run=run) if step.id == "m1/kernel"]
    return found


def test_what_the_services_made_goes_and_what_others_had_stays(host: Host) -> None:
    for path in (
        "/var/lib/kubelet/pods/a",
        "/var/lib/cni/b",
        "/run/containerd/c",
        f"{ETCD}/member/wal/0",
        "/var/lib/x",
    ):
        host.write(path, "")
    host.write("/etc/cni/net.d/10-flannel.conflist", "{}")
    host.write("/etc/cni/net.d/20-site.conflist", "{}")
    host.path("/var/lib/containerd/snapshots").mkdir(parents=True)
    host.write("/etc/etcd/etcd.env", f"ETCD_DATA_DIR={ETCD}\n")
    assert len(host.data()) == 6
    assert [path.name for path in host.path("/var/lib").iterdir()] == ["x"]
    assert [path.name for path in host.path("/etc/cni/net.d").iterdir()] == ["20-site.conflist"]
    assert not host.path(ETCD).exists()


def test_of_folders_that_were_there_only_what_is_slipway_s_goes(host: Host) -> None:
    host.note("directories", f"full {ETCD}", "full /var/lib/containerd", "empty /var/lib/kubelet", "full /var/lib/cni")
    host.write("/etc/etcd/etcd.env", f"ETCD_DATA_DIR={ETCD}\n")
    host.write("/var/lib/cni/theirs", "")
    host.write("/run/containerd/io.containerd.runtime.v2.task/moby/theirs", "")
    for path in (f"{ETCD}/member/wal/0", f"{ETCD}/theirs", "/var/lib/containerd/theirs", "/var/lib/kubelet/pods/a"):
        host.write(path, "")
    host.path("/var/lib/kubelet/lost+found").mkdir()
    assert sorted(host.data()) == [f"{ETCD}/member", "/var/lib/kubelet"]
    assert [path.name for path in host.path(ETCD).iterdir()] == ["theirs"]
    assert [path.name for path in host.path("/var/lib/kubelet").iterdir()] == ["lost+found"]
    assert host.path("/var/lib/containerd/theirs").exists()
    assert host.path("/var/lib/cni/theirs").exists()
    assert host.path("/run/containerd/io.containerd.runtime.v2.task/moby/theirs").exists()


def test_of_etcd_only_the_member_s_own_data_goes(host: Host) -> None:
    """Where there is no member, a folder of that name is somebody's; and so is what lies beside a member."""
    host.write(f"{ETCD}/member/wal/0", "")
    assert host.data() == []
    host.write("/etc/etcd/etcd.env", "ETCD_DATA_DIR=/data\n")
    host.write("/data/member/wal/0", "")
    host.write("/data/snapshot.db", "theirs")
    assert host.data() == ["/data/member"]
    assert [path.name for path in host.path("/data").iterdir()] == ["snapshot.db"]
    assert host.path(f"{ETCD}/member/wal/0").exists()


def test_a_folder_that_slipway_made_itself_is_none_that_was_there(host: Host) -> None:
    """The kubelet's configuration is put into its folder before the folder is looked at."""
    host.note("folders", "/var/lib/kubelet")
    host.note("directories", "full /var/lib/kubelet")
    host.write("/var/lib/kubelet/config.yaml", "")
    host.data()
    assert not host.path("/var/lib/kubelet").exists()


def test_nothing_is_removed_beneath_what_can_not_be_unmounted(host: Host) -> None:
    host.write("/var/lib/kubelet/pods/volume/theirs", "a volume's")
    mounts = host.folder / "mountinfo"
    mounts.write_text(f"1 0 0:1 / {host.root}/var/lib/kubelet/pods/volume rw - nfs s:/v rw\n")
    host.command("umount", '#!/bin/sh\necho "umount $*" >> $HERE/calls\nexit 1\n')
    script = fill("reset/data.sh", **data_values(str(host.root)), look=False)
    done = host.sh(script.replace("/proc/self/mountinfo", str(mounts)))
    assert done.returncode != 0
    assert "still mounted" in done.stderr.decode()
    assert host.calls() == [f"umount {flag}{host.root}/var/lib/kubelet/pods/volume" for flag in ("", "-l ")]
    assert host.path("/var/lib/kubelet/pods/volume/theirs").exists()


SAVED = """# Generated by iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:SITE - [0:0]
:cali-nat-outgoing - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j SITE
-A POSTROUTING -s 10.0.0.0/8 -m comment --comment "of KUBE-SERVICES, not" -j MASQUERADE
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC
-A SITE -p tcp -g KUBE-SERVICES
COMMIT
*filter
:INPUT ACCEPT [0:0]
:SITE-KUBE-X - [0:0]
-A INPUT -j SITE-KUBE-X
COMMIT
"""


def restored(host: Host, saved: str) -> str:
    """Return what is given to iptables-restore, where iptables-nft-save (both are stand-ins) says `saved`."""
    (host.folder / "saved").write_text(saved)
    (host.folder / "restored").write_text("")
    for tool in ("iptables-nft", "iptables-legacy", "ip6tables-nft", "ip6tables-legacy"):
        saved = "cat $HERE/saved" if tool == "iptables-nft" else ":"
        host.command(f"{tool}-save", f"#!/bin/sh\n{saved}\n")
        host.command(f"{tool}-restore", f'#!/bin/sh\necho "{tool} $*" >> $HERE/calls; cat > $HERE/restored\n')
    for name in ("ip", "nft"):
        host.command(name, "#!/bin/sh\n")
    values = {**network_values(profile()), "links": "none0"}
    named = "rules iptables-nft" in host.look("network", values)
    done = host.sh(fill("reset/network.sh", **values, look=False).replace("/run/netns", f"{host.folder}/netns"))
    assert done.returncode == 0, done.stderr
    assert named == (host.calls() == ["iptables-nft --noflush --wait 20"])
    return (host.folder / "restored").read_text()


def test_of_the_firewall_only_our_chains_and_the_rules_that_lead_to_them_go(host: Host) -> None:
    assert restored(host, SAVED) == (
        "*nat\n"
        ":KUBE-SERVICES - [0:0]\n"
        ":CNI-HOSTPORT-DNAT - [0:0]\n"
        ":cali-nat-outgoing - [0:0]\n"
        '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\n'
        '-D POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG\n'
        "-D SITE -p tcp -g KUBE-SERVICES\n"
        "-X KUBE-SERVICES\n"
        "-X CNI-HOSTPORT-DNAT\n"
        "-X cali-nat-outgoing\n"
        "COMMIT\n"
    )


def dnat(network: str, port: int) -> str:
    """Return a rule of the CNI's portmap plugin, as iptables-save prints it, to the chain of a container there."""
    said = f'dnat name: \\"{network}\\" id: \\"c0ffee\\"'
    return f'-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "{said}" -m multiport --dports {port} -j CNI-DN-{network}'


def nat(*networks: str) -> str:
    chains = "".join(f":CNI-DN-{name} - [0:0]\n:CNI-{name} - [0:0]\n" for name in networks)
    rules = "".join(
        f"{dnat(name, 80)}\n-A CNI-DN-{name} -p tcp --dport 80 -j CNI-HOSTPORT-SETMARK\n"
        f'-A POSTROUTING -s 10.1.0.1/32 -m comment --comment "name: \\"{name}\\" id: \\"c0ffee\\"" -j CNI-{name}\n'
        f'-A CNI-{name} -d 10.1.0.0/16 -m comment --comment "name: \\"{name}\\" id: \\"c0ffee\\"" -j ACCEPT\n'
        for name in networks
    )
    return (
        "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:CNI-HOSTPORT-DNAT - [0:0]\n"
        f":CNI-HOSTPORT-SETMARK - [0:0]\n{chains}"
        "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT\n"
        f'{rules}-A POSTROUTING -m comment --comment "not -j CNI-cbr0" -j MASQUERADE\nCOMMIT\n'
    )


def test_of_the_cni_s_chains_only_those_of_our_network_go(host: Host) -> None:
    said = restored(host, nat("cbr0", "podman"))
    assert said.splitlines() == [
        "*nat",
        ":CNI-DN-cbr0 - [0:0]",
        ":CNI-cbr0 - [0:0]",
        dnat("cbr0", 80).replace("-A", "-D", 1),
        '-D POSTROUTING -s 10.1.0.1/32 -m comment --comment "name: \\"cbr0\\" id: \\"c0ffee\\"" -j CNI-cbr0',
        "-X CNI-DN-cbr0",
        "-X CNI-cbr0",
        "COMMIT",
    ]


def test_chains_that_the_plugins_share_go_with_the_last_that_used_them(host: Host) -> None:
    lines = restored(host, nat("cbr0")).splitlines()
    assert [line for line in lines if line.startswith("-X")] == [
        "-X CNI-HOSTPORT-DNAT", "-X CNI-HOSTPORT-SETMARK", "-X CNI-DN-cbr0", "-X CNI-cbr0",
    ]  # fmt: skip
    assert [line for line in lines if line.startswith("-D PREROUTING")] == [
        "-D PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT"
    ]


def test_where_all_chains_are_another_s_nothing_is_touched(host: Host) -> None:
    assert restored(host, nat("podman")) == ""


@pytest.mark.parametrize("mine", [True, False], ids=["ended", "a process is in it"])
def test_a_network_namespace_that_a_process_is_in_is_another_s(host: Host, mine: bool) -> None:
    (host.folder / "netns").mkdir()
    one = host.folder / "netns/cni-1"
    one.symlink_to(host.path("/gone-namespace") if mine else "/proc/self/ns/net")
    host.write("/gone-namespace", "")
    script = fill("reset/network.sh", **{**network_values(profile()), "links": "none0"}, look=True)
    for name in (
        "ip",
        "nft",
        *(f"{tool}-{kind}-save" for tool in ("iptables", "ip6tables") for kind in ("nft", "legacy")),
    ):
        host.command(name, "#!/bin/sh\n")
    done = host.sh(script.replace("/run/netns", f"{host.folder}/netns"))
    assert ("namespaces" in done.stdout.decode()) == mine


ROUTES = """10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1
10.244.1.0/24 via 198.18.0.12 dev eth0
10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink
10.244.3.0/24 via 198.18.0.112 dev eth0
10.244.4.0/24 via 198.18.0.1 dev eth0
"""


def test_routes_to_the_nodes_pods_go_and_the_sites_own_stay(host: Host) -> None:
    """By whichever way they lead there: by links of the Pod network, or, with host-gw, by the nodes themselves."""
    (host.folder / "routes").write_text(ROUTES)
    host.command("ip", '#!/bin/sh\ncase "$*" in *show*) cat $HERE/routes;; *) echo "$*" >> $HERE/calls;; esac\n')
    for name in ("nft", "iptables-nft-save", "iptables-legacy-save", "ip6tables-nft-save", "ip6tables-legacy-save"):
        host.command(name, "#!/bin/sh\n")
    values = {**network_values(profile()), "links": "none0"}
    ours = [f"10.244.{number}.0/24" for number in (0, 1, 2)]
    assert host.look("network", values) == [f"route {route}" for route in ours]
    done = host.sh(fill("reset/network.sh", **values, look=False).replace("/run/netns", f"{host.folder}/netns"))
    assert done.returncode == 0, done.stderr
    assert host.calls() == [f"-4 route del {route}" for route in ours]


def test_tables_of_kube_proxy_and_the_pod_network_go_and_no_others(host: Host) -> None:
    host.command("ip", "#!/bin/sh\n")
    listing = ("ip kube-proxy", "ip6 kube-proxy", "ip flannel-ipv4", "ip kube-proxy-site", "inet filter", "ip calico")
    lines = "\n".join(f"table {name}" for name in listing)
    host.command("nft", f'#!/bin/sh\ncase "$*" in list*) printf "{lines}\n";; *) echo "$*" >> $HERE/calls;; esac\n')
    for name in ("iptables-nft-save", "iptables-legacy-save", "ip6tables-nft-save", "ip6tables-legacy-save"):
        host.command(name, "#!/bin/sh\n")
    values = {**network_values(profile()), "links": "none0"}
    done = host.sh(fill("reset/network.sh", **values, look=False).replace("/run/netns", f"{host.folder}/netns"))
    assert done.returncode == 0, done.stderr
    assert host.calls() == [
        f"delete table {name}" for name in ("ip kube-proxy", "ip6 kube-proxy", "ip flannel-ipv4", "ip calico")
    ]


HOSTPORTS = """table ip cni_hostport { # handle 5
	comment "CNI portmap plugin"
	chain hostports { # handle 1
		tcp dport 80 dnat to 10.244.0.5:8080 comment "0a1" # handle 9
%s	}
	chain prerouting { # handle 3
		type nat hook prerouting priority dstnat; policy accept;
		jump hostports # handle 7
	}
	chain masquerading { # handle 8
		ip saddr 10.244.0.5 ip daddr 10.244.0.5 masquerade comment "0a1" # handle 11
	}
}
"""
PODMANS = '\t\ttcp dport 81 dnat to 10.88.0.2:80 comment "bee" # handle 12\n'


@pytest.mark.parametrize(
    ("theirs", "gone"),
    [
        ("", ["table ip cni_hostport"]),
        (PODMANS, [f"rule ip cni_hostport {rule}" for rule in ("hostports handle 9", "masquerading handle 11")]),
    ],
    ids=["alone", "with podman"],
)
def test_the_table_of_host_ports_goes_unless_another_is_in_it(host: Host, theirs: str, gone: list[str]) -> None:
    """Then the rules of our containers go alone; nothing is done where there is no such table."""
    for name in ("cbr0-0a1-eth0", "podman-bee-eth0"):
        host.write(f"/notes/{name}", "")
    for name in ("ip", *(f"{tool}-{kind}-save" for tool in ("iptables", "ip6tables") for kind in ("nft", "legacy"))):
        host.command(name, "#!/bin/sh\n")
    (host.folder / "table").write_text(HOSTPORTS % theirs)
    host.command(
        "nft",
        '#!/bin/sh\ncase "$*" in "list tables") cat $HERE/tables;; "-a list table ip cni_hostport") cat $HERE/table;; '
        '*) echo "$*" >> $HERE/calls;; esac\n',
    )
    values = {**network_values(profile()), "links": "none0"}
    scripts = [
        fill("reset/network.sh", **values, look=look)
        .replace("/run/netns", f"{host.folder}/netns")
        .replace("/var/lib/cni/results", str(host.path("/notes")))
        for look in (True, False)
    ]
    (host.folder / "tables").write_text("table inet site\n")
    assert [host.sh(script).stdout for script in scripts] == [b"", b""]
    assert host.calls() == []
    (host.folder / "tables").write_text("table inet cni_hostport_site\ntable ip cni_hostport\n")
    assert host.sh(scripts[0]).stdout.decode().splitlines() == [f"nftables {item}" for item in gone]
    done = host.sh(scripts[1])
    assert done.returncode == 0, done.stderr
    assert host.calls() == [f"delete {item}" for item in gone]


DPKG = """#!/bin/sh
echo "$*" >> $HERE/calls
case "$*" in
*--no-act*curl*) echo 'dpkg: dependency problems prevent removal of curl:'; echo ' theirs depends on curl.'; exit 1;;
*--no-act*) exit 0;;
esac
for name in $*; do case $name in -*) ;; *) rm -f $HERE/there/$name;; esac; done
"""


def test_packages_go_unless_others_need_them(host: Host) -> None:
    folder = host.folder
    (folder / "there").mkdir()
    for name in ("haproxy", "curl", "keepalived"):
        (folder / "there" / name).touch()
    host.command("dpkg-query", "#!/bin/sh\nfor name; do :; done; [ -e $HERE/there/$name ] && echo installed\n")
    host.command("dpkg", DPKG)
    host.note("packages/installed", "haproxy_2_amd64", "curl_1_amd64", "keepalived_2_amd64", "gone_1_amd64")
    host.note("packages/found", f"haproxy {folder}/haproxy.cfg")
    host.note("packages/brought", f"keepalived {folder}/keepalived.conf", f"curl {folder}/curlrc")
    state = host.path(STATE)
    for name in ("haproxy.cfg", "keepalived.conf", "curlrc"):
        kept = Path(f"{state}/before{folder}/{name}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text("before")
    assert host.do("packages", {"state": str(state)})[:2] == ["package haproxy", "package keepalived"]
    assert "--force-unsafe-io --purge haproxy keepalived" in host.calls()
    assert (folder / "haproxy.cfg").read_text() == "before"
    left = sorted(path.name for path in Path(f"{state}/before{folder}").iterdir())
    assert left == ["curlrc", "haproxy.cfg"], "what came with a package that goes is nobody's"


def test_services_that_the_site_had_run_again_as_they_did(host: Host) -> None:
    host.command("systemctl", SYSTEMCTL)
    host.note("packages/installed", "keepalived_2_amd64")
    for unit in ("haproxy", "keepalived"):
        host.note(f"found/units/{unit}.service", "enabled active")
    host.note("found/units/etcd.service", "disabled inactive")
    values = {
        "state": str(host.path(STATE)),
        "units": "keepalived.service haproxy.service etcd.service kubelet.service",
    }
    assert host.do("services", values) == ["enable haproxy.service", "start haproxy.service"]


SYSTEMCTL = """#!/bin/sh
case "$1" in
enable|start) touch $HERE/$1-$2;;
is-enabled) [ -e $HERE/enable-$2 ] && echo enabled;;
is-active) [ -e $HERE/start-$3 ];;
cat) echo "[Unit]";;
esac
"""


def test_the_host_is_free_when_marker_and_notes_are_gone(host: Host) -> None:
    for path in ("/etc/slipway/keep", f"{STATE}/stat", "/run/slipway/haproxy", "/run/slipway/run.lock"):
        host.write(path, "")
    done = host.sh(fill("reset/free.sh", root=str(host.root), state=STATE, run="/run/slipway"))
    assert done.returncode == 0, done.stderr
    assert not host.path(STATE).exists()
    assert [path.name for path in host.path("/run/slipway").iterdir()] == ["run.lock"], "the lease is the run's"
    assert host.path("/etc/slipway/keep").exists()


def test_what_still_runs_is_told() -> None:
    output = "unit kubelet.service inactive disabled\nunit etcd.service active enabled\ncontainers 3\nvip eth0\n"
    assert running(output) == (
        Diff("etcd.service", "active", "stopped"),
        Diff("etcd.service", "enabled", "stopped"),
        Diff("containers", "3", "none"),
        Diff("VIP", "on eth0", "none"),
    )
    assert running("unit kubelet.service failed\nunit etcd.service unknown\ncontainers 0\nvip \n") == ()
    assert [diff.subject for diff in remains("a\n\n b \n")] == ["a", "b"]


@pytest.mark.parametrize(
    ("template", "line", "after"),
    [
        ("packages", "package chrony", "removed"),
        ("packages", "/etc/chrony/chrony.conf", "as it was before"),
        ("data", "/var/lib/kubelet", "removed"),
        ("network", "link cni0", "removed"),
        ("files", "folder /etc/etcd", "removed"),
        ("files", "/etc/hosts", "removed, or as it was before"),
        ("services", "enable chrony.service", "as it was before"),
    ],
)
def test_a_plan_says_what_goes_and_what_comes_back(template: str, line: str, after: str) -> None:
    wanted = profile()
    there = replace(site(wanted), facts={"m1": marked("/etc/x")})
    steps = {step.id: step for step in reset_steps(there, wanted.host("m1"))}
    verdict = steps["m1/pod-network" if template == "network" else f"m1/{template}"].probe.judge(f"{line}\n", 0)
    assert isinstance(verdict, Drifted)
    assert [(diff.subject, diff.after) for diff in verdict.diff] == [(line, after)]


def marked(*paths: str) -> Facts:
    change = Change(files=tuple(File(path, b"x") for path in paths))
    text = dump(with_change(HostMarker(), Owner("uid-1", "site"), "s", change))
    return Facts("m1", traces=ClusterTraces(marker=Marker("uid-1", "site", text)))


def test_the_marker_goes_last_and_only_what_it_names_is_looked_at() -> None:
    wanted = profile()
    there = replace(site(wanted), facts={"m1": marked("/etc/one", "/etc/two"), "m2": Facts("m2")})
    steps = reset_steps(there, wanted.host("m1"))
    names = ["stop", "pod-network", "data", "files", "kernel", "packages", "services", "free"]
    assert [step.id for step in steps] == [f"m1/{name}" for name in names]
    assert [step.needs for step in steps] == [(), *((step.id,) for step in steps[:-1])]
    assert "/etc/one\n/etc/two\n" in steps[3].probe.script
    assert [step.change.absent for step in steps if isinstance(step.change, Change)] == [()] * 7 + [(MARKER,)]
    kept = reset_steps(there, wanted.host("m1"), keep_packages=True, after=("m1/leave",))
    assert [step.id for step in kept] == [f"m1/{name}" for name in names if name != "packages"]
    assert (kept[0].after, kept[1].after) == (("m1/leave",), ())
    assert [step.id for step in reset_steps(there, wanted.host("m2"))] == ["m2/free"], "it has no marker"


def test_a_node_leaves_before_its_host_is_put_back() -> None:
    step = leave_step(profile().host("m3"), ["m1", "m2"])
    assert (step.host, step.alternates) == ("m1", ("m2",))
    assert isinstance(step.probe.judge("", 0), Satisfied)
    assert isinstance(step.probe.judge("node/m3\n", 0), Drifted)
    assert isinstance(step.probe.judge("", 1), Unknown)
    assert isinstance(step.change, Change)
    assert step.change.script.index("drain m3") < step.change.script.index("delete node m3")


def test_a_script_that_fails_is_a_failure(host: Host) -> None:
    host.write("/etc/fixed", "slipway's")
    host.write(f"{STATE}/before/etc/fixed", "the site's")
    host.command("cp", "#!/bin/sh\necho no space >&2; exit 1\n")
    done = host.sh(fill("reset/files.sh", **files_values(["/etc/fixed"], str(host.root)), look=False))
    assert (done.returncode, b"no space" in done.stderr) == (1, True)
    assert host.path("/etc/fixed").read_text() == "slipway's"
