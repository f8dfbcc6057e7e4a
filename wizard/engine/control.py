"""Speaking to a run: intents in, questions out. Inside the process a `Control`; from outside, the run's Unix socket.

The socket lies in the cluster's state folder (0700) as ``<run>.sock`` (0600). One JSON object a line each way:

    in    {"intent": "pause" | "resume" | "cancel" | "attach"}
          {"intent": "answer", "question": ID, "answer": TEXT}
          {"intent": "retry", "step": ID}   {"intent": "retry", "host": NAME}   {"intent": "quarantine", "host": NAME}
    out   {"ok": true} or {"ok": false, "why": TEXT} for each line in; after "attach", {"question": {…}} for every open
          question and each new one, and {"answered": ID}

A question nobody answers waits; it is in the journal, and shows at the next attach.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from wizard.engine.events import Answered, Question
from wizard.engine.mask import MASK
from wizard.engine.sink import Sink

Kind = Literal["answer", "pause", "resume", "cancel", "retry", "quarantine", "attach"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Intent:
    """What someone wants of the run. `cancel` a second time also ends waiting that is under way."""

    intent: Kind
    step: str = ""
    host: str = ""
    question: str = ""
    answer: str = ""

    def __repr__(self) -> str:
        return f"Intent({self.intent!r}, step={self.step!r}, host={self.host!r}, question={self.question!r})"


def intent_of(data: object) -> Intent:
    """Return the intent in parsed JSON. Raises ValueError saying what is wrong with it."""
    if not isinstance(data, dict) or data.get("intent") not in KINDS:
        raise ValueError(f"an intent is one of {', '.join(KINDS)}")
    words = {key: data.get(key, "") for key in ("step", "host", "question", "answer")}
    if not all(isinstance(word, str) for word in words.values()):
        raise ValueError("step, host, question and answer are texts")
    intent = Intent(data["intent"], **words)
    if intent.intent == "retry" and not (intent.step or intent.host):
        raise ValueError("retry needs a step or a host")
    if intent.intent == "quarantine" and not intent.host:
        raise ValueError("quarantine needs a host")
    if intent.intent == "answer" and not intent.question:
        raise ValueError("answer needs a question")
    return intent


class Listener(Protocol):
    """Hears of questions: what an attached screen is told."""

    def asked(self, question: Question) -> None:
        """Hear a new question."""

    def answered(self, question: str) -> None:
        """Hear that the question with this id has its answer."""


class Control:
    """The run's own end: the runner takes `handler`'s intents, anyone in the process may `ask`.

    `by_itself` answers questions without a person where it may (``--yes``); None leaves them open.
    """

    def __init__(self, sink: Sink, by_itself: Callable[[Question], str | None] | None = None) -> None:
        self.handler: Callable[[Intent], str] | None = None
        """Does an intent and returns why it can't be done, or an empty text. Set by the runner while it runs."""
        self.listeners: set[Listener] = set()
        self._sink = sink
        self._by_itself = by_itself
        self._open: dict[str, tuple[Question, asyncio.Future[str]]] = {}

    @property
    def questions(self) -> tuple[Question, ...]:
        """Return the questions that wait for an answer."""
        return tuple(question for question, _ in self._open.values())

    async def ask(self, question: Question) -> str:
        """Ask, wait as long as it takes, and return the answer. Asking what is open already waits with the first."""
        if question.id in self._open:
            return await asyncio.shield(self._open[question.id][1])
        await self._sink.commit(question)
        answer = self._by_itself(question) if self._by_itself else None
        if answer is None:
            future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            self._open[question.id] = (question, future)
            for listener in tuple(self.listeners):
                listener.asked(question)
            try:
                answer = await future
            finally:
                self._open.pop(question.id, None)
                for listener in tuple(self.listeners):
                    listener.answered(question.id)
        await self._sink.commit(Answered(question.id, MASK if question.secret else answer))
        return answer

    def submit(self, intent: Intent) -> str:
        """Do `intent`; return why it can't be done, or an empty text."""
        if intent.intent == "attach":
            return ""
        if intent.intent != "answer":
            return self.handler(intent) if self.handler else "the run is not at its steps now"
        question, future = self._open.get(intent.question, (None, None))
        if question is None or future is None or future.done():
            return "that question is not open"
        if question.choices and intent.answer not in question.choices:
            return f"answer one of: {', '.join(question.choices)}"
        future.set_result(intent.answer)
        return ""
