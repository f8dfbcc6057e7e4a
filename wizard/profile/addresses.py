"""What addresses and networks in a profile must look like: judges like those of `wizard.profile.syntax`."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address

from wizard.profile.syntax import NAME_LENGTH, Complaint, dns_name, dotted

_RESERVED = tuple(
    IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)
"""Networks that no host and no Pod can have (RFC 6890)."""
_ALIAS = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


@lru_cache(8192)
def ipv4(text: str) -> Complaint | None:
    """Judge an IPv4 address that a host may have: a unicast address, not loopback and not link-local."""
    if not text:
        return Complaint("An IPv4 address is needed.", "Write one such as 10.20.0.11.")
    if "/" in text:
        return Complaint(f"'{text}' has a network length; the address alone is wanted.", f"Write {text.split('/')[0]}.")
    if ":" in text:
        return _colon(text)
    parts = text.split(".")
    if not all(part.isascii() and part.isdigit() for part in parts) or len(parts) != 4:
        return Complaint(f"'{text}' is not an IPv4 address: four numbers with dots.", "Write one such as 10.20.0.11.")
    if any(int(part) > 255 for part in parts):
        return Complaint(
            f"'{text}' is not an IPv4 address: a number is above 255.", "Each of the four goes from 0 to 255."
        )
    if any(len(part) > 1 and part.startswith("0") for part in parts):
        fixed = ".".join(str(int(part)) for part in parts)
        return Complaint(
            f"'{text}' has numbers with leading zeros, which some programs read as octal.", f"Write {fixed}."
        )
    return _unusable(IPv4Address(text))


def _colon(text: str) -> Complaint:
    """Complain about an address with a colon: IPv6, or an address with a port."""
    try:
        IPv6Address(text.strip("[]"))
    except AddressValueError:
        address = text.split(":")[0]
        return Complaint(f"'{text}' has a port or is no address; the address alone is wanted.", f"Write {address}.")
    return Complaint(f"'{text}' is IPv6, which this version of slipway can't use here yet.", "Give an IPv4 address.")


def _unusable(address: IPv4Address) -> Complaint | None:
    """Complain about an address that no host can have (RFC 6890)."""
    for name, wrong in (
        ("the loopback network", address.is_loopback),
        ("multicast", address.is_multicast),
        ("link-local, which no router forwards and which may change", address.is_link_local),
        ("no address of a host", address in IPv4Network("0.0.0.0/8")),
        ("reserved", address.is_reserved),
    ):
        if wrong:
            return Complaint(f"{address} is {name}; other hosts can't reach anything there.", "Give a host's address.")
    return None


def ssh_address(text: str) -> Complaint | None:
    """Judge where SSH finds a host: an IPv4 or IPv6 address, a DNS name, or an alias of ``~/.ssh/config``."""
    if not text:
        return Complaint("An SSH address is needed.", "Write an IP address or a name, such as 10.20.0.11.")
    if "@" in text:
        user, _, address = text.rpartition("@")
        return Complaint(
            f"'{text}' has a user in it; the address alone is wanted.", f"Write {address}, and {user} as the SSH user."
        )
    if ":" in text:
        try:
            IPv6Address(text)
        except AddressValueError:
            address = text.split(":")[0]
            return Complaint(
                f"'{text}' has a port or is no address; the address alone is wanted.",
                f"Write {address or 'an address'}, and the port as the SSH port.",
            )
        return None
    if "/" in text:
        return Complaint(f"'{text}' has a network length; the address alone is wanted.", f"Write {text.split('/')[0]}.")
    if dotted(text):
        complaint = ipv4(text)
        # Loopback is a fair SSH address (a forwarded port); what Kubernetes uses is judged as node_ip.
        return None if complaint and text.startswith("127.") and is_ipv4(text) else complaint
    if not _ALIAS.fullmatch(text) or len(text) > NAME_LENGTH:
        return Complaint(f"'{text}' is neither an IP address nor a name.", "Use letters, digits, '.', '-' and '_'.")
    return None


@lru_cache(1024)
def cidr(text: str) -> Complaint | None:
    """Judge an IPv4 network as ``10.244.0.0/16``."""
    if not text:
        return Complaint("A network is needed.", "Write one such as 10.244.0.0/16.")
    address, slash, length = text.partition("/")
    if ":" in text:
        return Complaint(f"'{text}' is IPv6 or has a port; this version of slipway takes IPv4 networks.", "Give IPv4.")
    if not slash or not (length.isascii() and length.isdigit()) or int(length) > 32:
        return Complaint(
            f"'{text}' is no network: an address, '/', and a length from 0 to 32.", "Such as 10.244.0.0/16."
        )
    try:
        base = IPv4Address(address)
    except AddressValueError:
        return Complaint(
            f"'{text}' is no network: {address or 'nothing'} is not an IPv4 address.", "Such as 10.244.0.0/16."
        )
    network = IPv4Network((base, int(length)), strict=False)
    if network.network_address != base:
        return Complaint(f"'{text}' is an address inside a network, not the network itself.", f"Write {network}.")
    for reserved in _RESERVED:
        if network.overlaps(reserved):
            return Complaint(
                f"{network} touches {reserved}, which is reserved.", "Take a private network, such as 10.x."
            )
    return None


def time_server(text: str) -> Complaint | None:
    """Judge an NTP server: an IP address or a DNS name."""
    try:
        IPv6Address(text)
    except AddressValueError:
        return (ipv4(text) if dotted(text) or ":" in text else dns_name(text)) if text else Complaint("It is empty.")
    return None


def is_ipv4(text: str) -> bool:
    """Tell whether `text` is an IPv4 address as programs write it."""
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True
