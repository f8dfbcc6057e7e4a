"""How a cluster stands: asked of every host in one round trip, read by pure functions, judged; and what has drifted."""

from wizard.plans.status.asking import ask, once, rounds
from wizard.plans.status.judge import with_drift
from wizard.plans.status.look import Answer, read
from wizard.plans.status.model import Change, Drift, Status

__all__ = ["Answer", "Change", "Drift", "Status", "ask", "once", "read", "rounds", "with_drift"]
