"""Where an installation's time goes: each step's waiting and working, and the chain of steps that decided the end.

    .venv/bin/python -m tests.bench.timeline CLUSTER [RUN]

Reads the run's journal; nothing is measured anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from wizard.engine import events as e
from wizard.engine.journal_reader import JournalReader
from wizard.paths import cluster_dir

WIDTH = 60


@dataclass(slots=True)
class Bar:
    """One step on the clock, in seconds since the run began: `begun` when its change was sent, `ended` when done."""

    id: str
    title: str
    needs: tuple[str, ...]
    begun: float = 0.0
    ended: float = 0.0
    arrived: list[tuple[float, str]] = field(default_factory=list)
    """When each file or image had arrived, as progress tells."""

    @property
    def seconds(self) -> float:
        return self.ended - self.begun


def bars_of(events: Iterable[e.Event]) -> tuple[dict[str, Bar], list[tuple[float, str]]]:
    """Return the steps by id, and what happened besides (facts, notes, the end), each with its second."""
    zero = 0.0
    bars: dict[str, Bar] = {}
    marks: list[tuple[float, str]] = []
    for event in events:
        zero = zero or event.time
        now = event.time - zero
        match event:
            case e.RunStarted():
                bars |= {one.id: Bar(one.id, one.title, one.needs) for one in event.steps}
                marks.append((now, event.title))
            case e.FactsGathered():
                marks.append((now, f"{event.host} looked at"))
            case e.StepStarted():
                bars[event.step].begun = bars[event.step].begun or now
            case e.StepProgress():
                bars[event.step].arrived.append((now, event.text))
            case e.StepDone() | e.StepFailed():
                bar = bars[event.step]
                bar.begun, bar.ended = bar.begun or now, now
            case e.RunFinished():
                marks.append((now, f"end: {event.result}"))
            case _:
                pass
    return bars, marks


def critical_path(bars: dict[str, Bar]) -> list[Bar]:
    """Return the chain that decided the end: the step that ended last, what it waited for longest, and so on back."""
    chain = [max(bars.values(), key=lambda bar: bar.ended)]
    while chain[-1].needs:
        chain.append(max((bars[need] for need in chain[-1].needs), key=lambda bar: bar.ended))
    return chain[::-1]


def drawn(bars: dict[str, Bar], marks: list[tuple[float, str]]) -> str:
    """Return everything as text: bars in the order in which they began, then the critical path."""
    total = max([bar.ended for bar in bars.values()] + [when for when, _ in marks])
    scale = WIDTH / max(total, 0.1)
    lines = [f"{when:7.2f}                {what}" for when, what in marks]
    for bar in sorted(bars.values(), key=lambda bar: (bar.begun, bar.ended)):
        drawing = " " * int(bar.begun * scale) + "█" * max(1, round(bar.seconds * scale))
        lines.append(f"{bar.begun:7.2f} {bar.seconds:6.2f}  {bar.id:28.28} {drawing}")
        lines += [f"{when:7.2f}           · {what}" for when, what in bar.arrived if bar.seconds > 1.5]
    lines.append("\nThe chain that decided the end (second it began, waited for its turn, worked):")
    before = 0.0
    for bar in critical_path(bars):
        lines.append(f"{bar.begun:7.2f} +{max(0.0, bar.begun - before):5.2f} {bar.seconds:6.2f}  {bar.id}")
        before = bar.ended
    return "\n".join(lines)


def main() -> None:
    """Draw the newest run of a cluster, or the one that is named."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    reader = JournalReader(cluster_dir(sys.argv[1]))
    run = sys.argv[2] if len(sys.argv) > 2 else reader.runs()[0].run
    print(drawn(*bars_of(event for _, event in reader.events(run))))


if __name__ == "__main__":
    main()
