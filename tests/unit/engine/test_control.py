"""Speaking to a run: inside the process, and over its socket."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from tests.unit.engine.fakes import until
from wizard.engine.control import Control, Intent, intent_of
from wizard.engine.control_socket import NoRun, attach, serve, socket_path, submit
from wizard.engine.events import Question
from wizard.engine.sink import Memory

ASK = Question("q1", "Go on?", ("yes", "no"))


async def test_a_question_waits_until_it_has_an_allowed_answer() -> None:
    sink = Memory()
    control = Control(sink)
    asking = asyncio.create_task(control.ask(ASK))
    twice = asyncio.create_task(control.ask(ASK))
    await until(lambda: control.questions)
    assert control.submit(Intent("answer", question="q1", answer="perhaps")) == "answer one of: yes, no"
    assert control.submit(Intent("answer", question="q2", answer="yes")) == "that question is not open"
    assert control.submit(Intent("answer", question="q1", answer="yes")) == ""
    assert control.submit(Intent("answer", question="q1", answer="no")) == "that question is not open"
    assert (await asking, await twice) == ("yes", "yes")
    assert [event.event for event in sink.events] == ["Question", "Answered"]
    assert control.questions == ()


async def test_a_secret_answer_is_never_kept() -> None:
    sink = Memory()
    control = Control(sink)
    asking = asyncio.create_task(control.ask(Question("s", "Password?", secret=True)))
    await until(lambda: control.questions)
    intent = Intent("answer", question="s", answer="hunter2")
    assert "hunter2" not in repr(intent)
    control.submit(intent)
    assert await asking == "hunter2"
    assert "hunter2" not in repr(sink.events)


async def test_an_answer_by_itself_is_journaled_too() -> None:
    sink = Memory()
    assert await Control(sink, lambda question: "yes").ask(ASK) == "yes"
    assert [event.event for event in sink.events] == ["Question", "Answered"]


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"intent": "dance"}, {"intent": "retry"}, {"intent": "quarantine"}, {"intent": "answer"},
     {"intent": "answer", "question": 5}],
)  # fmt: skip
def test_what_is_no_intent_is_refused(data: object) -> None:
    with pytest.raises(ValueError):
        intent_of(data)


def long_folder(tmp_path: Path) -> Path:
    return tmp_path / ("a-very-long-name-" * 8)


async def test_intents_and_questions_go_over_the_socket_whatever_the_length_of_its_path(tmp_path: Path) -> None:
    folder = long_folder(tmp_path)
    control = Control(Memory())
    done: list[Intent] = []

    def do(intent: Intent) -> str:
        done.append(intent)
        return "no such host" if intent.host == "nobody" else ""

    control.handler = do
    async with serve(control, folder, "r1") as path:
        assert len(str(path)) > 108
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert await submit(folder, "r1", Intent("pause")) == ""
        assert await submit(folder, "r1", Intent("quarantine", host="nobody")) == "no such host"
        assert [intent.intent for intent in done] == ["pause", "quarantine"]
        asking = asyncio.create_task(control.ask(ASK))
        await until(lambda: control.questions)
        told: list[Question | str] = []

        async def listen() -> None:
            async for one in attach(folder, "r1"):
                told.append(one)

        listener = asyncio.create_task(listen())
        await until(lambda: told)
        assert await submit(folder, "r1", Intent("answer", question="q1", answer="no")) == ""
        assert await asking == "no"
        later = asyncio.create_task(control.ask(Question("q2", "And now?")))
        await until(lambda: len(told) == 3)
        assert [one.id if isinstance(one, Question) else one for one in told] == ["q1", "q1", "q2"]
        control.submit(Intent("answer", question="q2", answer="well"))
        await later
    await asyncio.wait_for(listener, 10)
    assert not path.exists()
    assert control.listeners == set()
    with pytest.raises(NoRun, match="does not answer"):
        await submit(folder, "r1", Intent("pause"))


async def test_nonsense_on_the_socket_harms_nobody(tmp_path: Path) -> None:
    async with serve(Control(Memory()), tmp_path, "r1") as path:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"nonsense\n\xff\xfe\n[1]\n" + json.dumps({"intent": "pause"}).encode() + b"\n")
        replies = [json.loads(await reader.readline()) for _ in range(4)]
        assert [reply["ok"] for reply in replies] == [False] * 4
        assert replies[3]["why"] == "the run is not at its steps now"
        writer.write(b"x" * 200_000)
        await writer.drain()
        assert await reader.read() == b""
        writer.close()
        assert await submit(tmp_path, "r1", Intent("attach")) == ""


async def test_a_socket_that_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    path = socket_path(tmp_path, "r1")
    path.touch()
    with pytest.raises(NoRun):
        await submit(tmp_path, "r1", Intent("pause"))
    async with serve(Control(Memory()), tmp_path, "r1"):
        assert await submit(tmp_path, "r1", Intent("attach")) == ""
    assert not path.exists()
