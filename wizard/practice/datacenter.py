"""A practice datacenter as a whole: up, down, and the power of its hosts."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from wizard.errors import SlipwayError, UsageError
from wizard.practice import base as base_system
from wizard.practice import cgroups, host, machine, network, store
from wizard.practice.host import Host
from wizard.practice.keys import KeyPair, new_key
from wizard.practice.layout import SUBNETS, Spec, demand_sound, seats
from wizard.practice.locks import locked
from wizard.practice.shell import Progress, demand_machine, demand_root, silent
from wizard.practice.store import Datacenter, write_private

AT_ONCE = 8
"""Hosts started at a time; more only make each other slow."""


def up(spec: Spec, progress: Progress = silent) -> Datacenter:
    """Make the datacenter `spec` asks for and return it when sshd answers on every host.

    One that is there already gets its hosts switched on; one that is half-made, because its `up` was killed, is
    cleared away and made anew. Raises `UsageError` when it is there in another shape, `SlipwayError` when it fails;
    what it had made by then is cleared away.
    """
    demand_sound(spec)
    demand_machine()
    folder = store.folder_of(spec.name)
    with _locked(spec.name):
        sweep_lost(progress)
        if folder.is_dir():
            if (there := _made(spec.name)) is not None:
                return _again(there, spec, progress)
            progress("", "clearing what an interrupted run left …")
            _clear(folder)
        base = base_system.ensure(progress)
        _demand_disk(folder)
        try:
            return _make(spec, folder, base, progress)
        except BaseException as failure:  # Ctrl-C as well
            progress("", "it did not come to its end; clearing away what was made …")
            _clear(folder, keep_logs=isinstance(failure, SlipwayError))
            raise


def down(name: str, progress: Progress = silent) -> None:
    """End the datacenter: its hosts, network, disks and state. The last one puts the kernel's settings back.

    Works on a half-made one too. Raises `UsageError` when there is none of that name.
    """
    folder = store.folder_of(name)
    demand_root()
    with _locked(name):
        lost = not folder.is_dir() and machine.number_of(folder) is not None
        sweep_lost(progress)
        if not folder.is_dir() and not lost:
            store.load(name)  # which says that there is none
        _clear(folder, progress)


def load(name: str) -> Datacenter:
    """Return the datacenter called `name`; see `store.load` for what it raises."""
    return store.load(name)


def power_off(target: Host, progress: Progress = silent) -> None:
    """Cut a host's power: link down, then every process dies at once; the disk stays. Off already: does nothing."""
    demand_root()
    with _power(target):
        host.stop(target)
        progress(target.name, "off")


def power_on(target: Host, progress: Progress = silent) -> None:
    """Give a host power and wait until its sshd answers. On already: only waits. Raises `SlipwayError`."""
    demand_root()
    with _power(target):
        _connect(target.datacenter, target.number)
        _boot(target, progress)


def sweep_lost(progress: Progress = silent) -> None:
    """Clear away datacenters whose state folder is gone: nobody could name them any more."""
    with machine.sweeping():
        for number, folder in machine.numbers().items():
            if not folder.is_dir():
                progress("", f"clearing what is left of {folder.name}, whose state is gone …")
                sweep(number)
                machine.release(folder)
        machine.release()


def sweep(number: int) -> None:
    """Remove everything the kernel has of datacenter `number`: processes, control groups, links, namespaces."""
    groups = cgroups.detect()
    names = {*network.ports(number), *cgroups.hosts(groups, number)}
    for name in sorted(names):
        network.link_down(number, name)
    for name in sorted(names):
        cgroups.remove(groups, number, name)
        network.unplug(number, name)
    cgroups.prune(groups, number)
    network.switch_down(number)


def _make(spec: Spec, folder: Path, base: Path, progress: Progress) -> Datacenter:
    folder.mkdir(mode=0o700, parents=True)
    number = machine.claim(folder)
    if spec.user != "root" and not spec.password:
        spec = replace(spec, password=secrets.token_urlsafe(9))
    login = new_key()
    keys = {seat.name: new_key() for seat in seats(spec)}
    hosts = tuple(
        Host(seat.name, number, seat.octet, seat.roles, keys[seat.name].fingerprint, folder, base)
        for seat in seats(spec)
    )
    made = Datacenter(spec, number, folder, base, hosts)
    store.save(made)
    write_private(made.key, login.private)
    write_private(folder / "id_ed25519.pub", f"{login.public} slipway-practice-{spec.name}\n")
    write_private(made.known_hosts, "".join(f"{each.address} {keys[each.name].public}\n" for each in hosts))
    network.switch_up(number)

    def build(target: Host) -> None:
        # Where a user logs in, root does not: as sites have it.
        host.prepare(target, keys[target.name], f"{login.public}\n" if spec.user == "root" else "")
        _boot(target, progress)
        if spec.user != "root":
            _add_user(target, spec, login)

    progress("", f"{len(hosts)} {'host' if len(hosts) == 1 else 'hosts'} in {made.subnet} …")
    _for_each(hosts, build)
    made = replace(made, ready=True)
    store.save(made)
    return made


def _again(there: Datacenter, spec: Spec, progress: Progress) -> Datacenter:
    wanted = replace(spec, password=spec.password or there.spec.password)
    if wanted != there.spec:
        raise UsageError(
            f"the practice datacenter {spec.name} is there already, in another shape",
            why=f"it has {', '.join(each.name for each in there.hosts)} and the user {there.spec.user}",
            hint=f"end it with `slipway practice down --name {spec.name}`, or take another name",
        )
    if not there.base.is_dir():
        raise SlipwayError(
            f"the base system under {spec.name} is gone",
            where=str(there.base),
            hint=f"end it with `slipway practice down --name {spec.name}` and make it anew",
        )
    _connect(there.folder, there.number)
    _for_each(there.hosts, lambda target: _boot(target, progress))
    return there


def _connect(folder: Path, number: int) -> None:
    """Take the datacenter's old number again (a restart of this machine forgets it); see that its bridge is there."""
    if machine.claim(folder, number) != number:
        machine.release(folder)
        raise SlipwayError(
            f"the network {SUBNETS[number]} of {folder.name} is taken by something else on this machine",
            hint=f"free it, or end the datacenter with `slipway practice down --name {folder.name}` and make it anew",
        )
    network.switch_up(number)


def _boot(target: Host, progress: Progress) -> None:
    if not target.running:
        progress(target.name, "booting …")
        host.start(target)
    host.wait_until_up(target)
    progress(target.name, f"ssh answers at {target.address}")


def _add_user(target: Host, spec: Spec, login: KeyPair) -> None:
    script = (
        f"useradd -m -s /bin/bash -G sudo {spec.user} && chpasswd && install -d -m 700 -o {spec.user} -g {spec.user} "
        f"/home/{spec.user}/.ssh && echo '{login.public}' >/home/{spec.user}/.ssh/authorized_keys && "
        f"chown {spec.user}: /home/{spec.user}/.ssh/authorized_keys && chmod 600 /home/{spec.user}/.ssh/authorized_keys"
    )
    host.execute(target, "sh", "-c", script, stdin=f"{spec.user}:{spec.password}\n")


def _made(name: str) -> Datacenter | None:
    try:
        there = store.load(name)
    except UsageError:
        raise
    except SlipwayError:
        return None
    return there if there.ready else None


def _clear(folder: Path, progress: Progress = silent, keep_logs: bool = False) -> None:
    if (number := machine.number_of(folder)) is not None:
        progress("", f"ending {folder.name} …")
        sweep(number)
    machine.release(folder)
    if folder.is_dir() and not keep_logs:
        shutil.rmtree(folder)


def _for_each(hosts: Iterable[Host], work: Callable[[Host], None]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        failures = [future.exception() for future in [pool.submit(work, each) for each in hosts]]
    for failure in failures:
        if failure is not None:
            raise failure


@contextmanager
def _locked(name: str) -> Iterator[None]:
    path = store.practice_dir() / f".{name}.lock"
    with locked(path, f"the practice datacenter {name}"):
        try:
            yield
        finally:
            if not store.folder_of(name).is_dir():
                path.unlink(missing_ok=True)


@contextmanager
def _power(target: Host) -> Iterator[None]:
    """Hold one host's switch: several hosts' power may change at a time, none while the datacenter is made or ended."""
    name = target.datacenter.name
    with (
        locked(store.practice_dir() / f".{name}.lock", f"the practice datacenter {name}", shared=True),
        locked(target.folder / "power.lock", f"the power of {target.name}", patience=60),
    ):
        yield


def _demand_disk(folder: Path) -> None:
    above = next(path for path in folder.parents if path.is_dir())
    room = shutil.disk_usage(above).free
    if room < 2 << 30:
        raise SlipwayError(
            "there is too little room for practice hosts",
            where=str(above),
            why=f"{room >> 20} MB are free, and a cluster needs about 2 GB",
            hint="make room, or point XDG_STATE_HOME to a larger disk",
        )
