"""`slipway reset` puts hosts back to what they were before slipway, and they can be installed again."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator

import pytest

from wizard import practice
from wizard.bundle.opened import Bundle
from wizard.engine.record import State

from .helpers import Lab, Labs, until

pytestmark = pytest.mark.practice

LEFT = re.compile(
    # What dpkg, systemd and the tools that change users write of their own doings.
    r"/var/(log|cache|backups|tmp)(/|$)|/tmp(/|$)|/var/lib/(dpkg|apt|systemd|ucf|private)(/|$)"
    r"|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-|/etc/\.pwd\.lock|/etc/ld\.so\.cache|/etc/mtab"
    r"|/root/\.(cache|wget-hsts)"
)
"""What may differ afterwards. Everything else is as before."""
SITE = """
mkdir -p /etc/haproxy /etc/kubernetes && cd /etc
echo "# the site's own balancer" > haproxy/haproxy.cfg
chmod 640 haproxy/haproxy.cfg && chown root:adm haproxy/haproxy.cfg
echo "# the site's own notes" > kubernetes/notes.txt
echo 'net.ipv4.conf.all.log_martians = 1' > sysctl.d/90-site.conf; sysctl -q -p sysctl.d/90-site.conf
iptables -N SITE && iptables -A SITE -p tcp --dport 9 -j DROP && iptables -I INPUT -j SITE
iptables -t nat -A POSTROUTING -s 203.0.113.0/24 -m comment --comment "the site's own" -j MASQUERADE
iptables -t nat -N CNI-HOSTPORT-DNAT && iptables -t nat -N CNI-DN-podman
comment='dnat name: "podman" id: "1"'
iptables -t nat -A CNI-HOSTPORT-DNAT -p tcp --dport 9 -m comment --comment "$comment" -j CNI-DN-podman
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
"""
LOOK = {
    "files": r"""
find / /var/lib -xdev \( -path /proc -o -path /sys -o -path /run -o -path /dev \) -prune \
  -o -printf '%p %y %m %u:%g %l\n'
find /etc /usr/local /opt /root /home /srv /var/lib -xdev -type f -exec sha256sum {} + | awk '{print $2, $1}'""",
    "packages": "dpkg-query -W -f='${Package} ${Version} ${db:Status-Abbrev}\\n'",
    "units": "systemctl list-unit-files --no-legend | awk '{print $1, $2}'",
    "active": "systemctl list-units --type service --state active,failed --plain --no-legend"
    " | awk '$1 !~ /@/ {print $1}'",
    "links": "ls /sys/class/net; ip -o address | awk '{print $2, $4}'; ip route",
    "firewall": "for tool in iptables ip6tables; do for kind in nft legacy; do"
    " $tool-$kind-save 2>/dev/null | grep -E '^(-A|:[^ ]+ - )' | sed \"s/^/$tool-$kind /\"; done; done",
    "kernel": "for key in ip_forward ip_nonlocal_bind conf.all.log_martians conf.all.route_localnet; do"
    " sysctl net.ipv4.$key; done",
    "mounts": "awk '{print $5}' /proc/self/mountinfo",
    "users": "cat /etc/passwd /etc/group",
    "processes": "ps -eo comm= | grep -E 'etcd|kube|containerd|haproxy|keepalived|pause|flannel|coredns' || true",
    "run": "ls -d /run/containerd /run/flannel /run/netns/* 2>/dev/null || true",
}


@pytest.fixture(scope="module")
def site(labs: Labs, bundle: Bundle) -> Iterator[Lab]:
    made = labs.open("reset")
    made.on("m1", SITE)
    made.kept["before"] = {host.name: look(made, host.name) for host in made.hosts}
    yield made.installed()
    labs.end("reset")


def look(site: Lab, host: str) -> dict[str, set[str]]:
    return {what: set(site.on(host, script).splitlines()) for what, script in LOOK.items()}


def differences(site: Lab, host: str) -> dict[str, list[str]]:
    """Return what is not as before, but for `LEFT`."""
    before, now = site.kept["before"][host], look(site, host)
    found = {
        what: sorted(
            [f"+ {line}" for line in now[what] - before[what] if not LEFT.match(line)]
            + [f"- {line}" for line in before[what] - now[what] if not LEFT.match(line)]
        )
        for what in LOOK
    }
    return {what: lines for what, lines in found.items() if lines}


def all_as_before(site: Lab) -> None:
    found = {host.name: differences(site, host.name) for host in site.hosts}
    if any(found.values()):
        pytest.fail(f"not as before: {json.dumps(found, indent=1)}", pytrace=False)


def reset(site: Lab, *words: str) -> list[str]:
    return ["reset", str(site.profile), "--yes", "--cluster", site.name, *words]


def test_a_reset_that_is_not_meant_is_refused(site: Lab) -> None:
    said = site.slipway("reset", site.profile, "--yes")
    assert (said.exit, "--cluster" in said.words) == (2, True)
    other = site.slipway("reset", site.profile, "--yes", "--cluster", "another")
    assert (other.exit, site.name in other.words) == (2, True)
    assert site.ready_nodes() == {"m1", "m2", "m3"}


def test_one_host_that_the_cluster_counts_on_is_refused(site: Lab) -> None:
    said = site.slipway("reset", site.profile, "--host", "m3", "--yes")
    assert (said.exit, said.result) == (3, "held")
    assert "Take m3 out of the profile" in said.problem("reset.still-member", "m3")["hint"]
    assert site.ready_nodes() == {"m1", "m2", "m3"}


def test_hosts_of_another_cluster_are_refused(site: Lab) -> None:
    said = site.slipway(*reset(site, "--take-over"), state=site.folder / "elsewhere")
    assert (said.exit, said.errors()) == (3, [f"m{n} host.another-cluster" for n in (1, 2, 3)])
    assert site.ready_nodes() == {"m1", "m2", "m3"}


def test_a_reset_puts_every_host_back_to_what_it_was(site: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = json.loads((site.cluster / "cluster.json").read_text())["uid"]
    site.on("m2", "mkdir -p /var/lib/slipway/found; echo /etc/hostname >> /var/lib/slipway/found/swap  # is none")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("XDG_CACHE_HOME", str(site.folder / "no-bundle-here"))
        said = site.slipway(*reset(site, "--take-over"))
    assert (said.exit, said.result, said.found["failed"]) == (0, "done", []), said.words
    assert "swapon /etc/hostname" in said.problem("reset.stays", "m2")["hint"]
    site.kept["seconds"] = said.found["seconds"]
    all_as_before(site)
    # A mere look leaves its lease's folder there until the next boot.
    assert {
        site.on(host.name, "ls /run/slipway /etc/slipway /var/lib/slipway", check=False) for host in site.hosts
    } == {""}
    put_away = site.cluster / f"reset-{said.found['run']}"
    assert json.loads((put_away / "cluster.json").read_text())["uid"] == uid
    assert (put_away / "pki" / "ca.pem").exists()
    assert sorted(path.name for path in site.cluster.iterdir() if path.name in {"pki", "admin.conf"}) == []


def test_where_nothing_is_left_a_reset_says_so(site: Lab) -> None:
    said = site.slipway(*reset(site))
    assert (said.exit, said.found["changed"]) == (0, [])


def test_the_same_hosts_can_be_installed_again(site: Lab) -> None:
    said = site.apply()
    assert (said.exit, said.errors()) == (0, []), said.words
    assert site.ready_nodes() == {"m1", "m2", "m3"}


def test_a_host_that_is_away_is_done_later_and_a_killed_reset_again(site: Lab) -> None:
    practice.power_off(site.host("m3"))
    said = site.slipway(*reset(site))
    assert (said.exit, said.result, said.found["quarantined"]) == (4, "partial", ["m3"]), said.words
    assert (site.cluster / "cluster.json").exists(), "its identity is still needed"
    practice.power_on(site.host("m3"))
    with site.started(*reset(site)) as command:
        until("m3's data goes", lambda: _begun(site, "m3/data"), 60, pause=0.05)
        os.kill(site.journal().runs()[0].process.pid, signal.SIGKILL)
        out, _ = command.communicate(timeout=60)
    assert (command.returncode, '"result": "interrupted"' in out) == (130, True)
    said = site.slipway(*reset(site))
    assert (said.exit, said.result) == (0, "done"), said.words
    all_as_before(site)
    assert not (site.cluster / "cluster.json").exists(), "its keys are put away before the end is told"


def _begun(site: Lab, step: str) -> bool:
    run = site.journal().runs()[0]
    found = site.journal().record(run.run).steps.get(step)
    return run.running and found is not None and found.state not in (State.WAITING, State.PROBING)
