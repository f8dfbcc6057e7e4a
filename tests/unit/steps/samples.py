"""What tests of steps and plans need: a bundle as a value, and what a host would answer to a look at its files."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from wizard.bundle.lock import Artifact, Compression, Kind, Lock
from wizard.bundle.opened import Bundle
from wizard.engine.step import Drifted, File, Step, Verdict

RELEASE = "debian-12"
BINARIES = (
    "etcd", "etcdctl", "etcdutl", "containerd", "containerd-shim-runc-v2", "ctr", "runc", "kubelet", "kubectl",
)  # fmt: skip
IMAGES = (
    "pause", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "flannel", "coredns",
)  # fmt: skip


def artifact(name: str, kind: Kind, **more: str) -> Artifact:
    digest = hashlib.sha256(name.encode()).hexdigest()
    compression = Compression.NONE if kind is Kind.PACKAGE else Compression.ZSTD
    return Artifact(name, "1.0", "amd64", kind, digest, 100, digest, 200, compression, f"source of {name}", **more)


def image(name: str) -> Artifact:
    ref = f"registry.example/{name}:v1"
    return artifact(f"image/{name}", Kind.IMAGE, ref=ref, image_id=f"sha256:{hashlib.sha256(ref.encode()).hexdigest()}")


def package(name: str) -> Artifact:
    more = {"release": RELEASE, "package": name, "filename": f"{name}_1.0_amd64.deb"}
    return artifact(f"{RELEASE}/{name}", Kind.PACKAGE, **more)


def bundle() -> Bundle:
    artifacts = (
        *(artifact(name, Kind.BINARY) for name in BINARIES),
        *(artifact(f"cni/{name}", Kind.CNI) for name in ("bridge", "flannel", "loopback")),
        *(image(name) for name in IMAGES),
        *(package(name) for name in ("haproxy", "keepalived")),
    )
    return Bundle(Path("/bundle"), Lock("1.37.2", "amd64", tuple(sorted(artifacts)), {}, (RELEASE,)))


def answer(files: Iterable[File], there: Mapping[str, bytes] | None = None) -> str:
    """Return what a look at `files` prints where all is as wanted, but for what `there` says lies at a path."""
    lines = []
    for file in files:
        assert isinstance(file.content, bytes)
        content = (there or {}).get(file.path, file.content)
        sha = hashlib.sha256(content).hexdigest()
        lines += [
            f"stat {0o100000 | file.mode:x} {file.owner} 0:0 {len(content)} {file.path}",
            f"sha {sha} {file.path}",
        ]
        if content != file.content and not file.secret:
            lines.append(f"text {file.path} {base64.b64encode(content).decode()}")
    return "\n".join(lines) + "\n"


def subjects(verdict: Verdict) -> list[str]:
    """Return what a verdict names as not as wanted; fails for one that is neither satisfied nor drifted."""
    if isinstance(verdict, Drifted):
        return [diff.subject for diff in verdict.diff]
    assert type(verdict).__name__ == "Satisfied", verdict
    return []


def judged(step: Step, output: str, status: int = 0) -> list[str]:
    return subjects(step.probe.judge(output, status))
