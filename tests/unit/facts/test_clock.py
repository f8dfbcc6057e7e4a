"""The clock's offset is known to what the network took, and no better."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.facts.clock import Reading, clock_of, parse

seconds = st.floats(0, 5)


@given(offset=st.floats(-1e6, 1e6), there=seconds, work=seconds, back=seconds)
def test_the_true_offset_lies_within_the_error(offset: float, there: float, work: float, back: float) -> None:
    sent = 1.7e9
    began = sent + there + offset
    received = sent + there + work + back
    clock = clock_of(Reading(began, began + work), sent, received, frozenset())
    assert clock.known
    assert abs(clock.offset - offset) <= clock.error + 1e-5


@given(offset=st.floats(-100, 100), there=seconds, work=seconds, back=seconds)
def test_whole_seconds_widen_the_error(offset: float, there: float, work: float, back: float) -> None:
    sent = 1.7e9
    began = sent + there + offset
    text = f"\n==slipway== clock/began\n{int(began)}.%N\n\n==slipway== clock/ended\n{int(began + work)}.%N\n"
    clock = clock_of(parse(text), sent, sent + there + work + back, frozenset())
    assert abs(clock.offset - offset) <= clock.error + 1e-5


def test_a_host_that_tells_no_time_has_no_known_clock() -> None:
    clock = clock_of(parse("\n==slipway== clock/began\n\n"), 1.0, 2.0, frozenset({"chrony"}))
    assert not clock.known
    assert clock.service == "chrony"


@pytest.mark.parametrize(("units", "expected"), [({"systemd-timesyncd"}, False), ({"ntpsec"}, None), (set(), None)])
def test_timesyncd_says_so_when_it_is_in_time(units: set[str], expected: bool | None) -> None:
    assert clock_of(Reading(1.0, 1.0), 1.0, 1.0, frozenset(units)).synchronized is expected
