"""asyncssh, as this room imports it: its optional system libraries come from the dynamic linker's cache alone.

It asks for two of them (nettle, liboqs). Where the cache knows none, `ctypes.util.find_library` goes on to ask the
compiler and the linker, if there are any, which takes a tenth of a second before the first connection.
"""

from __future__ import annotations

import ctypes.util

_whole = ctypes.util.find_library
# CPython's own first way on Linux; where another Python has none of that name, all ways stay open.
ctypes.util.find_library = getattr(ctypes.util, "_findSoname_ldconfig", _whole)
try:
    import asyncssh
    from asyncssh.config import SSHClientConfig
finally:
    ctypes.util.find_library = _whole

__all__ = ["SSHClientConfig", "asyncssh"]
