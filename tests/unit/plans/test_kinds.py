"""The table of kinds: what a run of each is called."""

from __future__ import annotations

import pytest

from wizard.plans.kinds import KINDS
from wizard.plans.maintain import maintenance
from wizard.plans.renew import renewal
from wizard.plans.task import Kind, Task


@pytest.mark.parametrize(
    ("task", "title"),
    [
        (Task(), "Install site"),
        (maintenance("m2", begin=True), "Take m2 of site out for maintenance"),
        (maintenance("m2", begin=False), "Take m2 of site back from maintenance"),
        (Task(kind=Kind.RESET), "Reset site"),
        (Task(kind=Kind.RESET, hosts=("m1", "m3")), "Reset m1 and m3 of site"),
        (renewal(("m2",)), "Renew the certificates of m2 of site"),
    ],
)
def test_a_run_is_called_by_its_hosts_and_what_becomes_of_them(task: Task, title: str) -> None:
    """Also where it never came to a plan, which has the same name."""
    assert KINDS[task.kind].title("site", task) == title
