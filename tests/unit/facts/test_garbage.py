"""Whatever a host says, parsers leave out what they can't read and never raise."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.facts.look import FAMILIES, read
from wizard.facts.model import Facts
from wizard.facts.text import MARK, parts

from .samples import FAMILIES as NAMES
from .samples import RELEASES, answer

PARTS = sorted({name for release in RELEASES for name in parts(answer(release))})

lines = st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), max_size=20)
garbage = st.lists(st.tuples(st.sampled_from(PARTS), lines), max_size=12).map(
    lambda items: "".join(f"\n{MARK}{name}\n" + "\n".join(text) + "\n" for name, text in items)
)
words = st.sampled_from(
    [
        "-",
        ":",
        "/",
        "0",
        "07",
        "0A",
        "9" * 20,
        "%",
        "[",
        "]",
        "²",
        "",
        "\x00",
        "é",
        "/sys/block/a/b/c",
        "::ffff:1.2.3.4",
    ]
)


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """Return a real answer with some of its words replaced, cut or doubled."""
    text = answer(draw(st.sampled_from(RELEASES)))
    for _ in range(draw(st.integers(1, 12))):
        at = draw(st.integers(0, len(text) - 1))
        length = draw(st.integers(0, 40))
        text = text[:at] + draw(words | st.text(max_size=4)) + text[at + length :]
    return text


@settings(max_examples=60, deadline=None)
@given(garbage)
def test_garbage(text: str) -> None:
    for family in FAMILIES:
        family.parse(text)


@settings(max_examples=80, deadline=None)
@given(mangled())
def test_mangled_answers(text: str) -> None:
    for family in FAMILIES:
        family.parse(text)
    look = read("m1", text + f"\n{MARK}end\n", "/var/lib/etcd", 1.0, 2.0)
    assert isinstance(look.facts, Facts)
    assert look.facts.system.kernel_number >= (0, 0)
    assert isinstance(look.facts.system.release, str)


def test_every_family_has_samples() -> None:
    assert [family.__name__.rpartition(".")[2] for family in FAMILIES] == list(NAMES)
