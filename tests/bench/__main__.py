"""Measure slipway beside its peers and write docs/benchmarks.md.

    .venv/bin/python -m tests.bench [--only PART] [--rounds N] [--fresh]

Sides alternate, and who begins alternates too. A bench that was stopped goes on where it was, for the same commit.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.bench import changes, kubeadm, report, slipway, workers
from tests.bench.hosts import booted
from tests.bench.results import Figures, Results
from tests.bench.ten import measure as ten
from wizard import versions
from wizard.errors import SlipwayError

MASTERS = 3
PARTS = ("install", "converged", "worker", "workers5", "changes", "hosts10")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part alone (may be repeated)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side is measured (default: 3)")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier bench has measured")
    parser.add_argument("--side", choices=("slipway", "kubeadm"), help="of clusters, measure this one alone")
    options = parser.parse_args()
    results = Results(options.fresh)
    parts = options.only or PARTS
    try:
        if "install" in parts or "converged" in parts:
            _installs(results, options.rounds, again="converged" in parts, side=options.side)
        if {"worker", "workers5", "changes"} & set(parts):
            _used(results, options.rounds, set(parts), options.side)
        if "hosts10" in parts:
            _ten(results, options.rounds)
    except SlipwayError as error:
        sys.exit(f"bench: {error}")
    if options.side:
        return
    path = report.write(results)
    print(f"written: {path}")


def _installs(results: Results, rounds: int, *, again: bool, side: str | None) -> None:
    kubernetes = versions.default()
    for number in range(rounds):
        sides = ["kubeadm", "slipway"] if number % 2 == 0 else ["slipway", "kubeadm"]
        for one in sides:
            if side not in (None, one) or results.rounds(one) > number:
                continue
            with booted("bench", MASTERS) as datacenter:
                if one == "kubeadm":
                    _take(results, one, kubeadm.install(datacenter, kubernetes))
                else:
                    _take(results, one, slipway.install(datacenter, kubernetes))
                    if again:
                        _take(results, "converged", slipway.converged(datacenter))


def _used(results: Results, rounds: int, parts: set[str], side: str | None) -> None:
    """Measure what is done to clusters that run: one installation for all of it, in each round on each side."""
    workers_too = {"worker", "workers5"} & parts
    for number in range(rounds):
        sides = ["kubeadm", "slipway"] if number % 2 == 0 else ["slipway", "kubeadm"]
        for one in sides:
            names = {f"{one} {part}" for part in workers_too}
            if one == "slipway" and "changes" in parts:
                names |= set(changes.KINDS)
            wanted = {name for name in names if results.rounds(name) <= number}
            if side in (None, one) and wanted:
                _use(results, one, wanted)


def _use(results: Results, one: str, wanted: set[str]) -> None:
    """Install one side's cluster, and measure on it what is wanted."""

    def take(name: str, figures: Figures) -> None:
        if name in wanted:
            _take(results, name, figures)

    kubernetes = versions.default()
    etcd, five = 2 if wanted & set(changes.KINDS) else 0, f"{one} workers5" in wanted
    names = (*workers.FIRST, *(workers.FIVE if five else ())) if any("worker" in name for name in wanted) else ()
    with booted("bench", MASTERS, etcd=etcd, workers=len(names)) as datacenter:
        if one == "kubeadm":
            kubeadm.install(datacenter, kubernetes)
            kubeadm.network()
            joins = [workers.joined(datacenter, kubernetes, datacenter.host(name)) for name in names[:5]]
            take("kubeadm worker", joins[0])
            if five:
                take("kubeadm workers5", workers.five(joins))
            return
        masters = tuple(host.name for host in datacenter.hosts if "master" in host.roles)
        slipway.install(datacenter, kubernetes, masters)
        more = changes.LEFT if etcd else {}
        if etcd:
            changes.measure(datacenter, take)
        if "slipway worker" in wanted:
            take("slipway worker", workers.added(datacenter, masters, workers.FIRST, **more))
        if five:
            before = (*masters, *(workers.FIRST if "slipway worker" in wanted else ()))
            take("slipway workers5", workers.added(datacenter, before, workers.FIVE, **more))


def _ten(results: Results, rounds: int) -> None:
    if all(results.rounds(side) >= rounds for side in ten.SIDES):
        return
    with booted("bench10", ten.HOSTS) as datacenter:
        ten.prepare(datacenter)
        for number in range(rounds):
            sides = list(ten.SIDES) if number % 2 == 0 else list(reversed(ten.SIDES))
            for side in sides:
                if results.rounds(side) <= number:
                    _take(results, side, ten.measure(datacenter, side))


def _take(results: Results, side: str, figures: Figures) -> None:
    results.add(side, figures)
    shown = ", ".join(
        f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}" for key, value in figures.items()
    )
    print(f"{time.strftime('%H:%M:%S')} {side}: {shown}", flush=True)


if __name__ == "__main__":
    main()
