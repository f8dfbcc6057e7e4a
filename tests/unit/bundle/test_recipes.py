from __future__ import annotations

import re

import pytest

from wizard import versions
from wizard.bundle.gosource import Counter, check_go_version, environment, executable_name, parse_go_version
from wizard.bundle.images import image_recipes
from wizard.bundle.lock import BundleError
from wizard.bundle.recipes import GoRecipe, recipes
from wizard.paths import assets_dir

ALL = [
    pytest.param(recipe, id=f"{version}-{recipe.folder}")
    for version in versions.known()
    for recipe in recipes(versions.components(version))
]


@pytest.mark.parametrize("recipe", ALL)
def test_every_recipe_has_its_pins(recipe: GoRecipe) -> None:
    folder = assets_dir() / "bundle" / recipe.folder
    module, sums = (folder / "go.mod").read_text(), (folder / "go.sum").read_text()
    assert f"{recipe.source} ".replace("@", " ") in sums, "the component itself is pinned by its hash"
    for package in recipe.packages.values():
        assert re.search(rf"\btool {re.escape(package)}$", module, re.M) or f"\t{package}\n" in module, package
    asked = re.search(r"^go (\S+)$", module, re.M)
    assert asked
    assert versions.number(asked[1]) <= versions.number(versions.load().go_minimum)


@pytest.mark.parametrize("recipe", ALL)
def test_every_build_is_reproducible_and_offline_from_the_pins(recipe: GoRecipe) -> None:
    arguments, env = recipe.arguments(), environment(recipe, "arm64", "gcc")
    assert {"-trimpath", "-buildvcs=false"} <= set(arguments)
    assert (env["GOFLAGS"], env["GOTOOLCHAIN"], env["GOARCH"]) == ("-mod=readonly", "local", "arm64")
    assert ("-extldflags -static" in " ".join(arguments)) == (env["CGO_ENABLED"] == "1")
    assert set(recipe.binaries) | set(recipe.cni) <= set(recipe.packages)


def test_no_pin_is_left_without_a_version_that_uses_it() -> None:
    used = {recipe.folder for version in versions.known() for recipe in recipes(versions.components(version))}
    there = {path.parent.name for path in (assets_dir() / "bundle").glob("*/go.mod")}
    assert there == used


def test_kubernetes_takes_its_staging_modules_from_the_proxy() -> None:
    for version in versions.known():
        module = (assets_dir() / "bundle" / f"kubernetes-{version}" / "go.mod").read_text()
        replaced = re.findall(r"^\t(k8s\.io/\S+) => (\S+) (v\S+)$", module, re.M)
        assert len(replaced) > 25
        assert all(old == new and tag == f"v0.{version[2:]}" for old, new, tag in replaced)


def test_images_have_their_official_names() -> None:
    refs = {recipe.ref for recipe in image_recipes(versions.components("1.37.2"))}
    assert refs == {
        "registry.k8s.io/kube-apiserver:v1.37.2",
        "registry.k8s.io/kube-controller-manager:v1.37.2",
        "registry.k8s.io/kube-scheduler:v1.37.2",
        "registry.k8s.io/kube-proxy:v1.37.2",
        "registry.k8s.io/coredns/coredns:v1.14.6",
        "registry.k8s.io/pause:3.10.2",
        "ghcr.io/flannel-io/flannel:v0.28.0",
    }


def test_images_are_made_of_what_the_recipes_build() -> None:
    for version in versions.known():
        parts = versions.components(version)
        built = {recipe.component: set(recipe.packages) for recipe in recipes(parts)} | {"pause": {"pause"}}
        for image in image_recipes(parts):
            assert image.binary in built[image.component]


@pytest.mark.parametrize(
    ("said", "version"),
    [("go1.26.8\n", "1.26.8"), ("go1.27", "1.27"), ("go1.27rc1 X:nodwarf5", "1.27"), ("devel +abc", ""), ("", "")],
)
def test_go_says_its_version(said: str, version: str) -> None:
    assert parse_go_version(said) == version


def test_an_old_go_is_refused_in_one_sentence() -> None:
    check_go_version("1.26.6", "1.26.6")
    check_go_version("1.27", "1.26.6")
    for old in ("1.19.8", "1.26", ""):
        with pytest.raises(BundleError, match="too old") as error:
            check_go_version(old, "1.26.6")
        assert "1.26.6" in error.value.why
        assert error.value.hint


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("go.etcd.io/etcd/server/v3", "server"),
        ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
        ("github.com/containerd/containerd/v2/cmd/ctr", "ctr"),
    ],
)
def test_programs_are_named_as_go_names_them(package: str, name: str) -> None:
    assert executable_name(package) == name


def test_the_lines_of_a_build_become_progress() -> None:
    seen: list[tuple[float, str]] = []
    count = Counter(4, lambda fraction, detail: seen.append((fraction, detail)))
    for line in (
        "go: downloading example.org/a v1.0.0",
        "example.org/a",
        "# a warning",
        "example.org/b",
        "",
        *"cdefgh",
    ):
        count(line)
    fractions = [fraction for fraction, _ in seen]
    assert fractions[0] == 0
    assert fractions == sorted(fractions)
    assert max(fractions) < 1, "linking comes after the last package"
    assert seen[0][1] == "downloading example.org/a v1.0.0"
