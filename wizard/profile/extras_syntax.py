"""What the texts of the extras must look like: judges of single fields, as in `wizard.profile.syntax`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from wizard.profile import addresses
from wizard.profile.syntax import Complaint, dns_name

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
"""https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""


def registry(text: str) -> Complaint | None:
    """Judge the name of a registry: host and port, as images begin with."""
    if "/" in text:
        return Complaint(
            f"'{text}' is more than a registry's name.", "Write host and port alone, as in registry.example:5000."
        )
    if not _NAME.fullmatch(text) or not _port_fits(text):
        return Complaint(
            f"'{text}' can't be the name of a registry: images begin with its host and port.",
            "Write it as images do: docker.io, registry.example:5000.",
        )
    return None


def _port_fits(text: str) -> bool:
    port = text.partition(":")[2]
    return not port or 1 <= int(port) <= 65535


def mirror(text: str) -> Complaint | None:
    """Judge the address of a mirror."""
    return _url(text, "a mirror", ("https", "http"), "https://mirror.example:5000")


def proxy(text: str) -> Complaint | None:
    """Judge the address of a proxy; a login in it is refused."""
    return _url(text, "a proxy", ("http", "https", "socks5"), "http://proxy.example:3128")


def _url(text: str, what: str, schemes: tuple[str, ...], example: str) -> Complaint | None:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return Complaint(f"This is no address of {what}.", f"Write one such as {example}.")
    if parts.username is not None or parts.password is not None:
        return Complaint(f"The address of {what} holds a login, and a profile never holds secrets.", "Take it out.")
    plain = re.fullmatch(r"[A-Za-z0-9:/._~-]+", text)
    if parts.scheme not in schemes or not parts.hostname or port == 0 or parts.query or not plain:
        return Complaint(
            f"'{text}' is no address of {what}.", f"Begin it with {schemes[0]}://, as in {example}; no '?', no blanks."
        )
    return None


def file(text: str) -> Complaint | None:
    """Judge the path of a file or folder; a certificate or key itself is refused and never shown."""
    if "-----BEGIN" in text or "\n" in text:
        return Complaint("This is the content of a file, and its path is wanted.", "Write the path of the file.")
    if not text or not text.isprintable():
        return Complaint("This is no path.", "Write the path of a file on the jump host.")
    return None


def username(text: str) -> Complaint | None:
    """Judge a name to log in with at a registry."""
    if not text.isprintable() or ":" in text or len(text) > 255:
        return Complaint("A registry's user can't be called so: no ':', no control characters.", "Write the name.")
    return None


def direct(text: str) -> Complaint | None:
    """Judge one thing that is reached without a proxy: a name, a domain with its dot, an address or a network."""
    name = text.removeprefix("*").removeprefix(".")
    if dns_name(name) is None or addresses.ipv4(text) is None or addresses.cidr(text) is None:
        return None
    return Complaint(
        f"'{text}' is neither a name, nor an address, nor a network.",
        "Write one such as registry.example, .example, 10.20.0.9 or 10.20.0.0/16.",
    )


def label_key(text: str) -> Complaint | None:
    """Judge the key of a label or taint: a name, with a DNS name and '/' before it or not."""
    prefix, slash, name = text.rpartition("/")
    if not _LABEL_NAME.fullmatch(name) or (slash and dns_name(prefix)):
        return Complaint(
            f"'{text}' can't be the key of a label or taint.",
            "At most 63 letters, digits, '-', '_', '.', and before it a DNS name with '/', or none.",
        )
    return None


def label_value(text: str) -> Complaint | None:
    """Judge the value of a label or taint; it may be empty."""
    if text and not _LABEL_NAME.fullmatch(text):
        return Complaint(
            f"'{text}' can't be the value of a label or taint.",
            "At most 63 letters, digits, '-', '_', '.', beginning and ending with a letter or digit.",
        )
    return None


def taint(text: str) -> Complaint | None:
    """Judge a taint as kubectl writes it: ``key=value:Effect`` or ``key:Effect``."""
    about, colon, effect = text.rpartition(":")
    if not colon or effect not in EFFECTS:
        return Complaint(
            f"'{text}' is no taint: its effect, after ':', is one of {', '.join(EFFECTS)}.",
            "Write it as kubectl does: dedicated=gpu:NoSchedule.",
        )
    key, _, value = about.partition("=")
    return label_key(key) or label_value(value)


def taint_parts(text: str) -> tuple[str, str, str]:
    """Return key, value and effect of a taint that `taint` has nothing to say about."""
    about, _, effect = text.rpartition(":")
    key, _, value = about.partition("=")
    return key, value, effect
