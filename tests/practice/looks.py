"""Looks at hosts and cluster that tests on practice hosts share: what was written, what runs, what was asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from .helpers import Lab

WHERE = "/etc /usr /opt /root /var/lib/slipway /var/lib/dpkg /var/lib/kubelet/config.yaml"
"""What slipway puts on a host lies here; what the running cluster writes by itself lies elsewhere."""
MARKER = "/etc/slipway/cluster.json"
PROCESSES = (
    "etcd",
    "keepalived",
    "haproxy",
    "containerd",
    "kubelet",
    "kube-apiserver",
    "kube-controller",
    "kube-scheduler",
)

PROBE = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: probe}}
spec:
  selector: {{matchLabels: {{app: probe}}}}
  template:
    metadata: {{labels: {{app: probe}}}}
    spec:
      terminationGracePeriodSeconds: 0
      tolerations: [{{operator: Exists}}]
      containers:
      - name: probe
        image: {image}
        imagePullPolicy: Never
        command: [/bin/sh, -c, 'echo served by $NODE | tee /tmp/index.html; exec busybox httpd -f -p 8080 -h /tmp']
        env: [{{name: NODE, valueFrom: {{fieldRef: {{fieldPath: spec.nodeName}}}}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: probe}}
spec:
  selector: {{app: probe}}
  ports: [{{port: 80, targetPort: 8080}}]
"""

ASK = """
ip=$(nslookup probe.default.svc.cluster.local | sed -n 's/^Address[ 1]*: *//p' | tail -n 1); echo $ip
for n in 1 2 3 4 5 6 7 8 9; do printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 $ip 80 | grep '^served'; done
"""
"""Resolve the Service, then ask it nine times. (The image's wget can't be used: as a static program it dies on NSS.)"""


def marked(site: Lab) -> None:
    """Remember this moment on every host, for `written`."""
    for host in site.hosts:
        site.on(host.name, "sleep 0.02; touch /run/before; sleep 0.02")


def written(site: Lab, host: str) -> set[str]:
    """Return the files below `WHERE` that were written on `host` since `marked`."""
    there = f'for place in {WHERE}; do [ ! -e $place ] || set -- "$@" $place; done'
    return set(site.on(host, f'{there}; find "$@" -type f -newercm /run/before').splitlines())


def alive(site: Lab) -> dict[str, str]:
    """Return for each host and program of the cluster its processes, each as PID and start."""
    names = " ".join(PROCESSES)
    script = (
        f"for n in {names}; do echo $n=$(for p in $(pgrep -o -x $n); do cut -d' ' -f1,22 /proc/$p/stat; done); done"
    )
    return {
        f"{host.name} {line.partition('=')[0]}": line.partition("=")[2]
        for host in site.hosts
        for line in site.on(host.name, script).splitlines()
    }


@contextmanager
def counted(site: Lab) -> Iterator[dict[str, int]]:
    """Count the commands that each host's sshd was asked to run in the block; the counts are there after it."""
    counts: dict[str, int] = {}
    for host in site.hosts:
        script = "echo LogLevel VERBOSE > /etc/ssh/sshd_config.d/count.conf; systemctl reload ssh; date +%s.%N"
        counts[host.name] = 0
        site.on(host.name, script)
    since = {
        host.name: site.on(host.name, "journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p'")
        for host in site.hosts
    }
    yield counts
    for host in site.hosts:
        log = site.on(host.name, f"journalctl --after-cursor='{since[host.name]}' -t sshd -t sshd-session -o cat")
        counts[host.name] = len(re.findall(r"^Starting session:", log, re.M))
        site.on(host.name, "rm /etc/ssh/sshd_config.d/count.conf; systemctl reload ssh")
