"""What a command says: kept up to a limit, and handed out line by line as it comes. Pure."""

from __future__ import annotations

from collections.abc import Callable

LIMIT = 16 * 1024 * 1024
"""How much of each stream is kept, in bytes; the rest is counted and dropped."""

LONGEST_LINE = 64 * 1024
"""A longer line is handed out in pieces, in bytes."""


class Capture:
    """One output stream: `data` is what was kept, `truncated` tells that there was more."""

    def __init__(self, on_line: Callable[[str], None] | None = None, limit: int = LIMIT) -> None:
        self._pieces: list[bytes] = []
        self._room = limit
        self._line = b""
        self._on_line = on_line
        self.truncated = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        kept = data[: self._room]
        self._pieces.append(kept)
        self._room -= len(kept)
        self.truncated = self.truncated or len(kept) < len(data)
        if self._on_line is not None:
            self._split(data)

    def finish(self) -> None:
        """Hand out the last line when it has no newline."""
        if self._line:
            self._say(self._line)
            self._line = b""

    @property
    def data(self) -> bytes:
        """Return the bytes kept so far."""
        return b"".join(self._pieces)

    def _split(self, data: bytes) -> None:
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self._say(line)
        while len(self._line) > LONGEST_LINE:
            self._say(self._line[:LONGEST_LINE])
            self._line = self._line[LONGEST_LINE:]

    def _say(self, line: bytes) -> None:
        if self._on_line is not None:
            self._on_line(line.removesuffix(b"\r").decode(errors="replace"))
