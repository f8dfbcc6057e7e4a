"""A question that the run asks anew under the same name, as after a wrong password, is put to the person anew."""

from __future__ import annotations

from collections.abc import Callable

from wizard.engine import events as e
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import AskSecretText
from wizard.ui.services import RunRef

from . import story
from .driving import NARROW, comes, press, sees, until
from .fakes import FakeServices


async def test_a_password_that_was_wrong_is_asked_for_again(
    make_app: Callable[..., SlipwayApp], services: FakeServices, run_ref: RunRef
) -> None:
    first = e.Question(id="secret/sudo/m2", text="sudo password of ops on m2", host="m2", secret=True)
    again = e.Question(id="secret/sudo/m2", text="That was wrong: sudo password of ops on m2", host="m2", secret=True)
    services.events = story.asking(first)
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, AskSecretText)
        await press(pilot, *"typo", "enter")
        await until(pilot, lambda: ("answer_secret", first.id, 4) in services.asked, "the answer")
        last = services.events[-1]
        more = (e.Answered(id=first.id, answer="•••"), again)
        events = [e.stamped(event, last.sequence + number, last.time) for number, event in enumerate(more, 1)]
        services.go_on([*services.events, *events])
        await comes(pilot, AskSecretText)
        await sees(pilot, "That was wrong")
