"""The files a profile names: what they hold, and everything that keeps them from being used."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.render.sites import profile
from wizard import pki
from wizard.errors import UsageError
from wizard.plans import extras_files
from wizard.profile.extras import Registry
from wizard.profile.extras_paths import based
from wizard.profile.load import ProfileError
from wizard.profile.model import Profile
from wizard.remote.base import Secret
from wizard.remote.secrets import AskedSecrets, GivenSecrets, SecretKind, parse_secrets

OWN = "registry.example:5000"
NOW = datetime.datetime.now(datetime.UTC)


def authority() -> bytes:
    wanted = profile()
    return pki.make(pki.wanted(wanted), None, NOW)[0].pair("ca").certificate


def site_in(folder: Path, **more: Any) -> Profile:
    (folder / "ca.pem").write_bytes(authority())
    (folder / "password").write_text("pa ss \n")
    registry = Registry(name=OWN, ca="ca.pem", username="pull", password_file="password")
    return based(profile(**{"registries": (registry,), **more}), folder)


def put(folder: Path, **files: str) -> str:
    for name, text in files.items():
        (folder / "things").mkdir(exist_ok=True)
        (folder / "things" / f"{name}.yaml").write_text(text)
    return "things"


def complaints(wanted: Profile) -> dict[str, str]:
    with pytest.raises(ProfileError) as error:
        extras_files.read(wanted)
    return {problem.code: problem.message for problem in error.value.problems}


def test_files_are_meant_from_the_profiles_own_folder(tmp_path: Path) -> None:
    found = extras_files.read(site_in(tmp_path))
    assert found.authorities[OWN] == (tmp_path / "ca.pem").read_bytes()
    assert found.passwords[OWN].reveal() == "pa ss "
    assert (found.manifests, found.read) == (None, True)
    home = based(profile(manifests="~/x"), tmp_path)
    assert home.manifests == str(Path("~/x").expanduser())
    assert based(home, Path("/elsewhere")) == home


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"ca": "nowhere.pem"}, "registry.ca", "No such file"),
        ({"ca": "password"}, "registry.ca", "no certificate"),
        ({"ca": "key.pem"}, "registry.ca", "private key"),
        ({"password_file": "empty"}, "registry.password-file", "empty"),
        ({"password_file": "."}, "registry.password-file", "directory"),
    ],
)
def test_a_file_that_can_not_be_used_is_named_with_the_reason(
    tmp_path: Path, change: dict[str, str], code: str, words: str
) -> None:
    wanted = site_in(tmp_path)
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\nx\n")
    (tmp_path / "empty").write_text("\n")
    registry = wanted.registries[0].model_copy(update=change)
    found = complaints(based(wanted.model_copy(update={"registries": (registry,)}), tmp_path))
    assert words in found[code]
    assert "BEGIN" not in found[code]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("kind: ConfigMap\n", "manifests.object", "a.yaml, line 1: this is no manifest: its apiVersion is missing"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n---\n- a\n", "manifests.object", "a.yaml, line 5"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {}}\n", "manifests.object", "no name"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: x}\n", "manifests.object", "another object each"),
        ("apiVersion: v1\nkind: Config Map\nmetadata: {name: x}\n", "manifests.object", "its kind is none"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: !!binary aGk=\n", "manifests.object", "JSON"),
        ("apiVersion: kustomize.config.k8s.io/v1\nkind: Kustomization\n", "manifests.object", "Kustomization"),
        ("a: b\n  c: [\n", "manifests.yaml", "a.yaml, line 2, column"),
        ("a: !ruby/object x\n", "manifests.yaml", "a.yaml, line 1"),
        ("a:\n  - {{ .Values.x }}: {{\n", "manifests.yaml", "a.yaml, line"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: coredns, namespace: kube-system}\n",
            "manifests.own",
            "slipway's coredns",
        ),
    ],
)
def test_a_manifest_that_is_none_is_refused_with_file_line_and_reason(
    tmp_path: Path, text: str, code: str, words: str
) -> None:
    found = complaints(site_in(tmp_path, manifests=put(tmp_path, a=text)))
    assert words in found[code]


def test_an_object_stands_once(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
    twice = put(tmp_path, a=text, b=text.replace("name: x", "name: x, namespace: default"))
    assert (
        "ConfigMap x stands in a.yaml, line 1 too" in complaints(site_in(tmp_path, manifests=twice))["manifests.twice"]
    )


def test_a_folder_that_is_not_there_is_no_empty_one(tmp_path: Path) -> None:
    assert "is not there" in complaints(site_in(tmp_path, manifests="nowhere"))["manifests.folder"]
    assert "is no folder" in complaints(site_in(tmp_path, manifests="password"))["manifests.folder"]
    (tmp_path / "empty").mkdir()
    assert extras_files.read(site_in(tmp_path, manifests="empty")).manifests == ()


def test_manifests_are_read_as_kubernetes_reads_them(tmp_path: Path) -> None:
    text = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: x},
   data: {at: 12:30, day: 2026-01-01, mode: 0644, say: yes, no: "y"}}
"""
    folder = put(tmp_path, a=text)
    (tmp_path / "things" / ".hidden.yaml").write_text("- none\n")
    (tmp_path / "things" / "README.md").write_text("# none\n")
    (tmp_path / "things" / "below").mkdir()
    (tmp_path / "things" / "below" / "b.json").write_text(
        '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}'
    )
    files = extras_files.read(site_in(tmp_path, manifests=folder)).manifests
    assert files is not None
    assert [file.path for file in files] == ["a.yaml", "below/b.json"]
    read = {"at": "12:30", "day": "2026-01-01", "mode": 420, "say": True, False: "y"}
    assert files[0].objects[0]["data"] == read


async def test_a_password_that_no_file_holds_is_given_or_asked_for_once(tmp_path: Path) -> None:
    registries = (Registry(name=OWN, username="pull"), Registry(name="other.example", username="x"))
    wanted = based(profile(registries=registries), tmp_path)
    asked: list[str] = []

    async def ask(kind: SecretKind, host: str, prompt: str) -> Secret | None:
        asked.append(f"{kind}@{host}: {prompt}")
        return Secret("typed")

    given = GivenSecrets(parse_secrets(f"registry@{OWN}=pa=ss\n"))
    found = await extras_files.with_passwords(extras_files.read(wanted), wanted, AskedSecrets(ask, given), needed=True)
    assert {name: secret.reveal() for name, secret in found.passwords.items()} == {
        OWN: "pa=ss",
        "other.example": "typed",
    }
    assert asked == ["registry@other.example: Password of x at the registry other.example"]


async def test_without_anybody_to_ask_a_run_says_how_to_give_it_and_a_look_goes_on(tmp_path: Path) -> None:
    wanted = based(profile(registries=(Registry(name=OWN, username="pull"),)), tmp_path)
    plain = extras_files.read(wanted)
    looked = await extras_files.with_passwords(plain, wanted, GivenSecrets(), needed=False)
    assert looked.passwords == {}
    with pytest.raises(UsageError, match=OWN) as error:
        await extras_files.with_passwords(plain, wanted, GivenSecrets(), needed=True)
    assert f"registry@{OWN}=" in error.value.hint
    assert "password_file" in error.value.hint


async def test_one_registrys_password_is_offered_to_no_other() -> None:
    answers = iter(["one", "two"])

    async def ask(kind: SecretKind, host: str, prompt: str) -> Secret | None:
        return Secret(next(answers))

    secrets = AskedSecrets(ask)
    first = await secrets.get(SecretKind.REGISTRY, "a.example", "")
    second = await secrets.get(SecretKind.REGISTRY, "b.example", "")
    again = await secrets.get(SecretKind.REGISTRY, "a.example", "")
    assert [item.reveal() for item in (first, second, again) if item] == ["one", "two", "one"]
