"""Files that follow the profile: put where it asks for them, gone where it asks no more."""

from __future__ import annotations

from collections.abc import Sequence

from wizard.engine.files import file_probe_fragment, judge_files
from wizard.engine.marker import parse
from wizard.engine.step import Change, Diff, Drifted, File, Probe, Satisfied, Step, Verdict
from wizard.profile.model import Host
from wizard.remote.base import Secret
from wizard.render.site import Site

_CUT = "--slipway-cut--"


def stale(site: Site, host: Host, step: str, files: Sequence[File]) -> tuple[str, ...]:
    """Return the files that `step` put on `host` some day, as the host's marker names them, and that are not wanted."""
    facts = site.facts_of(host)
    try:
        marker = parse(facts.traces.marker.text) if facts else None
    except ValueError:
        return ()
    wanted = {file.path for file in files}
    put = marker.files.items() if marker else ()
    return tuple(sorted(path for path, what in put if what.step == step and what.sha256 and path not in wanted))


def look_for(gone: Sequence[str]) -> str:
    """Return the shell fragment that names those of the paths `gone` that are still there."""
    return "\n".join(f"if [ -e {path} ]; then echo 'stale {path}'; fi" for path in gone) or ":"


def still_there(output: str, gone: Sequence[str]) -> tuple[Diff, ...]:
    """Return a diff for each of the paths `gone` that such a look named."""
    seen = {line.removeprefix("stale ") for line in output.splitlines() if line.startswith("stale ")}
    return tuple(Diff(path, "there", "") for path in gone if path in seen)


def kept_step(
    site: Site, host: Host, name: str, title: str, phase: str, files: Sequence[File], *,
    needs: tuple[str, ...] = (), secrets: tuple[Secret, ...] = (), weight: float = 0.3, unknown: Sequence[str] = (),
) -> Step | None:  # fmt: skip
    """Return the step that holds `files` on `host` and none besides that it put there before; None for nothing at all.

    `unknown` are things that can't be compared yet, in words: they count as drift.
    """
    id = f"{host.name}/{name}"
    gone = stale(site, host, id, files)
    if not files and not gone:
        return None

    def judge(output: str, _status: int) -> Verdict:
        listing, _, rest = output.partition(_CUT)
        diff = judge_files(listing, files) + still_there(rest, gone)
        diff += tuple(Diff(words, "", "compared when it is known") for words in unknown)
        return Drifted(diff) if diff else Satisfied(f"{len(files)} files as wanted")

    script = f"{file_probe_fragment(files)}\necho {_CUT}\n{look_for(gone)}"
    # A folder that is empty now held nothing else: one that somebody uses stays.
    tidy = "\n".join(
        f"rmdir {folder} 2>/dev/null || :" for folder in sorted({path.rpartition("/")[0] for path in gone})
    )
    return Step(
        id, title, host.name, phase, Probe(script, judge), Change(files=tuple(files), absent=gone, script=tidy),
        needs=needs, secrets=secrets, weight=weight,
    )  # fmt: skip
