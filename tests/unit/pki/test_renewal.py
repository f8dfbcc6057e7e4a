"""Making leaves anew: those that are named, each with a new key, never an authority; and what can't be issued."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from wizard import pki
from wizard.pki import store
from wizard.pki.certificates import made_at
from wizard.pki.inventory import AUTHORITY_NAMES

from .test_pki import _ONCE, DAY, NOW, made, profile

WANTED = pki.wanted(profile())
LEAVES = {item.name for item in WANTED if item.authority}


def test_what_is_named_gets_a_new_certificate_and_a_new_key_and_nothing_else_does() -> None:
    first = made()
    second, new = pki.make(WANTED, first, NOW + DAY, anew=lambda name, _pem: name.startswith("hosts/m2/"))
    assert new == {name for name in LEAVES if name.startswith("hosts/m2/")}
    for name in LEAVES | AUTHORITY_NAMES:
        one, other = first.pair(name), second.pair(name)
        assert (one.key != other.key, one.certificate != other.certificate) == (name in new, name in new)
    assert second.service_accounts == first.service_accounts


def test_authorities_stay_when_everything_is_named() -> None:
    second, new = pki.make(WANTED, _ONCE, NOW + DAY, anew=lambda _name, _pem: True)
    assert new == LEAVES
    assert [second.pair(name) for name in AUTHORITY_NAMES] == [_ONCE.pair(name) for name in AUTHORITY_NAMES]


def test_when_one_was_made_is_known_to_the_second() -> None:
    assert made_at(_ONCE.pair("admin").certificate) == NOW
    later = NOW + datetime.timedelta(seconds=3, microseconds=700_000)
    assert made_at(made(now=later).pair("admin").certificate) == later.replace(microsecond=0)


def test_an_expired_authority_issues_nothing_and_is_named() -> None:
    first = made()
    with pytest.raises(pki.PkiError) as caught:
        pki.make(WANTED, first, NOW + 3651 * DAY)
    assert "ca has expired" in caught.value.title
    assert f"{NOW + 3650 * DAY:%Y-%m-%d}" in caught.value.why
    assert "clock" in caught.value.hint


def test_an_authority_near_its_end_does_not_have_its_leaves_made_at_every_look() -> None:
    near = NOW + 3640 * DAY
    second, _ = pki.make(WANTED, made(), near)
    assert pki.days_left(second.pair("admin").certificate, near) == 10
    assert pki.make(WANTED, second, near + DAY)[1] == frozenset()


def test_a_store_that_was_written_in_part_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pki.ensure(tmp_path, WANTED, NOW)
    write, written = store._write, []

    def killed(root: Path, path: Path, content: bytes) -> None:
        if len(written) == 5:
            raise KeyboardInterrupt
        written.append(path)
        write(root, path, content)

    monkeypatch.setattr(store, "_write", killed)
    later = NOW + DAY
    with pytest.raises(KeyboardInterrupt):
        pki.ensure(tmp_path, WANTED, later, anew=lambda _name, pem: made_at(pem) < later)
    monkeypatch.undo()
    half = pki.load(tmp_path)
    assert half is not None
    assert sum(half.pair(name) != first.pair(name) for name in LEAVES) == 5
    whole = pki.ensure(tmp_path, WANTED, later, anew=lambda _name, pem: made_at(pem) < later)
    assert sum(whole.pair(name) == half.pair(name) for name in LEAVES) == 5, "what is new already is not made twice"
    assert {made_at(whole.pair(name).certificate) for name in LEAVES} == {later}
