"""etcd's membership: what is seen, and the scripts of joining and leaving with a real shell against a stand-in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.render.sites import profile, site
from wizard.engine.step import Blocked, Change, Drifted, Satisfied, Step
from wizard.errors import SlipwayError
from wizard.remote.base import Command, Result
from wizard.render.files import fill
from wizard.steps import members
from wizard.steps.etcd import BOOTSTRAP, member_service
from wizard.steps.kit import digest_of
from wizard.steps.members import join_step, leave_step, members_of

from .samples import answer

SITE = site(profile(3, 1))
E1, M = SITE.profile.hosts[3], SITE.profile.hosts[:3]
DATA = "/var/lib/etcd"


def row(name: str, octet: int, *, started: bool = True, learner: bool = False) -> str:
    url = f"https://198.18.0.{octet}"
    client = f"{url}:2379" if started else ""
    named = name if started else ""
    state = "started" if started else "unstarted"
    return f"8e{octet}, {state}, {named}, {url}:2380, {client}, {str(learner).lower()}\n"


THREE = row("m1", 11) + row("m2", 12) + row("m3", 13)


def test_lines_of_the_list_are_read_and_others_are_not() -> None:
    found = members_of(f"{THREE}{row('e1', 21, started=False, learner=True)}nonsense\n")
    assert [(one.name, one.learner, one.of(E1)) for one in found] == [
        ("m1", False, False), ("m2", False, False), ("m3", False, False), ("", True, True),
    ]  # fmt: skip
    assert found[-1].clients == ()


def joining() -> Step:
    return join_step(SITE, E1, M, needs=(), after=(), weight=1)


def seen(told: str, *, data: bool, runs: bool) -> str:
    service = member_service(SITE, E1, ready_seconds=1, bootstraps=False)
    digest = digest_of([file for file in service.files if file.path not in service.quiet])
    state = f"ActiveState={'active' if runs else 'inactive'}\nUnitFileState=enabled\nstamp={digest if runs else ''}\n"
    state += f"ready={'yes' if runs else 'no'}\n"
    there = "data\n" if data else ""
    return f"{answer(service.files)}\n--slipway-cut--\n{state}\n{members._CUT}\n{there}{told}"


@pytest.mark.parametrize(
    ("told", "data", "runs", "want"),
    [
        (THREE, False, False, "drift"),
        ("", False, False, "drift"),
        (THREE + row("", 21, started=False, learner=True), False, False, "drift"),
        (THREE + row("e1", 21, learner=True), True, True, "drift"),
        (THREE + row("e1", 21), True, True, "fine"),
        ("", True, True, "fine"),
        (THREE, True, False, "etcd.not-a-member"),
        (THREE + row("e1", 21), False, False, "etcd.data-gone"),
    ],
    ids=["bare", "nobody answers", "added", "a learner", "votes", "votes, nobody answers", "removed", "lost its data"],
)
def test_how_far_a_member_has_come_is_seen(told: str, data: bool, runs: bool, want: str) -> None:
    verdict = joining().probe.judge(seen(told, data=data, runs=runs), 0)
    if want == "drift":
        assert isinstance(verdict, Drifted)
    elif want == "fine":
        assert isinstance(verdict, Satisfied)
    else:
        assert isinstance(verdict, Blocked)
        assert verdict.problem.code == want


def test_what_its_first_start_reads_is_noted_as_made_by_slipway_and_never_drifts() -> None:
    change = joining().change
    assert isinstance(change, Change)
    assert BOOTSTRAP in change.ours
    assert BOOTSTRAP not in {file.path for file in change.files}
    assert joining().touches == {"etcd/e1"}


class Cluster:
    """etcdctl as far as the scripts use it (a fake): a list in a file, and every order noted."""

    def __init__(self, folder: Path, rows: str) -> None:
        self.folder = folder
        (folder / "rows").write_text(rows)
        fake = folder / "etcdctl"
        fake.write_text(f"""#!/bin/sh
cd {folder}
words=
for word in "$@"; do case $word in --*) ;; *) words="$words $word" ;; esac; done
case $words in
' member list') cat rows ;;
' member add '*)
  echo "$words" >> said
  if [ ! -e known ]; then touch known; echo Error: unhealthy cluster >&2; exit 1; fi
  echo '{row("", 21, started=False, learner=True).strip()}' >> rows ;;
' member promote '*) echo "$words" >> said; sed -i '/:2380/s/, true$/, false/' rows ;;
' member remove '*)
  echo "$words" >> said
  # The first try is refused, as etcd does for a while after a change.
  if [ ! -e refused ]; then touch refused; echo Error: unhealthy cluster >&2; exit 1; fi
  sed -i "/^${{words##* }},/d" rows ;;
*) echo "$words" >> said ;;
esac
""")
        fake.chmod(0o755)

    def run(self, script: str) -> str:
        path = f"{self.folder}:{os.environ['PATH']}"
        done = subprocess.run(["sh", "-euc", script], env={"PATH": path}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def said(self) -> list[str]:
        path = self.folder / "said"
        return [line.strip() for line in path.read_text().splitlines()] if path.exists() else []


def join_script(folder: Path) -> str:
    text = fill("etcd/bootstrap.env", initial_cluster="$initial", state="existing", token="slipway-uid-1")
    return fill(
        "members/join.sh", name="e1", peer="https://198.18.0.21:2380", data=f"{folder}/data", endpoints="https://x",
        pki="/pki", bootstrap=f"{folder}/bootstrap.env", text=text.strip(),
    )  # fmt: skip


def test_a_new_member_is_added_as_a_learner_and_starts_with_exactly_those_that_are_there(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, THREE)
    cluster.run(join_script(tmp_path))
    assert cluster.said == ["member add e1"] * 2, "a cluster that has just changed is asked again"
    lines = (tmp_path / "bootstrap.env").read_text().splitlines()
    assert lines[1:] == [
        "ETCD_INITIAL_CLUSTER=m1=https://198.18.0.11:2380,m2=https://198.18.0.12:2380,m3=https://198.18.0.13:2380,"
        "e1=https://198.18.0.21:2380",
        "ETCD_INITIAL_CLUSTER_STATE=existing",
        "ETCD_INITIAL_CLUSTER_TOKEN=slipway-uid-1",
    ]
    cluster.run(join_script(tmp_path))
    assert cluster.said == ["member add e1"] * 2, "a try that was killed is taken up"


def test_one_with_data_is_not_added_again_and_votes_once_it_may(tmp_path: Path) -> None:
    (tmp_path / "data/member/wal").mkdir(parents=True)
    cluster = Cluster(tmp_path, THREE + row("e1", 21, learner=True))
    said = cluster.run(f"{join_script(tmp_path)}\nvotes || echo not yet\nvotes && echo votes")
    assert cluster.said == ["member promote 8e21"]
    assert said.split("\n")[:2] == ["not yet", "votes"]
    assert not (tmp_path / "bootstrap.env").exists()


@pytest.mark.parametrize(
    ("rows", "want"),
    [
        (THREE + row("e1", 21), ["member remove 8e21"]),
        (THREE + row("", 21, started=False, learner=True), ["member remove 8e21"]),
        (THREE, []),
    ],
    ids=["it votes", "it never started", "it is gone"],
)
def test_a_member_is_removed_once(tmp_path: Path, rows: str, want: list[str]) -> None:
    cluster = Cluster(tmp_path, rows)
    (tmp_path / "etcdctl.env").write_text("")
    cluster.run(fill("members/leave.sh", config=str(tmp_path), name="e1", peer="https://198.18.0.21:2380"))
    assert [line for n, line in enumerate(cluster.said) if line not in cluster.said[:n]] == want
    assert (cluster.folder / "rows").read_text() == THREE


async def test_nobody_has_a_connection_to_a_dead_member_as_it_is_removed() -> None:
    asked: dict[str, str] = {}

    class Hosts:
        """A `Context` over hosts of which one is gone (a fake)."""

        host = "m1"

        async def run(self, host: str, command: Command) -> Result:
            asked[host] = command.script
            if host == "m3":
                raise SlipwayError("gone", where=host)
            return Result(0, b"", b"", 0.1)

        def say(self, text: str) -> None:
            raise AssertionError(text)

        def progress(self, fraction: float, text: str = "") -> None:
            raise AssertionError(text)

    around = leave_step(E1, M[:2], profile=None, needs=(), after=(), going=M[2:]).around
    assert around is not None
    async with around(Hosts()):
        assert asked.keys() == {"m1", "m2", "m3"}, "those that go as well: one of them may lead"
    assert all(E1.peer_ip in script and "2380" in script for script in asked.values())


def test_a_member_is_seen_to_be_gone() -> None:
    step = leave_step(E1, M, profile=None, needs=(), after=())
    assert isinstance(step.probe.judge(THREE, 0), Satisfied)
    assert isinstance(step.probe.judge(THREE + row("e1", 21), 0), Drifted)
    assert not isinstance(step.probe.judge("", 1), Satisfied | Drifted), "etcd did not say"
    assert step.hosts == ("m1", "m2", "m3")
