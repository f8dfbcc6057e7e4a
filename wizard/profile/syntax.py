"""What one field's text must look like: pure judgements, in the words that forms, loading and rules all use.

Each judge takes the text of one field and returns None, or a `Complaint`: what is wrong and why, and what to write
instead. An empty text is judged too: a judge of an optional field is not asked about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wizard.versions import number


class Complaint(NamedTuple):
    """What is wrong with a text and why; `hint` says what to do."""

    message: str
    hint: str = ""


Judge = Callable[[str], Complaint | None]

LABEL_LENGTH = 63
NAME_LENGTH = 253
PORTS = (1, 65535)
VRIDS = (1, 255)
"""VRRP virtual router IDs (RFC 9568, section 5.2.3)."""
MTUS = (576, 65520)
"""Bytes of the largest packet: what every IPv4 host takes (RFC 791), and what IP over InfiniBand can carry."""
ADVERTS = (0.05, 10.0)
"""Seconds between VRRP adverts that make sense for an API; the protocol itself goes to 40.95 (RFC 9568, 5.2.7)."""

_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,14}")
_USER = re.compile(r"[a-z_A-Z0-9][A-Za-z0-9_.@\\-]*\$?")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_PATH = re.compile(r"[A-Za-z0-9._/@+-]+")

_SYSTEM_TREE = re.compile(
    r"/(bin|boot|dev|etc|home|lib(32|64|x32)?|proc|root|run|sbin|sys|tmp|usr|var/(cache|log|run|tmp)"
    r"|var/lib/(containerd|dpkg|kubelet|slipway|systemd))(/.*)?"
)
"""Directories that belong to the system or to another part; nothing inside them can hold etcd's data."""
_SYSTEM_PLACES = ("/", "/media", "/mnt", "/opt", "/srv", "/var", "/var/lib")
"""Directories that hold other things too: a folder inside one is fine, the directory itself is not."""


def dns_label(text: str) -> Complaint | None:
    """Judge one DNS label (RFC 1123): what Kubernetes takes as a node's or a cluster's name."""
    if not text:
        return Complaint("A name is needed.", "Use lower-case letters, digits and '-', such as m1.")
    if len(text) > LABEL_LENGTH:
        return Complaint(f"The name has {len(text)} characters; a DNS label has at most {LABEL_LENGTH}.", "Shorten it.")
    return _label_letters(text, text)


def cluster_name(text: str) -> Complaint | None:
    """Judge a cluster's name: a DNS label, and no name that slipway keeps for itself."""
    if text == "practice":
        return Complaint("slipway keeps practice datacenters under the name 'practice'.", "Take another name.")
    return dns_label(text)


def _label_letters(label: str, whole: str) -> Complaint | None:
    """Judge the letters of one non-empty label of the name `whole`."""
    strange = sorted(set(re.sub(r"[A-Za-z0-9-]", "", label)))
    if strange:
        signs = " ".join(_shown(char) for char in strange)
        return Complaint(
            f"'{whole}' has {signs}, and a name has only lower-case letters, digits and '-'.",
            "Take it out, or use '-'.",
        )
    if label != label.lower():
        return Complaint(f"'{whole}' has capital letters, and a name is in lower case.", f"Write {whole.lower()}.")
    if label.startswith("-") or label.endswith("-"):
        return Complaint(
            f"'{whole}' starts or ends with '-'; a letter or digit must stand there.", "Take the '-' away."
        )
    return None


def dns_name(text: str) -> Complaint | None:
    """Judge a DNS name of one or more labels (RFC 1123), without a final dot."""
    if not text:
        return Complaint("A DNS name is needed.", "Write one such as api.site.example.")
    if len(text) > NAME_LENGTH:
        return Complaint(f"The name has {len(text)} characters; a DNS name has at most {NAME_LENGTH}.", "Shorten it.")
    if text.endswith("."):
        return Complaint(
            f"'{text}' ends with a dot.", f"Write {text.rstrip('.')}." if text.strip(".") else "Write a name."
        )
    if dotted(text):
        return Complaint(f"'{text}' is an address, and a DNS name is wanted here.", "Write a name, or leave it out.")
    for label in text.split("."):
        if not label:
            return Complaint(f"'{text}' has nothing between two dots.", "Take one dot away.")
        if len(label) > LABEL_LENGTH:
            return Complaint(
                f"'{label}' has {len(label)} characters; a part has at most {LABEL_LENGTH}.", "Shorten it."
            )
        if complaint := _label_letters(label, text):
            return complaint
    return None


def interface(text: str) -> Complaint | None:
    """Judge the name of a network interface (at most 15 characters, as Linux has it)."""
    if not _INTERFACE.fullmatch(text):
        return Complaint(
            f"'{text}' can't be the name of a network interface.",
            "At most 15 letters, digits, '.', '-', '_', such as eth0.",
        )
    return None


def data_dir(text: str) -> Complaint | None:
    """Judge a directory for etcd's data: absolute, tidy, and neither a system directory nor inside one."""
    if not text.startswith("/"):
        return Complaint(f"'{text}' is not an absolute path.", "Start it with '/', such as /var/lib/etcd.")
    if not _PATH.fullmatch(text):
        return Complaint(
            f"'{text}' has characters that a unit file can't hold.", "Use letters, digits, '/', '.', '-', '_'."
        )
    tidy = "/" + "/".join(part for part in text.split("/") if part)
    if ".." in text.split("/") or "." in text.split("/") or tidy != text:
        return Complaint(
            f"'{text}' is not a tidy path ('..', '.', '//' or a final '/').", f"Write it out, such as {tidy}."
        )
    if _SYSTEM_TREE.fullmatch(text) or text in _SYSTEM_PLACES:
        return Complaint(
            f"{text} belongs to the system or to another part; etcd needs a directory of its own that lasts.",
            "Take /var/lib/etcd, or a folder on a disk of its own, such as /data/etcd.",
        )
    return None


def fingerprint(text: str) -> Complaint | None:
    """Judge an SSH host key fingerprint as ``ssh-keygen -l`` prints it."""
    if not _FINGERPRINT.fullmatch(text):
        return Complaint(
            "This is no SHA-256 fingerprint of an SSH key.",
            "Copy it from 'ssh-keygen -lf FILE': SHA256: and 43 characters.",
        )
    return None


def user(text: str) -> Complaint | None:
    """Judge a login name."""
    if not _USER.fullmatch(text) or len(text) > 64:
        return Complaint(f"'{text}' can't be a login name.", "Use letters, digits, '-', '_' and '.', such as ops.")
    return None


def key_file(text: str) -> Complaint | None:
    """Judge the path of a private key; the key itself is refused and never shown."""
    if "PRIVATE KEY" in text or "\n" in text:
        return Complaint(
            "This is a key itself, and a profile never holds secrets.", "Write the path of the key's file."
        )
    if not text.isprintable():
        return Complaint("The path has characters that can't be printed.", "Write the path of the key's file.")
    return None


def zone(text: str) -> Complaint | None:
    """Judge a zone: it becomes the value of a label of the node (Kubernetes: labels and selectors)."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", text):
        return Complaint(
            f"'{text}' can't be a zone: it becomes a node label.",
            "At most 63 letters, digits, '-', '_', '.', such as rack-1.",
        )
    return None


def whole_number(low: int, high: int, what: str) -> Judge:
    """Return the judge of a whole number from `low` to `high`; `what` names it in words."""

    def judge(text: str) -> Complaint | None:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            return Complaint(f"{what} is a whole number; '{text}' is not.", f"Write a number from {low} to {high}.")
        if not low <= int(text) <= high:
            return Complaint(
                f"{what} goes from {low} to {high}; {text} is outside.", f"Write a number from {low} to {high}."
            )
        return None

    return judge


def seconds(low: float, high: float, what: str) -> Judge:
    """Return the judge of a time in seconds from `low` to `high`; `what` names it in words."""

    def judge(text: str) -> Complaint | None:
        if not re.fullmatch(r"[+-]?[0-9]{1,9}(\.[0-9]{0,9})?", text):
            return Complaint(f"{what} is a number of seconds; '{text}' is not.", f"Write one from {low:g} to {high:g}.")
        if not low <= float(text) <= high:
            return Complaint(f"{what} goes from {low:g} to {high:g} seconds; {text} is outside.", "The usual is 0.2.")
        return None

    return judge


def kubernetes(text: str, known: Sequence[str]) -> Complaint | None:
    """Judge a Kubernetes version against the ones this slipway installs (`known`, newest first)."""
    if text.removeprefix("v") in known:
        return None
    try:
        minor = number(text)[:2]
    except ValueError:
        minor = ()
    near = next((version for version in known if number(version)[:2] == minor), known[0] if known else "")
    return Complaint(
        f"Kubernetes '{text}' is not a version this slipway installs: it knows {', '.join(known)}.",
        f"Write {near}, or leave it out for the default.",
    )


def dotted(text: str) -> bool:
    """Tell whether `text` is made of digits and dots, as addresses are and names are not."""
    return re.fullmatch(r"[0-9.]+", text) is not None


def _shown(char: str) -> str:
    """Return a character so that it can be seen."""
    return {" ": "a space", "_": "'_'"}.get(char, f"'{char}'" if char.isprintable() else "an unprintable character")
