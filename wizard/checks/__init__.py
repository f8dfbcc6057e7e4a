"""Checks that need facts: `checks` judges a survey, `whose` its hosts alone; `recommend` chooses etcd's tuning."""

from wizard.checks.case import BundleSummary
from wizard.checks.etcd import recommend
from wizard.checks.judge import checks, whose

__all__ = ["BundleSummary", "checks", "recommend", "whose"]
