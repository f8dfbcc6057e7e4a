"""The source "images": container images made of what other tasks built, under their official names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from wizard.bundle.image import BASE, Config, Entry, compressed, write_image, write_layer
from wizard.bundle.lock import Artifact, Kind
from wizard.bundle.pack import LEVEL, keep
from wizard.bundle.packages import LAYER
from wizard.bundle.task import Done, Inputs, Report, Task
from wizard.versions import Versions

FORMAT = 2
"""Raised by one whenever the same inputs give another image."""
NONROOT = "65532:65532"


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """One image: `binary` of the task `component` at `path`, alone or above the layer with iptables."""

    name: str
    version: str
    ref: str
    component: str
    binary: str
    path: str
    config: Config
    iptables: bool = False
    links: Mapping[str, str] = field(default_factory=dict)


def image_recipes(versions: Versions) -> tuple[ImageRecipe, ...]:
    """Return the images of a Kubernetes version. kubeadm's manifests and flannel's own work with them unchanged."""
    tag = f"v{versions.kubernetes}"
    control_plane = tuple(
        ImageRecipe(
            name=name,
            version=versions.kubernetes,
            ref=f"registry.k8s.io/{name}:{tag}",
            component="kubernetes",
            binary=name,
            path=f"usr/local/bin/{name}",
            config=Config(command=(name,)),
            iptables=name == "kube-proxy",
        )
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    )
    return (
        *control_plane,
        ImageRecipe(
            name="coredns",
            version=versions.coredns,
            ref=f"registry.k8s.io/coredns/coredns:v{versions.coredns}",
            component="coredns",
            binary="coredns",
            path="coredns",
            config=Config(entrypoint=("/coredns",), user=NONROOT),
        ),
        ImageRecipe(
            name="flannel",
            version=versions.flannel,
            ref=f"ghcr.io/flannel-io/flannel:v{versions.flannel}",
            component="flannel",
            binary="flanneld",
            path="opt/bin/flanneld",
            config=Config(entrypoint=("/opt/bin/flanneld",)),
            iptables=True,
            links={"usr/local/bin/flanneld": "/opt/bin/flanneld"},
        ),
        ImageRecipe(
            name="pause",
            version=versions.pause,
            ref=f"registry.k8s.io/pause:{versions.pause}",
            component="pause",
            binary="pause",
            path="pause",
            config=Config(entrypoint=("/pause",), user="65535:65535"),
        ),
    )


class ImageSource:
    """Makes the images, after the tasks whose binaries they hold."""

    name = "images"

    def __init__(self, packages_task: str) -> None:
        """Take the name of the task that makes the layer with iptables."""
        self._packages_task = packages_task

    def tasks(self, versions: Versions, arch: str) -> tuple[Task, ...]:
        """Return a task for each image."""
        return tuple(self._task(recipe, arch) for recipe in image_recipes(versions))

    def _task(self, recipe: ImageRecipe, arch: str) -> Task:
        def inputs(done: Done) -> Inputs:
            return {
                "format": FORMAT,
                "arch": arch,
                "level": LEVEL,
                "recipe": asdict(recipe),
                "binary": done[recipe.component].raw[recipe.binary],
                "layer": done[self._packages_task].raw[LAYER] if recipe.iptables else "",
            }

        def make(target: Path, done: Done, report: Report) -> tuple[Artifact, ...]:
            report(0.0, "writing layers")
            tree = {recipe.path: Entry(0o755, path=done[recipe.component].raw_path(recipe.binary))}
            tree |= {name: Entry(link=link) for name, link in recipe.links.items()}
            layers = [done[self._packages_task].raw_path(LAYER)] if recipe.iptables else []
            top, archive = target / "layer.tar", target / f"{recipe.name}.tar"
            write_layer(tree if recipe.iptables else {**BASE, **tree}, top)
            report(0.3, "compressing")
            packed = [compressed(layer, target / f"{layer.name}.zst") for layer in (*layers, top)]
            image_id = write_image(recipe.ref, arch, recipe.config, packed, archive)
            for path in (top, *(layer.path for layer in packed)):
                path.unlink()
            stored = keep(archive, target / "files")
            return (
                Artifact(
                    name=f"image/{recipe.name}",
                    version=recipe.version,
                    arch=arch,
                    kind=Kind.IMAGE,
                    source=done[recipe.component].inputs.get("source", f"slipway {recipe.component}"),
                    ref=recipe.ref,
                    image_id=image_id,
                    **stored,
                ),
            )

        return Task(f"image/{recipe.name}", f"image {recipe.name}", 6, inputs, make)
