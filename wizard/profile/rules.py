"""Judge a profile by itself: one set of rules for the forms, for loading, for `check` and for the plan of an install.

`rules` judges as for a NEW install; its errors hold one. A site after a loss breaks the rules on counts
(`COUNT_CODES`) and is loaded, planned and mended all the same. What needs facts is judged in `wizard.checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from wizard.errors import Level, Problem
from wizard.profile import carriers, counts, extras_rules, fields, hosts, networks
from wizard.profile.finding import Finding
from wizard.profile.fold import fold, put
from wizard.profile.model import Profile
from wizard.versions import Catalog, load

Rule = Callable[[Profile], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    counts.masters,
    counts.etcd_members,
    counts.roles,
    hosts.names,
    hosts.own_addresses,
    hosts.usable_ips,
    hosts.fingerprints,
    networks.vip_free,
    networks.vip_outside,
    networks.port_free,
    networks.adverts,
    networks.cidrs_apart,
    networks.cidrs_without_hosts,
    networks.cidrs_large_enough,
    networks.cidrs_private,
    carriers.backend,
    carriers.brought,
    carriers.upstreams,
    counts.zones,
    extras_rules.nodes,
    extras_rules.registries,
    extras_rules.arguments,
    extras_rules.sysctls,
)
"""Every rule on more than one field's text, in the order in which a person would want to read them."""

COUNT_CODES = frozenset({"etcd.none", "etcd.even", "etcd.large", "masters.none", "masters.two"})
"""Errors on counts alone: they refuse a new install and nothing else."""

_GRAVITY = tuple(Level)


def rules(profile: Profile, catalog: Catalog | None = None) -> tuple[Problem, ...]:
    """Return every rule that `profile` breaks, judged as for a new install.

    `catalog` has the known Kubernetes versions; without it, slipway's own (read once).
    """
    return tuple(found.problem(profile) for found in _findings(profile, catalog))


def _findings(profile: Profile, catalog: Catalog | None) -> Iterator[Finding]:
    yield from fields.bad_fields(profile, (catalog or load()).names())
    for rule in RULES:
        yield from rule(profile)


def check_field(
    field: str, text: str, draft: Mapping[str, Any] | Profile | None = None, catalog: Catalog | None = None
) -> Problem | None:
    """Judge the text of one field while it is typed; return the gravest problem, in the rules' own words, or None.

    `field` is the profile's path (``hosts[1].address``). The text is judged by itself first; then, with a `draft` (a
    profile, or plain data as in its YAML, as unfinished as it may be), in its company: names and addresses of other
    hosts, networks that overlap. Empty text in an optional field is fine. Blanks around it are ignored, as in loading.
    """
    text = text.strip()
    rule = fields.field_rules((catalog or load()).names()).get(fields.pattern(field))
    if rule and (complaint := rule.complaint(text)):
        return Problem(rule.code, Level.ERROR, complaint.message, complaint.hint, field)
    if draft is None:
        return None
    data = draft.model_dump(mode="json") if isinstance(draft, Profile) else draft
    profile = fold(put(data, field, text or None))
    found = [finding for finding in _findings(profile, catalog) if field in finding.fields]
    # Of two alike, the one that is about this field first of all.
    worst = min(found, key=lambda finding: (_GRAVITY.index(finding.level), finding.fields.index(field)), default=None)
    return worst.problem(profile, field) if worst else None


def check_etcd_size(size: int) -> Problem | None:
    """Judge a number of etcd members, as the wizard's choice does; None where there is nothing to say."""
    return _first(counts.etcd_size(size))


def check_masters(count: int) -> Problem | None:
    """Judge a number of masters; None where there is nothing to say."""
    return _first(counts.master_count(count))


def _first(found: Iterator[Finding]) -> Problem | None:
    for finding in found:
        return Problem(finding.code, finding.level, finding.message, finding.hint, finding.fields[0])
    return None
