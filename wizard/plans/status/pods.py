"""Of one master: its static Pods, each asked on the host itself, and the version of its apiserver."""

from __future__ import annotations

import json
from collections.abc import Mapping

from wizard.facts.text import parts
from wizard.plans.status.model import API, Pod
from wizard.profile.model import Host, Role
from wizard.render.places import API_PORT, CONTROLLER_MANAGER_PORT, PKI, SCHEDULER_PORT

_COMM = 15
"""The kernel keeps 15 characters of a process's name (proc(5), comm)."""
_ASK = "curl -s -m 4 -w '\\n%{http_code}'"
_LOGIN = f"--cacert {PKI}/ca.crt --cert {PKI}/apiserver-kubelet-client.crt --key {PKI}/apiserver-kubelet-client.key"


def script(host: Host) -> str:
    """Return the fragment that asks each static Pod of `host` how it is; empty where it has none."""
    if Role.MASTER not in host.roles:
        return ""
    return "\n".join(
        f"part pods/{name}\ngrep -lx {name[:_COMM]} /proc/[0-9]*/comm | head -n 1\n{_ASK} {how}"
        for name, how in _questions(host).items()
    )


def _questions(host: Host) -> Mapping[str, str]:
    api = f"https://{host.ip}:{API_PORT}"
    # Serving certificates of the other two are their own, on loopback alone.
    return {
        API: f"--cacert {PKI}/ca.crt '{api}/readyz?verbose'\npart pods/version\ncurl -s -m 4 {_LOGIN} {api}/version",
        "kube-controller-manager": f"-k 'https://127.0.0.1:{CONTROLLER_MANAGER_PORT}/healthz?verbose'",
        "kube-scheduler": f"-k 'https://127.0.0.1:{SCHEDULER_PORT}/healthz?verbose'",
    }


def parse(host: Host, text: str) -> Mapping[str, Pod]:
    """Return the static Pods of `host`, by name."""
    if Role.MASTER not in host.roles:
        return {}
    part = parts(text)
    return {name: _pod(name, part.get(f"pods/{name}", "")) for name in _questions(host)}


def parse_version(text: str) -> str:
    """Return the version that the host's apiserver runs, without a v; empty where it didn't tell."""
    try:
        return str(json.loads(parts(text).get("pods/version", ""))["gitVersion"]).removeprefix("v")
    except (ValueError, KeyError, TypeError):
        return ""


def _pod(name: str, said: str) -> Pod:
    lines = [line for line in said.splitlines() if line.strip()]
    runs = bool(lines) and lines[0].startswith("/proc/")
    code = lines[-1].strip() if lines else ""
    if code == "200":
        return Pod(name, True)
    if not runs:
        return Pod(name, False, "it does not run")
    # A check that failed: "[-]etcd failed: reason withheld".
    failed = [line[3:].partition(" ")[0] for line in lines if line.startswith("[-]")]
    if failed:
        return Pod(name, False, f"not ready: {', '.join(failed)}")
    return Pod(name, False, "it does not answer" if code in ("", "000") else f"it answers {code}")
