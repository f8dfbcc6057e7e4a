from __future__ import annotations

from pathlib import Path

from wizard.practice.mirror import Source, choose, mirror_of_this_machine, parse_deb822, parse_one_line

DEB822 = """\
# A comment
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs:
 http://first.example/debian
 http://second.example/debian
Suites: trixie
Components: main
"""

ONE_LINE = """\
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
# deb http://old.example/debian bookworm main
deb-src http://sources.example/debian bookworm main
deb [arch=amd64 signed-by=/a.gpg] https://mirror.example/debian bookworm main non-free-firmware  # ours
deb http://vendor.example/apt stable tool
"""


def test_deb822_gives_each_suite_of_each_enabled_binary_source() -> None:
    assert list(parse_deb822(DEB822)) == [
        Source("http://mirror.example/debian/", "bookworm", ("main", "contrib")),
        Source("http://mirror.example/debian/", "bookworm-updates", ("main", "contrib")),
        Source("http://first.example/debian", "trixie", ("main",)),
        Source("http://second.example/debian", "trixie", ("main",)),
    ]


def test_one_line_gives_binary_sources_with_or_without_options() -> None:
    found = list(parse_one_line(ONE_LINE))
    assert Source("https://mirror.example/debian", "bookworm", ("main", "non-free-firmware")) in found
    assert Source("http://vendor.example/apt", "stable", ("tool",)) in found
    assert not any("old.example" in source.uri or "sources.example" in source.uri for source in found)


def test_the_mirror_with_the_suite_wins_then_any_of_debian_and_never_a_vendor() -> None:
    vendor = Source("http://vendor.example/apt", "stable", ("tool",))
    ubuntu = Source("http://mirror.example/ubuntu", "noble", ("main",))
    later = Source("http://later.example/debian", "trixie", ("main",))
    same = Source("http://same.example/debian/", "bookworm", ("main",))
    disc = Source("cdrom:[Debian]/", "bookworm", ("main",))
    assert choose([vendor, ubuntu, disc, later, same], "bookworm") == "http://same.example/debian"
    assert choose([vendor, ubuntu, disc, later], "bookworm") == "http://later.example/debian"
    assert choose([vendor, ubuntu, disc], "bookworm") == ""


def test_both_styles_are_read_from_apt_s_folder(tmp_path: Path) -> None:
    assert mirror_of_this_machine("bookworm", tmp_path) == ""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "notes.txt").write_text("deb http://wrong.example/debian bookworm main")
    assert mirror_of_this_machine("bookworm", tmp_path) == "http://mirror.example/debian"
    (tmp_path / "sources.list").write_text(ONE_LINE)
    assert mirror_of_this_machine("bookworm", tmp_path) == "https://mirror.example/debian"
