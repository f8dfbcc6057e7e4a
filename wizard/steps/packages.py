"""The distribution's packages, from the bundle: the missing are installed, the others stay as the site has them."""

from __future__ import annotations

from collections.abc import Sequence

from wizard.bundle.lock import Artifact
from wizard.bundle.opened import Bundle
from wizard.engine.marker import BEFORE
from wizard.engine.step import Change, Diff, Drifted, Pipe, Probe, Satisfied, Step, Verdict

FOLDER = "/var/lib/slipway/packages"
"""In it: ``installed``, what slipway installed (package_version_architecture); ``brought`` and ``found``, the
configuration files of these packages (package and path) that came with them, and that were there already."""

_INFO = "/var/lib/dpkg/info"
_INSTALL = f"""
cd {FOLDER}
# Services must not start with the distribution's own configuration: policy-rc.d refuses that while dpkg runs
# (https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt).
policy=/usr/sbin/policy-rc.d
made=no
if [ ! -e $policy ]; then printf '#!/bin/sh\\nexit 101\\n' > $policy; chmod 755 $policy; made=yes; fi
cleanup() {{ [ $made = no ] || rm -f $policy; }}
trap cleanup EXIT
# A run that was killed may still be at it here: what it has installed it clears away, and the look afterwards tells.
there() {{ set -- ./*.deb; [ -e "$1" ] || exit 0; }}
there
tried=0
packages() {{
  until DEBIAN_FRONTEND=noninteractive dpkg --force-confold --force-confdef --force-unsafe-io "$@" \\
      > dpkg.log 2>&1 < /dev/null; do
    # Another dpkg (unattended-upgrades) may hold the lock for a while.
    tried=$((tried+1))
    there
    if [ $tried -ge 60 ] || ! grep -q 'lock' dpkg.log; then
      {{ grep -A 3 -E 'error|depends on' dpkg.log | head -n 20; tail -n 5 dpkg.log; }} >&2
      exit 1
    fi
    sleep 2
  done
}}
# What a removal would take along is noted and kept: configuration that lies there before the packages come. dpkg names
# their configuration once they are unpacked, and puts it in place when it configures them.
found() {{
  case "$2" in *[[:blank:]]*|*.dpkg-new) return 0;; esac
  echo "$1 $2" >> found; kept="{BEFORE}$2"
  [ -e "$kept" ] || (
    umask 077; mkdir -p "${{kept%/*}}" && cp -a "$2" "$kept.part" && mv -fT "$kept.part" "$kept"
  )
}}
installed=" $(cat installed 2>/dev/null | tr '\\n' ' ')"
names=; new=
for deb in ./*.deb; do
  full=${{deb#./}}; full=${{full%.deb}}; name=${{full%%_*}}
  names="$names $name"
  case "$installed" in *" $full "*) continue;; esac
  new="$new $full"
  [ ! -d "/etc/$name" ] || find "/etc/$name" ! -type d | while read -r path; do found "$name" "$path"; done
done
packages --unpack ./*.deb
for full in $new; do
  name=${{full%%_*}}
  for list in {_INFO}/$name.conffiles {_INFO}/$name:*.conffiles; do
    [ ! -e "$list" ] || while read -r path; do
      case "$path" in *[[:blank:]]*) continue;; esac
      if [ -e "$path" ] || [ -L "$path" ]; then found "$name" "$path"; else echo "$name $path" >> brought; fi
    done < "$list"
  done
  echo "$full" >> installed
done
packages --configure $names
sync -f {FOLDER}
# Of these services only the clock's has nothing to wait for.
case "$(echo ./*.deb)" in *chrony_*) systemctl start chrony.service || true;; esac
rm -f ./*.deb dpkg.log
"""

TIME_SERVICES = frozenset({"chrony", "systemd-timesyncd", "ntpsec", "ntp", "openntpd"})
"""Packages that keep a clock; Debian lets only one of them be installed (time-daemon)."""


BALANCER = frozenset({"haproxy", "keepalived"})
"""Packages for masters alone. What they depend on stays: nothing of it runs by itself."""


def packages_step(host: str, bundle: Bundle, release: str, *, balancer: bool = True) -> Step:
    """Return the step that installs what `host` lacks of the bundle's packages for `release` (``debian-12``).

    Without `balancer` those for the endpoint are left out. Raises `BundleError` where the bundle has none for that
    release.
    """
    artifacts = tuple(item for item in bundle.packages(release) if balancer or item.package not in BALANCER)
    names = " ".join(sorted({artifact.package for artifact in artifacts} | TIME_SERVICES))
    script = (
        f"dpkg-query -W -f='${{Package}} ${{db:Status-Abbrev}} ${{Version}}\\n' {names} 2>/dev/null; true"
        if artifacts
        else "true"
    )

    def judge(output: str, _status: int) -> Verdict:
        diff = tuple(Diff(f"package {item.package}", "", item.version) for item in missing(artifacts, output))
        return Drifted(diff) if diff else Satisfied(f"{len(artifacts)} packages installed")

    return Step(
        f"{host}/packages", "Packages of the distribution", host, "host",
        Probe(script, judge),
        Change(pipes=tuple(_pipe(bundle, artifact) for artifact in artifacts), script=_INSTALL),
        weight=6.0, timeout=600.0,
    )  # fmt: skip


def missing(artifacts: Sequence[Artifact], listing: str) -> tuple[Artifact, ...]:
    """Return what is not installed; of time services none, where the host has one: it keeps its own."""
    there = installed(listing)
    settled = there | TIME_SERVICES if there & TIME_SERVICES else there
    return tuple(artifact for artifact in artifacts if artifact.package not in settled)


def installed(listing: str) -> frozenset[str]:
    """Return the names of the packages that dpkg-query's listing calls installed (status ``ii`` or held ``hi``)."""
    rows = (line.split() for line in listing.splitlines())
    return frozenset(row[0] for row in rows if len(row) >= 2 and row[1] in {"ii", "hi"})


def _pipe(bundle: Bundle, artifact: Artifact) -> Pipe:
    return Pipe(f"package {artifact.package}", bundle.blob(artifact.name), into=f"{FOLDER}/{artifact.filename}")
