"""The API is asked again where it broke off, and never where it refused: scripts really run, beside a fake kubectl."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.render.sites import profile, site
from wizard.engine.step import Change, Drifted, Step, Unknown
from wizard.errors import SlipwayError
from wizard.profile.extras import Words
from wizard.remote.base import Command, Result
from wizard.steps import reset, turns
from wizard.steps.cluster import objects_step, rollout_step
from wizard.steps.kubectl import AGAIN, asked_again
from wizard.steps.leave import drain_step, gone_step
from wizard.steps.maintain import cordon_step, uncordon_step
from wizard.steps.nodes import nodes_step

from .test_kit import Here

SITE = site(profile(3, 0, 1))
MASTERS = ("m1", "m2", "m3")
W1 = SITE.profile.host("w1")
TRANSIENT = (
    "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?",
    "Unable to connect to the server: EOF",
    "Unable to connect to the server: net/http: TLS handshake timeout",
    'Get "https://127.0.0.1:6443/api/v1/nodes/w1": dial tcp 127.0.0.1:6443: connect: connection refused',
    "error: read tcp 127.0.0.1:40000->127.0.0.1:6443: read: connection reset by peer",
    "Error from server: etcdserver: leader changed",
    "Error from server: etcdserver: request timed out",
    "Error from server: etcdserver: request timed out, possibly due to previous leader failure",
    "Error from server: etcdserver: no leader",
    "Error from server: rpc error: code = Unavailable desc = error reading from server: EOF",
    "Error from server (ServiceUnavailable): the server is currently unable to handle the request",
    "Error from server (Timeout): the server was unable to return a response in the time allotted, but may still be "
    "processing the request",
)
REFUSED = (
    'Error from server (NotFound): nodes "w1" not found',
    'Error from server (Forbidden): nodes "w1" is forbidden: User "x" cannot patch resource "nodes"',
    'The Node "w1" is invalid: spec.taints: Invalid value: "x"',
    'Error from server (Conflict): Operation cannot be fulfilled on nodes "w1": the object has been modified; please '
    "apply your changes to the latest version and try again",
    'error when evicting pods/"web" -n "shop" (will retry after 5s): Cannot evict pod as it would violate the pod\'s '
    'disruption budget.\nerror: unable to drain node "w1" due to error: global timeout reached: 3s',
    "error: timed out waiting for the condition on nodes/w1",
    "Error from server: etcdserver: mvcc: database space exceeded",
    "Unable to connect to the server: x509: certificate signed by unknown authority",
    "error: the server doesn't have a resource type",
)
KUBECTL = """#!/bin/sh
# A fake of kubectl: fails as often as it is told, with such words, and then answers.
words="$*"; printf '%s\\n' "${words#*--request-timeout=15s }" >> $HERE/calls
case "$words" in *"-f -"*) cat > $HERE/input;; esac
read fails < $HERE/fails
if [ $fails -gt 0 ]; then echo $((fails-1)) > $HERE/fails; echo half an answer; cat $HERE/says >&2; exit 1; fi
cat $HERE/answer
"""


class Api(Here):
    """A stand-in for a master, with a fake kubectl and without pauses."""

    host = "m1"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.command("kubectl", KUBECTL)
        self.command("sleep", "#!/bin/sh\n")
        self.command("curl", "#!/bin/sh\n")
        self.says("", 0)

    def says(self, words: str, times: int, answer: str = "") -> None:
        """From now on kubectl fails so many times and says so, then it gives the answer."""
        for name, text in (("says", f"{words}\n"), ("fails", f"{times}\n"), ("answer", answer), ("calls", "")):
            (self.folder / name).write_text(text)

    async def run(self, host: str, command: Command) -> Result:
        """Be a `Context` whose only host is this one."""
        done = self.sh(command.script)
        return Result(done.returncode, done.stdout, done.stderr, 0.1)


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


def verbs(api: Api) -> list[str]:
    return [call.split()[0] for call in api.calls()]


@pytest.mark.parametrize("words", TRANSIENT)
def test_what_breaks_off_is_asked_again_until_it_answers(api: Api, words: str) -> None:
    api.says(words, 2, answer="whole\nanswer\n")
    done = api.sh(f'{AGAIN}got=$(again 20 kubectl get node)\necho "<$got>"\n')
    assert (done.returncode, done.stdout, done.stderr) == (0, b"<whole\nanswer>\n", b"")
    assert verbs(api) == ["get"] * 3


@pytest.mark.parametrize("words", REFUSED)
def test_a_refusal_is_told_at_once(api: Api, words: str) -> None:
    api.says(words, 9)
    done = api.sh(f"{AGAIN}again 20 kubectl get node\necho on\n")
    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", f"{words}\n")
    assert verbs(api) == ["get"]


def test_what_never_answers_fails_in_its_seconds_with_its_own_words(api: Api) -> None:
    api.says(TRANSIENT[0], 10**6)
    api.command("sleep", "#!/bin/sh\nexec /bin/sleep 0.2\n")
    began = time.monotonic()
    done = api.sh(f"{AGAIN}again 2 kubectl get node\necho on\n")
    assert 1 <= time.monotonic() - began < 15  # the host's clock is read by whole seconds, and it may be busy
    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", f"{TRANSIENT[0]}\n")
    assert len(verbs(api)) > 2


def test_a_refusal_after_what_broke_off_is_a_refusal(api: Api) -> None:
    api.says(TRANSIENT[1], 1)
    api.command("refuses", f"#!/bin/sh\necho x >> $HERE/asked\necho '{REFUSED[4].splitlines()[1]}' >&2\nexit 3\n")
    done = api.sh(f"{AGAIN}both() {{ kubectl get node && refuses; }}\nagain 20 both\n")
    assert (done.returncode, (api.folder / "asked").read_text()) == (3, "x\n")


def test_each_try_reads_its_objects_and_knows_what_time_is_left(api: Api) -> None:
    api.says(TRANSIENT[0], 2)
    done = api.sh(asked_again("kubectl apply --for=$left -f - <<'X'\nobjects\nX\n", 20))
    assert (done.returncode, done.stdout) == (0, b"")
    assert (api.folder / "input").read_text() == "objects\n"
    left = [int(call.partition("=")[2].split()[0]) for call in api.calls()]
    assert (left[0], len(left)) == (20, 3)
    assert sorted(left, reverse=True) == left


@dataclass(frozen=True)
class Deed:
    """What a step does by kubectl: the verbs of its change, where nothing breaks off."""

    step: Step
    verbs: tuple[str, ...]
    answer: str = ""


MANIFEST = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: a, namespace: b}\n"
LABELLED = profile(3, 0, 1).model_copy(
    update={"hosts": tuple(h.model_copy(update={"labels": Words({"tier": "gold"})}) for h in profile(3).hosts)}
)
DEEDS = {
    "cordon": Deed(cordon_step(W1, MASTERS, needs=()), ("annotate", "cordon")),
    "uncordon": Deed(uncordon_step(W1, MASTERS, needs=()), ("wait", "get", "uncordon", "annotate"), "maintenance"),
    "drain": Deed(drain_step(W1, MASTERS, seconds=20), ("drain",)),
    "gone": Deed(gone_step(W1, MASTERS, needs=()), ("delete",)),
    "leave": Deed(reset.leave_step(W1, MASTERS), ("drain", "delete")),
    "labels": Deed(nodes_step(LABELLED, MASTERS, after=(), needs=()), ("label", "annotate")),
    "objects": Deed(objects_step("o", "", MASTERS, MANIFEST, needs_any=(), weight=1), ("apply",)),
    "rollout": Deed(rollout_step("r", "", MASTERS, MANIFEST, weight=1), ("get", "-n"), "node True"),
}


async def does(api: Api, step: Step) -> tuple[int, str]:
    """Do what the step does, on this host; return its exit status and last words."""
    if step.wait:
        try:
            await step.wait(api)  # type: ignore[arg-type]
        except SlipwayError as error:
            return 1, error.details
        return 0, ""
    row = "m1\t{}\t\t\n"
    drift = step.probe.judge(row, 0) if callable(step.change) else None
    change = step.change(drift) if callable(step.change) and isinstance(drift, Drifted) else step.change
    assert isinstance(change, Change)
    done = api.sh(change.script)
    return done.returncode, done.stderr.decode().strip()


@pytest.mark.parametrize("name", DEEDS)
async def test_a_moment_without_an_answer_fails_no_step(api: Api, name: str) -> None:
    deed = DEEDS[name]
    for words in (TRANSIENT[0], TRANSIENT[5]):
        api.says(words, 2, deed.answer)
        assert await does(api, deed.step) == (0, "")
        assert verbs(api) == [deed.verbs[0]] * 2 + list(deed.verbs)


@pytest.mark.parametrize("name", DEEDS)
async def test_a_refusal_fails_a_step_and_is_not_asked_for_again(api: Api, name: str) -> None:
    deed = DEEDS[name]
    api.says(REFUSED[1], 9)
    status, said = await does(api, deed.step)
    # A host that is reset leaves whether its Pods could move or not.
    both = deed.verbs if name in ("leave",) else deed.verbs[:1]
    # The Pods that stay are listed, for the message.
    both = (*both, "get") if name == "drain" else both
    assert (status, said.splitlines()[-1], verbs(api)) == (1, REFUSED[1], list(both))


def test_a_node_is_not_taken_for_gone_where_only_the_second_question_was_answered(api: Api) -> None:
    step = drain_step(W1, MASTERS, seconds=5)
    api.says(TRANSIENT[0], 1, '{"kind": "List", "items": []}')
    file = api.folder / "super-admin.conf"
    file.write_text("")
    done = api.sh(step.probe.script.replace("/etc/kubernetes/super-admin.conf", str(file)) + "\n")
    assert isinstance(step.probe.judge(done.stdout.decode(), done.returncode), Unknown)


async def test_whose_turn_it_is_is_asked_again_before_another_master_is(api: Api) -> None:
    group = turns.nodes(SITE.profile, first_start=False)
    api.says(TRANSIENT[5], 2, "m1 True\nw1 True\nm2 Unknown\n")
    assert await group.health(api) == {"node/m1", "node/w1"}  # type: ignore[arg-type]
    assert len(api.calls()) == 3
    api.says(REFUSED[1], 9)
    assert await group.health(api) == frozenset()  # type: ignore[arg-type]
    assert len(api.calls()) == 3, "each master once"
