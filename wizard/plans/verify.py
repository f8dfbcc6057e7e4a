"""Verifying: a cluster that stands is proven by using it. Nothing stays of it but a note of what passed."""

from __future__ import annotations

from wizard.checks.case import spoken
from wizard.engine.step import Plan
from wizard.render import api as render
from wizard.render.node import is_node
from wizard.render.site import Site
from wizard.steps.verify import verify_steps


def verify(site: Site, run: str) -> Plan:
    """Return the plan that tries everything users rely on, on every node of `site`, in the run `run`."""
    nodes = [host.name for host in site.profile.hosts if is_node(host)]
    return Plan(
        site.profile.name,
        f"Verify {site.profile.name}: Kubernetes {site.versions.kubernetes} on {spoken(nodes)}",
        verify_steps(site, render.manifests(site), run),
        hosts=tuple(host.name for host in site.profile.hosts),
    )
