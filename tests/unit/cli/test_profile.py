"""`slipway profile …` as people and scripts meet it: exit codes, stdout for machines, stderr for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from wizard.cli.app import app
from wizard.profile.load import load, parse

ROOT = Path(__file__).parents[3]
THREE = ["--master", "m1=10.20.0.11", "--master", "m2=10.20.0.12", "--master", "10.20.0.13", "--vip", "10.20.0.10"]


def slipway(*words: object) -> Result:
    return CliRunner().invoke(app, ["profile", *map(str, words)])


def answer(result: Result) -> dict[str, Any]:
    """Return the ONE object on stdout."""
    parsed = json.loads(result.stdout)
    assert isinstance(parsed, dict)
    return parsed


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site1.yaml"
    assert slipway("new", path, *THREE).exit_code == 0
    return path


class TestNew:
    def test_three_masters(self, site: Path) -> None:
        profile = load(site).profile
        assert profile.name == "site1"
        assert [host.name for host in profile.masters] == ["m1", "m2", "m3"]
        assert [host.address for host in profile.etcd_members] == ["10.20.0.11", "10.20.0.12", "10.20.0.13"]
        assert profile.kubernetes

    def test_everything_said(self, tmp_path: Path) -> None:
        path = tmp_path / "any.yaml"
        words = "--name big --etcd e1=10.20.0.31 --etcd e2=10.20.0.32 --etcd-size 5 --user ops --key ~/.ssh/site "
        words += "--ssh-port 2222 --port 8443 --dns-name api.big.example --interface bond0 --vrid 77 "
        words += "--pod-cidr 10.32.0.0/16 --service-cidr 10.64.0.0/16 --data-dir /data/etcd --tuning slow-disk "
        words += "--time-server 10.20.0.1"
        words += " --masters-schedulable --zone m1=a --zone m2=b --zone m3=c --zone e1=a --zone e2=b"
        result = slipway("new", path, *THREE, *words.split(), "--json")
        assert result.exit_code == 0, result.stderr
        said = answer(result)
        assert said["result"] == "done"
        assert said["cluster"] == "big"
        assert said["survival"]["members_may_die"] == 2
        profile = load(path).profile
        assert profile.ssh.model_dump(exclude_none=True) == {"user": "ops", "port": 2222, "key": "~/.ssh/site"}
        assert (profile.endpoint.port, profile.endpoint.vrid, profile.endpoint.interface) == (8443, 77, "bond0")
        assert profile.network.pod_cidr == "10.32.0.0/16"
        assert (profile.etcd.data_dir, str(profile.etcd.tuning)) == ("/data/etcd", "slow-disk")
        assert profile.masters_schedulable
        assert [host.zone for host in profile.hosts] == ["a", "b", "c", "a", "b"]

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            ("--etcd e1=10.20.0.31 --etcd-size 4", "etcd.even"),
            ("--vip 10.20.0.11", "endpoint.vip-host"),
            ("--vrid 900", "endpoint.vrid"),
            ("--master m4=m4.example", "host.node-ip-missing"),
            ("--name Site", "name.invalid"),
            ("--kubernetes 1.2.3", "kubernetes.unknown"),
            ("--pod-cidr 10.20.0.0/16", "network.cidr-host"),
        ],
    )
    def test_what_could_not_be_installed_is_not_written(self, tmp_path: Path, words: str, code: str) -> None:
        result = slipway("new", tmp_path / "site1.yaml", *THREE, *words.split(), "--json")
        assert result.exit_code == 2
        assert code in {problem["code"] for problem in answer(result)["problems"]}
        assert list(tmp_path.iterdir()) == []

    def test_a_name_that_came_from_the_file_is_said_to(self, tmp_path: Path) -> None:
        path = tmp_path / "My Site.yaml"
        result = slipway("new", path, *THREE, "--vrid", "900", "--json")
        assert result.exit_code == 2
        found = {problem["code"]: problem for problem in answer(result)["problems"]}
        for words in ("taken from the file's", "'My Site' has a space"):
            assert words in found["name.invalid"]["message"]
        assert "--name" in found["name.invalid"]["hint"]
        assert "--name" not in found["endpoint.vrid"]["hint"]
        assert not path.exists()
        said = answer(slipway("new", path, *THREE, "--name", "My Site", "--json"))
        assert "file" not in said["problems"][0]["message"], "that one was typed"
        assert slipway("new", path, *THREE, "--name", "my-site").exit_code == 0

    @pytest.mark.parametrize(
        "words",
        [
            ["--vip", "10.20.0.10"],
            ["--master", "m1=10.20.0.11"],
            [*THREE, "--etcd-size", "5"],
            [*THREE, "--zone", "m9=a"],
            [*THREE, "--zone", "m1"],
            [*THREE, "--master", "m1=10.20.0.14"],
            [*THREE, "--master", "=10.20.0.14"],
        ],
    )
    def test_what_makes_no_sense_is_said(self, tmp_path: Path, words: list[str]) -> None:
        result = slipway("new", tmp_path / "site1.yaml", *words)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith("✗ ")
        assert "Traceback" not in result.stderr
        assert list(tmp_path.iterdir()) == []

    def test_a_file_is_never_overwritten_unasked(self, site: Path) -> None:
        before = site.read_text()
        result = slipway("new", site, *THREE, "--vrid", "77")
        assert result.exit_code == 2
        assert "--force" in result.stderr
        assert site.read_text() == before

    def test_force_keeps_the_file_and_shows_the_difference(self, site: Path) -> None:
        before = site.read_text()
        result = slipway("new", site, *THREE, "--vrid", "77", "--force")
        assert result.exit_code == 0
        assert "-  vrid: 51\n+  vrid: 77" in result.stderr
        assert Path(f"{site}.bak").read_text() == before


class TestValidate:
    def test_what_can_be_installed(self, site: Path) -> None:
        result = slipway("validate", site, "--json")
        assert result.exit_code == 0
        said = answer(result)
        assert said["result"] == "done"
        assert [problem["code"] for problem in said["problems"]] == ["etcd.three"]
        assert set(said["problems"][0]) == {"code", "level", "host", "field", "message", "hint"}
        assert "Any 1 of 3 masters may die and the API stays up." in said["survival"]["words"]

    def test_a_new_install_of_two_masters_is_refused(self, site: Path) -> None:
        text = site.read_text()
        third = text.index("  - name: m3")
        site.write_text(text[:third] + text[text.index("\n# Where") :])
        result = slipway("validate", site, "--json")
        assert result.exit_code == 2
        said = answer(result)
        assert said["result"] == "failed"
        assert {"masters.two", "etcd.even"} <= {problem["code"] for problem in said["problems"]}
        people = slipway("validate", site)
        assert people.exit_code == 2
        assert people.stdout == ""
        assert "would be refused" in people.stderr

    def test_an_unknown_key(self, site: Path) -> None:
        site.write_text(site.read_text().replace("vrid:", "vird:"))
        result = slipway("validate", site)
        assert result.exit_code == 2
        assert "endpoint.vird" in result.stderr
        assert "Did you mean vrid?" in result.stderr
        assert "line" in result.stderr
        said = answer(slipway("validate", site, "--json"))
        assert said["result"] == "failed"
        assert said["problems"][0]["field"] == "endpoint.vird"

    def test_broken_yaml(self, site: Path) -> None:
        site.write_text(site.read_text().replace("endpoint:", "endpoint"))
        result = slipway("validate", site, "--json")
        assert result.exit_code == 2
        assert answer(result)["error"]["where"].startswith(f"{site}, line ")
        assert "Traceback" not in result.stderr

    def test_no_such_file(self, tmp_path: Path) -> None:
        result = slipway("validate", tmp_path / "none.yaml", "--json")
        assert result.exit_code == 2
        assert answer(result)["error"]["title"] == "There is no such profile"

    @pytest.mark.parametrize("name", ["three-masters.yaml", "five-etcd-three-racks.yaml", "practice.yaml"])
    def test_ready_profiles(self, name: str) -> None:
        assert slipway("validate", ROOT / "profiles" / name).exit_code == 0


class TestShow:
    def test_defaults_are_filled_in_on_stdout(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_text("name: a\nhosts:\n  - {name: m1, address: 10.20.0.11}\nendpoint: {vip: 10.20.0.10}\n")
        result = slipway("show", path)
        assert result.exit_code == 0
        shown = parse(result.stdout)
        assert shown.kubernetes
        assert "service_cidr: 10.96.0.0/12" in result.stdout
        assert "single point of failure" in result.stderr
        assert "m1" in result.stderr

    def test_json(self, site: Path) -> None:
        said = answer(slipway("show", site, "--json"))
        assert said["profile"]["network"]["service_cidr"] == "10.96.0.0/12"
        assert said["hosts"][0] == {
            "name": "m1",
            "roles": ["master", "etcd"],
            "zone": "",
            "ssh": "10.20.0.11",
            "node_ip": "10.20.0.11",
            "etcd_ip": "10.20.0.11",
        }


@pytest.mark.parametrize("words", [["schema"], ["schema", "--json"]])
def test_schema_is_one_object(words: list[str]) -> None:
    result = slipway(*words)
    assert result.exit_code == 0
    assert answer(result)["properties"]["name"]["type"] == "string"
    assert result.stderr == ""
