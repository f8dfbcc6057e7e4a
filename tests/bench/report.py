"""docs/benchmarks.md: the ratios, the figures behind them, the machine, and how to take them again."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from tests.bench import changes, machine
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
    PAGE.write_text(page(results), encoding="utf-8")
    return PAGE


def page(results: Results) -> str:
    """Return the page."""
    parts = (_targets, _installs, _workers, _changes, _ten, _conditions)
    return "\n".join([HEAD, *(part(results) for part in parts)])


def _targets(results: Results) -> str:
    kubeadm, ours = results.median("kubeadm"), results.median("slipway")
    again = results.median("converged")
    rows = [
        ("3 booted hosts to 3 Ready masters with network and DNS ÷ kubeadm's way without", _ratio(ours, kubeadm), 0.5),
        ("`apply` on the converged cluster ÷ kubeadm's install", _ratio(again, kubeadm), 0.05),
        ("… commands each host sees in it", results.most("converged", "sessions"), 2),
        ("Memory of the run's process while it installs (MB)", results.most("slipway", "peak MB"), 200),
        ("A worker added ÷ kubeadm's join", _against(results, "worker"), 0.6),
        ("Five workers added at once ÷ five of kubeadm's joins", _against(results, "workers5"), 0.4),
        ("Writes that failed while a cluster was changed, all changes and rounds", _sum(results, "failed"), 0),
        ("… acknowledged writes that were lost", _sum(results, "lost"), 0),
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
    lines += _stages(results, "kubeadm", ("prep", "init", "join2", "join3", "ready"))
    return "\n".join([*lines, ""])


def _workers(results: Results) -> str:
    names = {
        "kubeadm worker": "kubeadm's way: one worker",
        "slipway worker": "`slipway apply`: one worker",
        "kubeadm workers5": "kubeadm's way: five, one after the other",
        "slipway workers5": "`slipway apply`: five, at once",
    }
    lines = [
        "## Adding workers",
        "",
        "To a cluster of three masters that runs, on both sides; the workers are booted hosts, on which nothing is",
        "prepared. kubeadm's way is its documented one: the host is prepared, then `kubeadm join`; for five, that five",
        "times. Both clusters have kube-proxy and flannel, whose images come to the workers with all else, and both",
        "workers get the same packages of the distribution. Both clocks stop when the last new node is Ready and can",
        "give Pods an address (flannel's own manifest lets it be Ready before that, slipway's does not). Then",
        "slipway's command goes on until the network's Pods run and every node is verified.",
        "",
        *_table(results, names),
        *_stages(results, "kubeadm worker", ("prep", "join", "ready")),
    ]
    wholes = [results.median(f"slipway {part}", "seconds of the whole command") for part in ("worker", "workers5")]
    if None not in wholes:
        lines += ["", f"slipway's whole command, verified: {wholes[0]:.1f} s for one, {wholes[1]:.1f} s for five."]
    return "\n".join([*lines, ""])


def _changes(results: Results) -> str:
    lines = [
        "## Changing a cluster that serves",
        "",
        "Three masters; the two members that come and go are hosts for etcd alone. Through the VIP a write is started",
        "every 50 ms, on a connection of its own, with a timeout of 1 s, and none waits for another. Nothing of this",
        "moves the VIP. Writes are those of all rounds together; seconds are those of the whole command.",
        "",
        "| | Seconds | Writes | Failed | Acknowledged and lost | Longest write (s) |",
        "|---|---|---|---|---|---|",
    ]
    for kind, name in changes.KINDS.items():
        rounds = results.sides.get(kind, [])
        sums = " | ".join(str(sum(one[key] for one in rounds)) for key in ("writes", "failed", "lost"))
        longest = f"{results.most(kind, 'longest'):.2f}" if rounds else ""
        lines.append(f"| {name} | {_spread(rounds, 'seconds')} | {sums if rounds else ' | | '} | {longest} |")
    return "\n".join([*lines, ""])


def _stages(results: Results, side: str, names: tuple[str, ...]) -> list[str]:
    """Return a line of how long each stage of the peer's way took; nothing where it was not measured."""
    ends = {name: end for name in names if (end := results.median(side, f"until {name}")) is not None}
    words = [
        f"{name} {end - before:.1f} s" for (name, end), before in zip(ends.items(), [0.0, *ends.values()], strict=False)
    ]
    return ["", f"kubeadm's way by stage: {', '.join(words)}."] if words else []


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
    rounds = sorted({len(rounds) for rounds in results.sides.values() if rounds})
    said = "none" if not rounds else f"{rounds[0]}" if len(rounds) == 1 else f"{rounds[0]} to {rounds[-1]}"
    lines.append(f"- Commit {results.commit}, {time.strftime('%Y-%m-%d')}; rounds: {said}.")
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


def _against(results: Results, part: str) -> float | None:
    return _ratio(results.median(f"slipway {part}"), results.median(f"kubeadm {part}"))


def _sum(results: Results, figure: str) -> int | None:
    """Return a figure summed over all changes and rounds; None where a change was not measured."""
    rounds = [results.sides.get(kind, []) for kind in changes.KINDS]
    return sum(one[figure] for each in rounds for one in each) if all(rounds) else None
