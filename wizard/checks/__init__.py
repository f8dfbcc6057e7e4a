"""Checks that need facts: `checks` judges a survey, `recommend` chooses etcd's tuning."""

from wizard.checks.case import BundleSummary
from wizard.checks.etcd import recommend
from wizard.checks.judge import checks

__all__ = ["BundleSummary", "checks", "recommend"]
