"""Certificates, keys and kubeconfigs on the hosts, judged by what they mean."""

from __future__ import annotations

import datetime
from dataclasses import replace

from wizard.engine.files import file_probe_fragment, judge_files
from wizard.engine.step import Change, Diff, Drifted, Probe, Satisfied, Step, Verdict
from wizard.pki.hosts import host_files
from wizard.pki.judge import Expectation, judge_certificate
from wizard.pki.store import RENEW_DAYS, Pki
from wizard.pki.wanted import of_host, wanted
from wizard.profile.model import Host
from wizard.render.site import Site
from wizard.steps.kit import files_of


def pki_step(site: Site, host: Host, keys: Pki | None, *, needs: tuple[str, ...]) -> Step:
    """Return the step that holds a host's share of the cluster's PKI.

    Without `keys` (a new cluster that is only looked at), or without this host's among them (a host that is new to
    the cluster), the step says that `apply` would make them.
    """
    step = Step(f"{host.name}/pki", "Certificates and keys", host.name, "host", Probe("true", _to_be_made), needs=needs)
    if keys is None or any(item.name not in keys.pairs for item in of_host(site.profile, host)):
        return step
    files = files_of(host_files(keys, site.profile, host))
    meaning = expectations(site, keys)

    def judge(output: str, _status: int) -> Verdict:
        diff = tuple(found for found in judge_files(output, files) if not _serves(found, meaning))
        return Drifted(diff) if diff else Satisfied(f"{len(files)} files as wanted")

    return replace(step, probe=Probe(file_probe_fragment(files), judge), change=Change(files=files))


def expectations(site: Site, keys: Pki) -> dict[str, Expectation]:
    """Return what a certificate has to mean, by the text of the one in the store."""
    now = datetime.datetime.now(datetime.UTC)
    found = {}
    for item in wanted(site.profile):
        if item.authority and item.name in keys.pairs:
            pair = keys.pair(item.name)
            authority = keys.pair(item.authority).certificate
            found[pair.certificate.decode()] = Expectation(item, authority, now, pair.key, RENEW_DAYS)
    return found


def _serves(diff: Diff, meaning: dict[str, Expectation]) -> bool:
    """Tell whether a certificate that differs from the stored one by its bytes serves as well."""
    expectation = meaning.get(diff.after)
    return expectation is not None and not judge_certificate(diff.before.encode(), expectation)


def _to_be_made(_output: str, _status: int) -> Verdict:
    return Drifted((Diff("certificates and keys", "", "made by `slipway apply`"),))
