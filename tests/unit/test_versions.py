from __future__ import annotations

from pathlib import Path

import pytest

from wizard import versions
from wizard.errors import SlipwayError, UsageError
from wizard.paths import assets_dir


def test_the_newest_three_minors_are_known_and_the_newest_is_the_default() -> None:
    known = versions.known()
    minors = [versions.number(each)[1] for each in known]
    assert minors == sorted(minors, reverse=True)
    assert len(set(minors)) == 3
    assert versions.default() == known[0]


def test_a_version_is_found_with_and_without_its_v() -> None:
    assert versions.components("v1.37.2") == versions.components("1.37.2")
    assert versions.components("1.37.2").as_dict()["cni-plugins"] == versions.components("1.37.2").cni_plugins


def test_an_unknown_version_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(UsageError, match=r"1\.20\.0") as error:
        versions.components("1.20.0")
    assert all(each in error.value.why for each in versions.known())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "default: '1.2.3'",
        "{",
        (assets_dir() / "versions.yaml").read_text().replace('default: "1.37.2"', 'default: "1.2.3"'),
        (assets_dir() / "versions.yaml").read_text().replace("etcd:", "etdc:"),
        (assets_dir() / "versions.yaml").read_text().replace('"3.7.3"', '"newest"'),
    ],
)
def test_a_broken_list_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "versions.yaml"
    path.write_text(text)
    with pytest.raises(SlipwayError, match="can't be read") as error:
        versions.read(path)
    assert error.value.where == str(path)
