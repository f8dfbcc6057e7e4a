"""What was measured so far, on disk after every single measurement: a bench that was stopped goes on where it was."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

from wizard.paths import cache_dir

Figures = dict[str, Any]


class Results:
    """Figures by measurement and side, in rounds. Kept for one commit: another one begins anew."""

    def __init__(self, fresh: bool) -> None:
        self._path = cache_dir() / "bench" / "results.json"
        self.commit = commit()
        self.sides: dict[str, list[Figures]] = defaultdict(list)
        if not fresh and self._path.exists():
            kept = json.loads(self._path.read_text())
            if kept["commit"] == self.commit:
                self.sides.update(kept["sides"])

    def rounds(self, side: str) -> int:
        """Return how often `side` has been measured."""
        return len(self.sides[side])

    def add(self, side: str, figures: Figures) -> None:
        """Keep one measurement."""
        self.sides[side].append(figures)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"commit": self.commit, "sides": self.sides}, indent=1))
        fresh.replace(self._path)

    def median(self, side: str, figure: str = "seconds") -> float | None:
        """Return the median of a figure, None where there is none."""
        found = [one[figure] for one in self.sides[side] if figure in one]
        return statistics.median(found) if found else None

    def most(self, side: str, figure: str) -> float | None:
        """Return the largest of a figure, None where there is none."""
        return max((one[figure] for one in self.sides[side] if figure in one), default=None)


def commit() -> str:
    """Return the commit that is measured, with a plus sign where product files differ from it."""
    here = Path(__file__).resolve().parents[2]
    words = ["git", "-C", str(here)]
    head = subprocess.run([*words, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run(
        [*words, "status", "--porcelain", "--", "wizard", "assets"], capture_output=True, text=True, check=False
    )
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
