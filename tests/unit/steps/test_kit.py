"""The scripts that steps are made of, really run by `sh` with stand-ins for systemctl, ctr, dpkg."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from wizard.engine.marker import BEFORE, FOUND
from wizard.engine.step import File
from wizard.steps import images, packages
from wizard.steps.kit import (
    STAMPS,
    Service,
    digest_of,
    listening,
    service_probe,
    service_script,
    wait_on_host,
)

from .samples import answer, bundle, image, package, subjects

SYSTEMCTL = """#!/bin/sh
echo "$*" >> $HERE/calls
state() { cat $HERE/$1 2>/dev/null || echo inactive; }
case "$1" in
is-active) shift; [ "$1" = -q ] && shift || state active; [ "$(state active)" = active ];;
show)
  echo "LoadState=$(cat $HERE/load 2>/dev/null || echo loaded)"
  echo "ActiveState=$(state active)"
  echo "UnitFileState=$([ ! -e $HERE/enabled ] || echo enabled)"
  echo "NeedDaemonReload=$(cat $HERE/reload 2>/dev/null || echo no)";;
--no-reload) touch $HERE/enabled;;
start|restart) [ -e $HERE/broken ] || echo active > $HERE/active;;
status) echo "it says why";;
esac
"""
FILES = (
    File("/etc/app/app.conf", b"conf\n"),
    File("/etc/systemd/system/app.service", b"unit\n"),
    File("/etc/app/quiet.env", b"quiet\n"),
)
SERVICE = Service("app.service", FILES, quiet=frozenset({"/etc/app/quiet.env"}), ready_seconds=0.4)
RELOADED = replace(SERVICE, reload="echo reload app >> $HERE/calls")
STARTS = ("start", "restart", "reload")


class Here:
    """A temporary folder that stands for a host: its commands, its systemd, its stamps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.command("systemctl", SYSTEMCTL)

    def command(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def sh(self, script: str, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        environment = {"PATH": path, "HERE": str(self.folder), "LC_ALL": "C", "CHANGED": "", **more}
        return subprocess.run(
            ["sh", "-c", f"set -eu\n{script}"], input=stdin, capture_output=True, env=environment, timeout=60
        )

    def bring(self, service: Service, *changed: str, digest: str = "d1") -> list[str]:
        """Run a service's script as after a change of those files; return which starts it asked systemd for."""
        (self.folder / "calls").unlink(missing_ok=True)
        script = service_script(service, digest).replace(STAMPS, f"{self.folder}/stamps")
        script = script.replace(FOUND, f"{self.folder}/found")
        self.done = self.sh(script, CHANGED="\n".join(changed))
        return [call for call in self.calls() if call.split()[0] in STARTS]

    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def stamp(self) -> str:
        path = self.folder / "stamps/app.service"
        return path.read_text().strip() if path.exists() else ""


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_the_unit_s_state_before_is_noted_once(here: Here) -> None:
    here.bring(SERVICE, "/etc/app/app.conf")
    here.bring(SERVICE, "/etc/app/app.conf", digest="d2")
    assert (here.folder / "found/units/app.service").read_text() == " inactive\n"


def test_a_unit_is_enabled_started_and_stamped_once(here: Here) -> None:
    assert here.bring(SERVICE, *(file.path for file in FILES)) == ["restart app.service"]
    assert here.done.returncode == 0, here.done.stderr
    assert here.stamp() == "d1"
    assert "--no-reload enable -q app.service" in here.calls()
    assert "daemon-reload" not in here.calls()
    assert here.bring(SERVICE) == []
    assert "--no-reload enable -q app.service" not in here.calls()


@pytest.mark.parametrize(("load", "reload"), [("loaded", "yes"), ("not-found", "no"), ("bad-setting", "no")])
def test_systemd_reads_again_what_it_read_before_the_change(here: Here, load: str, reload: str) -> None:
    (here.folder / "load").write_text(load)
    (here.folder / "reload").write_text(reload)
    here.bring(SERVICE, "/etc/systemd/system/app.service")
    assert here.calls().count("daemon-reload") == 1


def test_systemd_reads_a_new_drop_in_though_it_sees_no_need(here: Here) -> None:
    here.bring(SERVICE, "/etc/systemd/system/app.service.d/slipway.conf")
    assert here.calls().count("daemon-reload") == 1


def test_a_changed_file_restarts_and_a_quiet_one_does_not(here: Here) -> None:
    here.bring(SERVICE)
    assert here.bring(SERVICE, "/etc/app/quiet.env") == []
    assert here.bring(SERVICE, "/etc/app/app.conf") == ["restart app.service"]


def test_what_was_written_by_a_run_that_was_killed_restarts_at_the_next(here: Here) -> None:
    here.bring(SERVICE, digest="d1")
    assert here.bring(SERVICE, digest="d2") == ["restart app.service"]
    assert here.stamp() == "d2"


def test_a_running_unit_with_a_reload_is_never_restarted(here: Here) -> None:
    assert here.bring(RELOADED) == ["restart app.service"]
    assert here.bring(RELOADED, "/etc/app/app.conf") == ["reload app"]
    (here.folder / "active").write_text("inactive")
    assert here.bring(RELOADED, "/etc/app/app.conf") == ["restart app.service"]


def test_a_stopped_unit_is_started(here: Here) -> None:
    here.bring(SERVICE)
    (here.folder / "active").write_text("inactive")
    assert here.bring(SERVICE) == ["start app.service"]


def test_a_unit_that_comes_not_up_fails_with_its_own_words_and_no_stamp(here: Here) -> None:
    (here.folder / "broken").touch()
    here.bring(SERVICE)
    assert here.done.returncode == 1
    assert here.done.stderr.decode().splitlines() == ["app.service did not become ready within 0 s", "it says why"]
    assert here.stamp() == ""


def test_a_unit_counts_as_up_only_when_it_is_ready(here: Here) -> None:
    here.bring(replace(SERVICE, ready="test -e $HERE/serves"))
    assert here.done.returncode == 1
    (here.folder / "serves").touch()
    here.bring(replace(SERVICE, ready="test -e $HERE/serves"))
    assert here.done.returncode == 0


GOOD = "--slipway-cut--\nActiveState=active\nUnitFileState=enabled\nstamp=d1\nready=yes\n"


@pytest.mark.parametrize(
    ("state", "wrong"),
    [
        (GOOD, []),
        (GOOD.replace("ActiveState=active", "ActiveState=failed"), ["app.service state"]),
        (GOOD.replace("UnitFileState=enabled", "UnitFileState=disabled"), ["app.service at boot"]),
        (GOOD.replace("d1", "d0"), ["app.service started with"]),
        (GOOD.replace("ready=yes", "ready=no"), ["app.service ready"]),
        (
            "--slipway-cut--\n",
            ["app.service state", "app.service at boot", "app.service started with", "app.service ready"],
        ),
    ],
)
def test_a_service_is_judged_by_files_state_boot_start_and_readiness(state: str, wrong: list[str]) -> None:
    probe = service_probe(SERVICE, "d1")
    assert subjects(probe.judge(answer(FILES) + state, 0)) == wrong
    altered = answer(FILES, {"/etc/app/app.conf": b"by hand\n"})
    assert subjects(probe.judge(altered + state, 0)) == ["/etc/app/app.conf", *wrong]


def test_a_digest_tells_what_a_unit_runs_with() -> None:
    assert digest_of(FILES) == digest_of(tuple(reversed(FILES)))
    others = [
        (replace(FILES[0], content=b"other"), *FILES[1:]),
        (replace(FILES[0], mode=0o600), *FILES[1:]),
        (replace(FILES[0], path="/etc/other"), *FILES[1:]),
        FILES[1:],
    ]
    assert len({digest_of(files) for files in (FILES, *others)}) == 5


def test_waiting_ends_with_the_thing_or_says_what_never_came(here: Here) -> None:
    (here.folder / "n").write_text("")
    test = "{ printf x >> $HERE/n; [ $(wc -c < $HERE/n) -ge 3 ]; }"
    assert here.sh(wait_on_host(test, 60, "three", pause=0.01)).returncode == 0
    assert (here.folder / "n").read_text() == "xxx"
    done = here.sh(wait_on_host("false", 0.05, "it's not there", "echo evidence; false", pause=0.01))
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == ["it's not there within 0 s", "evidence"]


def test_a_port_is_seen_to_be_listened_at(here: Here) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert here.sh(listening(port)).returncode == 0
    assert here.sh(listening(port)).returncode == 1


CTR = """#!/bin/sh
case "$4" in
import) if [ -e $HERE/full ]; then echo "ctr: no space left on device" >&2; exit 1; fi
  cat > $HERE/imported; echo "$5 $6 $7" > $HERE/options;;
ls) echo "REF TYPE DIGEST"; echo "registry.example/pause:v1 kind sha256:abc 1 MiB linux";;
esac
"""


def imported(here: Here) -> subprocess.CompletedProcess[bytes]:
    here.command("ctr", CTR)
    here.command("zstd", "#!/bin/sh\ncat\n")
    step = images.images_step("m1", "images", "Images", bundle(), ("image/pause",), needs=(), weight=1)
    (pipe,) = step.change.pipes  # type: ignore[union-attr]
    script = f"({pipe.command}) || exit 1\n{step.change.script}"  # type: ignore[union-attr]
    return here.sh(script.replace(images.NOTES, f"{here.folder}/notes"), stdin=b"archive")


def test_an_imported_image_is_pinned_and_noted_with_containerds_digest(here: Here) -> None:
    assert imported(here).returncode == 0
    assert (here.folder / "imported").read_bytes() == b"archive"
    assert (here.folder / "options").read_text() == f"--local --label {images.PINNED}\n"
    (note,) = (here.folder / "notes").iterdir()
    assert note.read_text() == f"{image('pause').ref} sha256:abc {image('pause').image_id}\n"
    listing = f"{image('pause').ref} kind sha256:abc 1 MiB linux {images.PINNED}\n"
    assert images.differences([image("pause")], listing, note.read_text()) == ()


def test_an_import_that_fails_says_why_and_notes_nothing(here: Here) -> None:
    (here.folder / "full").touch()
    done = imported(here)
    assert done.returncode == 1
    assert "no space left on device" in done.stderr.decode()
    assert not list((here.folder / "notes").glob("*_*:v1"))


DPKG = """#!/bin/sh
echo "$*" >> $HERE/calls
[ ! -e $HERE/policy-rc.d ] || cp $HERE/policy-rc.d $HERE/policy-then
if [ -e $HERE/locked ]; then rm $HERE/locked; echo 'dpkg: error: frontend lock was locked by another' >&2; exit 2; fi
case "$*" in *--unpack*) when=unpack;; *) when=configure;; esac
if [ -e $HERE/broken-$when ]; then echo 'dpkg: error processing package haproxy: exit status 1' >&2; exit 1; fi
[ $when = unpack ] || cat $HERE/info/*.conffiles 2>/dev/null | grep '^/' | while read -r path; do
  [ -e "$path" ] || echo "came with the package" > "$path"
done
"""


def installed(here: Here) -> subprocess.CompletedProcess[bytes]:
    here.command("dpkg", DPKG)
    here.command("sleep", "#!/bin/sh\n")
    folder = here.folder / "packages"
    folder.mkdir()
    for name in ("haproxy", "keepalived"):
        (folder / package(name).filename).touch()
    return here.sh(_script(here))


def _script(here: Here) -> str:
    script = packages._INSTALL.replace(packages.FOLDER, f"{here.folder}/packages")
    script = script.replace(packages._INFO, f"{here.folder}/info")
    script = script.replace(BEFORE, f"{here.folder}/before")
    return script.replace("/usr/sbin/policy-rc.d", f"{here.folder}/policy-rc.d")


def test_packages_are_installed_with_their_services_held_and_the_files_removed(here: Here) -> None:
    (here.folder / "locked").touch()
    done = installed(here)
    assert done.returncode == 0, done.stderr
    calls = here.calls()
    assert len(calls) == 3, "another dpkg held the lock: tried again"
    assert calls[0].endswith("--unpack ./haproxy_1.0_amd64.deb ./keepalived_1.0_amd64.deb")
    assert calls[2].endswith("--configure haproxy keepalived")
    assert (here.folder / "policy-then").read_text() == "#!/bin/sh\nexit 101\n"
    assert not (here.folder / "policy-rc.d").exists()
    assert [path.name for path in (here.folder / "packages").iterdir()] == ["installed"]


@pytest.mark.parametrize("broken", ["unpack", "configure"])
def test_what_a_package_would_find_is_kept_first_and_told_from_what_comes_with_it(here: Here, broken: str) -> None:
    own, new = here.folder / "etc/haproxy.cfg", here.folder / "etc/default"
    own.parent.mkdir()
    own.write_text("the site's own\n")
    (here.folder / "info").mkdir()
    (here.folder / "info/haproxy:amd64.conffiles").write_text(f"{own}\n{new}\nremove-on-upgrade /etc/old\n")
    (here.folder / f"broken-{broken}").touch()
    assert installed(here).returncode == 1
    (here.folder / f"broken-{broken}").unlink()
    assert here.sh(_script(here)).returncode == 0, "a second try"
    folder = here.folder / "packages"
    assert set((folder / "found").read_text().splitlines()) == {f"haproxy {own}"}
    assert set((folder / "brought").read_text().splitlines()) == {f"haproxy {new}"}
    assert Path(f"{here.folder}/before{own}").read_text() == "the site's own\n"
    assert new.read_text() == "came with the package\n"
    assert sorted((folder / "installed").read_text().splitlines()) == ["haproxy_1.0_amd64", "keepalived_1.0_amd64"]


def test_what_slipway_put_there_for_a_package_to_come_is_not_the_sites(here: Here) -> None:
    folder = here.folder / "etc-haproxy"
    folder.mkdir()
    for name in ("slipway.sources", "own.sources"):
        (folder / name).touch()
    here.command("dpkg", DPKG)
    (here.folder / "packages").mkdir()
    (here.folder / "packages" / package("haproxy").filename).touch()
    assert here.sh(_script(here).replace("/etc/$name", f"{here.folder}/etc-$name")).returncode == 0
    found = (here.folder / "packages/found").read_text().splitlines()
    assert found == [f"haproxy {folder}/own.sources"]


def test_a_package_that_fails_says_why_and_the_sites_own_policy_stays(here: Here) -> None:
    (here.folder / "broken-unpack").touch()
    (here.folder / "policy-rc.d").write_text("the site's own")
    done = installed(here)
    assert done.returncode == 1
    assert "error processing package haproxy" in done.stderr.decode()
    assert len(here.calls()) == 1
    assert (here.folder / "policy-rc.d").read_text() == "the site's own"
