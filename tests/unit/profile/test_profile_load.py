"""Loading says everything that is wrong with a file, in plain words, with lines, and refuses no count."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_samples import of_size

from wizard.errors import Exit, SlipwayError, UsageError
from wizard.profile.dump import dump
from wizard.profile.load import ProfileError, load, parse
from wizard.profile.migrate import migrate

SOUND = """\
name: site1
hosts:
  - name: m1
    address: 10.20.0.11
  - name: m2
    address: 10.20.0.12
  - name: m3
    address: 10.20.0.13
endpoint:
  vip: 10.20.0.10
"""


def broken(text: str) -> dict[str, tuple[str, str, str]]:
    """Return field → (code, message, hint) of what keeps `text` from being a profile."""
    with pytest.raises(ProfileError) as caught:
        parse(text, "site.yaml")
    assert caught.value.exit_code is Exit.USAGE
    assert caught.value.where == "site.yaml"
    return {problem.field: (problem.code, problem.message, problem.hint) for problem in caught.value.problems}


def refused(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse(text, "site.yaml")
    return caught.value


def test_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "site1.yaml"
    path.write_text(SOUND)
    loaded = load(path)
    assert loaded.profile.name == "site1"
    assert loaded.text == SOUND
    assert {problem.code for problem in loaded.problems} == {"etcd.three"}


@pytest.mark.parametrize(("masters", "etcd_only"), [(0, 0), (2, 0), (2, 2), (0, 4), (9, 0), (1, 0)])
def test_counts_are_reported_and_never_refused(tmp_path: Path, masters: int, etcd_only: int) -> None:
    path = tmp_path / "site1.yaml"
    path.write_text(dump(of_size(masters, etcd_only)))
    assert load(path).problems


# what is changed in the sound file: (line to replace, with what) → field, code, words of the message, of the hint
BAD = [
    ("name: site1", "nmae: site1", "nmae", "profile.unknown-key", "(line 1)", "Did you mean name?"),
    ("  vip: 10", "  VIP: 10.20.0.10\n#", "endpoint.VIP", "profile.unknown-key", "(line 10)", "Did you mean vip?"),
    ("endpoint:", "vip: 10.20.0.10\nendpoint:", "vip", "profile.unknown-key", "(line 9)", "belongs under endpoint"),
    ("name: site1", "name: Site1", "name", "name.invalid", "capital letters", "Write site1."),
    ("name: site1", "name:", "name", "profile.missing", "name is missing", "name: site1"),
    ("name: site1", "name: 5", "name", "profile.type", "the number 5", 'quotes: "5"'),
    ("  - name: m2", "  - name: m_2", "hosts[1].name", "host.name", "(line 5)", "use '-'"),
    ("    address: 10.20.0.12", "    roles: etcd", "hosts[1].roles", "profile.type", "must be a list", "roles: [etcd]"),
    ("    address: 10.20.0.12", "", "hosts[1].address", "profile.missing", "missing in hosts[1]", "Add address"),
    (
        "    address: 10.20.0.12",
        "    address: 10.20.0.12\n    roles: [mastr]",
        "hosts[1].roles[0]",
        "profile.choice",
        "one of master, etcd, worker",
        "Did you mean master?",
    ),
    (
        "  vip: 10",
        "  vip: 10.20.0.10\n  port: 70000\n#",
        "endpoint.port",
        "endpoint.port",
        "goes from 1 to",
        "(1|a number)",
    ),
    ("  vip: 10", "  vip: 10.20.0.10\n  vrid: 0\n#", "endpoint.vrid", "endpoint.vrid", "outside", "from 1 to 255"),
    ("  vip: 10", "  vip: 10.20.0.10\n  vrid: true\n#", "endpoint.vrid", "profile.type", "the truth value true", ""),
    (
        "  vip: 10",
        "  vip: 10.20.0.10\n  port: [1]\n#",
        "endpoint.port",
        "profile.type",
        "a whole number, and a list",
        "",
    ),
    (
        "  vip: 10",
        "  vip: 10.20.0.10\n  advert_interval: 99\n#",
        "endpoint.advert_interval",
        "endpoint.advert-interval",
        "outside",
        "0.2",
    ),
    (
        "  vip: 10",
        "  vip: 10.20.0.10\n  dns_name: a..b\n#",
        "endpoint.dns_name",
        "endpoint.dns-name",
        "dots",
        "one dot",
    ),
    (
        "endpoint:",
        "network:\n  dns_domain: Corp\nendpoint:",
        "network.dns_domain",
        "network.dns-domain",
        "capital",
        "corp",
    ),
    ("endpoint:", "network:\n  mtu: 100\nendpoint:", "network.mtu", "network.mtu", "outside", "from 576 to 65520"),
    ("endpoint:", "ssh:\n  port: ssh\nendpoint:", "ssh.port", "ssh.port", "'ssh' is not", "from 1 to 65535"),
    (
        "endpoint:",
        "ssh:\n  password: hunter2\nendpoint:",
        "ssh.password",
        "profile.secret",
        "never holds one",
        "Remove it",
    ),
    ("endpoint:", "etcd: fast\nendpoint:", "etcd", "profile.type", "the text 'fast'", "Indent its keys"),
    ("endpoint:", "name: other\nendpoint:", "name", "profile.key-twice", "in line 1 and here", "Keep one"),
    ("endpoint:", "ssh: {<<: {user: a}}\nendpoint:", "ssh", "profile.yaml", "Merge keys", "Write it out"),
]


@pytest.mark.parametrize(("old", "new", "field", "code", "message", "hint"), BAD)
def test_each_mistake_names_field_line_and_remedy(
    old: str, new: str, field: str, code: str, message: str, hint: str
) -> None:
    said = broken(SOUND.replace(old, new, 1))
    assert field in said
    assert said[field][0] == code
    assert message in said[field][1]
    assert hint.split("|")[0].strip("()") in said[field][2]
    assert "(line " in said[field][1]


def test_a_tag_runs_nothing() -> None:
    said = broken(SOUND.replace("name: site1", "name: !!python/object/apply:os.system ['true']"))
    assert said["name"][0] in ("profile.type", "profile.yaml")
    assert broken(SOUND.replace("name: site1", "name: !custom x"))["name"][0] in ("profile.yaml", "profile.missing")


def test_many_mistakes_are_told_at_once() -> None:
    text = SOUND.replace("site1", "Site").replace("m2", "m_2").replace("vip: 10.20.0.10", "vip: 10.20.0.11\n  vird: 5")
    said = broken(text)
    assert {"name", "hosts[1].name", "endpoint.vird"} <= set(said)
    assert said["endpoint.vip"][0] == "endpoint.vip-host"  # the rules speak too, of what can be read


def test_a_misspelt_key_is_not_missing_as_well() -> None:
    assert set(broken(SOUND.replace("    address: 10.20.0.12", "    adress: 10.20.0.12"))) == {"hosts[1].adress"}


def test_a_secret_is_never_repeated() -> None:
    text = SOUND + "ssh:\n  sudo_password: hunter2\n  key: |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n    hunter2\n"
    with pytest.raises(ProfileError) as caught:
        parse(text)
    assert "hunter2" not in repr((caught.value.problems, str(caught.value), caught.value.details))
    assert {"profile.secret", "ssh.key"} <= {problem.code for problem in caught.value.problems}


def test_host_names_are_given_with_their_problems() -> None:
    with pytest.raises(ProfileError) as caught:
        parse(SOUND.replace("    address: 10.20.0.12", "    adress: 10.20.0.12"))
    assert [problem.host for problem in caught.value.problems] == ["m2"]


class TestBrokenYaml:
    def test_line_and_column(self) -> None:
        error = refused(SOUND.replace("name: site1", "name: [site1"))
        assert error.where == "site.yaml, line 2, column 6"
        assert error.why
        assert "hosts:" in error.details

    def test_tabs(self) -> None:
        error = refused("name: a\nhosts:\n\t- name: b\n")
        assert "line 3" in error.where
        assert "never with tabs" in error.hint

    def test_the_line_is_not_shown_where_it_may_hold_a_secret(self) -> None:
        assert "hunter2" not in repr(vars(refused("name: a\npassword: 'hunter2\n")))
        assert "hunter2" not in repr(vars(refused("name: a\nsudo_password: hunter2: x\n")))

    @pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
    def test_empty(self, text: str) -> None:
        assert "empty" in refused(text).title

    @pytest.mark.parametrize("text", ["- a\n", "just words\n", "5\n"])
    def test_no_mapping(self, text: str) -> None:
        assert refused(text).title == "The file is no profile"

    def test_several_documents(self) -> None:
        assert "several" in refused(SOUND + "---\n" + SOUND).title

    def test_control_characters(self) -> None:
        assert refused("name: a\x07b\n").title == "The profile is not readable as YAML"

    def test_endless(self) -> None:
        assert "endless" in refused("name: &a\n  x: *a\n").title

    def test_a_bomb_of_aliases(self) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
        assert "far too large" in refused("\n".join(lines)).title

    def test_nesting(self) -> None:
        assert refused("name: " + "[" * 5000).title

    @given(st.text(max_size=200))
    def test_any_text_is_told_and_never_crashes(self, text: str) -> None:
        with pytest.raises(SlipwayError):
            parse(text)

    @given(st.data())
    def test_any_damage_is_told_and_never_crashes(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(SOUND)))
        cut = data.draw(st.integers(0, 20))
        damaged = SOUND[:at] + data.draw(st.text(":- \n\t{}[]&*!|>'\"%@`#?,0a", max_size=6)) + SOUND[at + cut :]
        with contextlib.suppress(UsageError):
            parse(damaged)


class TestPlainWords:
    """Words that YAML 1.1 reads as something else are what the person wrote."""

    @pytest.mark.parametrize("word", ["no", "yes", "on", "off", "y", "n"])
    def test_truth_values(self, word: str) -> None:
        assert parse(SOUND.replace("name: m1", f"name: {word}")).hosts[0].name == word

    def test_a_version_is_text_and_a_port_a_number(self) -> None:
        text = SOUND.replace("name: site1", "name: site1\nkubernetes: 1.37.2\nssh: {port: 022, user: 2024-01-01}")
        profile = parse(text)
        assert profile.kubernetes == "1.37.2"
        assert profile.ssh.port == 22
        assert profile.ssh.user == "2024-01-01"

    def test_a_leading_v_is_taken_away(self) -> None:
        assert parse(SOUND + "kubernetes: v1.37.2\n").kubernetes == "1.37.2"

    def test_a_key_without_a_value_is_left_out(self) -> None:
        assert parse(SOUND + "ssh:\nnetwork:\n  pod_cidr:\n").network.pod_cidr == "10.244.0.0/16"


class TestVersions:
    def test_without_one_it_is_the_first(self) -> None:
        assert parse(SOUND).version == 1

    def test_a_newer_one_is_refused(self) -> None:
        error = refused("version: 2\n" + SOUND)
        assert "newer slipway" in error.title
        assert "version 2" in error.why

    @pytest.mark.parametrize("version", ["1.37", "'1'", "true", "0", "-1"])
    def test_what_is_no_version(self, version: str) -> None:
        assert "no version" in refused(f"version: {version}\n" + SOUND).title

    def test_older_ones_are_brought_up_step_by_step(self) -> None:
        steps = {
            1: lambda data: {**data, "trail": "1"},
            2: lambda data: {**data, "trail": data["trail"] + "2"},
        }
        assert migrate({"name": "a"}, "x", 3, steps) == {"name": "a", "trail": "12", "version": 3}


class TestFiles:
    def test_missing_with_a_near_name(self, tmp_path: Path) -> None:
        (tmp_path / "site1.yaml").write_text(SOUND)
        with pytest.raises(UsageError) as caught:
            load(tmp_path / "sitel.yaml")
        assert caught.value.hint == f"Did you mean {tmp_path}/site1.yaml?"

    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no such profile"):
            load(tmp_path / "nowhere" / "site1.yaml")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="folder"):
            load(tmp_path)

    def test_not_utf8(self, tmp_path: Path) -> None:
        path = tmp_path / "site1.yaml"
        path.write_bytes(SOUND.encode() + b"\xff\xfe")
        with pytest.raises(UsageError, match="UTF-8"):
            load(path)

    def test_a_byte_order_mark_is_fine(self, tmp_path: Path) -> None:
        path = tmp_path / "site1.yaml"
        path.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
        assert load(path).profile.name == "site1"

    def test_far_too_large(self, tmp_path: Path) -> None:
        path = tmp_path / "site1.yaml"
        path.write_bytes(b"#" * (5 * 1024 * 1024))
        with pytest.raises(UsageError, match="too large"):
            load(path)


@pytest.mark.parametrize("name", ["nope.yaml", "nothere.yaml", "prod.yaml"])
def test_no_file_is_guessed_by_its_ending_alone(name: str, tmp_path: Path) -> None:
    for other in ("two.yaml", "secret.yaml", "lab.yml"):
        (tmp_path / other).write_text(SOUND)
    with pytest.raises(UsageError) as caught:
        load(tmp_path / name)
    assert caught.value.hint == "'slipway profile new' writes one."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hosts: [", "a value is missing here, or a bracket before it is not closed"),
        ("hosts: [a, b\nname: c\n", "a '[' before it is not closed, or a comma is missing"),
        ("endpoint: {vip: 1\n", "a '{' before it is not closed, or a comma is missing"),
        ("name: 'site1\n", "a quoted text is not closed"),
        ("hosts:\n  - name: m1\n - name: m2\n", "the line is not indented as those that it belongs to"),
        ("name: a: b\n", "a ':' stands where no key can begin"),
        ("name: site1\nhosts\n", "a key has no ':' after it"),
        ("name: @site\n", "a text that begins so needs quotes"),
        ("name: *site\n", "a '*' begins the text; it needs quotes"),
        ("name: a\n\tvip: b\n", "a tab stands where blanks are wanted"),
    ],
)  # fmt: skip
def test_broken_yaml_is_told_in_words_of_people(text: str, words: str) -> None:
    assert refused(text).why == words
