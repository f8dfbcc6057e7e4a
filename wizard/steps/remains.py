"""What a reset finds left on a host, told: what each thing is now and becomes, and what could not be put back."""

from __future__ import annotations

from wizard.engine.step import Diff
from wizard.errors import Level, Problem
from wizard.steps.host import TURNED_OFF

STAYS = "stays "
"""How a line of a look begins that names what could not be put back."""
FSTAB = "/etc/fstab"

_BECOMES = {
    "files": ("there", "removed", "removed, or as it was before"),
    "packages": ("there", "removed", "as it was before"),
    "kernel": ("as slipway set it", "as it was before", ""),
    "services": ("not as it was", "as it was before", ""),
}
"""Template → what is told of a line of its look: how it is, what it becomes, and what a file does, if otherwise."""


def remains(output: str, template: str = "") -> tuple[Diff, ...]:
    """Return a diff for every line of a look: one thing that is still there or not as before, and what it becomes."""
    now, then, file = _BECOMES.get(template, ("there", "removed", ""))
    lines = (line.strip() for line in output.splitlines() if line.strip())
    return tuple(Diff(line, now, (file if line.startswith("/") else "") or then) for line in lines)


def running(output: str) -> tuple[Diff, ...]:
    """Return what still runs, of lines ``unit NAME ACTIVE ENABLED``, ``containers NUMBER`` and ``vip INTERFACE``."""
    found = []
    for line in output.splitlines():
        match line.split():
            case ["unit", unit, *states]:
                found += [Diff(unit, state, "stopped") for state in states if state in _ON]
            case ["containers", number] if number != "0":
                found.append(Diff("containers", number, "none"))
            case ["vip", link]:
                found.append(Diff("VIP", f"on {link}", "none"))
            case _:
                pass
    return tuple(found)


_ON = frozenset({"active", "activating", "reloading", "deactivating", "enabled"})


def stays(host: str, what: str) -> Problem:
    """Return what a person is told of something that could not be put back: ``sysctl KEY=VALUE`` or ``swap WHAT``."""
    kind, _, name = what.partition(" ")
    key, _, value = name.partition("=")
    if kind == "sysctl":
        words, hint = f"The kernel parameter {key} could not be put back to {value}", f"sysctl -w {key}='{value}'"
    elif name == FSTAB:
        words, hint = "Swap is still turned off in /etc/fstab", f"sed -i 's/^{TURNED_OFF}//' {FSTAB}"
    elif name.endswith(".swap"):
        words, hint = f"{name} is still masked", f"systemctl unmask {name}"
    else:
        words, hint = f"Swap on {name} could not be turned on", f"swapon {name}"
    return Problem("reset.stays", Level.WARNING, words, f"Everything else is as before. There: `{hint}`.", host=host)
