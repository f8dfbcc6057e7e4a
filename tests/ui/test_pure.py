"""What the screens reckon with, without a screen: drafts, ranges, suggestions, pictures."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.engine.lines import LogLine
from wizard.errors import Level, Problem
from wizard.facts.model import Survey
from wizard.profile.model import Profile
from wizard.profile.rules import check_field
from wizard.ui.draft import ETCD, MASTER, WORKER, Draft, HostDraft, blank, host_named, load, next_name
from wizard.ui.fields import BY_PATH, CLUSTER_FIELDS
from wizard.ui.planview import plan_lines
from wizard.ui.ranges import Pasted, Unclear, expand
from wizard.ui.screens.etcd import hand_out
from wizard.ui.screens.paste import hosts_of
from wizard.ui.statusview import problems
from wizard.ui.suggest import suggest_vip
from wizard.ui.topology import topology
from wizard.ui.validate import fold, fold_for_survey
from wizard.ui.widgets.logview import rows_of
from wizard.ui.words import about, ago, cut_name, duration, memory

from .fakes import facts, plan, sample

FULL = {
    **sample(),
    "ssh": {
        "user": "admin",
        "port": 2222,
        "key": "~/.ssh/id",
        "via": [
            {"address": "bastion.example", "user": "hop", "port": 22, "key": "~/.ssh/hop"},
            {"address": "10.0.0.1"},
        ],
        "sudo": "password",
    },
    "etcd": {"tuning": "slow-disk", "data_dir": "/data/etcd"},
    "network": {"kube_proxy": "nftables", "dns_domain": "site.local"},
    "masters_schedulable": True,
    "time_servers": ["10.0.0.1", "ntp.example"],
    "registries": [
        {"name": "registry.example:5000", "ca": "ca.pem", "username": "pull", "password_file": "~/registry"},
        {"name": "docker.io", "mirrors": ["https://registry.example:5000"], "upstream": False},
    ],
    "proxy": {"https_proxy": "http://proxy.example:3128", "no_proxy": [".example"]},
    "manifests": "things",
    "hosts": [{**host, "labels": {"tier": "gold"}, "taints": ["a=b:NoSchedule"]} for host in sample()["hosts"]],
    "extra_args": {"kube_apiserver": {"audit-log-maxage": "30"}},
    "sysctls": {"net.core.somaxconn": "4096"},
}


@pytest.mark.parametrize("plain", [sample(), FULL], ids=["short", "full"])
def test_a_draft_gives_back_the_profile_it_shows(plain: dict[str, object]) -> None:
    """Loading and folding are each other's inverse, also for what no form shows."""
    profile = Profile.model_validate(plain)
    assert fold(load(profile)).profile == profile


def test_a_jump_chain_is_typed_as_text() -> None:
    """What is typed becomes hops; what was loaded keeps its keys while the text is the same."""
    draft = load(Profile.model_validate(FULL))
    assert draft.text("ssh.via") == "hop@bastion.example:22, 10.0.0.1"
    other = fold(draft.typed("ssh.via", "a@b:2200")).profile
    assert other is not None
    assert other.ssh.via is not None
    assert [(hop.address, hop.user, hop.port) for hop in other.ssh.via] == [("b", "a", 2200)]


def test_an_empty_draft_says_what_it_lacks() -> None:
    """A new site has no name and no VIP; both are said in the rules' words."""
    folded = fold(blank())
    assert folded.at("name") == check_field("name", "")
    assert folded.at("endpoint.vip") == check_field("endpoint.vip", "")
    assert folded.at("endpoint.port") is None


@given(st.sampled_from([spec.path for spec in CLUSTER_FIELDS if not spec.choices]), st.text(max_size=40))
def test_any_text_in_any_field_is_judged(path: str, text: str) -> None:
    """Nothing that can be typed makes a form fall over."""
    folded = fold(load(Profile.model_validate(sample())).typed(path, text))
    folded.at(path)
    assert isinstance(folded.problems, tuple)


@given(st.text(max_size=60))
def test_any_text_in_a_host_is_judged(text: str) -> None:
    """Nor anything typed into a host's form."""
    draft = load(Profile.model_validate(sample()))
    for path in ("name", "address", "ssh.port", "zone"):
        host = HostDraft({"name": "m4", "address": "198.18.0.14", path: text})
        folded = fold(draft.with_host(3, host))
        folded.at(f"hosts[3].{path}")
        assert isinstance(folded.problems, tuple)


def test_hosts_can_be_tested_before_there_is_a_vip() -> None:
    """A look at the hosts needs name, hosts and login, and nothing else."""
    draft = blank().typed("name", "site-a").with_host(0, host_named("m1", "198.18.0.11"))
    assert [host.address for host in fold_for_survey(draft).hosts] == ["198.18.0.11"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("198.18.0.11-13", [("198.18.0.11", ""), ("198.18.0.12", ""), ("198.18.0.13", "")]),
        ("198.18.0.254-198.18.1.1", [(f"198.18.{a}", "") for a in ("0.254", "0.255", "1.0", "1.1")]),
        ("m1=10.0.0.1, m2=10.0.0.2", [("10.0.0.1", "m1"), ("10.0.0.2", "m2")]),
        ("10.0.0.1 m1.site.example m1\n10.0.0.2\tm2 # spare", [("10.0.0.1", "m1"), ("10.0.0.2", "m2")]),
        ("10.0.0.1 10.0.0.2;10.0.0.1", [("10.0.0.1", ""), ("10.0.0.2", "")]),
        ("node-1.example", [("node-1.example", "")]),
        ("", []),
    ],
)
def test_what_a_paste_gives(text: str, found: list[tuple[str, str]]) -> None:
    """Addresses, ranges, names, and lines of an /etc/hosts file."""
    assert expand(text) == tuple(Pasted(address, name) for address, name in found)


@pytest.mark.parametrize(
    "text", ["10.0.0.300", "10.0.0.9-3", "10.0.0.0-10.0.9.0", "10.0.0.1-999", "$(reboot)", "a b/c"]
)
def test_what_a_paste_refuses(text: str) -> None:
    """A slip is said, never guessed at."""
    with pytest.raises(Unclear):
        expand(text)


@given(st.integers(1, 200), st.integers(0, 50))
def test_a_range_has_every_address_once(first: int, more: int) -> None:
    """From the first to the last, in order."""
    hosts = expand(f"10.1.2.{first}-{first + more}")
    assert [host.address for host in hosts] == [f"10.1.2.{number}" for number in range(first, first + more + 1)]


def test_pasted_hosts_get_free_names() -> None:
    """Names that are taken are skipped; addresses that are there already are left out."""
    draft = load(Profile.model_validate(sample()))
    fresh = hosts_of("198.18.0.13-15", draft, (ETCD,))
    assert [(host.name, host.address) for host in fresh] == [("e1", "198.18.0.14"), ("e2", "198.18.0.15")]
    assert next_name(draft) == "m4"


def test_members_are_handed_out() -> None:
    """Masters first, in as many zones as there are; the rest goes without."""
    draft = Draft({}, tuple(host_named(f"m{n}", "", (MASTER,)) for n in (1, 2, 3)))
    draft = draft.with_host(3, host_named("e1", "", ())).with_host(4, host_named("e2", "", ()))
    assert [host.name for host in hand_out(draft, 3).members] == ["m1", "m2", "m3"]
    assert len(hand_out(draft, 5).members) == 5
    assert len(hand_out(draft, 7).members) == 5, "no more than there are hosts"
    assert hand_out(hand_out(draft, 5), 1).hosts[3].roles == ()


def test_a_worker_is_never_a_member() -> None:
    """However many are asked for; what it is stays as it was."""
    draft = Draft({}, (host_named("w1", "", (WORKER,)), *(host_named(f"m{n}", "", (MASTER,)) for n in (1, 2, 3))))
    assert draft.candidates == (1, 2, 3)
    for size in (1, 3, 5, 7):
        shared = hand_out(draft, size)
        assert shared.hosts[0].roles == (WORKER,)
        assert [host.name for host in shared.members] == ["m1", "m2", "m3"][:size]


@pytest.mark.parametrize(("roles", "names"), [((WORKER,), ["w1", "w2"]), ((MASTER, ETCD), ["m4", "m5"])])
def test_pasted_hosts_are_named_by_their_role(roles: tuple[str, ...], names: list[str]) -> None:
    """w for workers, m for masters."""
    draft = load(Profile.model_validate(sample()))
    assert [host.name for host in hosts_of("198.18.0.51-52", draft, roles)] == names


def test_workers_are_drawn_below_and_not_all_of_a_hundred() -> None:
    """They are no etcd-only hosts; a picture of a hundred boxes is none."""
    hosts: list[dict[str, object]] = [{"name": f"m{n}", "address": f"10.0.0.{n}"} for n in (1, 2, 3)]
    hosts += [{"name": f"w{n}", "address": f"10.0.1.{n}", "roles": ["worker"]} for n in range(1, 101)]
    picture = topology(Profile.model_validate({"name": "s", "hosts": hosts, "endpoint": {"vip": "10.0.0.100"}}))
    assert "etcd only" not in picture
    assert picture.index("workers:") > picture.index(" m3 ─")
    assert picture.count("╭─ w") == 6
    assert "… and 94 more" in picture


def test_a_vip_is_suggested_in_the_masters_subnet() -> None:
    """An address of the common subnet that no host has; nothing where the masters have none in common."""
    draft = load(Profile.model_validate(sample()))
    survey = Survey({host.name: facts(host.name, host.address) for host in draft.hosts})
    vip = suggest_vip(survey, draft)
    assert ipaddress.ip_address(vip) in ipaddress.ip_network("198.18.0.0/24")
    assert vip not in {host.address for host in draft.hosts}
    apart = Survey({**survey.facts, "m3": facts("m3", "198.18.9.13")})
    other = HostDraft({**draft.hosts[2].texts, "address": "198.18.9.13"}, draft.hosts[2].roles)
    assert suggest_vip(apart, draft.with_host(2, other)) == ""


@given(st.integers(1, 9), st.integers(0, 5), st.integers(30, 200))
def test_the_picture_keeps_to_its_width(masters: int, others: int, width: int) -> None:
    """Every host is in the picture, and no line is wider than asked for (one box is the least)."""
    hosts = [{"name": f"m{n}", "address": f"10.0.0.{n}"} for n in range(1, masters + 1)]
    hosts += [{"name": f"e{n}", "address": f"10.0.1.{n}", "roles": ["etcd"]} for n in range(1, others + 1)]  # type: ignore[dict-item]
    profile = Profile.model_validate({"name": "s", "hosts": hosts, "endpoint": {"vip": "10.0.0.100"}})
    picture = topology(profile, width)
    assert all(f" {host.name} ─" in picture for host in profile.hosts)
    boxes = [line for line in picture.splitlines() if line.lstrip().startswith(("│", "╭", "╰"))]
    assert max(len(line) for line in boxes) <= width


def test_the_plan_is_drawn_together() -> None:
    """The same step on several hosts is one line that names them."""
    lines = plan_lines(plan(Profile.model_validate(sample())))
    first = lines[0]
    assert (first.title, first.hosts) == ("Packages of the distribution", ("m1", "m2", "m3"))
    assert len(lines) == 19


@pytest.mark.parametrize("width", [24, 40, 79, 200])
def test_a_problem_hangs_beneath_its_own_text_and_keeps_its_looks(width: int) -> None:
    """Only marks stand in the first columns; no word is lost, and each has the look it had."""
    found = [
        Problem("a", Level.WARNING, "Its\tclock is off by\nmuch  more than that", "See `chronyc sources`.", host="m1"),
        Problem("b", Level.ERROR, f"/a/{'very/' * 20}long path in the way", "Take it away."),
    ]
    said = problems(found, width)
    rows = said.plain.split("\n")
    assert all(len(row) <= width for row in rows)
    assert {row[:2] for row in rows} <= {"✗ ", "! ", "  "}
    assert all(row[2] != " " for row in rows)
    assert [row[0] for row in rows if row[0] != " "] == ["✗", "!"]
    whole = "".join(said.plain.split())
    assert (
        whole
        == f"✗/a/{'very/' * 20}longpathintheway→Takeitaway.!m1:Itsclockisoffbymuchmorethanthat→See`chronycsources`."
    )
    for style, words in (("$quiet", "→Takeitaway.→See`chronycsources`."), ("bold", "m1:"), ("$error", "✗")):
        looks = (said.plain[span.start : span.end] for span in said.spans if span.style == style)
        assert "".join("".join(looks).split()) == words
        assert all(span.start >= 0 for span in said.spans)


def test_every_field_has_help() -> None:
    """No field without a word on why it matters."""
    assert all(spec.help.endswith(".") and spec.label for spec in BY_PATH.values())


@pytest.mark.parametrize("room", range(3, 20))
def test_long_names_of_hosts_differ_when_they_are_cut(room: int) -> None:
    """Whether a site's names differ where they begin or where they end."""
    for one, other in (("k8s-master-1", "k8s-master-2"), ("m1-prod-fra-rack", "n1-prod-fra-rack")):
        assert cut_name(one, room) != cut_name(other, room)
        assert len(cut_name(one, room)) == min(room, len(one))


def test_a_long_name_leaves_room_for_the_words_of_the_log() -> None:
    name = "master-with-a-rather-long-name-in-rack-7"
    row, *more = rows_of(LogLine(0.0, "Certificates and keys: done in 0.5 s", name), 64, hosts=True)
    assert row.plain.endswith("rack-7 Certificates and keys: done in 0.5 s")
    assert not more


def test_times_and_sizes_in_words() -> None:
    """Short, and no more exact than is known."""
    assert [duration(value) for value in (0, 7.4, 72, 3722)] == ["0:00", "0:07", "1:12", "1:02:02"]
    assert [about(value) for value in (None, 3, 32, 200)] == [
        "time left not known yet", "a few seconds left", "about 30 s left", "about 3 min left",
    ]  # fmt: skip
    assert [ago(value) for value in (5, 60, 7200, 200_000)] == ["just now", "1 minute ago", "2 hours ago", "2 days ago"]
    assert [memory(value) for value in (512 * 2**20, 8 * 2**30)] == ["512 MB", "8 GB"]
