"""Objects in the API: only what slipway states is compared."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.render.sites import site
from wizard.render import api as render
from wizard.steps.objects import compare, differences, items_of, label_of, parse

WORKLOAD: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "kube-proxy", "namespace": "kube-system", "labels": {"k8s-app": "kube-proxy"}},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "proxy",
                        "image": "proxy:v1",
                        "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}},
                        "env": [{"name": "A", "value": "a"}, {"name": "B", "value": "b"}],
                    }
                ],
                "tolerations": [{"operator": "Exists"}],
                "volumes": [],
                "hostNetwork": True,
                "automountServiceAccountToken": False,
            }
        }
    },
}


def live(*items: dict[str, Any]) -> str:
    return json.dumps({"kind": "List", "apiVersion": "v1", "items": items})


def spec(item: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = item["spec"]["template"]["spec"]
    return found


def test_what_the_server_defaults_or_others_own_is_nobodys_drift() -> None:
    there = deepcopy(WORKLOAD)
    there["metadata"] |= {"uid": "1", "managedFields": [{}], "annotations": {"deprecated": "1"}}
    there["metadata"]["labels"]["by"] = "another"
    there["status"] = {"numberReady": 0}
    spec(there)["containers"][0] |= {"terminationMessagePath": "/dev/termination-log"}
    del spec(there)["volumes"]
    assert compare([WORKLOAD], live(there)) == ()


def test_the_server_may_write_the_same_otherwise() -> None:
    there = deepcopy(WORKLOAD)
    container = spec(there)["containers"][0]
    container["resources"]["requests"] = {"cpu": "0.1", "memory": "1024Mi"}
    container["env"].reverse()
    assert compare([WORKLOAD], live(there)) == ()


@pytest.mark.parametrize(
    ("alter", "path", "seen"),
    [
        (lambda s: s["containers"][0].update(image="proxy:v0"), "containers[proxy].image", '"proxy:v0"'),
        (lambda s: s["containers"][0]["env"].append({"name": "C"}), "containers[proxy].env", '"C"'),
        (lambda s: s["containers"][0]["env"][1].update(name="C"), "containers[proxy].env[B]", "absent"),
        (lambda s: s["containers"][0]["resources"]["requests"].update(cpu="200m"), "requests.cpu", '"200m"'),
        (lambda s: s.update(hostNetwork=False), "hostNetwork", "false"),
        (lambda s: s.pop("hostNetwork"), "hostNetwork", "absent"),
        (lambda s: s.pop("automountServiceAccountToken"), "automountServiceAccountToken", "absent"),
        (lambda s: s.update(tolerations=[]), "tolerations", "[]"),
        (lambda s: s["tolerations"][0].update(operator="Equal"), "tolerations[0].operator", '"Equal"'),
    ],
)
def test_what_is_stated_and_otherwise_there_is_named_with_both_sides(alter: Any, path: str, seen: str) -> None:
    there = deepcopy(WORKLOAD)
    alter(spec(there))
    (diff,) = compare([WORKLOAD], live(there))
    assert diff.subject == "DaemonSet kube-system/kube-proxy"
    assert path in diff.before
    assert path in diff.after
    assert seen in diff.before
    assert seen not in diff.after


def test_a_missing_object_is_drift_even_where_its_namesake_is_there() -> None:
    namesake = deepcopy(WORKLOAD)
    namesake["metadata"]["namespace"] = "default"
    (diff,) = compare([WORKLOAD], live(namesake))
    assert (diff.subject, diff.before) == ("DaemonSet kube-system/kube-proxy", "")


@pytest.mark.parametrize("text", ["", "  ", "error: no such host", "{", '{"kind": "List", "items": []}'])
def test_an_answer_without_objects_has_none(text: str) -> None:
    assert items_of(text) == ()
    assert len(compare([WORKLOAD], text)) == 1


def test_one_object_is_listed_alone() -> None:
    assert items_of(json.dumps(WORKLOAD)) == (WORKLOAD,)


def test_a_cluster_wide_object_has_no_namespace_in_its_name() -> None:
    assert label_of({"kind": "ClusterRole", "metadata": {"name": "reader"}}) == "ClusterRole reader"


def test_every_manifest_of_an_install_equals_itself() -> None:
    for manifest in render.manifests(site()):
        items = parse(manifest.yaml)
        assert items
        assert compare(items, live(*(dict(item) for item in items))) == ()


LEAVES = st.one_of(st.booleans(), st.integers(1, 9), st.text("abc", min_size=1, max_size=3))
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text("xyz", min_size=1), inner, min_size=1)
    ),
    max_leaves=8,
)


@given(TREES, TREES)
def test_equal_is_no_drift_and_other_fields_are_nobodys(tree: Any, more: Any) -> None:
    assert differences(tree, deepcopy(tree)) == []
    assert differences({"a": tree}, {"a": tree, "b": more}) == []


@given(TREES)
def test_every_stated_field_that_is_gone_is_found(tree: Any) -> None:
    assert differences({"a": tree}, {}) != []
    assert differences([tree], []) != []
    assert differences([tree], [tree, tree]) != []
