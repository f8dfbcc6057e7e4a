"""Container images, from the bundle into containerd: imported, pinned against garbage collection, and told apart.

containerd knows an image by a digest of its own making, so what was imported is noted beside it: name, containerd's
digest and the image's identity from the bundle. An image that was removed, retagged or unpinned shows at the next look.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from wizard.bundle.lock import Artifact, Compression
from wizard.bundle.opened import Bundle
from wizard.engine.step import Change, Diff, Drifted, Pipe, Probe, Satisfied, Step, Verdict

NOTES = "/var/lib/slipway/images"
PINNED = "io.cri-containerd.pinned=pinned"
CTR = "ctr -n k8s.io images"
_CUT = "--slipway-cut--"


def images_step(
    host: str, name: str, title: str, bundle: Bundle, images: Sequence[str], *, needs: tuple[str, ...], weight: float,
    background: bool = False,
) -> Step:  # fmt: skip
    """Return the step that holds the bundle's `images` (``image/pause`` …) in containerd on `host`."""
    artifacts = tuple(bundle.artifact(image) for image in images)
    script = f"""
{CTR} ls 2>/dev/null || true
echo {_CUT}
cat {NOTES}/*_* 2>/dev/null || true
"""

    def judge(output: str, _status: int) -> Verdict:
        listing, _, notes = output.partition(_CUT)
        diff = differences(artifacts, listing, notes)
        return Drifted(diff) if diff else Satisfied(f"{len(artifacts)} images imported")

    return Step(
        f"{host}/{name}", title, host, "images",
        Probe(script, judge),
        Change(pipes=tuple(_pipe(bundle, artifact) for artifact in artifacts), script=_noted(artifacts)),
        needs=needs, weight=weight, timeout=600.0, background=background,
    )  # fmt: skip


def differences(artifacts: Sequence[Artifact], listing: str, notes: str) -> tuple[Diff, ...]:
    """Return what is not as wanted, of ``ctr images ls`` and the notes (``ref digest image_id`` a line)."""
    present = {row[0]: (row[2], line) for line in listing.splitlines() if len(row := line.split()) > 3}
    noted = {row[0]: (row[1], row[2]) for line in notes.splitlines() if len(row := line.split()) == 3}
    diff = []
    for artifact in artifacts:
        digest, line = present.get(artifact.ref, ("", ""))
        note_digest, note_id = noted.get(artifact.ref, ("", ""))
        if not digest:
            before = ""
        elif digest != note_digest or note_id != artifact.image_id:
            before = f"another image: {digest}"
        elif PINNED not in line:
            before = "not pinned"
        else:
            continue
        diff.append(Diff(f"image {artifact.ref}", before, artifact.image_id))
    return tuple(diff)


def _pipe(bundle: Bundle, artifact: Artifact) -> Pipe:
    note = shlex.quote(_note(artifact))
    unpack = "zstd -dcq | " if artifact.compression is Compression.ZSTD else ""
    # `--local` imports in ctr itself: the daemon's transfer service takes about twice the time here.
    # What ctr says (deprecations, above all) is shown only where it fails.
    command = f"""
[ -d {NOTES} ] || mkdir -p {NOTES}
log={note}.log
{{ {unpack}{CTR} import --local --label {PINNED} -; }} > "$log" 2>&1 || {{ tail -n 5 "$log" >&2; exit 1; }}
: > {note}.new
"""
    return Pipe(f"image {artifact.ref}", bundle.blob(artifact.name), command)


def _noted(artifacts: Sequence[Artifact]) -> str:
    """Return the script that notes what was imported just now, all of it from one listing."""
    notes = "\n".join(
        f"""note {shlex.quote(_note(artifact))} {shlex.quote(artifact.ref)} {artifact.image_id}"""
        for artifact in artifacts
    )
    return f"""
line='
'
done=
note() {{
  [ -e "$1.new" ] || return 0
  file=$1 ref=$2 id=$3 row="${{listing#*"$line$2 "}}"
  [ "$row" = "$listing" ] || {{ set -- ${{row%%"$line"*}}; echo "$ref $2 $id" > "$file"; }}
  done="$done $file.new $file.log"
}}
listing="$line$({CTR} ls)"
{notes}
[ -z "$done" ] || rm -f $done
"""


def _note(artifact: Artifact) -> str:
    return f"{NOTES}/{artifact.ref.replace('/', '_')}"
