"""A profile's own files at the command line: found beside it, refused before a run, read again by the run itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from tests.unit.checks.sites import profile
from tests.unit.steps.samples import bundle
from wizard.cli import site as cli_site
from wizard.cli.app import app
from wizard.cli.launch import order_of
from wizard.cli.services import RealServices
from wizard.cli.site import job_of, with_extras_files
from wizard.errors import UsageError
from wizard.facts.model import Survey
from wizard.plans.task import Kind, Task
from wizard.remote.secrets import GivenSecrets

THING = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(cli_site, "open_bundle", lambda *_: bundle())
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "a.yaml").write_text(THING)
    (tmp_path / "password").write_text("s3cret-of-a-file\n")
    registries = [{"name": "r.example", "username": "pull", "password_file": "password"}]
    path = tmp_path / "site.yaml"
    path.write_text(
        yaml.safe_dump(profile().model_dump(mode="json") | {"manifests": "things", "registries": registries})
    )
    return path


async def test_a_run_finds_the_files_from_wherever_it_works_and_its_order_holds_no_password(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(file, None)
    monkeypatch.chdir("/")
    assert job.profile.manifests == str(file.parent / "things")
    order = json.dumps(order_of(job).profile)
    assert "s3cret-of-a-file" not in order
    read = await with_extras_files(job, GivenSecrets(), needed=True)
    assert read.extras_files.passwords["r.example"].reveal() == "s3cret-of-a-file"
    assert [item.path for item in read.extras_files.manifests or ()] == ["a.yaml"]
    assert "s3cret-of-a-file" not in repr(read)


def test_a_file_that_can_not_be_used_is_a_usage_error_before_any_run(file: Path) -> None:
    (file.parent / "things" / "b.yaml").write_text("kind: Nothing\n")
    with pytest.raises(UsageError, match="own files"):
        job_of(file, None)
    said = CliRunner().invoke(app, ["profile", "validate", str(file), "--json"])
    assert said.exit_code == 2
    (problem,) = [one for one in json.loads(said.stdout)["problems"] if one["code"] == "manifests.object"]
    assert "b.yaml, line 1" in problem["message"]
    applied = CliRunner().invoke(app, ["apply", str(file), "--yes", "--json"])
    assert applied.exit_code == 2


async def test_a_task_that_installs_nothing_needs_none_of_them(file: Path) -> None:
    (file.parent / "password").unlink()
    job = job_of(file, None, Task(kind=Kind.RESET))
    assert await with_extras_files(job, GivenSecrets(), needed=True) == job


async def test_the_wizard_finds_them_beside_the_profile_it_opened(file: Path) -> None:
    services = RealServices()
    opened = await services.open(file)
    assert opened.profile.manifests == "things"
    (file.parent / "things" / "b.yaml").write_text("- none\n")
    problems = await services.check(opened.profile, Survey())
    assert "manifests.object" in {problem.code for problem in problems}
    (file.parent / "things" / "b.yaml").unlink()
    found = {problem.code for problem in await services.check(opened.profile, Survey())}
    assert not {code for code in found if code.startswith(("manifests.", "registry."))}
