"""The site's folder of manifests: brought to every master, applied there by one, and kept in step with the folder.

The server itself says what differs (``kubectl diff``): it knows what it defaults and what other writers own. All
that is applied bears a label and stands in a record in the cluster; what leaves the folder is deleted if both still say
that it is slipway's. What holds other things or data (`KEPT`) is never deleted: a person does that.
https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wizard.engine.marker import STATE
from wizard.engine.step import Change, Diff, Drifted, File, Probe, Satisfied, Step, Unknown, Verdict
from wizard.profile.model import Host
from wizard.render.extras_files import ManifestFile, Object
from wizard.render.files import fill
from wizard.render.places import RUN
from wizard.render.site import Site
from wizard.steps.kept import kept_step
from wizard.steps.kit import wait_on_host
from wizard.steps.kubectl import AGAIN, KUBECTL, READY, where_it_answers

FOLDER = f"{STATE}/manifests"
LABEL = "slipway/manifests"
RECORD = "slipway-manifests"
"""The ConfigMap in kube-system that names what was applied, a line each."""
FIRST = ("Namespace", "CustomResourceDefinition")
"""What others need to be there before them."""
KEPT = (*FIRST, "PersistentVolumeClaim", "PersistentVolume")
"""What takes other things or data with it when it goes."""
_CUT = "--slipway-cut--"
_OPTIONS = "--server-side --force-conflicts --field-manager=slipway-site"


def folder_step(site: Site, host: Host, *, needs: tuple[str, ...] = ()) -> Step | None:
    """Return the step that holds the site's manifests on master `host`, for root alone; None where there are none."""
    if not site.extras_files.read:
        return None
    files = [file for source in site.extras_files.manifests or () for file in _files(source)]
    return kept_step(site, host, "manifests", "Manifests of the site", "cluster", files, needs=needs)


def _files(source: ManifestFile) -> Iterable[File]:
    """Yield one file's objects as they lie on a master: apart those that come first, and those with a secret."""
    parts: dict[tuple[str, bool], list[Object]] = {}
    for item in source.objects:
        place = "first" if item["kind"] in FIRST else "then"
        parts.setdefault((place, item["kind"] == "Secret"), []).append(labelled(item))
    for (place, secret), items in parts.items():
        name = f"{FOLDER}/{place}/{_slug(source.path)}{'.secret' if secret else ''}.yaml"
        yield File(name, _text(items), mode=0o600, secret=secret)


def _text(items: Iterable[Object]) -> bytes:
    """Return objects as JSON, document by document: no reader of YAML takes it for anything else."""
    return "---\n".join(json.dumps(item, indent=1, ensure_ascii=False) + "\n" for item in items).encode()


def labelled(item: Object) -> dict[str, Any]:
    """Return an object with the label of what slipway applies for the site."""
    meta = item["metadata"]
    return {**item, "metadata": {**meta, "labels": {**(meta.get("labels") or {}), LABEL: "yes"}}}


def _slug(path: str) -> str:
    """Return a file's path as a file's name that no other path has."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", path)
    return plain if plain == path else f"{plain}-{hashlib.sha256(path.encode()).hexdigest()[:6]}"


def line_of(item: Object) -> str:
    """Return an object's line in the record: version, kind, namespace (empty: none, or the default one), name."""
    meta = item["metadata"]
    namespace = meta.get("namespace") or ""
    return f"{item['apiVersion']}|{item['kind']}|{'' if namespace == 'default' else namespace}|{meta['name']}"


def key_of(line: str) -> str:
    """Return what a line of the record is about: the same object in another version of its group is no other one."""
    version, _, rest = line.partition("|")
    return f"{version.rpartition('/')[0]}|{rest}"


def manifests_step(
    site: Site, masters: Sequence[str], *, needs: tuple[str, ...], needs_any: tuple[str, ...], after: tuple[str, ...]
) -> Step | None:
    """Return the step that holds the objects of the site's folder in the API; None where the profile names none."""
    if not site.extras_files.read or site.extras_files.manifests is None:
        return None
    objects = [item for source in site.extras_files.manifests for item in source.objects]
    wanted = tuple(sorted(line_of(item) for item in objects))
    values = {
        "again": AGAIN, "kubectl": KUBECTL, "options": _OPTIONS, "folder": FOLDER, "record": RECORD, "label": LABEL,
        "cut": _CUT, "wanted": "\n".join(wanted), "run": RUN, "kept": "|".join(KEPT),
        "definitions": any(item["kind"] == "CustomResourceDefinition" for item in objects),
        "ready": wait_on_host(READY, 60, "no apiserver answered"),
    }  # fmt: skip

    def judge(output: str, _status: int) -> Verdict:
        return verdict(output, wanted)

    return Step(
        "cluster/manifests", "Manifests of the site are applied", masters[0], "cluster",
        Probe(where_it_answers(fill("site/manifests.sh", **values, look=True)), judge),
        Change(script=fill("site/manifests.sh", **values, look=False)),
        needs=needs, needs_any=needs_any, after=after, alternates=tuple(masters[1:]), weight=3.0, timeout=300.0,
        settle=10.0,
    )  # fmt: skip


def verdict(output: str, wanted: Sequence[str]) -> Verdict:
    """Judge a look: what the server says would change, and what the record holds beyond the folder."""
    parts = _parts(output)
    record, status = parts.get("record", ("", 1))
    if status != 0:
        return Unknown("the API does not answer yet")
    diff: list[Diff] = []
    for name in ("first", "then"):
        said, status = parts.get(name, ("", 0))
        diff += differences(said)
        if status > 1:
            why = next((line for line in said.splitlines() if _ERROR.match(line)), "the server can't compare them")
            diff.append(Diff("manifests", "", why))
    there = {line for line in record.splitlines() if line.count("|") == 3}
    keys = {key_of(line) for line in wanted}
    left = {line for line in there if key_of(line) not in keys}
    stays = {line for line in left if line.split("|")[1] in KEPT}
    diff += [Diff(title(line), "there", "") for line in sorted(left - stays)]
    if set(wanted) - there:
        diff.append(Diff(f"ConfigMap kube-system/{RECORD}", "", f"{len(wanted)} objects"))
    words = f"; by hand alone would go: {', '.join(map(title, sorted(stays)))}" if stays else ""
    return Drifted(tuple(diff)) if diff else Satisfied(f"{len(wanted)} objects as wanted{words}")


def title(line: str) -> str:
    """Return a line of the record as people write an object's name."""
    _, kind, namespace, name = line.split("|")
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def _parts(output: str) -> Mapping[str, tuple[str, int]]:
    """Return what each part of the look printed and its exit status, by the part's name."""
    found: dict[str, tuple[str, int]] = {}
    lines: list[str] = []
    for line in output.splitlines():
        if line.startswith(_CUT):
            _, name, status = line.split()
            found[name] = ("\n".join(lines), int(status))
            lines = []
        else:
            lines.append(line)
    return found


_ERROR = re.compile("(?i)error")
_HEAD = re.compile(r"diff -u -N \S*/LIVE-\S*?/(\S+) \S+")
_NOISE = re.compile(r"[-+ ]\s*(generation|resourceVersion|uid|creationTimestamp): ")


def differences(said: str) -> list[Diff]:
    """Return what ``kubectl diff`` printed as a diff for each object: what is there, what would be."""
    found: list[Diff] = []
    name, before, after = "", list[str](), list[str]()

    def close() -> None:
        if name and before != after:
            found.append(Diff(_object(name), "\n".join(before), "\n".join(after)))

    for line in said.splitlines():
        if match := _HEAD.match(line):
            close()
            name, before, after = match[1], [], []
        elif not name or line.startswith(("--- ", "+++ ", "@@", "\\")) or _NOISE.match(line):
            continue
        elif line[:1] in ("-", "+", " "):
            if line[0] != "+":
                before.append(line[1:])
            if line[0] != "-":
                after.append(line[1:])
    close()
    return found


def _object(name: str) -> str:
    """Return the object that kubectl names ``group.version.Kind.namespace.name``; a cluster's has no namespace."""
    match = re.match(r"(.*?)\.?([A-Z][A-Za-z0-9]*)\.([^.]*)\.(.+)$", name)
    if not match:
        return name
    _, kind, namespace, rest = match.groups()
    return f"{kind} {namespace}/{rest}" if namespace else f"{kind} {rest}"
