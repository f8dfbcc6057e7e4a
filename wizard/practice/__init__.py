"""A practice datacenter: real systemd hosts, each in namespaces of its own, on this one machine.

`up`, `down`, `power_off` and `power_on` do what the command line does; all of them take a `Progress`.
"""

from wizard.practice.datacenter import down, load, power_off, power_on, sweep_lost, up
from wizard.practice.host import Host, cut, execute, inside
from wizard.practice.layout import Spec
from wizard.practice.rehearse import Namespace, isolated_namespace, profile_of, small_disk, ssh_command, write_profile
from wizard.practice.shell import Progress, requirements
from wizard.practice.store import Datacenter, names

__all__ = [
    "Datacenter",
    "Host",
    "Namespace",
    "Progress",
    "Spec",
    "cut",
    "down",
    "execute",
    "inside",
    "isolated_namespace",
    "load",
    "names",
    "power_off",
    "power_on",
    "profile_of",
    "requirements",
    "small_disk",
    "ssh_command",
    "sweep_lost",
    "up",
    "write_profile",
]
