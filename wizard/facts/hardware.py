"""CPUs, memory and swap of a host."""

from __future__ import annotations

from wizard.facts.model import Hardware
from wizard.facts.text import integer, parts, unescaped

SCRIPT = r"""
part hardware/cpus
nproc || grep -c '^processor' /proc/cpuinfo
part hardware/memory
grep -E '^(MemTotal|MemAvailable|SwapTotal):' /proc/meminfo
part hardware/swaps
cat /proc/swaps
"""


def parse(text: str) -> Hardware:
    """Return CPUs that processes may use, and memory and swap in bytes; 0 where they can't be read."""
    part = parts(text)
    memory = {}
    for line in part.get("hardware/memory", "").splitlines():
        name, _, amount = line.partition(":")
        memory[name.strip()] = integer(amount.strip().removesuffix("kB")) * 1024
    swaps = [line.split()[0] for line in part.get("hardware/swaps", "").splitlines()[1:] if line.split()]
    return Hardware(
        cpus=integer(part.get("hardware/cpus", "")),
        memory=memory.get("MemTotal", 0),
        memory_available=memory.get("MemAvailable", 0),
        swap=memory.get("SwapTotal", 0),
        swap_devices=tuple(unescaped(swap) for swap in swaps),
    )
