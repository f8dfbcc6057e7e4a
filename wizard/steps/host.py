"""Host settings: kernel modules and parameters, users, temporary folders, swap."""

from __future__ import annotations

from wizard.engine.files import file_probe_fragment, judge_files
from wizard.engine.step import Change, Diff, Drifted, File, Probe, Satisfied, Step, Verdict
from wizard.profile.model import Host
from wizard.render import api as render
from wizard.render.site import Site
from wizard.steps.kit import STAMPS, digest_of, files_of

_CUT = "--slipway-cut--"
_APPLIED = f"{STAMPS}/settings"

_APPLY = (
    ("sysusers.d", "systemd-sysusers {path}"),
    # A module may be built into the kernel, or a practice host may not load any: what needs it says so itself.
    ("modules-load.d", "grep -v '^#' {path} | while read -r module; do modprobe $module 2>/dev/null || true; done"),
    # -e: a parameter whose module this kernel lacks is no failure here.
    ("sysctl.d", "sysctl -q -e -p {path} || true"),
    ("tmpfiles.d", "systemd-tmpfiles --create {path}"),
    ("sources.d", "systemctl try-restart chrony.service || true"),
    ("timesyncd.conf.d", "systemctl try-restart systemd-timesyncd.service || true"),
)
"""Folder and command, in this order: temporary files may belong to the users."""


def settings_step(site: Site, host: Host, *, needs: tuple[str, ...] = ()) -> Step:
    """Return the step that holds a host's settings, in their files and in the running kernel."""
    files = files_of(render.system(site, host))
    parameters = sysctls(files)
    reads = "\n".join(f"echo {key}=$(cat /proc/sys/{key.replace('.', '/')} 2>/dev/null)" for key in parameters)
    script = f"{file_probe_fragment(files)}\necho {_CUT}\n{reads}\n"

    def judge(output: str, _status: int) -> Verdict:
        listing, _, values = output.partition(_CUT)
        seen = dict(line.split("=", 1) for line in values.splitlines() if "=" in line)
        diff = judge_files(listing, files) + tuple(
            Diff(f"sysctl {key}", seen[key], want)
            for key, want in parameters.items()
            # An empty value is a parameter this kernel doesn't have; its module may come later.
            if seen.get(key) and " ".join(seen[key].split()) != want
        )
        if seen.get("applied") != digest:
            diff += (Diff("settings applied", seen.get("applied", "") or "none", digest),)
        return Drifted(diff) if diff else Satisfied("kernel parameters as wanted")

    apply = "\n".join(
        command.format(path=file.path) for folder, command in _APPLY for file in files if f"/{folder}/" in file.path
    )
    digest = digest_of(files)
    script += f"echo applied=$(cat {_APPLIED} 2>/dev/null)\n"
    apply += f"\nmkdir -p {STAMPS}\necho {digest} > {_APPLIED}\n"
    return Step(
        f"{host.name}/settings", "Kernel modules and parameters", host.name, "host",
        Probe(script, judge), Change(files=files, script=apply, ours=(_APPLIED,)), needs=needs, weight=0.5,
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


_SWAP_OFF = """
swapoff -a
if grep -Eq '^[^#].*[[:space:]]swap[[:space:]]' /etc/fstab 2>/dev/null; then
  mkdir -p /var/lib/slipway/before/etc
  [ -e /var/lib/slipway/before/etc/fstab ] || cp -p /etc/fstab /var/lib/slipway/before/etc/fstab
  sed -i -E '/^[^#].*[[:space:]]swap[[:space:]]/s/^/# turned off by slipway: /' /etc/fstab
fi
systemctl list-units --type=swap --plain --no-legend | awk '{print $1}' | xargs -r systemctl mask -q
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
