"""A small root filesystem out of a distribution's packages, for images that need more than a static program.

Packages are unpacked as they are, no script of theirs runs; so only packages that work without one are of use here.
"""

from __future__ import annotations

import io
import posixpath
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from wizard.bundle.image import BASE, Entry
from wizard.bundle.lock import BundleError
from wizard.bundle.process import need
from wizard.paths import assets_dir

LAYER_PACKAGES = ("iptables", "nftables", "conntrack", "kmod", "busybox-static")
"""What kube-proxy and flannel call, and a shell; with their libraries, those of the xtables plug-ins included."""

MERGED = ("bin", "sbin", "lib", "lib64")
"""Folders that are links into usr/ (https://wiki.debian.org/UsrMerge), whatever a package still calls them."""

LEFT_OUT = ("usr/share/man/", "usr/share/locale/", "usr/share/lintian/", "usr/share/bug/", "usr/share/bash-completion/")

APPLETS = tuple(
    word
    for line in (
        "sh [ ash awk basename cat chmod chown cp cut date df dirname du echo egrep env expr false find free grep head",
        "hostname id ip kill ln ls mkdir mktemp mv nc nslookup ping printf ps pwd readlink rm rmdir sed seq sleep sort",
        "stat tail test timeout top touch tr true uname uniq vi wc wget which xargs",
    )
    for word in line.split()
)
"""What busybox stands in for where no package has the command itself."""

IPTABLES_COMMANDS = tuple(
    f"{command}{suffix}" for command in ("iptables", "ip6tables") for suffix in ("", "-save", "-restore")
)


def unpack(packages: Iterable[Path]) -> dict[str, Entry]:
    """Return the files of Debian packages by their path in a system with a merged /usr.

    Raises `BundleError` where a package can't be read.
    """
    tree: dict[str, Entry] = {}
    for package in packages:
        tree |= _files_of(package)
    return tree


def iptables_tree(packages: Iterable[Path]) -> dict[str, Entry]:
    """Return the root filesystem of images that write the host's rules, made of `LAYER_PACKAGES` and their closure."""
    tree = {**BASE, **{name: Entry(link=f"usr/{name}") for name in MERGED}, **unpack(packages)}
    for name in APPLETS:
        if not {f"usr/bin/{name}", f"usr/sbin/{name}"} & tree.keys():
            tree[f"usr/bin/{name}"] = Entry(link="busybox")
    wrapper = (assets_dir() / "bundle" / "image" / "iptables-wrapper").read_bytes()
    tree["usr/sbin/iptables-wrapper"] = Entry(0o755, data=wrapper)
    tree |= {f"usr/sbin/{name}": Entry(link="iptables-wrapper") for name in IPTABLES_COMMANDS}
    tree["var/lib"] = Entry(0o755)
    tree["run"] = Entry(0o755)
    check(tree)
    return tree


def check(tree: Mapping[str, Entry]) -> None:
    """Raise `BundleError` where a program is missing that the images can't do without."""
    needed = {
        "usr/sbin/xtables-nft-multi",
        "usr/sbin/xtables-legacy-multi",
        "usr/sbin/nft",
        "usr/sbin/conntrack",
        "usr/bin/busybox",
        "usr/bin/kmod",
    }
    missing = sorted(needed - tree.keys())
    if missing:
        raise BundleError(
            "The distribution's packages lack what kube-proxy's image needs",
            why=", ".join(missing),
            hint="Build the bundle on Debian 12 or Ubuntu 24.04.",
        )


def _files_of(package: Path) -> dict[str, Entry]:
    result = subprocess.run(
        [need("dpkg-deb", "dpkg", "to unpack packages"), "--fsys-tarfile", str(package)],
        capture_output=True,
        check=False,
    )
    if result.returncode != 0:
        raise BundleError(
            f"{package.name} can't be unpacked",
            why=result.stderr.decode(errors="replace").strip(),
            hint="Run `slipway bundle build --refresh`.",
        )
    tree: dict[str, Entry] = {}
    with tarfile.open(fileobj=io.BytesIO(result.stdout)) as archive:
        for member in archive:
            name = merged(member.name)
            if not name or _left_out(name):
                continue
            if member.issym():
                tree[name] = Entry(link=member.linkname)
            elif member.islnk() and merged(member.linkname) in tree:
                tree[name] = tree[merged(member.linkname)]
            elif member.isfile():
                content = archive.extractfile(member)
                assert content is not None
                tree[name] = Entry(member.mode, data=content.read(), uid=member.uid, gid=member.gid)
            elif member.isdir():
                tree[name] = Entry(member.mode, uid=member.uid, gid=member.gid)
    return tree


def merged(name: str) -> str:
    """Return a path of a package as it is with a merged /usr, no leading slash; "" for the root and the links."""
    path = posixpath.normpath(name).lstrip("/").removeprefix("./")
    if path in (".", "", *MERGED):
        return ""
    return f"usr/{path}" if path.split("/")[0] in MERGED else path


def _left_out(name: str) -> bool:
    documentation = name.startswith("usr/share/doc/") and not name.endswith("/copyright")
    return documentation or name.startswith(LEFT_OUT)
