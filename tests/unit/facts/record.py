"""Records what the facts' script prints on a host, as test data: one file a family.

    python tests/unit/facts/record.py FOLDER [SUFFIX] < OUTPUT

OUTPUT is what the script of `wizard.facts.look.script` printed there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from wizard.facts.text import MARK, parts


def record(output: str, folder: Path, suffix: str = "") -> None:
    families: dict[str, list[str]] = {}
    for name, text in parts(output).items():
        family, slash, _ = name.partition("/")
        if slash:
            families.setdefault(family, []).append(f"\n{MARK}{name}\n{text}\n")
    for family, texts in families.items():
        (folder / f"{family}{suffix}.txt").write_text("".join(texts))


if __name__ == "__main__":
    record(sys.stdin.read(), Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
