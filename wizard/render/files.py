"""What rendering and the PKI produce: files and manifests as values, and the templates they are made from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jinja2

from wizard.paths import assets_dir


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A file as it shall lie on a host. `secret` keeps its content out of diffs, logs and this value's `repr`."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644
    owner: str = "root:root"
    secret: bool = False

    @property
    def text(self) -> str:
        """Return the content as text."""
        return self.content.decode()


@dataclass(frozen=True, slots=True)
class Manifest:
    """Objects for the Kubernetes API that belong together: a name (``coredns``) and a YAML stream."""

    name: str
    yaml: str


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(assets_dir()),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - the templates are configuration files, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = json.dumps
    return environment


def fill(template: str, **values: Any) -> str:
    """Return the template `assets/<template>` filled with `values`.

    A name the template uses and `values` lacks raises `jinja2.UndefinedError`: a defect of slipway.
    """
    return _templates().get_template(template).render(**values)


def rendered(
    path: str, template: str, *, mode: int = 0o644, owner: str = "root:root", secret: bool = False, **values: Any
) -> RenderedFile:
    """Return the file at `path` made from a template of `assets/`."""
    return RenderedFile(path, fill(template, **values).encode(), mode, owner, secret)


def checksum(*texts: str) -> str:
    """Return a short digest of configuration that Pods read at their start: where it differs, they are made anew."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
