"""The site's folder of manifests: what is sent, what the server says differs, what goes and what never does."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.render.sites import profile, site
from wizard.engine.marker import HostMarker, Put, dump
from wizard.engine.step import Change, Diff, Drifted, Satisfied, Step, Unknown
from wizard.facts.traces import ClusterTraces, Marker
from wizard.render.extras_files import ExtrasFiles, ManifestFile
from wizard.render.site import Site
from wizard.steps.manifests import FOLDER, LABEL, differences, folder_step, line_of, manifests_step, verdict

CUT = "--slipway-cut--"


def thing(kind: str, name: str, version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **more}}


def site_with(*files: ManifestFile, read: bool = True) -> Site:
    return replace(site(profile()), extras_files=ExtrasFiles(manifests=files, read=read))


def step_of(of: Site) -> Step:
    step = manifests_step(of, ["m1", "m2"], needs=(), needs_any=(), after=())
    assert step
    return step


def test_the_folder_lies_on_a_master_for_root_alone_in_the_order_of_applying() -> None:
    secret = {**thing("Secret", "key"), "stringData": {"pin": "0815"}}
    of = site_with(
        ManifestFile("a b.yaml", (thing("ConfigMap", "x", labels={"own": "yes"}), thing("Namespace", "shop"), secret)),
        ManifestFile("c.yml", (thing("ConfigMap", "y", namespace="shop"),)),
    )
    step = folder_step(of, of.profile.hosts[0])
    assert step
    assert isinstance(step.change, Change)
    files = {file.path: file for file in step.change.files}
    assert sorted(path.removeprefix(f"{FOLDER}/") for path in files) == [
        "first/a-b.yaml-ed89bc.yaml",
        "then/a-b.yaml-ed89bc.secret.yaml",
        "then/a-b.yaml-ed89bc.yaml",
        "then/c.yml.yaml",
    ]
    assert {file.mode for file in files.values()} == {0o600}
    assert [path for path, file in files.items() if file.secret] == [f"{FOLDER}/then/a-b.yaml-ed89bc.secret.yaml"]
    content = files[f"{FOLDER}/then/a-b.yaml-ed89bc.yaml"].content
    assert isinstance(content, bytes)
    (item,) = yaml.safe_load_all(content)
    assert item["metadata"]["labels"] == {"own": "yes", LABEL: "yes"}


def test_what_left_the_folder_leaves_the_masters_and_nothing_is_planned_unread() -> None:
    of = site_with()
    name = f"{FOLDER}/then/old.yaml"
    text = dump(HostMarker("u", "c", files={name: Put("0" * 64, step="m1/manifests")}))
    facts = {"m1": replace(of.facts["m1"], traces=ClusterTraces(marker=Marker(text=text)))}
    step = folder_step(replace(of, facts=facts), of.profile.hosts[0])
    assert step
    assert isinstance(step.change, Change)
    assert step.change.absent == (name,)
    seen = step.probe.judge(f"{CUT}\nstale {name}\n", 0)
    assert isinstance(seen, Drifted)
    assert [diff.subject for diff in seen.diff] == [name]
    assert isinstance(step.probe.judge(f"{CUT}\n", 0), Satisfied)
    unread = site_with(read=False)
    assert folder_step(unread, of.profile.hosts[0]) is None
    assert manifests_step(unread, ["m1"], needs=(), needs_any=(), after=()) is None
    assert (
        manifests_step(replace(of, extras_files=ExtrasFiles(read=True)), ["m1"], needs=(), needs_any=(), after=())
        is None
    )


SAID = """diff -u -N /run/slipway/LIVE-123/v1.ConfigMap.shop.prices /run/slipway/MERGED-456/v1.ConfigMap.shop.prices
--- /run/slipway/LIVE-123/v1.ConfigMap.shop.prices\t2026-11-26 00:00:00 +0000
+++ /run/slipway/MERGED-456/v1.ConfigMap.shop.prices\t2026-11-26 00:00:00 +0000
@@ -1,5 +1,5 @@
 apiVersion: v1
 data:
-  tea: "3"
+  tea: "4"
 kind: ConfigMap
diff -u -N /run/slipway/LIVE-123/apps.v1.Deployment.shop.a.b /run/slipway/MERGED-456/apps.v1.Deployment.shop.a.b
--- /run/slipway/LIVE-123/apps.v1.Deployment.shop.a.b\t2026-11-26 00:00:00 +0000
+++ /run/slipway/MERGED-456/apps.v1.Deployment.shop.a.b\t2026-11-26 00:00:00 +0000
@@ -1,5 +1,5 @@
-  generation: 1
+  generation: 2
diff -u -N /run/slipway/LIVE-123/v1.Namespace..shop /run/slipway/MERGED-456/v1.Namespace..shop
--- /run/slipway/LIVE-123/v1.Namespace..shop\t2026-11-26 00:00:00 +0000
+++ /run/slipway/MERGED-456/v1.Namespace..shop\t2026-11-26 00:00:00 +0000
@@ -0,0 +1,1 @@
+kind: Namespace
"""


def test_what_the_server_says_becomes_a_diff_for_each_object() -> None:
    assert differences(SAID) == [
        Diff("ConfigMap shop/prices", 'apiVersion: v1\ndata:\n  tea: "3"\nkind: ConfigMap',
             'apiVersion: v1\ndata:\n  tea: "4"\nkind: ConfigMap'),
        Diff("Namespace shop", "", "kind: Namespace"),
    ]  # fmt: skip


def looked(first: str = "", status: int = 0, record: str = "", answers: int = 0) -> str:
    return f"{first}\n{CUT} then {status}\n{record}\n{CUT} record {answers}\n"


WANTED = ("v1|ConfigMap|shop|prices", "v1|Namespace||shop")


def subjects(output: str, wanted: tuple[str, ...] = WANTED) -> list[str]:
    said = verdict(output, wanted)
    return [diff.subject for diff in said.diff] if isinstance(said, Drifted) else []


def test_all_is_well_where_the_server_has_nothing_to_change_and_the_record_names_all() -> None:
    assert isinstance(verdict(looked(record="\n".join(WANTED)), WANTED), Satisfied)
    assert isinstance(verdict(looked(answers=1), WANTED), Unknown)
    assert subjects(looked()) == ["ConfigMap kube-system/slipway-manifests"]


def test_what_is_no_more_in_the_folder_goes_but_for_what_holds_other_things() -> None:
    more = ("v1|Pod||old", "v1|PersistentVolumeClaim|shop|data", "v1|Namespace||other")
    assert subjects(looked(record="\n".join((*WANTED, *more)))) == ["Pod old"]
    stays = verdict(looked(record="\n".join((*WANTED, *more[1:]))), WANTED)
    assert isinstance(stays, Satisfied)
    assert "Namespace other, PersistentVolumeClaim shop/data" in stays.note


def test_an_object_in_another_version_of_its_group_is_no_other_one() -> None:
    record = "networking.k8s.io/v1beta1|Ingress||web"
    assert "Ingress web" not in subjects(looked(record=record), ("networking.k8s.io/v1|Ingress||web",))
    assert "Ingress web" in subjects(looked(record=record), ("extensions/v1|Ingress||web",))


def test_what_can_not_be_compared_is_drift_with_the_servers_words() -> None:
    said = verdict(
        looked('error: no matches for kind "Lamp"\nensure CRDs are installed first', 2, "\n".join(WANTED)), WANTED
    )
    assert said == Drifted((Diff("manifests", "", 'error: no matches for kind "Lamp"'),))


def test_no_content_stands_in_a_script() -> None:
    secret = {**thing("Secret", "key"), "stringData": {"pin": "0815"}}
    step = step_of(site_with(ManifestFile("a.yaml", (secret,))))
    assert isinstance(step.change, Change)
    assert "0815" not in step.probe.script + step.change.script
    assert line_of(secret) in step.change.script
    assert line_of(thing("ConfigMap", "x", namespace="default")) == "v1|ConfigMap||x"


FAKE = r"""#!/bin/sh
# A fake of kubectl: says what it was asked, and answers from files.
words="$*"; words="${words#*--request-timeout=15s }"
case "$words" in
*"get configmap slipway-manifests"*) cat "$FAKE/record" 2>/dev/null;;
*"create configmap"*) cat > "$FAKE/noted"; echo record;;
*"apply"*"-f -"*) cat >/dev/null; cp "$FAKE/noted" "$FAKE/record"
  { cat "$FAKE/noted"; echo note; } >> "$FAKE/log";;
*"get --ignore-not-found -f -"*) cat >> "$FAKE/log"; printf 'v1 Pod default old yes\nv1 ConfigMap shop taken <none>\n';;
*"delete"*) { echo delete; cat; } >> "$FAKE/log";;
*) echo "$words" >> "$FAKE/log";;
esac
"""


def test_the_change_notes_before_it_applies_and_deletes_what_is_still_slipways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = site_with(ManifestFile("a.yaml", (thing("ConfigMap", "prices", namespace="shop"), thing("Namespace", "shop"))))
    step = step_of(of)
    assert isinstance(step.change, Change)
    for part in ("first", "then"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "a.yaml").write_text("{}")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "kubectl").write_text(FAKE)
    (tools / "curl").write_text("#!/bin/sh\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    left = ("v1|Pod||old", "v1|ConfigMap|shop|taken", "v1|Namespace||other")
    (tmp_path / "record").write_text("\n".join((*WANTED, *left)))
    script = step.change.script.replace(FOLDER, str(tmp_path)).replace(
        "/run/slipway/manifests", f"{tmp_path}/manifests"
    )
    monkeypatch.setenv("FAKE", str(tmp_path))
    shell = shutil.which("dash") or "sh"
    done = subprocess.run(
        [shell, "-c", f"PATH={tools}:$PATH\nset -eu\n{script}"], capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    log = (tmp_path / "log").read_text().splitlines()
    first, last = (index for index, line in enumerate(log) if line == "note")
    assert set(log[:first]) == {*WANTED, *left}
    assert [line.partition(" --server-side")[0] for line in log[first + 1 : first + 3]] == ["apply", "apply"]
    assert log[first + 1].endswith(f"-f {tmp_path}/first")
    deleted = log[log.index("delete") + 1]
    assert json.loads(deleted) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "old", "namespace": "default"},
    }
    assert "taken" not in "".join(log[log.index("delete") :])
    assert set(log[log.index("delete") + 2 : last]) == {*WANTED, "v1|Namespace||other"}
    assert "Namespace other is no more in the folder and stays" in done.stdout
