"""`slipway bundle add`: images that slipway doesn't build."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from wizard.bundle.added import absent, add
from wizard.bundle.opened import load_bundle
from wizard.cli.bundle_folder import Folder, Kubernetes, folder_of, megabytes
from wizard.cli.output import JsonFlag, emit, guarded, plain


@guarded
def add_command(
    archives: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Archives of `docker save`, one image each.")
    ],
    folder: Folder = None,
    kubernetes: Kubernetes = "",
    json_flag: JsonFlag = False,
) -> None:
    """Add images that slipway doesn't build, calico's or cilium's, to the bundle. A later build keeps them."""
    begin = time.monotonic()
    where = folder_of(folder, kubernetes)
    added = add(where, archives)
    emit(
        {
            "result": "done",
            "bundle": str(where),
            "seconds": round(time.monotonic() - begin, 2),
            "added": [{"name": item.name, "ref": item.ref, "size": item.size} for item in added],
            "absent": dict(absent(load_bundle(where))),
        },
        json_flag,
        Text("\n".join(f"✓ {plain(item.ref)} is in the bundle, {megabytes(item.size)}" for item in added)),
    )
