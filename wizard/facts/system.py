"""Operating system, kernel, PID 1, identity and confinement of a host."""

from __future__ import annotations

import re

from wizard.facts.model import System
from wizard.facts.text import by_file, first, parts

SCRIPT = r"""
part system/files
grep -sH '' /etc/os-release /usr/lib/os-release /etc/machine-id /proc/1/comm /run/systemd/container \
  /proc/sys/kernel/hostname /proc/sys/kernel/osrelease /proc/sys/kernel/random/boot_id \
  /sys/fs/selinux/enforce /sys/module/apparmor/parameters/enabled \
  /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name /sys/class/dmi/id/product_uuid
grep -sH -m 1 '^CapBnd:' /proc/1/status
grep -sHiE '^(export )?[a-z]+_proxy=' /etc/environment /etc/profile.d/proxy.sh /etc/systemd/system.conf.d/*proxy*.conf
part system/machine
uname -m
part system/container
[ -s /run/systemd/container ] || systemd-detect-virt --container
part system/hypervisor
grep -sm 1 -o '^flags.* hypervisor' /proc/cpuinfo | grep -o hypervisor
part system/cgroup
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo 2; elif [ -d /sys/fs/cgroup ]; then echo 1; fi
"""

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386", "riscv64": "riscv64"}
"""uname's machine → Go's name (https://go.dev/doc/install/source#environment); others stay as they are."""

CAP_SYS_RESOURCE = 24
"""Number of the capability in a capability mask (linux/capability.h)."""

_ASSIGNMENT = re.compile(r"^(?:export\s+)?([A-Za-z_]+)=(.*)$")
_LOGIN = re.compile(r"//\S*@")


def parse(text: str) -> System:
    """Return what the host is; a fact that isn't in `text` stays empty."""
    part = parts(text)
    files = by_file(part.get("system/files", ""))
    release = _assignments(files.get("/etc/os-release") or files.get("/usr/lib/os-release") or [])
    machine = part.get("system/machine", "").strip()
    container = (first(files, "/run/systemd/container") or part.get("system/container", "").strip()).lower()
    product = f"{first(files, '/sys/class/dmi/id/sys_vendor')} {first(files, '/sys/class/dmi/id/product_name')}"
    cgroup = part.get("system/cgroup", "").strip()
    return System(
        hostname=first(files, "/proc/sys/kernel/hostname"),
        os_id=release.get("ID", "").lower(),
        os_version=release.get("VERSION_ID", ""),
        os_name=release.get("PRETTY_NAME", "") or release.get("NAME", ""),
        kernel=first(files, "/proc/sys/kernel/osrelease"),
        architecture=ARCHITECTURES.get(machine, machine),
        init=first(files, "/proc/1/comm"),
        machine_id=first(files, "/etc/machine-id"),
        boot_id=first(files, "/proc/sys/kernel/random/boot_id"),
        container="" if container == "none" else container,
        cgroup_version=int(cgroup) if cgroup in ("1", "2") else 0,
        lacks_sys_resource=_lacks(first(files, "/proc/1/status"), CAP_SYS_RESOURCE),
        selinux={"1": "enforcing", "0": "permissive"}.get(first(files, "/sys/fs/selinux/enforce"), ""),
        apparmor=first(files, "/sys/module/apparmor/parameters/enabled") == "Y",
        hypervisor=bool(part.get("system/hypervisor", "").strip()),
        product=product.strip(),
        product_uuid=first(files, "/sys/class/dmi/id/product_uuid").lower(),
        proxy=_proxies(files),
    )


def _assignments(lines: list[str]) -> dict[str, str]:
    """Return the variables of os-release(5), unquoted."""
    found = {}
    for line in lines:
        name, equals, value = line.strip().partition("=")
        if equals:
            found[name] = value.strip().strip("\"'")
    return found


def _lacks(status_line: str, capability: int) -> bool:
    """Tell whether the bounding set in a ``CapBnd:`` line lacks `capability`: a service can never get it back."""
    _, _, mask = status_line.partition(":")
    try:
        return not int(mask.strip(), 16) >> capability & 1
    except ValueError:
        return False


def _proxies(files: dict[str, list[str]]) -> tuple[str, ...]:
    """Return the proxy variables of the files that set them, each name once, with logins masked."""
    found: dict[str, str] = {}
    for path, lines in files.items():
        if "proxy" not in path and path != "/etc/environment":
            continue
        for line in lines:
            match = _ASSIGNMENT.match(line.strip())
            if match and match[1].lower().endswith("_proxy") and match[2].strip("\"'"):
                found.setdefault(match[1].lower(), _LOGIN.sub("//•••@", match[2].strip("\"'")))
    return tuple(f"{name}={value}" for name, value in sorted(found.items()))
