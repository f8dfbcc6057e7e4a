"""docs/benchmarks.md: the ratios, the figures behind them, the machine, and how to take them again."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from tests.bench import machine
from tests.bench.results import Figures, Results
from tests.bench.ten.measure import PEERS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"

HEAD = """\
# Benchmarks

Written by `make bench`; don't edit by hand. Slipway and its peers ran side by side in one run on the machine below, on
practice hosts (`slipway practice up`), alternating; each figure is the median of the rounds, the range in brackets.
Seconds drift with the machine: what counts are the ratios. The scripts are in `tests/bench/`.
"""


def write(results: Results) -> Path:
    """Write the page from what was measured, and return its path. Parts that were not measured say so."""
    parts = [HEAD, _targets(results), _installs(results), _ten(results), _conditions(results)]
    PAGE.write_text("\n".join(parts), encoding="utf-8")
    return PAGE


def _targets(results: Results) -> str:
    kubeadm, ours = results.median("kubeadm"), results.median("slipway")
    again = results.median("converged")
    rows = [
        ("3 booted hosts to 3 Ready masters with network and DNS ÷ kubeadm's way without", _ratio(ours, kubeadm), 0.5),
        ("`apply` on the converged cluster ÷ kubeadm's install", _ratio(again, kubeadm), 0.05),
        ("… commands each host sees in it", results.most("converged", "sessions"), 2),
        ("Memory of the run's process while it installs (MB)", results.most("slipway", "peak MB"), 200),
        ("10 hosts: slipway's engine ÷ bare asyncssh", _ratio(results.median("engine"), results.median("floor")), 1.5),
    ]
    lines = ["## Targets", "", "| What | Measured | Target | |", "|---|---|---|---|"]
    for what, value, target in rows:
        shown = "not measured" if value is None else f"{value:.3g}"
        verdict = "" if value is None else "met" if value <= target else "**missed**"
        lines.append(f"| {what} | {shown} | ≤ {target:g} | {verdict} |")
    return "\n".join([*lines, ""])


def _installs(results: Results) -> str:
    lines = [
        "## Installing three masters",
        "",
        "kubeadm's way is its documented one for high availability, with its keepalived and haproxy samples: hosts are",
        "prepared in parallel, then `init` and `join` one after the other. It ends with three Ready nodes and installs",
        "neither network nor DNS; slipway ends with both. Both take the same executables, images and packages of the",
        "distribution from the same bundle; slipway sends them compressed. The clock starts with booted hosts.",
        "",
        *_table(
            results, {"kubeadm": "kubeadm's way", "slipway": "`slipway apply`", "converged": "`slipway apply` again"}
        ),
    ]
    stages = [
        name for name in ("prep", "init", "join2", "join3", "ready") if results.median("kubeadm", f"until {name}")
    ]
    if stages:
        ends = [results.median("kubeadm", f"until {name}") or 0.0 for name in stages]
        words = [f"{name} {end - before:.1f} s" for name, end, before in zip(stages, ends, [0.0, *ends], strict=False)]
        lines += ["", f"kubeadm's way by stage: {', '.join(words)}."]
    return "\n".join([*lines, ""])


def _ten(results: Results) -> str:
    names = {
        "floor": "asyncssh by hand: 8 round trips a host, nothing looked at, nothing kept",
        "engine": "slipway's engine: probe, change, probe; journal on the disk",
        "pyinfra": f"{PEERS['pyinfra'].replace('==', ' ')}, 10 at once",
        "ansible": f"{PEERS['ansible'].replace('==', ' ')}, pipelining, 10 forks",
    }
    return "\n".join(
        [
            "## Ten hosts",
            "",
            "On each host: facts, 5 directories, 10 templates, 5 commands; the whole process, started anew.",
            "The floor gathers facts by the very script slipway sends.",
            "",
            *_table(results, names),
            "",
        ]
    )


def _table(results: Results, names: dict[str, str]) -> list[str]:
    lines = ["| | Seconds | Processor seconds on the hosts | … on the whole machine |", "|---|---|---|---|"]
    for side, name in names.items():
        rounds = results.sides.get(side, [])
        keys = ("seconds", "hosts' processor seconds", "machine's processor seconds")
        lines.append(f"| {name} | {' | '.join(_spread(rounds, key) for key in keys)} |")
    return lines


def _conditions(results: Results) -> str:
    every = [one for rounds in results.sides.values() for one in rounds]
    idle = [one["idle before"] for one in every if "idle before" in one]
    lines = ["## The machine", ""]
    lines += [f"- {key}: {value}" for key, value in machine.description().items()]
    rounds = max(map(len, results.sides.values()), default=0)
    lines.append(f"- Commit {results.commit}, {time.strftime('%Y-%m-%d')}; rounds: {rounds}.")
    if idle:
        lines.append(
            f"- Before each measurement the processors were idle for {min(idle):.0%} or more of the time "
            f"(median {statistics.median(idle):.0%})."
        )
    return "\n".join([*lines, ""])


def _spread(rounds: list[Figures], key: str) -> str:
    values = [one[key] for one in rounds if key in one]
    if not values:
        return "not measured"
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def _ratio(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one / other
