"""The peer: kubeadm's documented highly available way, with its keepalived and haproxy samples, on the same artifacts.

What it installs from is made once of the bundle: executables and CNI plugins as they are, images as uncompressed
archives (kubeadm's way knows no compression on the wire), the same packages of the distribution, kubeadm itself, and
an image of the bundle's own etcd under the tag kubeadm asks for.
https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/high-availability/
https://github.com/kubernetes/kubeadm/blob/main/docs/ha-considerations.md
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import machine
from wizard import practice
from wizard.bundle.build import cached_binary
from wizard.bundle.image import Config, Entry, Layer, write_image, write_layer
from wizard.bundle.opened import Bundle, load_bundle
from wizard.bundle.places import default_folder
from wizard.paths import cache_dir
from wizard.practice import Datacenter

SCRIPTS = Path(__file__).with_name("kubeadm_way")
IMAGES = ("image/pause", "image/kube-apiserver", "image/kube-controller-manager", "image/kube-scheduler")
NETWORK = ("image/flannel", "image/kube-proxy")
"""What runs on every node once the cluster has a network."""
HERE = ("peer.sh", "join.sh", "network.sh", "flannel.yaml")
"""Scripts that run on the jump host, and what they send by themselves; the others go to every host."""
BINARIES = ("containerd", "containerd-shim-runc-v2", "ctr", "runc", "kubelet", "kubectl")


def install(datacenter: Datacenter, kubernetes: str) -> dict[str, object]:
    """Install a cluster on the masters by the peer's scripts, and return the figures."""
    masters = [host for host in datacenter.hosts if "master" in host.roles]
    folder = _scripts(datacenter, load_bundle(default_folder(kubernetes)))
    machine.warm(path for path in (folder / "pay").rglob("*") if path.is_file())
    idle = machine.wait_for_quiet()
    before = machine.work_of(datacenter.hosts)
    began = time.monotonic()
    with (folder / "out").open("w+b") as out:
        subprocess.run(["bash", str(folder / "peer.sh")], stdout=out, stderr=subprocess.STDOUT, check=False)
        seconds = time.monotonic() - began
        out.seek(0)
        said = out.read().decode(errors="replace")
    work = machine.work_of(datacenter.hosts).since(before)
    ready = sum(bool(re.match(rf"node/{host.name}\s+Ready\s", line)) for line in said.splitlines() for host in masters)
    if ready != len(masters):
        raise SystemExit(f"kubeadm's way ended with {ready} Ready nodes; see {folder}:\n{said[-3000:]}")
    stages = {
        f"until {name}": float(when)
        for name, when in re.findall(r"^(prep|init|join2|join3|ready) ([\d.]+)$", said, re.M)
    }
    return {
        "seconds": seconds,
        "idle before": idle,
        "hosts' processor seconds": work.hosts,
        "machine's processor seconds": work.machine,
        **stages,
    }


def network() -> None:
    """Bring kube-proxy and flannel to the cluster that was installed last, which an installation ends without."""
    words = ["bash", str(run_folder() / "network.sh")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"kubeadm's cluster did not get its network: {done.stdout}{done.stderr}")


def run_folder() -> Path:
    """Return where the scripts of the cluster that was installed last are, and what they said."""
    return cache_dir() / "bench" / "kubeadm-run"


def _scripts(datacenter: Datacenter, bundle: Bundle) -> Path:
    """Lay out the scripts for this datacenter's addresses and key, beside what they send."""
    payload = _payload(datacenter, bundle)
    folder = run_folder()
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("pay", "net"):
        (folder / name).mkdir(parents=True)
    net = datacenter.gateway.rpartition(".")[0]
    words = {"@NET@": net, "@KEY@": str(datacenter.key), "@FLANNEL@": bundle.artifact("image/flannel").ref}
    for path in SCRIPTS.iterdir():
        text = path.read_text(encoding="utf-8")
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        target = folder if path.name in HERE else folder / "pay"
        (target / path.name).write_text(text, encoding="utf-8")
    for part in payload.rglob("*"):
        if part.is_file():
            target = folder / part.relative_to(payload)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(part, target)
    return folder


def _payload(datacenter: Datacenter, bundle: Bundle) -> Path:
    """Return the folder of what is sent, made once for a bundle and a base system: `pay` to every host, `net` to nodes
    with a network.
    """
    packages = _missing_packages(datacenter, bundle)
    key = hashlib.sha256(f"2 {bundle.digest} {packages}".encode()).hexdigest()[:16]
    folder = cache_dir() / "bench" / f"kubeadm-{key}"
    if folder.is_dir():
        return folder
    work = folder.with_suffix(".unfinished")
    shutil.rmtree(work, ignore_errors=True)
    pay, net = work / "pay", work / "net"
    for one in (net, *(pay / name for name in ("bin", "cni", "img", "deb"))):
        one.mkdir(parents=True)
    for name in BINARIES:
        _unpack(bundle, name, pay / "bin" / name)
    shutil.copy(cached_binary(bundle.lock.kubernetes, "kubeadm"), pay / "bin" / "kubeadm")
    for artifact in bundle.cni():
        _unpack(bundle, artifact.name, pay / "cni" / artifact.name.rpartition("/")[2])
    for name in (*IMAGES, *NETWORK):
        plain_image(bundle, name, (net if name in NETWORK else pay / "img") / f"{name.rpartition('/')[2]}.tar")
    _etcd_image(bundle, pay)
    for artifact in bundle.packages(bundle.lock.releases[0]):
        if artifact.package in packages:
            shutil.copy(bundle.path(artifact), pay / "deb" / artifact.filename)
    work.rename(folder)
    return folder


def _missing_packages(datacenter: Datacenter, bundle: Bundle) -> list[str]:
    """Return the packages of the bundle that a booted host lacks: those that slipway installs too."""
    listing = practice.execute(datacenter.hosts[0], "dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n")
    there = {line.split()[0] for line in listing.splitlines() if line.split()[1:2] == ["ii"]}
    return sorted(one.package for one in bundle.packages(bundle.lock.releases[0]) if one.package not in there)


def _unpack(bundle: Bundle, name: str, target: Path) -> None:
    artifact = bundle.artifact(name)
    with target.open("wb") as out:
        subprocess.run(["zstd", "-dcq", str(bundle.path(artifact))], stdout=out, check=True)
    target.chmod(0o755)


def plain_image(bundle: Bundle, name: str, target: Path) -> None:
    """Write an image of the bundle with its layers uncompressed, as the peer was measured from the first."""
    artifact = bundle.artifact(name)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch, tarfile.open(bundle.path(artifact)) as archive:
        folder = Path(scratch)
        archive.extractall(folder, filter="data")
        blobs = folder / "blobs" / "sha256"
        index = json.loads((folder / "index.json").read_text())
        manifest = _blob(blobs, index["manifests"][0])
        config = _blob(blobs, manifest["config"])
        layers = []
        for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
            path = folder / diff_id
            with path.open("wb") as out:
                subprocess.run(["zstd", "-dcq", str(blobs / layer["digest"][7:])], stdout=out, check=True)
            layers.append(Layer(path, diff_id.removeprefix("sha256:")))
        words = config["config"]
        write_image(
            artifact.ref, bundle.lock.arch,
            Config(words.get("Entrypoint", ()), words.get("Cmd", ()), words["Env"], words.get("User", "")),
            layers, target,
        )  # fmt: skip


def _blob(blobs: Path, described: dict[str, Any]) -> Any:
    return json.loads((blobs / described["digest"].removeprefix("sha256:")).read_text())


def _etcd_image(bundle: Bundle, work: Path) -> None:
    version = f"v{bundle.lock.kubernetes}"
    words = [str(work / "bin" / "kubeadm"), "config", "images", "list", "--kubernetes-version", version]
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    ref = next(item for item in listed if "/etcd:" in item)
    _unpack(bundle, "etcd", work / "etcd")
    digest = write_layer({"usr/local/bin/etcd": Entry(0o755, path=work / "etcd")}, work / "layer.tar")
    write_image(ref, bundle.lock.arch, Config(), [Layer(work / "layer.tar", digest)], work / "img" / "etcd.tar")
    for name in ("etcd", "layer.tar"):
        (work / name).unlink()
