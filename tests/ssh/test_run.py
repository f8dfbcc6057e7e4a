"""Commands over a real connection: what goes in, what comes out."""

from __future__ import annotations

import asyncio
import hashlib
import random

import pytest

from wizard.errors import SlipwayError
from wizard.remote.base import Blob, Command, RemoteError, Secret
from wizard.remote.output import LIMIT


async def test_pieces_of_stdin_arrive_in_order(connection, tmp_path):
    file = tmp_path / "blob"
    file.write_bytes(b"from disk ")
    blob = Blob(file, hashlib.sha256(b"from disk ").hexdigest(), 10)
    result = await connection.run(Command("cat; echo complaint >&2; exit 3", (b"bytes ", blob, Secret("hidden"))))
    assert (result.status, result.stdout, result.stderr) == (3, b"bytes from disk hidden", b"complaint\n")
    assert not result.ok


async def test_a_blob_of_8_mb_arrives_whole(connection, tmp_path):
    data = random.Random(1).randbytes(8_000_003)
    (tmp_path / "blob").write_bytes(data)
    blob = Blob(tmp_path / "blob", hashlib.sha256(data).hexdigest(), len(data))
    result = await connection.run(Command("sha256sum", (blob,)))
    assert result.text.split()[0] == blob.sha256


@pytest.mark.parametrize("size", [3, 9])
async def test_a_blob_of_another_size_is_an_error(connection, tmp_path, size):
    (tmp_path / "blob").write_bytes(b"123456")
    with pytest.raises(SlipwayError) as caught:
        await connection.run(Command("cat >/dev/null", (Blob(tmp_path / "blob", "", size),)))
    assert str(tmp_path / "blob") in str(caught.value)
    assert "bundle verify" in caught.value.hint


async def test_a_missing_blob_is_an_error(connection, tmp_path):
    with pytest.raises(SlipwayError, match="No such file"):
        await connection.run(Command("cat", (Blob(tmp_path / "gone", "", 1),)))


async def test_a_command_that_reads_nothing_ends_all_the_same(connection, tmp_path):
    (tmp_path / "blob").write_bytes(bytes(6_000_000))
    result = await connection.run(Command("exit 7", (Blob(tmp_path / "blob", "", 6_000_000),)))
    assert result.status == 7


async def test_language_path_and_umask_are_the_same_everywhere(connection):
    result = await connection.run(Command('echo "$LC_ALL $PATH"; umask'))
    assert result.text == "C /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n0022\n"


async def test_words_are_quoted_once(connection):
    words = ["printf", "%s|", "a b", "it's", '"$HOME"', "`id`", "*", "\\", "\n", "ü"]
    result = await connection.run(Command.of(*words))
    assert result.text == "".join(f"{word}|" for word in words[2:])


async def test_a_script_longer_than_an_argument_may_be(connection):
    script = "\n".join(f": {'x' * 100} {number}" for number in range(2000)) + "\necho done; cat"
    assert len(script) > 131072
    result = await connection.run(Command(script, (b" and input",)))
    assert result.text == "done\n and input"


async def test_a_secret_script_is_in_no_process_list(connection, server):
    script = "echo hunter2 | wc -c; tr '\\0' ' ' < /proc/$$/cmdline; cat"
    result = await connection.run(Command(script, (b"input",), secret=True))
    assert result.text.startswith("8\n")
    assert result.text.endswith("input")
    assert "hunter2" not in result.text
    assert not [line for line in server.commands if "hunter2" in line]


async def test_lines_come_while_the_command_runs(connection):
    lines: list[str] = []
    first = asyncio.Event()

    def take(line: str) -> None:
        lines.append(line)
        first.set()

    running = asyncio.create_task(connection.run(Command("echo eins; echo zwei >&2; cat; printf rest", ()), take))
    await first.wait()
    result = await running
    assert result.stdout == b"eins\nrest"
    assert sorted(lines) == ["eins", "rest", "zwei"]


async def test_an_error_of_the_callback_comes_out_and_the_connection_lives(connection):
    def fail(line: str) -> None:
        raise KeyError(line)

    with pytest.raises(KeyError):
        await connection.run(Command("echo x"), fail)
    assert (await connection.run(Command("echo y"))).text == "y\n"


async def test_output_is_bounded_and_says_so(connection):
    result = await connection.run(Command(f"head -c {LIMIT + 100_000} /dev/zero"))
    assert len(result.stdout) == LIMIT
    assert result.truncated
    assert not (await connection.run(Command("echo short"))).truncated


async def test_what_start_files_say_is_no_output(connection, server):
    server.greeting = "echo Welcome to m1; echo stty: not a tty >&2; "
    result = await connection.run(Command("echo out; echo err >&2"))
    assert (result.stdout, result.stderr) == (b"out\n", b"err\n")


async def test_a_login_without_a_shell_is_told(connection, server):
    server.greeting = "echo This account is currently not available.; exit 1; "
    with pytest.raises(RemoteError, match="not available") as caught:
        await connection.run(Command("true"))
    assert caught.value.where == "m1"


async def test_a_command_killed_by_a_signal(connection):
    result = await connection.run(Command("kill -9 $$"))
    assert result.status in (-1, 137)


async def test_many_commands_at_once_on_one_connection(connection, server):
    results = await asyncio.gather(*(connection.run(Command(f"sleep 0.1; echo {number}")) for number in range(40)))
    assert [result.text for result in results] == [f"{number}\n" for number in range(40)]
    assert len(server.connections) == 1
    assert 1 < server.most_running <= 10
    assert connection.round_trips == 40


async def test_a_host_with_few_sessions_is_asked_for_fewer(connection, server):
    server.max_sessions = 2
    results = await asyncio.gather(*(connection.run(Command(f"sleep 0.05; echo {number}")) for number in range(12)))
    assert [result.text for result in results] == [f"{number}\n" for number in range(12)]


async def test_a_host_with_no_sessions_says_so(connection, server):
    server.max_sessions = 0
    with pytest.raises(RemoteError, match="runs no command") as caught:
        await connection.run(Command("true"))
    assert "MaxSessions" in caught.value.hint
