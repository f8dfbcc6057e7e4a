"""A change as one script, really run by `sh` below a temporary root."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.engine.fakes import ME, run_here
from wizard.engine import marker as markers
from wizard.engine.reply import Reply, Said, parse, problem_of
from wizard.engine.step import Change, Diff, File, Pipe
from wizard.engine.stream import encode, file_probe_fragment, judge_files, looks
from wizard.remote.base import Blob, Result


def file(path: str, content: bytes | Blob = b"hello\n", **more: object) -> File:
    return File(path, content, owner=ME, **more)  # type: ignore[arg-type]


def blob(tmp_path: Path, name: str, data: bytes) -> Blob:
    path = tmp_path / name
    path.write_bytes(data)
    return Blob(path, hashlib.sha256(data).hexdigest(), len(data))


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout


def times(root: Path) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in root.rglob("*")}


async def send(root: Path, change: Change, **more: object) -> tuple[Reply, Result]:
    encoded = encode(change, root=str(root), **more)  # type: ignore[arg-type]
    result = await run_here(encoded.command)
    return parse(result.text, encoded.token), result


def left_over(root: Path) -> list[Path]:
    return [*root.rglob(".slipway-*"), *root.rglob(".sum-*"), *root.rglob(".said-*")]


async def look(root: Path, *files: File) -> tuple[Diff, ...]:
    encoded = looks([file_probe_fragment(files, str(root))])
    result = await run_here(encoded.command)
    output, status = parse(result.text, encoded.token).looks[0]
    assert result.stderr == b""
    assert status in (0, 1)
    return judge_files(output, files)


async def test_files_pipes_removals_script_and_look_in_one_stream(tmp_path: Path) -> None:
    root = tmp_path / "root"
    packed = zstd(b"binary" * 1000)
    image = blob(tmp_path, "image", os.urandom(300_000))
    (root / "etc").mkdir(parents=True)
    (root / "etc/old").write_text("old")
    change = Change(
        files=(
            file("/etc/a/one.conf"),
            file("/etc/a/key", b"secret\n", mode=0o600, secret=True),
            file("/etc/keys/key", b"secret\n", mode=0o600, secret=True),
            file(
                "/opt/bin/tool", blob(tmp_path, "tool", packed), mode=0o755, unpack="zstd", sha256=sha(b"binary" * 1000)
            ),
            file("/etc/empty", b""),
        ),
        pipes=(Pipe("image one", image, f"cat > {root}/imported"), Pipe("bytes", b"abc", f"cat > {root}/bytes")),
        absent=("/etc/old", "/etc/never"),
        script='echo working; printf "%s" "$CHANGED" > ' + f"{root}/changed",
    )
    reply, result = await send(root, change, fragments=[f"cat {root}/bytes; exit 3", "printf 'a\\nb'"])
    assert result.status == 0, result.complaint
    assert reply.done
    assert reply.failure is None
    assert (root / "etc/a/one.conf").read_text() == "hello\n"
    assert (root / "opt/bin/tool").read_bytes() == b"binary" * 1000
    assert (root / "opt/bin/tool").stat().st_mode & 0o777 == 0o755
    assert (root / "etc/a/key").stat().st_mode & 0o777 == 0o600
    assert (root / "etc/a").stat().st_mode & 0o777 == 0o755
    assert (root / "etc/keys").stat().st_mode & 0o777 == 0o700
    assert (root / "etc/empty").read_bytes() == b""
    assert (root / "imported").read_bytes() == image.path.read_bytes()
    assert (root / "bytes").read_bytes() == b"abc"
    assert not (root / "etc/old").exists()
    wanted = ["/etc/a/one.conf", "/etc/a/key", "/etc/keys/key", "/opt/bin/tool", "/etc/empty", "/etc/old"]
    assert list(reply.changed) == wanted
    assert (root / "changed").read_text().split() == wanted
    assert reply.looks == {0: ("abc", 3), 1: ("a\nb", 0)}
    assert (root / "var/lib/slipway/before/etc/old").read_text() == "old"
    assert reply.before["/etc/a/one.conf"] == "absent"
    assert reply.before["/etc/old"] == "/var/lib/slipway/before/etc/old"
    assert left_over(root) == []


async def test_what_is_already_so_is_not_written_again(tmp_path: Path) -> None:
    change = Change(files=(file("/etc/a"), file("/etc/b")), script=f'echo "$CHANGED" > {tmp_path}/changed')
    await send(tmp_path, change)
    before = (tmp_path / "etc/a").stat()
    (tmp_path / "etc/b").chmod(0o600)
    reply, _ = await send(tmp_path, change, known=["/etc/a", "/etc/b"])
    assert reply.changed == ("/etc/b",)
    assert (tmp_path / "etc/a").stat().st_ino == before.st_ino
    assert (tmp_path / "etc/b").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "changed").read_text().split() == ["/etc/b"]


async def test_a_flipped_byte_leaves_every_old_file_in_its_place(tmp_path: Path) -> None:
    root = tmp_path / "root"
    await send(root, Change(files=(file("/etc/a", b"old a"), file("/etc/b", b"old b"))))
    wrong = blob(tmp_path, "wrong", b"x" * 5000)
    wrong.path.write_bytes(b"x" * 4999 + b"y")
    ran = f"touch {root}/ran"
    change = Change(files=(file("/etc/a", b"new a"), file("/etc/b", wrong)), script=ran)
    reply, result = await send(root, change, fragments=[ran])
    assert not reply.done
    assert reply.failure is not None
    assert (reply.failure.code, reply.failure.subject) == ("checksum", "/etc/b")
    assert result.status == 97
    assert (root / "etc/a").read_text() == "old a"
    assert (root / "etc/b").read_text() == "old b"
    assert not (root / "ran").exists()
    assert left_over(root) == []
    problem = problem_of(reply.failure, "m1", "Files")
    assert "m1" in problem.message
    assert "/etc/b" in problem.message


async def test_a_blob_cut_short_and_a_broken_zstd_are_refused(tmp_path: Path) -> None:
    short = blob(tmp_path, "short", b"x" * 100)
    short.path.write_bytes(b"x" * 50)
    reply, _ = await send(tmp_path, Change(files=(file("/etc/a", short),)))
    assert reply.failure is not None
    assert reply.failure.code == "checksum"
    garbage = blob(tmp_path, "garbage", b"no zstd at all")
    reply, _ = await send(tmp_path, Change(files=(file("/etc/b", garbage, unpack="zstd", sha256="0" * 64),)))
    assert reply.failure is not None
    assert (reply.failure.code, reply.failure.subject) == ("write", "/etc/b")
    assert not (tmp_path / "etc/b").exists()
    assert left_over(tmp_path) == []


async def test_a_pipe_with_a_flipped_byte_or_a_failing_command_fails(tmp_path: Path) -> None:
    wrong = blob(tmp_path, "wrong", b"x" * 5000)
    wrong.path.write_bytes(b"y" + b"x" * 4999)
    reply, _ = await send(tmp_path, Change(pipes=(Pipe("image x", wrong, "cat >/dev/null"),)))
    assert reply.failure is not None
    assert (reply.failure.code, reply.failure.subject) == ("checksum", "image x")
    fine = blob(tmp_path, "fine", b"x" * 500_000)
    reply, result = await send(tmp_path, Change(pipes=(Pipe("img", fine, "echo no such runtime >&2; exit 4"),)))
    assert reply.failure is not None
    assert (reply.failure.code, reply.failure.why) == ("pipe", "exit status 4: no such runtime")
    assert "no such runtime" in result.complaint


WORD, BYTES = Change(files=(file("/etc/a", b"new"),)), Change(files=(file("/etc/a", b"\0new"),))
SPOOLED = Change(pipes=(Pipe("/etc/a", b"new", into="/var/spool/a.deb"),))


@pytest.mark.parametrize("change", [WORD, BYTES, SPOOLED])
async def test_a_full_disk_is_told_and_the_old_file_stays(tmp_path: Path, change: Change) -> None:
    await send(tmp_path, Change(files=(file("/etc/a", b"old"),)))
    encoded = encode(change, root=str(tmp_path))
    full = encoded.command.script.replace('>"$n"', ">/dev/full")
    assert full != encoded.command.script
    result = await run_here(type(encoded.command)(full, encoded.command.stdin))
    failure = parse(result.text, encoded.token).failure
    assert failure is not None
    problem = problem_of(failure, "m1", "Files")
    assert problem.code == "step.disk-full"
    assert problem.message == "no space left on m1 for /etc/a"
    assert (tmp_path / "etc/a").read_text() == "old"


async def test_a_failing_script_is_told_with_its_status_and_its_words(tmp_path: Path) -> None:
    reply, result = await send(tmp_path, Change(script="echo before\nfalse\necho after"))
    assert reply.failure is not None
    assert (reply.failure.code, reply.failure.why) == ("script", "exit status 1")
    assert "before" in result.text
    assert "after" not in result.text
    reply, _ = await send(tmp_path, Change(script="echo 'unbalanced"))
    assert reply.failure is not None
    assert reply.failure.code == "script"


async def test_a_fragment_that_is_no_shell_takes_nobody_down(tmp_path: Path) -> None:
    encoded = looks(["if then ((", "echo fine", "exit 7", "cat"])
    reply = parse((await run_here(encoded.command)).text, encoded.token)
    assert reply.looks[0][1] != 0
    assert reply.looks[1] == ("fine\n", 0)
    assert reply.looks[2] == ("", 7)
    assert reply.looks[3] == ("", 0)


async def test_folders_that_had_to_be_made_are_noted_and_directories_that_were_there_too(tmp_path: Path) -> None:
    for folder in ("etc", "srv/full/theirs", "srv/empty/lost+found"):
        (tmp_path / folder).mkdir(parents=True)
    change = Change(files=(file("/etc/a/b/c"), file("/etc/d")), ours=("/srv/full", "/srv/empty", "/srv/none"))
    await send(tmp_path, change)
    await send(tmp_path, Change(files=(file("/etc/a/b/e"),)))
    notes = tmp_path / "var/lib/slipway"
    assert (notes / "folders").read_text().split() == ["/etc/a/b", "/etc/a"]
    assert (notes / "directories").read_text().splitlines() == ["full /srv/full", "empty /srv/empty"]


async def test_what_was_there_before_is_kept_once(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/a").write_text("the site's own")
    (tmp_path / "etc/link").symlink_to("a")
    (tmp_path / "etc/dir").mkdir()
    (tmp_path / "etc/dir/inside").write_text("x")
    files = (file("/etc/a", b"one"), file("/etc/link", b"two"))
    reply, _ = await send(tmp_path, Change(files=files, ours=("/etc/made", "/etc"), absent=("/etc/dir",)))
    assert reply.done
    kept = tmp_path / "var/lib/slipway/before/etc"
    assert (kept / "a").read_text() == "the site's own"
    assert (kept / "link").readlink() == Path("a")
    assert (kept / "dir/inside").read_text() == "x"
    assert reply.before == {
        "/etc/a": "/var/lib/slipway/before/etc/a",
        "/etc/link": "/var/lib/slipway/before/etc/link",
        "/etc/made": "absent",
        "/etc": "directory",
        "/etc/dir": "/var/lib/slipway/before/etc/dir",
    }
    await send(tmp_path, Change(files=(file("/etc/a", b"three"),)))
    assert (kept / "a").read_text() == "the site's own"
    assert (tmp_path / "etc/a").read_text() == "three"


async def test_a_directory_in_a_files_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "etc/a").mkdir(parents=True)
    reply, _ = await send(tmp_path, Change(files=(file("/etc/a"),)))
    assert reply.failure is not None
    assert reply.failure.code == "directory"
    assert left_over(tmp_path) == []


async def test_the_newer_marker_stays(tmp_path: Path) -> None:
    owner = markers.Owner("uid-1", "demo", "0.1")
    one = Change(files=(file("/etc/a"),))
    first = markers.with_change(markers.HostMarker(), owner, "m1/a", one)
    second = markers.with_change(first, owner, "m1/b", Change(files=(file("/etc/b"),), ours=("/etc/c",)))
    place = tmp_path / "etc/slipway/cluster.json"
    reply, result = await send(tmp_path, one, marker=markers.dump(second), revision=second.revision)
    assert reply.done, result.complaint
    assert place.stat().st_mode & 0o777 == 0o600
    await send(tmp_path, one, marker=markers.dump(first), revision=first.revision)
    assert markers.parse(place.read_text()) == second
    third = markers.without(markers.with_before(second, {"/etc/a": "absent"}), ["/etc/b"])
    await send(tmp_path, one, marker=markers.dump(third), revision=third.revision)
    assert markers.parse(place.read_text()) == third
    assert set(third.files) == {"/etc/a", "/etc/c"}
    assert left_over(tmp_path) == []


async def test_a_fragment_that_refuses_first_changes_nothing(tmp_path: Path) -> None:
    reply, _ = await send(tmp_path, Change(files=(file("/etc/a"),)), first="die lock - 'held by run r2'")
    assert reply.failure is not None
    assert (reply.failure.code, reply.failure.why) == ("lock", "held by run r2")
    assert not (tmp_path / "etc").exists()


async def test_judging_files_shows_exact_diffs_and_no_secret(tmp_path: Path) -> None:
    wanted = (
        file("/etc/same"), file("/etc/text", b"new\n"), file("/etc/absent", b"all new\n"),
        file("/etc/mode", mode=0o600), file("/etc/key", b"new key", secret=True), file("/etc/dir"),
        file("/etc/link"), file("/etc/binary", b"\x00\xff"), file("/etc/vanished", b""),
    )  # fmt: skip
    await send(tmp_path, Change(files=(wanted[0],)))
    etc = tmp_path / "etc"
    (etc / "text").write_text("old\n")
    (etc / "mode").write_text("hello\n")
    (etc / "key").write_text("old key")
    (etc / "dir").mkdir()
    (etc / "link").symlink_to("same")
    (etc / "binary").write_bytes(b"\x01\xff")
    (etc / "vanished").write_text("no longer empty")
    for name in ("text", "key", "mode"):
        (etc / name).chmod(0o644)
    diffs = {diff.subject: diff for diff in await look(tmp_path, *wanted)}
    assert "/etc/same" not in diffs
    assert diffs["/etc/text"] == Diff("/etc/text", "old\n", "new\n")
    assert diffs["/etc/absent"] == Diff("/etc/absent", "", "all new\n")
    assert (diffs["/etc/mode"].before, diffs["/etc/mode"].after) == (f"mode 0644 {ME}", f"mode 0600 {ME}")
    assert diffs["/etc/key"].secret
    assert "key" not in diffs["/etc/key"].before + diffs["/etc/key"].after
    assert diffs["/etc/key"].before != diffs["/etc/key"].after
    assert diffs["/etc/dir"].before == "(a directory)"
    assert diffs["/etc/link"].before == "(a symbolic link)"
    assert diffs["/etc/binary"].before.startswith("sha256:")
    assert diffs["/etc/vanished"].after == "(empty file)"


async def test_a_large_file_is_hashed_once_and_again_when_touched(tmp_path: Path) -> None:
    root = tmp_path / "root"
    data = os.urandom(2 << 20)
    large = file("/opt/large", blob(tmp_path, "large", data))
    small = file("/opt/small", blob(tmp_path, "small", b"x"))
    await send(root, Change(files=(large, small)))
    cache = root / "var/lib/slipway/stat"
    assert [line.split()[4:] for line in cache.read_text().splitlines()] == [["/opt/large", sha(data)]]
    assert await look(root, large, small) == ()
    # A wrong hash in the cache shows: it is used, so nothing was read.
    cache.write_text(cache.read_text().replace(sha(data), "0" * 64))
    assert [diff.subject for diff in await look(root, large, small)] == ["/opt/large"]
    with (root / "opt/large").open("r+b") as stream:
        stream.write(b"X")
    cache.write_text(cache.read_text().replace("0" * 64, sha(data)))
    assert [diff.subject for diff in await look(root, large, small)] == ["/opt/large"]
    await send(root, Change(files=(large,)), known=["/opt/large"])
    assert await look(root, large, small) == ()
    assert len(cache.read_text().splitlines()) == 1
    other = file("/opt/other", blob(tmp_path, "other", data))
    await send(root, Change(files=(other,)))
    assert sorted(line.split()[4] for line in cache.read_text().splitlines()) == ["/opt/large", "/opt/other"]


async def test_the_look_writes_nothing(tmp_path: Path) -> None:
    await send(tmp_path, Change(files=(file("/etc/a"),)))
    before = times(tmp_path)
    await look(tmp_path, file("/etc/a"), file("/etc/b"))
    assert times(tmp_path) == before


def test_only_plain_paths_are_written_or_removed() -> None:
    for path in ("relative", "/", "/a b", "/a\nb", "/$(reboot)", "/a/../b", "/a//b", "/a/", "/it's"):
        with pytest.raises(ValueError, match="not a path"):
            encode(Change(files=(File(path, b""),)))
        with pytest.raises(ValueError, match="not a path"):
            encode(Change(absent=(path,)))
    with pytest.raises(ValueError, match="refuses"):
        encode(Change(absent=("/etc",)))
    with pytest.raises(ValueError, match="sha256"):
        encode(Change(files=(File("/a", b"", unpack="zstd"),)))
    with pytest.raises(ValueError, match="unpack"):
        encode(Change(files=(File("/a", b"", unpack="rar", sha256="0"),)))


def test_a_commands_own_lines_are_told_from_the_report() -> None:
    said = Said("@t")
    lines = ["@t got /etc/a", "hello", "", "@t fed image x", "@t look 0", "hidden", "@t end 0 0", "@tomato"]
    assert [line for line in lines if said.take(line)] == ["hello", "@tomato"]
    assert said.got == ["/etc/a", "image x"]


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_script_is_valid_in_more_than_one_shell(shell: str) -> None:
    assert shutil.which(shell), f"{shell} is missing: install it to run this test"
    change = Change(files=(file("/etc/a"),), pipes=(Pipe("p", b"x", "cat"),), absent=("/etc/b",), script="true")
    script = encode(change, fragments=[file_probe_fragment([file("/etc/a")])], marker="{}").command.script
    subprocess.run([shell, "-n"], input=script.encode(), check=True)


async def test_a_pipe_onto_a_full_disk_is_told_as_that(tmp_path: Path) -> None:
    full = Pipe("package big one", b"x" * 5000, "cat > /dev/full")
    reply, _ = await send(tmp_path, Change(pipes=(full,)))
    assert reply.failure is not None
    problem = problem_of(reply.failure, "m1", "Packages")
    assert problem.code == "step.disk-full"
    assert problem.message == "no space left on m1 for package big one"


async def test_what_a_script_takes_in_lies_there_meanwhile_and_is_gone_afterwards(tmp_path: Path) -> None:
    pipes = tuple(Pipe(f"package {name}", name.encode() * 9000, into=f"/var/spool/{name}.deb") for name in ("a", "b"))
    script = f"cat {tmp_path}/var/spool/*.deb > {tmp_path}/taken"
    reply, result = await send(tmp_path, Change(pipes=pipes, files=(file("/etc/a"),), script=script))
    assert reply.done, result.complaint
    assert (tmp_path / "taken").read_bytes() == b"a" * 9000 + b"b" * 9000
    assert list((tmp_path / "var/spool").iterdir()) == []
    assert reply.changed == ("/etc/a",)


async def test_a_flipped_byte_in_what_a_script_takes_in_is_told_before_it_runs(tmp_path: Path) -> None:
    wrong = blob(tmp_path, "wrong", b"x" * 5000)
    wrong.path.write_bytes(b"y" + b"x" * 4999)
    change = Change(pipes=(Pipe("package w", wrong, into="/var/spool/w.deb"),), script=f"touch {tmp_path}/ran")
    reply, _ = await send(tmp_path, change)
    assert reply.failure is not None
    assert (reply.failure.code, reply.failure.subject) == ("checksum", "package w")
    assert not (tmp_path / "ran").exists()
    assert list((tmp_path / "var/spool").iterdir()) == []


async def test_texts_arrive_byte_for_byte_and_secrets_are_no_arguments(tmp_path: Path) -> None:
    texts = ["'", 'a\\n$HOME `id` "q"', "\n\n", "no end", "ünïcode \t\r\n", "%s %d\n", "-n"]
    files = tuple(file(f"/etc/t{number}", text.encode()) for number, text in enumerate(texts))
    reply, result = await send(tmp_path, Change(files=files))
    assert reply.done, result.complaint
    assert [(tmp_path / f"etc/t{number}").read_bytes().decode() for number in range(len(texts))] == texts
    key = encode(Change(files=(file("/etc/key", b"the key", secret=True),))).command
    assert "the key" not in key.script
    assert key.stdin == (b"the key",)
