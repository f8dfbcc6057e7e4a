"""What a site brings of its own, each rule broken once: code, changes to a sound profile, field."""

from __future__ import annotations

from typing import Any

CASES: list[tuple[str, list[tuple[str, Any]], str]] = [
    ("host.label", [("hosts[0].labels", {"no blanks": "x"})], "hosts[0].labels"),
    ("host.label", [("hosts[0].labels", {"tier": "-x"})], "hosts[0].labels"),
    ("host.label", [("hosts[0].labels", {"topology.kubernetes.io/zone": "a"})], "hosts[0].labels"),
    ("host.label", [("hosts[0].labels", {"node-role.kubernetes.io/control-plane": ""})], "hosts[0].labels"),
    ("host.taint", [("hosts[0].taints", ["dedicated=gpu"])], "hosts[0].taints[0]"),
    ("host.taint", [("hosts[0].taints", ["dedicated=gpu:Never"])], "hosts[0].taints[0]"),
    ("host.taint", [("hosts[0].taints", ["a b:NoExecute"])], "hosts[0].taints[0]"),
    ("host.taint", [("hosts[0].taints", ["a=b:NoExecute", "a=c:NoExecute"])], "hosts[0].taints[1]"),
    ("host.taint", [("hosts[0].taints", ["node.kubernetes.io/not-ready:NoExecute"])], "hosts[0].taints[0]"),
    ("host.not-node", [("hosts[3].labels", {"tier": "gold"})], "hosts[3].labels"),
    ("host.not-node", [("hosts[3].taints", ["a:NoExecute"])], "hosts[3].taints"),
    ("registry.name", [("registries[0].name", "https://registry.example")], "registries[0].name"),
    ("registry.name", [("registries[0].name", "registry.example/team")], "registries[0].name"),
    ("registry.name", [("registries[0].name", "registry.example:99999")], "registries[0].name"),
    ("registry.name", [("registries[0].name", "Registry.example")], "registries[0].name"),
    ("registry.twice", [("registries", [{"name": "r.example"}, {"name": "r.example"}])], "registries[1].name"),
    (
        "registry.mirror",
        [("registries", [{"name": "docker.io", "mirrors": ["mirror:5000"]}])],
        "registries[0].mirrors[0]",
    ),
    (
        "registry.mirror",
        [("registries", [{"name": "docker.io", "mirrors": ["https://u:p@mirror"]}])],
        "registries[0].mirrors[0]",
    ),
    (
        "registry.mirror",
        [("registries", [{"name": "docker.io", "mirrors": ["https://mirror:x"]}])],
        "registries[0].mirrors[0]",
    ),
    (
        "registry.ca",
        [("registries", [{"name": "r.example", "ca": "-----BEGIN CERTIFICATE-----"}])],
        "registries[0].ca",
    ),
    ("registry.username", [("registries", [{"name": "r.example", "username": "a:b"}])], "registries[0].username"),
    (
        "registry.no-username",
        [("registries", [{"name": "r.example", "password_file": "p"}])],
        "registries[0].username",
    ),
    (
        "registry.password-file",
        [("registries", [{"name": "r.example", "username": "u", "password_file": "a\nb"}])],
        "registries[0].password_file",
    ),
    ("registry.no-upstream", [("registries", [{"name": "r.example", "upstream": False}])], "registries[0].upstream"),
    (
        "registry.plain-http",
        [("registries", [{"name": "docker.io", "mirrors": ["http://mirror:5000"]}])],
        "registries[0].mirrors[0]",
    ),
    (
        "registry.plain-password",
        [
            (
                "registries",
                [{"name": "m:5000", "username": "u"}, {"name": "docker.io", "mirrors": ["http://m:5000"]}],
            )
        ],
        "registries[1].mirrors[0]",
    ),
    ("proxy.url", [("proxy.http_proxy", "proxy.example:3128")], "proxy.http_proxy"),
    ("proxy.url", [("proxy.https_proxy", "http://u:secret@proxy:3128")], "proxy.https_proxy"),
    ("proxy.url", [("proxy.https_proxy", 'http://proxy"; x')], "proxy.https_proxy"),
    ("proxy.direct", [("proxy.no_proxy", ["10.0.0.0/33"])], "proxy.no_proxy[0]"),
    ("manifests.folder", [("manifests", "a\x07b")], "manifests"),
    ("extra-args.flag", [("extra_args", {"kubelet": {"a b": "1"}})], "extra_args.kubelet"),
    ("extra-args.own", [("extra_args", {"kube_apiserver": {"etcd-servers": "x"}})], "extra_args.kube_apiserver"),
    ("extra-args.own", [("extra_args", {"kubelet": {"node-labels": "a=b"}})], "extra_args.kubelet"),
    (
        "extra-args.own",
        [("extra_args", {"kube_apiserver": {"enable-admission-plugins": "PodSecurity"}})],
        "extra_args.kube_apiserver",
    ),
    (
        "extra-args.own",
        [("extra_args", {"kube_apiserver": {"disable-admission-plugins": "A,NodeRestriction"}})],
        "extra_args.kube_apiserver",
    ),
    ("extra-args.value", [("extra_args", {"kubelet": {"v": "1 --x"}})], "extra_args.kubelet"),
    ("extra-args.value", [("extra_args", {"kube_scheduler": {"v": "1\n2"}})], "extra_args.kube_scheduler"),
    ("sysctl.key", [("sysctls", {"net core": "1"})], "sysctls"),
    ("sysctl.key", [("sysctls", {"../etc.x": "1"})], "sysctls"),
    ("sysctl.own", [("sysctls", {"net.ipv4.ip_forward": "0"})], "sysctls"),
    ("sysctl.value", [("sysctls", {"net.core.somaxconn": "1\n2"})], "sysctls"),
]

FINE: list[list[tuple[str, Any]]] = [
    [("hosts[0].labels", {"example.com/tier": "gold", "ssd": ""})],
    [("hosts[0].taints", ["gpu=yes:NoSchedule", "x:NoExecute"])],
    [
        (
            "registries",
            [
                {"name": "r.example:5000", "ca": "ca.pem", "username": "pull", "password_file": "~/r.password"},
                {"name": "docker.io", "mirrors": ["https://r.example:5000/v2/hub"], "upstream": False},
            ],
        )
    ],
    [
        ("proxy.http_proxy", "http://proxy.example:3128"),
        ("proxy.no_proxy", [".example", "*.site.example", "10.9.0.0/16", "10.20.0.9", "registry.example"]),
    ],
    [
        (
            "extra_args",
            {
                "kube-apiserver": {"audit-log-maxage": 30, "enable-admission-plugins": "NodeRestriction,PodSecurity"},
                "etcd": {"--snapshot-count": 5000},
            },
        )
    ],
    [("sysctls", {"net.core.somaxconn": 4096, "net.ipv4.tcp_rmem": "4096 131072 6291456"}), ("manifests", "site")],
]  # fmt: skip
