"""`slipway profile new|validate|show|schema`: write and judge the file that says what a site shall be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wizard import versions
from wizard.cli.output import JsonFlag, emit, guarded, plain, problem_list, problems_view, say, write_out
from wizard.cli.survival import survival_view
from wizard.errors import Exit, Problem, UsageError, errors_of
from wizard.hints import for_shell
from wizard.plans.extras_files import look
from wizard.profile.dump import dump
from wizard.profile.dump import plain as plain_data
from wizard.profile.extras_paths import based
from wizard.profile.load import ProfileError, load
from wizard.profile.model import EtcdTuning, Profile, Role
from wizard.profile.new import new_profile
from wizard.profile.reference import markdown
from wizard.profile.reference import schema as profile_schema
from wizard.profile.rules import rules
from wizard.profile.save import save
from wizard.profile.survival import survival

profile_app = typer.Typer(help="Write and judge a profile: what a site shall be.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The profile, a YAML file.")]


@profile_app.command()
@guarded
def new(
    file: File,
    master: Annotated[list[str] | None, typer.Option(metavar="NAME=ADDRESS", help="A master; once for each.")] = None,
    vip: Annotated[str, typer.Option(metavar="IP", help="The API's virtual address: free, in their subnet.")] = "",
    name: Annotated[str, typer.Option(help="The cluster's name. Default: the file's.", show_default=False)] = "",
    etcd: Annotated[
        list[str] | None, typer.Option(metavar="NAME=ADDRESS", help="A host for etcd alone; once for each.")
    ] = None,
    worker: Annotated[
        list[str] | None, typer.Option(metavar="NAME=ADDRESS", help="A host for ordinary Pods; once for each.")
    ] = None,
    etcd_size: Annotated[int | None, typer.Option(help="How many etcd members: 3, or 5 in production.")] = None,
    zone: Annotated[list[str] | None, typer.Option(metavar="HOST=ZONE", help="What fails together.")] = None,
    kubernetes: Annotated[str, typer.Option(metavar="VERSION", help="Default: the newest known.")] = "",
    user: Annotated[str, typer.Option(help="Login name on all hosts.")] = "",
    key: Annotated[str, typer.Option(metavar="PATH", help="Private key for all hosts.")] = "",
    ssh_port: Annotated[int | None, typer.Option(help="SSH port of all hosts.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API at the VIP. Default: 6443.")] = None,
    dns_name: Annotated[str, typer.Option(help="A name that points to the VIP.")] = "",
    interface: Annotated[str, typer.Option(help="Interface that carries the VIP.")] = "",
    vrid: Annotated[int | None, typer.Option(help="VRRP virtual router ID. Default: 51.")] = None,
    pod_cidr: Annotated[str, typer.Option(metavar="CIDR", help="Network of the Pods.")] = "",
    service_cidr: Annotated[str, typer.Option(metavar="CIDR", help="Network of the Services.")] = "",
    data_dir: Annotated[str, typer.Option(metavar="PATH", help="etcd's directory.")] = "",
    tuning: Annotated[EtcdTuning | None, typer.Option(help="etcd's timing. Default: auto.")] = None,
    time_server: Annotated[list[str] | None, typer.Option(metavar="HOST", help="An NTP server; once for each.")] = None,
    schedulable: Annotated[bool, typer.Option("--masters-schedulable", help="Ordinary Pods run on masters.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is there; it is kept as .bak.")] = False,
    json_flag: JsonFlag = False,
) -> None:
    """Write a new profile. What could not be installed is refused, and nothing is written."""
    if not master or not vip:
        raise UsageError(
            "A profile needs masters and a VIP",
            hint=f"slipway profile new {for_shell(file)} --master m1=10.20.0.11 --master m2=10.20.0.12 "
            "--master m3=10.20.0.13 --vip 10.20.0.10; or type them into the wizard: slipway",
        )
    if file.exists() and not force:
        raise UsageError("The file is there already", where=str(file), hint="Take another name, or --force.")
    settings = _filled(
        {
            "kubernetes": kubernetes,
            "ssh": {"user": user, "port": ssh_port, "key": key},
            "endpoint": {"vip": vip, "port": port, "dns_name": dns_name, "interface": interface, "vrid": vrid},
            "etcd": {"data_dir": data_dir, "tuning": tuning and str(tuning)},
            "network": {"pod_cidr": pod_cidr, "service_cidr": service_cidr},
            "masters_schedulable": schedulable or None,
            "time_servers": time_server,
        }
    )
    try:
        profile = new_profile(
            name or file.stem, master, etcd or (), etcd_size, zone or (), settings, str(file), workers=worker or ()
        )
    except ProfileError as error:
        if not name:
            error.problems = tuple(_from_file(problem) for problem in error.problems)
        raise
    saved = save(profile, file)
    problems = rules(profile)
    emit(
        {
            "result": "done",
            "path": str(file),
            "changed": saved.changed,
            "backup": str(saved.backup or ""),
            "diff": saved.diff,
            **_judgement(profile, problems),
        },
        json_flag,
        Group(
            *([Text(plain(saved.diff))] if saved.backup else []),
            Text(f"✓ {file} {'written' if saved.changed else 'is so already'}."),
            *([Text(f"  The file that was there is {saved.backup}.")] if saved.backup else []),
            _judgement_view(profile, problems),
        ),
    )


def _from_file(problem: Problem) -> Problem:
    """Return a problem of the cluster's name as whoever gave none, and whose file's name was taken, understands it."""
    if problem.field != "name":
        return problem
    message = f"The cluster's name was taken from the file's. {problem.message}"
    return replace(problem, message=message, hint="Give the cluster a name with --name, or name the file otherwise.")


@profile_app.command()
@guarded
def validate(file: File, json_flag: JsonFlag = False) -> None:
    """Judge a profile. Exit code 2 where a new install of it would be refused."""
    loaded = load(file)
    loaded = replace(loaded, problems=loaded.problems + look(based(loaded.profile, file.parent))[1])
    refused = bool(errors_of(loaded.problems))
    verdict = "✗ A new install of it would be refused." if refused else "✓ A new install of it would not be refused."
    emit(
        {
            "result": "failed" if refused else "done",
            "path": str(file),
            **_judgement(loaded.profile, loaded.problems),
        },
        json_flag,
        Group(_judgement_view(loaded.profile, loaded.problems), Text(verdict, style="bold")),
    )
    if refused:
        raise typer.Exit(int(Exit.USAGE))


@profile_app.command()
@guarded
def show(file: File, json_flag: JsonFlag = False) -> None:
    """Show a profile with every default filled in (on stdout), its hosts, and what the site survives."""
    loaded = load(file)
    profile = loaded.profile
    if not profile.kubernetes:
        profile = profile.model_copy(update={"kubernetes": versions.default()})
    if not json_flag:
        write_out(dump(profile))
        say(_hosts_view(profile), _judgement_view(profile, loaded.problems))
        return
    emit(
        {
            "result": "done",
            "path": str(file),
            "profile": plain_data(profile),
            "hosts": [
                {
                    "name": host.name,
                    "roles": [str(role) for role in host.roles],
                    "zone": host.zone,
                    "ssh": host.address,
                    "node_ip": host.ip,
                    "etcd_ip": host.peer_ip if Role.ETCD in host.roles else "",
                }
                for host in profile.hosts
            ],
            **_judgement(profile, loaded.problems),
        },
        True,
    )


@profile_app.command()
@guarded
def schema(json_flag: JsonFlag = False) -> None:
    """Print the JSON schema of a profile, for editors."""
    write_out(json.dumps(profile_schema(), indent=2, ensure_ascii=False))


@profile_app.command(hidden=True)
@guarded
def reference() -> None:
    """Print docs/profile.md."""
    write_out(markdown())


def _filled(data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` without what was not said; groups that end up empty go too."""
    pruned = {key: _filled(value) if isinstance(value, dict) else value for key, value in data.items()}
    return {key: value for key, value in pruned.items() if value not in (None, "", {}, [])}


def _judgement(profile: Profile, problems: tuple[Problem, ...]) -> dict[str, Any]:
    """Return what is said of every profile: its cluster, its problems, what it survives."""
    return {
        "cluster": profile.name,
        "problems": problem_list(problems),
        "survival": survival(profile).as_dict(),
    }


def _judgement_view(profile: Profile, problems: tuple[Problem, ...]) -> RenderableType:
    return Group(*([problems_view(problems)] if problems else []), survival_view(profile))


def _hosts_view(profile: Profile) -> RenderableType:
    """Return the topology: a line a host."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("host", "roles", "zone", "SSH", "node IP", "etcd IP"):
        table.add_column(title, overflow="fold")
    for host in profile.hosts:
        roles = ", ".join(host.roles)
        member = host.peer_ip if Role.ETCD in host.roles else "-"
        cells = (host.name, roles, host.zone or "-", host.address, host.ip, member)
        table.add_row(*(Text(plain(cell)) for cell in cells))
    return table
