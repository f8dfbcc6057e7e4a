"""What the components' steps are made of: a service with its files, objects in the API, waiting on the host.

A step here looks with one shell fragment and changes with one script. Waiting for something to become ready happens on
the host itself, in the change's own round trip, so that it costs no polling over SSH.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from wizard.engine.files import file_probe, file_probe_fragment, judge_files, sha256_of
from wizard.engine.marker import FOLDERS, FOUND
from wizard.engine.step import Change, Diff, Drifted, File, Probe, Satisfied, Step, Verdict
from wizard.render.files import RenderedFile

STAMPS = "/var/lib/slipway/units"
"""What each unit was last started with: a digest a unit, so that a run killed between writing a file and restarting
its unit is noticed by the next one."""

_CUT = "--slipway-cut--"


def files_of(rendered: Sequence[RenderedFile]) -> tuple[File, ...]:
    """Return rendered files as files of a change."""
    return tuple(
        File(item.path, item.content, mode=item.mode, owner=item.owner, secret=item.secret) for item in rendered
    )


def digest_of(files: Sequence[File]) -> str:
    """Return a digest of what a unit runs with: its files' paths, modes and content."""
    total = hashlib.sha256()
    for file in sorted(files, key=lambda item: item.path):
        total.update(f"{file.path} {file.mode:o} {sha256_of(file)}\n".encode())
    return total.hexdigest()[:32]


def files_step(
    id: str, title: str, host: str, phase: str, files: Sequence[File], *, script: str = "", needs: tuple[str, ...] = (),
    weight: float = 1.0, timeout: float = 300.0, ours: tuple[str, ...] = (), absent: tuple[str, ...] = (),
) -> Step:  # fmt: skip
    """Return a step that holds `files` on a host and runs `script` after any of them was written."""
    change = Change(files=tuple(files), script=script, ours=ours, absent=absent)
    return Step(id, title, host, phase, file_probe(files), change, needs=needs, weight=weight, timeout=timeout)


def wait_on_host(
    test: str, seconds: float, what: str, evidence: str = "true", pause: float = 0.2, hopeless: str = "false"
) -> str:
    """Return shell lines that wait until `test` succeeds, for `seconds`; then fail, saying `what` and some evidence.

    They fail where `hopeless` succeeds, which says why itself, on stderr; it is asked every two seconds.

    The seconds are the host's clock since boot (proc_uptime(5)), not rounds: a test may take long on a busy host.
    """
    return f"""
read -r now rest </proc/uptime; now=${{now%.*}}; end=$((now+{max(1, round(seconds))})); doubt=$((now+2))
until {test}; do
  read -r now rest </proc/uptime; now=${{now%.*}}
  if [ "$now" -ge "$doubt" ]; then
    if {hopeless}; then exit 1; fi
    doubt=$((now+2))
  fi
  if [ "$now" -ge "$end" ]; then
    echo {shlex.quote(f"{what} within {seconds:.0f} s")} >&2
    {{ {evidence}; }} >&2 2>&1 || true
    exit 1
  fi
  sleep {pause}
done
"""


def listening(port: int) -> str:
    """Return a shell test that something on the host listens on an IPv4 TCP port (proc_net_tcp.html of the kernel).

    It costs a tenth of asking there by TLS: for those who wait for what takes seconds to come up.
    """
    return f"grep -q ':{port:04X} 00000000:0000 0A' /proc/net/tcp"


@dataclass(frozen=True, slots=True)
class Service:
    """A systemd unit and what it needs to be right.

    `reload` is run instead of a restart when the unit already runs. `ready` is a shell test that succeeds when the
    service does its work, asked each `pause` seconds; `ready_seconds` how long it may take. `quiet` names files whose
    change asks for no restart: the service reads them by itself, or only at its first start. `before_start` is run
    before any start; `no_block` doesn't wait for systemd's word that the unit is up, because `ready` does. `state` are
    the paths that the service makes for itself: the marker notes what was there before, for a reset takes them away.
    """

    unit: str
    files: tuple[File, ...]
    ready: str = "true"
    ready_seconds: float = 60.0
    pause: float = 0.2
    reload: str = ""
    before_start: str = ""
    no_block: bool = False
    quiet: frozenset[str] = frozenset()
    state: tuple[str, ...] = ()


def note_folders(paths: Sequence[str]) -> str:
    """Return the shell line that notes which of the folders `paths`, and of those above them, are not there yet."""
    return (
        f"for d in {' '.join(shlex.quote(path) for path in paths)}; do "
        f'until [ -d "$d" ] || [ -z "$d" ]; do echo "$d"; d=${{d%/*}}; done; done >> {FOLDERS}'
    )


def service_script(service: Service, digest: str) -> str:
    """Return the script that brings a service to its wanted state after its files are in place."""
    unit = shlex.quote(service.unit)
    stamp = shlex.quote(f"{STAMPS}/{service.unit}")
    found = shlex.quote(f"{FOUND}/units/{service.unit}")
    block = "--no-block" if service.no_block else ""
    restart = f"systemctl restart {block} {unit}"
    again = (
        f"if systemctl is-active -q {unit}; then {service.reload}; else {restart}; fi" if service.reload else restart
    )
    quiet = "|".join(sorted(service.quiet)) or "''"
    return f"""
[ -d {STAMPS} ] && [ -d {FOUND}/units ] || mkdir -p {STAMPS} {FOUND}/units
# One question: each costs systemd and the host as much as a small program.
line='
'
state="$line$(systemctl show -p LoadState -p ActiveState -p UnitFileState -p NeedDaemonReload {unit})$line"
of() {{ v=; case "$state" in *"$line$1="*) v="${{state#*"$line$1="}}"; v="${{v%%"$line"*}}";; esac; }}
of LoadState; load=$v; of ActiveState; active=$v; of UnitFileState; boot=$v; of NeedDaemonReload; reload=$v
[ -e {found} ] || echo "$boot $active" > {found}
restart=no
for path in $CHANGED; do case "$path" in {quiet}) ;; *) restart=yes ;; esac; done
# A unit that systemd hasn't read yet needs no reload, and a unit is enabled without one. It overlooks new drop-ins.
case "$CHANGED" in *.service.d/*) reload=yes;; esac
[ "$load" = loaded ] && [ "$reload" != yes ] || systemctl daemon-reload
[ "$boot" = enabled ] || systemctl --no-reload enable -q {unit}
{service.before_start}
stamp=; [ ! -e {stamp} ] || read -r stamp < {stamp} || :
if [ "$stamp" != {digest} ] || [ $restart = yes ]; then
  [ "$active" != failed ] || systemctl reset-failed {unit} 2>/dev/null || true
  {again}
else
  systemctl is-active -q {unit} || systemctl start {block} {unit}
fi
{wait_on_host(f"{{ {service.ready}; }} && systemctl is-active -q {unit}", service.ready_seconds, f"{service.unit} did not become ready", f"systemctl status --no-pager -l -n 15 {unit}", service.pause)}
echo {digest} > {stamp}
"""  # noqa: E501


def service_probe(service: Service, digest: str) -> Probe:
    """Return the probe of a service: its files, its unit's state, what it was started with, whether it is ready."""
    unit = shlex.quote(service.unit)
    script = f"""
{file_probe_fragment(service.files)}
echo {_CUT}
state=$(systemctl show -p ActiveState -p UnitFileState {unit} 2>/dev/null)
echo "$state"
stamp=; [ ! -e {STAMPS}/{unit} ] || read -r stamp < {STAMPS}/{unit}; echo "stamp=$stamp"
case "$state" in *ActiveState=active*) {{ {service.ready}; }} >/dev/null 2>&1;; *) false;; esac \
  && echo ready=yes || echo ready=no
"""

    def judge(output: str, _status: int) -> Verdict:
        listing, _, state = output.partition(_CUT)
        seen = dict(line.split("=", 1) for line in state.splitlines() if "=" in line)
        diff = list(judge_files(listing, service.files))
        wanted = {"ActiveState": "active", "UnitFileState": "enabled", "stamp": digest, "ready": "yes"}
        for key, want in wanted.items():
            if seen.get(key) != want:
                words = _WORDS[key]
                diff.append(Diff(f"{service.unit} {words}", seen.get(key, "") or "none", want))
        return Drifted(tuple(diff)) if diff else Satisfied(f"{service.unit} runs as wanted")

    return Probe(script, judge)


_WORDS = {"ActiveState": "state", "UnitFileState": "at boot", "stamp": "started with", "ready": "ready"}


def service_step(
    id: str, title: str, host: str, phase: str, service: Service, *, needs: tuple[str, ...] = (),
    touches: frozenset[str] = frozenset(), weight: float = 1.0,
) -> Step:  # fmt: skip
    """Return the step that keeps `service` as wanted on `host`."""
    digest = digest_of([file for file in service.files if file.path not in service.quiet])
    return Step(
        id, title, host, phase,
        service_probe(service, digest),
        Change(
            files=service.files,
            script=service_script(service, digest),
            ours=(f"{STAMPS}/{service.unit}", *service.state),
        ),
        needs=needs, touches=touches, weight=weight, timeout=service.ready_seconds + 60, settle=15.0,
    )  # fmt: skip
