"""The site as a picture in text: the VIP above, a box for each host below."""

from __future__ import annotations

from collections.abc import Sequence

from wizard.profile.model import Host, Profile, Role
from wizard.ui.words import cut

BOX = 25
"""Columns of one host's box, frame and one column of space included."""


DRAWN = 6
"""So many workers get a box of their own."""


def topology(profile: Profile, width: int = 78) -> str:
    """Return the picture, at most `width` columns wide: masters first, then etcd-only hosts, then workers."""
    masters = profile.masters
    others = tuple(host for host in profile.hosts if not {Role.MASTER, Role.WORKER} & set(host.roles))
    workers = tuple(host for host in profile.workers if Role.MASTER not in host.roles)
    lines = [*_endpoint(profile)]
    lines += _rows(masters, width, joined=True)
    if others:
        lines += ["", " etcd only: no Kubernetes node"]
        lines += _rows(others, width, joined=False)
    if workers:
        lines += ["", " workers: ordinary Pods run here, and find the API at the VIP"]
        lines += _rows(workers[:DRAWN], width, joined=False)
        if len(workers) > DRAWN:
            lines.append(f" … and {len(workers) - DRAWN} more")
    return "\n".join(line.rstrip() for line in lines)


def _endpoint(profile: Profile) -> list[str]:
    endpoint = profile.endpoint
    name = f"   {endpoint.dns_name}" if endpoint.dns_name else ""
    return [
        f" People and tools  ──▶  VIP {endpoint.vip}:{endpoint.port}{name}",
        f" held by one healthy master at a time (keepalived, VRRP ID {endpoint.vrid})",
    ]


def _rows(hosts: Sequence[Host], width: int, *, joined: bool) -> list[str]:
    across = max(1, min(len(hosts), width // BOX))
    lines: list[str] = []
    for start in range(0, len(hosts), across):
        row = hosts[start : start + across]
        if joined:
            lines.append(_rail(len(row)) if start == 0 else "")
        boxes = [_box(host) for host in row]
        height = max(len(box) for box in boxes)
        padded = [box[:-1] + [_inside("")] * (height - len(box)) + box[-1:] for box in boxes]
        lines += [" " + " ".join(parts) for parts in zip(*padded, strict=True)]
    return lines


def _rail(boxes: int) -> str:
    """Return the line from which every master hangs."""
    middle = BOX // 2 - 1
    marks = [" "] * (boxes * BOX)
    first, last = middle, (boxes - 1) * BOX + middle
    for column in range(first, last + 1):
        marks[column] = "─"
    for box in range(boxes):
        marks[box * BOX + middle] = "┬"
    if boxes > 1:
        marks[first], marks[last] = "┌", "┐"
    else:
        marks[first] = "│"
    return " " + "".join(marks)


def _box(host: Host) -> list[str]:
    inner = BOX - 3
    zone = f" {host.zone} " if host.zone else ""
    room = inner - len(zone) - 3
    name = f" {cut(host.name, room)} "
    top = "╭─" + name + "─" * (inner - 1 - len(name) - len(zone)) + zone + "╮"
    lines = [top, _inside(host.ip)]
    if Role.MASTER in host.roles:
        parts = ("keepalived · haproxy", "apiserver", "scheduler", "controller-manager")
        lines += [_inside(part) for part in parts]
    if Role.ETCD in host.roles:
        lines.append(_inside("etcd member"))
    if Role.WORKER in host.roles:
        lines.append(_inside("worker"))
    return [*lines, "╰" + "─" * inner + "╯"]


def _inside(text: str) -> str:
    inner = BOX - 3
    return "│ " + cut(text, inner - 1).ljust(inner - 1) + "│"
