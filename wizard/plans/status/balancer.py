"""Of one node: whether it has the VIP, whether the API answers it there, and how its haproxy sees the apiservers."""

from __future__ import annotations

from wizard.facts.text import integer, parts
from wizard.plans.status.model import Backend, Use
from wizard.profile.model import Host, Profile, Role
from wizard.render.node import is_node
from wizard.render.places import HAPROXY_SOCKET, PKI

_QUESTIONS = (
    ("there", "its port is closed"),
    ("open", "its port is closed"),
    ("alive", "it does not answer"),
    ("ready", "it is not ready"),
    ("etcd", "it does not reach etcd"),
)
"""haproxy's backends that carry no traffic, in the order in which they are asked, and what a failed one means."""

KEPT_BACK = "it is used only where no other is left"
"""Why an haproxy spares an apiserver that is a backup of the others: so it is with a host out for maintenance."""

_USES = {"UP": Use.UP, "DRAIN": Use.DRAINED, "MAINT": Use.DRAINED, "NOLB": Use.SPARED}
"""haproxy's words for the state of a server; any other is down."""


def script(profile: Profile, host: Host) -> str:
    """Return the fragment that looks at the endpoint from `host`; empty on a host that is no node."""
    if not is_node(host):
        return ""
    vip, port = profile.endpoint.vip, profile.endpoint.port
    ask = f"""
part endpoint/answers
curl -s -m 3 -o /dev/null -w '%{{http_code}}' --cacert {PKI}/ca.crt https://{vip}:{port}/readyz
"""
    if Role.MASTER not in host.roles:
        return ask
    return f"""{ask}
part endpoint/vip
ip -o address show to {vip}/32
part endpoint/servers
echo 'show stat -1 4 -1' | socat -t 3 - UNIX-CONNECT:{HAPROXY_SOCKET} | cut -s -d, -f1,2,18,21,24
"""


def parse_vip(text: str) -> bool:
    """Tell whether the VIP is on the host."""
    return bool(parts(text).get("endpoint/vip", "").strip())


def parse_answer(text: str) -> bool | None:
    """Tell whether the API answers the host through the VIP; None where that wasn't asked."""
    code = parts(text).get("endpoint/answers", "").strip()
    return code == "200" if code else None


def parse_servers(text: str) -> tuple[Backend, ...] | None:
    """Return how the host's haproxy sees each apiserver; None where it has none, or it doesn't answer.

    It reads proxy, server, status, whether it is a backup, and the seconds since its status changed, of haproxy's
    statistics (management guide, 9.1), whose first line names the columns.
    """
    head, *lines = parts(text).get("endpoint/servers", "").splitlines() or [""]
    names = head.removeprefix("# ").split(",")
    rows = [dict(zip(names, line.split(","), strict=False)) for line in lines if line.count(",") == head.count(",")]
    seen = {(row["pxname"], row["svname"]): row.get("status", "") for row in rows if {"pxname", "svname"} <= set(row)}
    servers = [row for row in rows if row.get("pxname") == "apiservers"]
    if not servers:
        return None
    return tuple(
        _backend(row, {name: state for (name, of), state in seen.items() if of == row.get("svname")}) for row in servers
    )


def _backend(row: dict[str, str], states: dict[str, str]) -> Backend:
    state, server, seconds = states["apiservers"], row["svname"], integer(row.get("lastchg", ""))
    # A state may say how far it is from another one ("UP 1/3").
    use = _USES.get(state.partition(" ")[0], Use.DOWN)
    if use is Use.UP and row.get("bck") == "1":
        return Backend(server, Use.SPARED, KEPT_BACK, seconds)
    failed = (why for name, why in _QUESTIONS if not states.get(name, "UP").startswith("UP"))
    why = ""
    if use is Use.DRAINED:
        why = "told to send it nothing new"
    elif use is not Use.UP:
        why = next(failed, "others are better" if use is Use.SPARED else "its check fails")
    return Backend(server, use, why, seconds)
