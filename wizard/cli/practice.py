"""`slipway practice`: a datacenter of real systemd hosts on this one machine."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wizard import practice
from wizard.cli.output import JsonFlag, emit, guarded, say
from wizard.errors import SlipwayError, UsageError

practice_app = typer.Typer(
    no_args_is_help=True, help="Practice hosts on this machine: real systemd and sshd, in a network of their own."
)

Name = Annotated[str, typer.Option("--name", "-n", help="Name of the datacenter.")]
HostName = Annotated[str, typer.Argument(metavar="HOST", help="Name of the host, such as m1.")]

HALF_MADE = "{name} is half-made: make it anew with `slipway practice up --name {name}`, or end it with `down`"


def progress(where: str, text: str) -> None:
    """Tell the person one line of what is going on."""
    say(f"{where}: {text}" if where else text)


@practice_app.command()
@guarded
def up(
    name: Name = "lab",
    masters: Annotated[int, typer.Option(help="Hosts m1, m2, …: control plane and etcd.")] = 3,
    workers: Annotated[int, typer.Option(help="Hosts w1, w2, …: ordinary Pods.")] = 0,
    etcd: Annotated[int, typer.Option(help="Hosts e1, e2, …: etcd and nothing else.")] = 0,
    profile: Annotated[Path | None, typer.Option(help="Write a ready profile for the datacenter to this file.")] = None,
    user: Annotated[str, typer.Option(help="Who logs in: root, or a user with sudo and a password.")] = "root",
    json_flag: JsonFlag = False,
) -> None:
    """Make a datacenter, or switch on the hosts of one that is there, and wait until SSH answers on all."""
    start = time.monotonic()
    made = practice.up(practice.Spec(name, masters, workers, etcd, user), progress)
    if profile is not None:
        practice.write_profile(made, profile)
    result = {"result": "done", **describe(made), "seconds": round(time.monotonic() - start, 1), "problems": []}
    if profile is not None:
        result["profile"] = str(profile.resolve())
    emit(result, json_flag, overview(made))
    if profile is not None:
        say(f"profile: {profile}")


@practice_app.command()
@guarded
def down(
    name: Name = "lab",
    everything: Annotated[bool, typer.Option("--all", help="End all datacenters.")] = False,
    json_flag: JsonFlag = False,
) -> None:
    """End a datacenter: its hosts, disks, network and state; put this machine's settings back."""
    ended = practice.names() if everything else [name]
    for each in ended:
        practice.down(each, progress)
    if everything:
        practice.sweep_lost(progress)
    say("nothing is left" if ended else "there was none")
    emit({"result": "done", "ended": ended, "problems": []}, json_flag)


@practice_app.command()
@guarded
def status(
    name: Annotated[str | None, typer.Option("--name", "-n", help="Only this datacenter.")] = None,
    json_flag: JsonFlag = False,
) -> None:
    """Show the datacenters: hosts, addresses, whether they have power."""
    found: list[dict[str, Any]] = []
    views: list[Group | str] = []
    for each in [name] if name else practice.names():
        try:
            loaded = practice.load(each)
        except UsageError:
            raise
        except SlipwayError as broken:
            found.append({"name": each, "ready": False, "hosts": [], "why": str(broken)})
            views.append(HALF_MADE.format(name=each))
            continue
        found.append(describe(loaded))
        views.append(overview(loaded))
        if not loaded.ready:
            views.append(HALF_MADE.format(name=each))
    if not found:
        say("there is no practice datacenter; make one with: slipway practice up")
    emit({"result": "done", "datacenters": found, "problems": []}, json_flag)
    if not json_flag:
        say(*views)


@practice_app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@guarded
def shell(
    context: typer.Context,
    host: HostName,
    name: Name = "lab",
    console: Annotated[
        bool, typer.Option("--console", help="Not by SSH but straight in, as on the host's own screen.")
    ] = False,
) -> None:
    """Log in to a host; words after HOST are run there instead of a shell."""
    datacenter = practice.load(name)
    target = datacenter.host(host)
    if console:
        words = practice.inside(target, *(context.args or ["bash", "-l"]))
    else:
        if not target.running:
            raise SlipwayError("the host is off", where=host, hint=f"slipway practice power-on {host} --name {name}")
        words = [*practice.ssh_command(datacenter, target), *context.args]
    if shutil.which(words[0]) is None:
        raise UsageError(f"{words[0]} is not installed", hint="apt-get install openssh-client")
    raise typer.Exit(subprocess.run(words, check=False).returncode)


@practice_app.command("power-off")
@guarded
def power_off(host: HostName, name: Name = "lab", json_flag: JsonFlag = False) -> None:
    """Pull a host's plug: the link goes down, every process dies at once, the disk stays."""
    target = practice.load(name).host(host)
    practice.power_off(target, progress)
    emit({"result": "done", "name": name, "host": describe_host(target), "problems": []}, json_flag)


@practice_app.command("power-on")
@guarded
def power_on(host: HostName, name: Name = "lab", json_flag: JsonFlag = False) -> None:
    """Give a host power again and wait until SSH answers."""
    target = practice.load(name).host(host)
    practice.power_on(target, progress)
    emit({"result": "done", "name": name, "host": describe_host(target), "problems": []}, json_flag)


def describe(datacenter: practice.Datacenter) -> dict[str, Any]:
    """Return the datacenter as plain data for ``--json``. The password is one of practice hosts alone."""
    spec = datacenter.spec
    return {
        "name": datacenter.name,
        "ready": datacenter.ready,
        "subnet": datacenter.subnet,
        "gateway": datacenter.gateway,
        "vip": datacenter.vip,
        "user": spec.user,
        **({"password": spec.password} if spec.password else {}),
        "key": str(datacenter.key),
        "known_hosts": str(datacenter.known_hosts),
        "hosts": [describe_host(each) for each in datacenter.hosts],
    }


def describe_host(host: practice.Host) -> dict[str, Any]:
    """Return a host as plain data for ``--json``; `pid` is that of its PID 1 as this machine counts."""
    pid = host.pid
    return {
        "name": host.name,
        "address": host.address,
        "roles": list(host.roles),
        "running": pid is not None,
        "pid": pid,
        "netns": host.netns,
        "fingerprint": host.fingerprint,
    }


def overview(datacenter: practice.Datacenter) -> Group:
    """Return the datacenter as a table for people."""
    table = Table(title=f"{datacenter.name}  {datacenter.subnet}", title_justify="left", box=None)
    for heading in ("host", "address", "roles", "power", "pid"):
        table.add_column(heading)
    for host in datacenter.hosts:
        pid = host.pid
        table.add_row(host.name, host.address, " ".join(host.roles), "on" if pid else "off", str(pid or ""))
    # The key's path on a line of its own: nothing may break a path that people copy.
    return Group(table, Text(f"  login {datacenter.spec.user}, key {datacenter.key}", overflow="ignore", no_wrap=True))
