"""pyinfra's deploy of the same work (https://docs.pyinfra.com)."""

import io
import json
import os

from pyinfra import host
from pyinfra.facts import hardware, server
from pyinfra.operations import files
from pyinfra.operations import server as commands

order = json.loads(os.environ["BENCH_ORDER"])
FACTS = (
    *(server.LinuxDistribution, server.Kernel, server.KernelVersion, server.Arch, server.Hostname, server.Date),
    *(server.Mounts, server.KernelModules, hardware.Cpus, hardware.Memory, hardware.BlockDevices),
    *(hardware.NetworkDevices, hardware.Ipv4Addrs),
)
for fact in FACTS:
    host.get_fact(fact)
for path in order["folders"]:
    files.directory(path=path)
for number, path in enumerate(order["templates"]):
    name = host.name
    files.template(
        src=io.StringIO(order["template"]), dest=path, mode="640",
        host=order["names"][name], address=name, number=number, peers=list(order["names"]),
    )  # fmt: skip
for command in order["commands"]:
    commands.shell(commands=[command])
