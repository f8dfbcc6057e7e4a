"""The container runtime and the executables: what comes from the bundle into the host's PATH, and containerd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wizard.bundle.lock import Artifact, Compression
from wizard.bundle.opened import Bundle
from wizard.engine.step import File, Step
from wizard.profile.model import Host
from wizard.render import api as render
from wizard.render.places import CNI_BIN, CNI_CONFIG
from wizard.render.site import Site
from wizard.steps.kit import Service, files_of, files_step, note_folders, service_step
from wizard.steps.turns import in_turn

BIN = "/usr/local/bin"
ETCD = ("etcd", "etcdctl", "etcdutl")
RUNTIME = ("containerd", "containerd-shim-runc-v2", "ctr", "runc")
KUBERNETES = ("kubelet", "kubectl")
KUBELET = ("kubelet",)
"""A worker has no right to ask the API for anything by kubectl."""
CNI_USED = ("cni/bridge", "cni/flannel", "cni/host-local", "cni/loopback", "cni/portmap")
"""Plugins that a Pod network of slipway's calls; what else it calls it brings itself."""
STATE = "/var/lib/containerd"
UNIT = "containerd.service"


def binaries_step(
    host: Host, name: str, title: str, bundle: Bundle, names: Sequence[str], *, needs: tuple[str, ...], weight: float
) -> Step:
    """Return the step that holds the bundle's executables `names` in the host's PATH."""
    files = [_file(bundle, bundle.artifact(item), BIN) for item in names]
    return files_step(f"{host.name}/{name}", title, host.name, "software", files, needs=needs, weight=weight)


def runtime_steps(site: Site, host: Host, bundle: Bundle) -> list[Step]:
    """Return the steps that bring the container runtime to a node: its executables, then containerd at work."""
    name = host.name
    return [
        binaries_step(
            host, "runtime-binaries", "Runtime's binaries", bundle, RUNTIME, needs=(f"{name}/packages",), weight=2
        ),
        containerd_step(site, host, needs=(f"{name}/runtime-binaries", f"{name}/settings"), weight=1),
    ]


def cni_step(
    host: Host, name: str, title: str, bundle: Bundle, plugins: Sequence[str], *, needs: tuple[str, ...], weight: float
) -> Step:
    """Return the step that holds those of the bundle's CNI `plugins` (``cni/bridge`` …) that are there."""
    files = [_file(bundle, artifact, CNI_BIN) for artifact in bundle.cni() if artifact.name in plugins]
    step = files_step(f"{host.name}/{name}", title, host.name, "software", files, needs=needs, weight=weight)
    return replace(step, background=True)


def cni_unused(bundle: Bundle) -> tuple[str, ...]:
    """Return the bundle's CNI plugins that no Pod network of slipway's uses: a site's own may."""
    return tuple(artifact.name for artifact in bundle.cni() if artifact.name not in CNI_USED)


def containerd_step(site: Site, host: Host, *, needs: tuple[str, ...], weight: float) -> Step:
    """Return the step that keeps containerd configured and running."""
    service = Service(
        unit=UNIT,
        files=files_of(render.containerd(site, host)),
        ready="ctr version >/dev/null 2>&1",
        ready_seconds=60,
        # It is there in a moment, and everything waits for it.
        pause=0.05,
        before_start=note_folders([CNI_CONFIG]),
        state=(STATE, "/opt/containerd"),
    )
    step = service_step(
        f"{host.name}/containerd", "Container runtime", host.name, "runtime", service, needs=needs, weight=weight
    )
    return in_turn(step, site, host)


def _file(bundle: Bundle, artifact: Artifact, folder: str) -> File:
    return File(
        f"{folder}/{artifact.name.rpartition('/')[2]}",
        bundle.blob(artifact.name),
        mode=0o755,
        unpack="zstd" if artifact.compression is Compression.ZSTD else "",
        sha256=artifact.content_sha256,
    )
