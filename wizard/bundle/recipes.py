"""How each component is built from its Go modules: data only.

Every recipe has a folder `assets/bundle/<component>-<version>/` with the pinned go.mod and go.sum that it is built
in. That a small module of our own requires the component (instead of ``go install``) is what lets go.sum pin every
byte, and what lets Kubernetes be built without its `staging` copies: their ``replace`` lines are the go.mod's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wizard.versions import Versions, number

CNI_PLUGINS = {
    "main": ("bridge", "host-device", "ipvlan", "loopback", "macvlan", "ptp", "vlan"),
    "ipam": ("dhcp", "host-local", "static"),
    "meta": ("bandwidth", "firewall", "portmap", "sbr", "tuning", "vrf"),
}
ETCD = "go.etcd.io/etcd"
CONTAINERD = "github.com/containerd/containerd/v2"
CNI = "github.com/containernetworking/plugins"
FLANNEL = "github.com/flannel-io/flannel"
KUBERNETES_COMMANDS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubeadm",
    "kubectl",
)
BUILD_DATE = "1970-01-01T00:00:00Z"
"""Kubernetes shows a build date; a fixed one keeps builds reproducible (SOURCE_DATE_EPOCH 0)."""


@dataclass(frozen=True, slots=True)
class GoRecipe:
    """One ``go build``.

    `packages` maps a binary's name to its package; `binaries` and `cni` say which of them go into the bundle as they
    are (the others are for images, or for comparing with kubeadm). `variables` are set by the linker (``-X``).
    `seconds` and `compiled` are what it took on 2 cores and how many packages it compiled, with nothing cached.
    """

    component: str
    version: str
    module: str
    packages: Mapping[str, str]
    title: str
    seconds: float
    compiled: int
    binaries: tuple[str, ...] = ()
    cni: tuple[str, ...] = ()
    cgo: bool = False
    tags: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Return the name of its folder in assets/bundle/."""
        return f"{self.component}-{self.version}"

    @property
    def source(self) -> str:
        """Return where it comes from, as module@version."""
        return f"{self.module}@v{self.version}"

    def arguments(self) -> tuple[str, ...]:
        """Return the flags of ``go build``: stripped, without paths of this machine; with cgo, linked statically."""
        link = ["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables.items())]
        if self.cgo:
            link.append("-linkmode external -extldflags -static")
        flags = ["-trimpath", "-buildvcs=false", "-ldflags", " ".join(link)]
        return (*flags, "-tags", ",".join(self.tags)) if self.tags else tuple(flags)


def kubernetes(versions: Versions) -> GoRecipe:
    """Return how Kubernetes is built; `kube-*` become images, kubeadm stays in the build cache."""
    major, minor, _ = number(versions.kubernetes)
    variable = "k8s.io/component-base/version"
    return GoRecipe(
        component="kubernetes",
        version=versions.kubernetes,
        module="k8s.io/kubernetes",
        packages={name: f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES_COMMANDS},
        title=f"Kubernetes {versions.kubernetes}",
        seconds=560,
        compiled=2600,
        binaries=("kubelet", "kubectl"),
        variables={
            f"{variable}.gitVersion": f"v{versions.kubernetes}",
            f"{variable}.gitMajor": str(major),
            f"{variable}.gitMinor": str(minor),
            f"{variable}.gitTreeState": "archive",
            f"{variable}.buildDate": BUILD_DATE,
        },
    )


def recipes(versions: Versions) -> tuple[GoRecipe, ...]:
    """Return how every Go component of a Kubernetes version is built, quick ones first."""
    plugins = {name: f"{CNI}/plugins/{group}/{name}" for group, names in CNI_PLUGINS.items() for name in names}
    return (
        GoRecipe(
            component="runc",
            version=versions.runc,
            module="github.com/opencontainers/runc",
            packages={"runc": "github.com/opencontainers/runc"},
            title=f"runc {versions.runc}",
            seconds=14,
            compiled=250,
            binaries=("runc",),
            cgo=True,
            tags=("seccomp", "netgo", "osusergo"),
        ),
        GoRecipe(
            component="cni-plugins",
            version=versions.cni_plugins,
            module=CNI,
            packages=plugins,
            title=f"CNI plugins {versions.cni_plugins}",
            seconds=12,
            compiled=80,
            cni=tuple(plugins),
            variables={f"{CNI}/pkg/utils/buildversion.BuildVersion": f"v{versions.cni_plugins}"},
        ),
        GoRecipe(
            component="cni-flannel",
            version=versions.cni_flannel,
            module=CNI,
            packages={"flannel": f"{CNI}/plugins/meta/flannel"},
            title=f"flannel's CNI plugin {versions.cni_flannel}",
            seconds=8,
            compiled=20,
            cni=("flannel",),
            variables={f"{CNI}/pkg/utils/buildversion.BuildVersion": f"v{versions.cni_flannel}"},
        ),
        GoRecipe(
            component="etcd",
            version=versions.etcd,
            module=f"{ETCD}/server/v3",
            packages={
                "etcd": f"{ETCD}/server/v3",
                "etcdctl": f"{ETCD}/etcdctl/v3",
                "etcdutl": f"{ETCD}/etcdutl/v3",
            },
            title=f"etcd {versions.etcd}",
            seconds=35,
            compiled=350,
            binaries=("etcd", "etcdctl", "etcdutl"),
        ),
        GoRecipe(
            component="containerd",
            version=versions.containerd,
            module=CONTAINERD,
            packages={name: f"{CONTAINERD}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
            title=f"containerd {versions.containerd}",
            seconds=80,
            compiled=740,
            binaries=("containerd", "containerd-shim-runc-v2", "ctr"),
            variables={f"{CONTAINERD}/version.Version": f"v{versions.containerd}"},
        ),
        GoRecipe(
            component="flannel",
            version=versions.flannel,
            module=FLANNEL,
            packages={"flanneld": FLANNEL},
            title=f"flannel {versions.flannel}",
            seconds=90,
            compiled=520,
            cgo=True,
            tags=("netgo", "osusergo"),
            variables={f"{FLANNEL}/pkg/version.Version": f"v{versions.flannel}"},
        ),
        GoRecipe(
            component="coredns",
            version=versions.coredns,
            module="github.com/coredns/coredns",
            packages={"coredns": "github.com/coredns/coredns"},
            title=f"CoreDNS {versions.coredns}",
            seconds=120,
            compiled=1010,
        ),
        kubernetes(versions),
    )
