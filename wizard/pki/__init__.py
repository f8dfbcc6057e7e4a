"""Authorities, leaf certificates and kubeconfigs: made on the jump host, judged by meaning, handed out per host."""

from wizard.pki.certificates import Pair, Wanted
from wizard.pki.hosts import admin_kubeconfig, credentials, host_files
from wizard.pki.judge import Expectation, days_left, fingerprint, judge_certificate
from wizard.pki.store import Pki, PkiError, ensure, load, make
from wizard.pki.wanted import wanted

__all__ = [
    "Expectation",
    "Pair",
    "Pki",
    "PkiError",
    "Wanted",
    "admin_kubeconfig",
    "credentials",
    "days_left",
    "ensure",
    "fingerprint",
    "host_files",
    "judge_certificate",
    "load",
    "make",
    "wanted",
]
