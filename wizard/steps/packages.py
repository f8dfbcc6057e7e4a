"""The distribution's packages, from the bundle: the missing are installed, the others stay as the site has them.

Tools come first, for everything else is unpacked and looked at by them. What runs as a service of its own comes with
what only that needs: on most hosts it is all there is to install, and who is in a hurry can do without it for now.
"""

from __future__ import annotations

from collections.abc import Sequence

from wizard.bundle import debian
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
  # Of what lies there some may be slipway's own, written just now.
  [ ! -d "/etc/$name" ] || find "/etc/$name" ! -type d ! -name 'slipway.*' \\
    | while read -r path; do found "$name" "$path"; done
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
"""Packages for masters alone."""
SERVICES = BALANCER | {"chrony"}
"""Packages whose service is all that is wanted of them: no other step but the service's own needs them."""


def tools_step(host: str, bundle: Bundle, release: str) -> Step:
    """Return the step that installs what `host` lacks of the tools in the bundle's packages for `release`
    (``debian-12``).

    Raises `BundleError` where the bundle has none for that release.
    """
    artifacts = split(bundle, release)[0]
    return _step(f"{host}/tools", "Tools of the distribution", host, artifacts, bundle, needs=(), weight=1.0)


def packages_step(
    host: str, bundle: Bundle, release: str, *, balancer: bool = True, after_tools: bool = False
) -> Step:  # fmt: skip
    """Return the step that installs what `host` lacks of the bundle's packages, or of what comes `after_tools`.

    All at once is quicker than in two parts. Without `balancer` those for the endpoint are left out. Raises
    `BundleError` where the bundle has none for that release.
    """
    tools, others = split(bundle, release, SERVICES if balancer else SERVICES - BALANCER)
    wanted, needs = (others, (f"{host}/tools",)) if after_tools else ((*tools, *others), ())
    return _step(f"{host}/packages", "Packages of the distribution", host, wanted, bundle, needs=needs, weight=6.0)


def split(
    bundle: Bundle, release: str, services: frozenset[str] = SERVICES
) -> tuple[tuple[Artifact, ...], tuple[Artifact, ...]]:
    """Return the tools of the bundle's packages for `release`, and the `services` with what else only they need.

    Where a package doesn't tell what it needs, all but `SERVICES` themselves count as tools: too many, never too few.
    """
    artifacts = bundle.packages(release)
    debs = {item.package: debian.read(bundle.path(item)) for item in artifacts}
    known = {name: deb for name, deb in debs.items() if deb}
    tools = frozenset(debs) - SERVICES
    if len(known) == len(debs):
        asked = {item.package for item in artifacts if item.requested}
        needed = debian.closure(SERVICES, known)
        tools = debian.closure([name for name in tools if name in asked or name not in needed], known)
    wanted = debian.closure(services, known) | services
    return (
        tuple(item for item in artifacts if item.package in tools),
        tuple(item for item in artifacts if item.package in wanted - tools),
    )


def _step(
    id: str, title: str, host: str, artifacts: Sequence[Artifact], bundle: Bundle, *, needs: tuple[str, ...],
    weight: float,
) -> Step:  # fmt: skip
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
        id, title, host, "host",
        Probe(script, judge),
        Change(pipes=tuple(_pipe(bundle, artifact) for artifact in artifacts), script=_INSTALL),
        needs=needs, weight=weight, timeout=600.0,
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
