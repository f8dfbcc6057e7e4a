"""Certificates, keys and kubeconfigs on the hosts, judged by what they mean."""

from __future__ import annotations

import datetime
from dataclasses import replace

from cryptography.x509 import load_pem_x509_certificate

from wizard.engine.files import file_probe_fragment, judge_files
from wizard.engine.step import Change, Diff, Drifted, Probe, Satisfied, Step, Verdict
from wizard.pki.hosts import host_files
from wizard.pki.judge import Expectation, judge_certificate
from wizard.pki.store import RENEW_DAYS, Pki
from wizard.pki.wanted import name_of, of_host, wanted
from wizard.profile.model import Host, Role
from wizard.render.places import API_PORT, ETCD_CLIENT_PORT, ETCD_PEER_PORT, ETCD_PKI, KUBELET_PORT
from wizard.render.site import Site
from wizard.steps.kit import files_of, wait_on_host


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


def served_step(site: Site, host: Host, keys: Pki, *, needs: tuple[str, ...]) -> Step:
    """Return the step that waits until every server on a host serves the certificate of the store.

    Each reads new files by itself: etcd at every handshake (`GetCertificate` in its client/pkg/transport/listener.go,
    3.6 and 3.7), apiserver and kubelet when they change, and each minute (apiserver/pkg/server/dynamiccertificates/
    dynamic_serving_content.go; the kubelet since 1.31, feature ReloadKubeletServerCertificateFile). Until certificate
    and key fit together they go on with what they have.
    """
    servers = _servers(host)
    wanted_ends = {
        name: int(load_pem_x509_certificate(keys.pair(name_of(host, name)).certificate).not_valid_after_utc.timestamp())
        for name in servers
    }
    looks = {name: f"echo 'serves {name} '$({_ends(address, member)})" for name, (address, member) in servers.items()}
    waits = "\n".join(
        wait_on_host(
            f'[ "$({_ends(address, member)})" -ge {wanted_ends[name]} ] 2>/dev/null',
            90, f"{address} does not serve the new certificate", "journalctl -n 5 --no-pager -o cat",
        )
        for name, (address, member) in servers.items()
    )  # fmt: skip

    def judge(output: str, _status: int) -> Verdict:
        seen = {words[1]: words[2] for line in output.splitlines() if len(words := line.split()) == 3}
        diff = tuple(
            Diff(f"{servers[name][0]} serves a certificate", _until(seen.get(name, "")), _until(str(ends)))
            for name, ends in wanted_ends.items()
            if not seen.get(name, "").isdigit() or int(seen[name]) < ends
        )
        return Drifted(diff) if diff else Satisfied(f"{len(servers)} servers with their new certificates")

    return Step(
        f"{host.name}/served", "New certificates served", host.name, "host", Probe("\n".join(looks.values()), judge),
        Change(script=waits), needs=needs, weight=3, timeout=90.0 * max(1, len(servers)) + 60,
    )  # fmt: skip


def _servers(host: Host) -> dict[str, tuple[str, bool]]:
    """Return who serves on a host: its certificate's name → where, and whether it asks for one of etcd's clients."""
    servers: dict[str, tuple[str, bool]] = {}
    if Role.MASTER in host.roles:
        servers["apiserver"] = (f"{host.ip}:{API_PORT}", False)
    if Role.MASTER in host.roles or Role.WORKER in host.roles:
        servers["kubelet"] = (f"{host.ip}:{KUBELET_PORT}", False)
    if Role.ETCD in host.roles:
        servers["etcd/server"] = (f"127.0.0.1:{ETCD_CLIENT_PORT}", True)
        servers["etcd/peer"] = (f"{host.peer_ip}:{ETCD_PEER_PORT}", True)
    return servers


def _ends(address: str, member: bool) -> str:
    """Return shell words that print when the certificate served there ends, in seconds since 1970.

    curl tells it by name whatever TLS library it has; `date` reads each one's way to write it.
    """
    client = f" --cert {ETCD_PKI}/healthcheck-client.crt --key {ETCD_PKI}/healthcheck-client.key" if member else ""
    return (
        f"e=$(curl -skv -m 3 -o /dev/null{client} https://{address}/ 2>&1 "
        '| sed -n \'s/^\\*  *expire date: *//p\'); [ -n "$e" ] && date +%s -d "$e"'
    )


def _until(seconds: str) -> str:
    if not seconds.isdigit():
        return "no answer"
    return f"until {datetime.datetime.fromtimestamp(int(seconds), datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"


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
