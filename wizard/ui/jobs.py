"""What goes on behind the screens: looking at hosts, judging, starting and following a run.

The app owns this work, so that it goes on when the screen that asked for it is left. Each job writes the session and
says `SessionChanged`; failures end in the one error view.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wizard.engine.events import RunResult
from wizard.engine.record import Record
from wizard.errors import Level, Problem, SlipwayError, refused_here
from wizard.facts.model import Survey
from wizard.plans.kinds import KINDS
from wizard.plans.task import Task
from wizard.profile.model import Profile
from wizard.remote.base import HostKeyUnknown, Secret
from wizard.ui.saving import saved_first
from wizard.ui.screens.asking import AskSecretText
from wizard.ui.screens.error import ErrorView
from wizard.ui.screens.keys import HostKeys
from wizard.ui.services import HostLook, RunRef
from wizard.ui.session import Judgement, Session, Step
from wizard.ui.validate import fold, fold_for_survey

if TYPE_CHECKING:
    from wizard.ui.app import SlipwayApp

DRAWN_SECONDS = 0.25
"""The shortest time between two pictures of a run: the install needs the processor more than the eye does."""

SECRET_TITLES = {
    "sudo": "Password for sudo",
    "password": "SSH password",
    "passphrase": "Passphrase of the private key",
}


def key_places(profile: Profile, shown: dict[str, HostKeyUnknown]) -> dict[str, str]:
    """Return the address of the machine that shows each key: that of the known_hosts line, for it may be a hop's."""
    addresses = {host.name: host.address for host in profile.hosts}
    return {name: error.key.partition(" ")[0] or addresses.get(name, "") for name, error in shown.items()}


class Jobs:
    """The app's work in the background, one group of workers each."""

    def __init__(self, app: SlipwayApp) -> None:
        self.app = app
        self._asking = asyncio.Lock()

    @property
    def session(self) -> Session:
        """Return what the wizard holds."""
        return self.app.session

    def start(self, group: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` as the only worker of its group; a failure is shown to the person."""

        async def guarded() -> None:
            try:
                await work()
            except SlipwayError as error:
                self.app.push_screen(ErrorView(error))
            except OSError as error:  # what was typed must not be lost with the app
                refused = refused_here(error)
                if refused is None:
                    raise
                self.app.push_screen(ErrorView(refused))
            self.app.changed()

        self.app.run_worker(guarded(), group=group, exclusive=True, exit_on_error=True)

    async def ask(self, kind: str, host: str, prompt: str) -> Secret | None:
        """Ask the person for a secret; one prompt at a time."""
        async with self._asking:
            title = SECRET_TITLES.get(kind, "Secret")
            return await self.app.show(AskSecretText(f"{title} ({host})" if host else title, prompt))

    # Looking at hosts

    def test_connections(self) -> None:
        """Look at every host, and show what each one is."""
        self.start("look", self._test)

    async def _test(self) -> None:
        await self.survey()

    async def survey(self) -> Survey | None:
        """Look at every host; unknown keys are shown and, once accepted, the look is taken again."""
        session = self.session
        draft = session.draft
        profile = fold_for_survey(draft)
        key = session.survey_key()
        session.looks = {host.name: HostLook(host.name) for host in profile.hosts}
        session.surveying = True
        self.app.changed()
        try:
            survey = await self.app.services.survey(profile, self.ask, self._seen)
            # Again and again: behind a jump host that is known now, the hosts may be new as well.
            while unknown := {n: error for n, error in survey.failures.items() if isinstance(error, HostKeyUnknown)}:
                shown = {error.where or name: error for name, error in unknown.items()}
                if not await self.app.show(HostKeys(shown, key_places(profile, shown))):
                    break
                await self.app.services.accept_keys(profile, tuple(unknown))
                survey = await self.app.services.survey(profile, self.ask, self._seen)
        finally:
            session.surveying = False
            # Whoever has not answered by now is not being asked any more.
            session.looks = {name: look for name, look in session.looks.items() if look.facts or look.error}
        session.survey, session.surveyed = survey, key
        self.app.changed()
        return survey

    def _seen(self, look: HostLook) -> None:
        self.session.looks = {**self.session.looks, look.host: look}
        self.app.changed()

    # Judging

    def judge(self, *, anew: bool = False) -> None:
        """Judge the draft for the review; hosts are looked at where that was not done yet, or `anew`."""

        async def work() -> None:
            try:
                await judged()
            except (SlipwayError, OSError) as error:
                told = error if isinstance(error, SlipwayError) else refused_here(error)
                self.session.unjudged = told.title if told else ""
                raise

        async def judged() -> None:
            session = self.session
            session.judgement, session.unjudged = None, ""
            draft = session.draft
            folded = fold(draft)
            if folded.profile is None or any(folded.holds()):
                session.judgement = Judgement(draft, folded.problems)
                return
            self.app.changed()
            survey = None if anew else session.current_survey()
            if survey is None:
                survey = await self.survey()
            if survey is None:
                return
            problems = await self.app.services.check(folded.profile, survey, session.out)
            judgement = Judgement(draft, problems)
            if not judgement.errors:
                plan = await self.app.services.plan(folded.profile, survey, session.out)
                judgement = Judgement(draft, problems, plan)
                try:
                    seen = await self.app.services.preview(folded.profile, survey, session.out)
                    judgement = replace(judgement, preview=seen)
                except SlipwayError as error:  # that this can't be seen holds nothing up
                    judgement = replace(judgement, unseen=error.title)
            session.judgement = judgement

        self.start("look", work)

    def take_out(self, leaving: tuple[Problem, ...]) -> None:
        """Judge anew, now that the person has said that these hosts leave, knowing what that means."""
        session = self.session
        session.out |= {problem.host for problem in leaving}
        session.accepted = (*session.accepted, *(replace(problem, level=Level.WARNING) for problem in leaving))
        self.judge()

    # The run

    def install(self) -> None:
        """Save the draft, start its run and follow it."""

        async def work() -> None:
            profile = fold(self.session.draft).profile
            if profile is not None and await saved_first(self.app):
                self.attach(await self.app.services.start(profile, self.ask, self.session.out))

        self.start("start", work)

    def order(self, profile: Profile, task: Task) -> None:
        """Start the run that does `task` on a cluster that stands, and follow it."""

        async def work() -> None:
            self.attach(await self.app.services.order(profile, task, self.ask))

        self.start("start", work)

    def resume(self) -> None:
        """Start again what the last run was doing."""

        async def work() -> None:
            if self.session.run is not None:
                self.attach(await self.app.services.resume(self.session.run, self.ask))

        self.start("start", work)

    def attach(self, run: RunRef) -> None:
        """Show a run and follow it until it ends."""
        session = self.session
        session.run, session.run_file = run, None
        session.record = session.built = None
        session.told = ""
        self.app.go(Step.RUN)
        self.start("file", lambda: self._find_file(session, run.cluster))

        async def work() -> None:
            async for record in self.app.services.follow(run):
                self.session.record = record
                self.app.changed()
                await asyncio.sleep(DRAWN_SECONDS)
            await self._ended(run, self.session.record)

        self.start("follow", work)

    async def _find_file(self, session: Session, cluster: str) -> None:
        session.run_file = await self.app.file_of(cluster)

    async def _ended(self, run: RunRef, record: Record | None) -> None:
        builds = KINDS[run.kind].installs
        if builds and record is not None and record.result in (RunResult.DONE, RunResult.PARTIAL):
            self.session.built = await self.app.services.built(run)
            self.app.changed()

    def send(self, intent: Callable[[RunRef], Coroutine[Any, Any, Any]], said: str = "") -> None:
        """Send an intent to the run under way."""

        async def work() -> None:
            if self.session.run is not None:
                answer = await intent(self.session.run)
                if said:
                    self.app.notify(said.format(answer), markup=False)

        self.start("intent", work)
