"""What asyncssh looks for as it is imported."""

from __future__ import annotations

import ctypes.util
import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["opener", "hostkeys", "keys", "login", "failures", "session", "connection"])
def test_no_compiler_is_asked_before_the_first_connection(module: str) -> None:
    code = (
        "import ctypes.util as u, sys; whole = u.find_library; u._findLib_gcc = None\n"
        f"import wizard.remote.ssh.{module}\n"
        "print('asyncssh' in sys.modules, u.find_library is whole)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "True True\n", done.stderr


def test_what_the_linkers_cache_knows_is_found_without_one() -> None:
    assert str(ctypes.util._findSoname_ldconfig("c")).startswith("libc.so")  # type: ignore[attr-defined]
