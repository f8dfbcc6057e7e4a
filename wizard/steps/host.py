"""Host settings: kernel modules and parameters, users, temporary folders, swap."""

from __future__ import annotations

from collections.abc import Iterable

from wizard.engine.files import file_probe_fragment, judge_files
from wizard.engine.marker import FOUND
from wizard.engine.step import Change, Diff, Drifted, File, Probe, Satisfied, Step, Verdict
from wizard.profile.model import Host
from wizard.render import api as render
from wizard.render.site import Site
from wizard.render.system import site_sysctls
from wizard.steps.kept import look_for, stale, still_there
from wizard.steps.kit import STAMPS, digest_of, files_of

_CUT = "--slipway-cut--"
_APPLIED = f"{STAMPS}/settings"

_APPLY = (
    ("sysusers.d", "{users}\nsystemd-sysusers {path}"),
    # A module may be built into the kernel, or a practice host may not load any: what needs it says so itself.
    ("modules-load.d", "grep -v '^#' {path} | while read -r module; do modprobe $module 2>/dev/null || true; done"),
    # -e: a parameter whose module this kernel lacks is no failure here.
    ("sysctl.d", "{note}\nsysctl -q -e -p {path} || true"),
    ("tmpfiles.d", "systemd-tmpfiles --create {path}"),
    ("sources.d", "systemctl try-restart chrony.service || true"),
    ("timesyncd.conf.d", "systemctl try-restart systemd-timesyncd.service || true"),
)
"""Folder and command, in this order: temporary files may belong to the users."""

_ALTERED = (
    *("vm.overcommit_memory", "kernel.panic", "kernel.panic_on_oops"),
    *("kernel.keys.root_maxkeys", "kernel.keys.root_maxbytes", "net.ipv4.conf.all.route_localnet"),
    *("net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_tcp_timeout_established"),
    "net.netfilter.nf_conntrack_tcp_timeout_close_wait",
)
"""Kernel parameters that the kubelet and kube-proxy set by themselves."""


_NOTE_USERS = f"""mkdir -p {FOUND}
awk '$1 == "u" {{print $2}}' /etc/sysusers.d/slipway.conf | while read -r user; do
  getent passwd $user >/dev/null || echo $user >> {FOUND}/users
done"""


def note_sysctls(keys: Iterable[str]) -> str:
    """Return the shell lines that note the values that kernel parameters have, each once, for a reset."""
    return f"""mkdir -p {FOUND}; : >> {FOUND}/sysctl
for key in {" ".join(keys)}; do
  file=/proc/sys/$(echo $key | tr . /)
  grep -q "^$key=" {FOUND}/sysctl || [ ! -r $file ] || echo "$key=$(cat $file)" >> {FOUND}/sysctl
done"""


def forget_sysctls(keys: Iterable[str]) -> str:
    """Return the shell lines that give parameters which were noted once, and aren't among `keys`, their values back."""
    return f"""kept=" {" ".join(keys)} "
while IFS='=' read -r key value; do
  case "$kept" in *" $key "*) continue;; esac
  file=/proc/sys/$(echo $key | tr . /)
  [ ! -w $file ] || printf '%s\\n' "$value" > $file || echo "$key could not be put back to $value"
  sed -i "/^$key=/d" {FOUND}/sysctl
done <<SLIPWAY_FOUND
$(cat {FOUND}/sysctl 2>/dev/null)
SLIPWAY_FOUND"""


def settings_step(site: Site, host: Host, *, needs: tuple[str, ...] = ()) -> Step:
    """Return the step that holds a host's settings, in their files and in the running kernel."""
    files = files_of(render.system(site, host))
    gone = stale(site, host, f"{host.name}/settings", files)
    parameters = sysctls(files)
    own = site_sysctls(site, host)
    paths = {f"/proc/sys/{key.replace('.', '/')}": key for key in parameters}
    # One program for all of them. (The shell's own `read` gets the first byte alone: the kernel gives no second part.)
    reads = f"grep -sH '' {' '.join(paths)}"
    script = f"{file_probe_fragment(files)}\necho {_CUT}\n{reads}\n{look_for(gone)}\n"

    def judge(output: str, _status: int) -> Verdict:
        listing, _, values = output.partition(_CUT)
        rows = [line.partition(":") for line in values.splitlines()]
        seen = {paths[path]: value for path, _, value in rows if path in paths}
        applied = next(
            (line.removeprefix("applied=") for line in values.splitlines() if line.startswith("applied=")), ""
        )
        diff = judge_files(listing, files) + tuple(
            Diff(f"sysctl {key}", seen[key], want)
            for key, want in parameters.items()
            # An empty value is a parameter this kernel doesn't have; its module may come later.
            if seen.get(key) and " ".join(seen[key].split()) != want
        )
        diff += tuple(Diff(f"sysctl {key}", "not in this kernel", own[key]) for key in own if not seen.get(key))
        diff += still_there(values, gone)
        if applied != digest:
            diff += (Diff("settings applied", applied or "none", digest),)
        return Drifted(diff) if diff else Satisfied("kernel parameters as wanted")

    facts = site.facts_of(host)
    shared = facts is not None and facts.system.container
    # In a container what is not the network's is another machine's. Noted once the modules are there.
    keys = [key for key in (*parameters, *_ALTERED) if key.startswith("net.") or not shared]
    note = f"{note_sysctls(keys)}\n{forget_sysctls(keys)}"
    apply = "\n".join(
        command.format(path=path, note=note, users=_NOTE_USERS)
        for folder, command in _APPLY
        for path in (*(file.path for file in files), *gone)
        if f"/{folder}/" in path
    )
    digest = digest_of(files)
    script += f"v=; [ ! -r {_APPLIED} ] || read -r v < {_APPLIED}; echo applied=$v\n"
    apply += f"\nmkdir -p {STAMPS}\necho {digest} > {_APPLIED}\n"
    return Step(
        f"{host.name}/settings", "Kernel modules and parameters", host.name, "host",
        Probe(script, judge), Change(files=files, script=apply, ours=(_APPLIED,), absent=gone), needs=needs, weight=0.5,
    )  # fmt: skip


def sysctls(files: tuple[File, ...]) -> dict[str, str]:
    """Return parameter → value of all sysctl.d(5) files among `files`; lines that may fail (``-key``) count too."""
    found = {}
    for file in files:
        if "/sysctl.d/" not in file.path or not isinstance(file.content, bytes):
            continue
        for line in file.content.decode().splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.lstrip().startswith(("#", ";")):
                found[key.strip().removeprefix("-")] = " ".join(value.split())
    return found


TURNED_OFF = "# turned off by slipway: "
"""What stands in /etc/fstab before a line of swap."""
_SWAP_OFF = f"""
mkdir -p {FOUND}
[ -e {FOUND}/swap ] || awk 'NR > 1 {{print $1}}' /proc/swaps > {FOUND}/swap
swapoff -a
if grep -Eq '^[^#].*[[:space:]]swap[[:space:]]' /etc/fstab 2>/dev/null; then
  mkdir -p /var/lib/slipway/before/etc
  [ -e /var/lib/slipway/before/etc/fstab ] || cp -p /etc/fstab /var/lib/slipway/before/etc/fstab
  sed -i -E '/^[^#].*[[:space:]]swap[[:space:]]/s/^/{TURNED_OFF}/' /etc/fstab
fi
systemctl list-units --type=swap --plain --no-legend | awk '{{print $1}}' | tee -a {FOUND}/masked \\
  | xargs -r systemctl mask -q
"""


def swap_step(host: Host, *, needs: tuple[str, ...] = ()) -> Step:
    """Return the step that turns swap off, now and at boot: a kubelet doesn't start with swap on by default."""

    def judge(output: str, _status: int) -> Verdict:
        devices = [line.split()[0] for line in output.splitlines()[1:] if line.split()]
        return (
            Drifted(tuple(Diff(f"swap {name}", "on", "off") for name in devices)) if devices else Satisfied("no swap")
        )

    return Step(
        f"{host.name}/swap", "Swap off", host.name, "host",
        Probe("cat /proc/swaps", judge), Change(script=_SWAP_OFF), needs=needs, weight=0.2,
    )  # fmt: skip
