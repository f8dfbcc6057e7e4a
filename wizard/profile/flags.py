"""Flags of components that slipway gives itself, and that no site may replace: each with the reason.

What is not named here may be given, slipway's own included: it then takes the place of slipway's.
"""

from __future__ import annotations

from collections.abc import Mapping

_ADDRESS = "haproxy, keepalived and the kubelets reach it where slipway has put it"
_CERTIFICATE = "slipway makes the certificates and keys, and renews them where they lie"
_LOGIN = "the cluster's own parts log in by it"
_MEMBER = "a member's identity and its way to the others are slipway's: it joins, recovers and removes by them"
_NETWORK = "it follows from the network in the profile"
_HEALTH = "health is asked there"
_ALONE = "the file would not be there in its Pod; give the flags one by one"
_NODE = "it follows from the host in the profile"

_CONTROLLER = {
    **dict.fromkeys(("bind-address", "secure-port"), _HEALTH),
    **dict.fromkeys(("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"), _LOGIN),
    "leader-elect": "all masters have one, and only one may act",
    "config": _ALONE,
}

OWN: Mapping[str, Mapping[str, str]] = {
    "kube_apiserver": {
        **dict.fromkeys(("advertise-address", "bind-address", "secure-port", "external-hostname"), _ADDRESS),
        **dict.fromkeys(
            (
                "etcd-servers", "etcd-cafile", "etcd-certfile", "etcd-keyfile", "etcd-prefix", "storage-backend",
            ),
            "it asks the etcd member beside it, as the failover needs it",
        ),
        **dict.fromkeys(
            (
                "client-ca-file", "tls-cert-file", "tls-private-key-file", "cert-dir", "kubelet-certificate-authority",
                "kubelet-client-certificate", "kubelet-client-key", "proxy-client-cert-file", "proxy-client-key-file",
                "requestheader-client-ca-file", "service-account-key-file", "service-account-signing-key-file",
            ),
            _CERTIFICATE,
        ),
        **dict.fromkeys(
            (
                "requestheader-allowed-names", "requestheader-extra-headers-prefix", "requestheader-group-headers",
                "requestheader-username-headers", "service-account-issuer", "enable-bootstrap-token-auth",
                "authorization-mode", "authorization-config", "authentication-config",
            ),
            _LOGIN,
        ),
        "anonymous-auth": "haproxy and the kubelet ask for its health without a login",
        "allow-privileged": "the Pod network and kube-proxy are privileged Pods",
        "service-cluster-ip-range": _NETWORK,
        "shutdown-delay-duration": "every haproxy has to notice before it stops: no request fails so",
    },
    "kube_controller_manager": {
        **_CONTROLLER,
        **dict.fromkeys(
            (
                "client-ca-file", "cluster-signing-cert-file", "cluster-signing-key-file", "root-ca-file",
                "requestheader-client-ca-file", "service-account-private-key-file",
            ),
            _CERTIFICATE,
        ),
        **dict.fromkeys(
            ("allocate-node-cidrs", "cluster-cidr", "node-cidr-mask-size", "service-cluster-ip-range"), _NETWORK
        ),
        "use-service-account-credentials": _LOGIN,
    },
    "kube_scheduler": _CONTROLLER,
    "kubelet": {
        **dict.fromkeys(("kubeconfig", "bootstrap-kubeconfig", "anonymous-auth", "authorization-mode"), _LOGIN),
        **dict.fromkeys(("config", "config-dir"), "slipway writes that file; give the flags one by one"),
        **dict.fromkeys(("hostname-override", "node-ip", "register-node", "port", "address"), _NODE),
        **dict.fromkeys(("client-ca-file", "tls-cert-file", "tls-private-key-file", "cert-dir"), _CERTIFICATE),
        **dict.fromkeys(("cluster-dns", "cluster-domain"), _NETWORK),
        **dict.fromkeys(("healthz-bind-address", "healthz-port"), _HEALTH),
        **dict.fromkeys(("container-runtime-endpoint", "image-service-endpoint"), "slipway's containerd is there"),
        **dict.fromkeys(("pod-manifest-path", "root-dir"), "the control plane and a reset count on it"),
        "cgroup-driver": "it must be containerd's, which follows from the host",
        "node-labels": "labels of a host stand in hosts[].labels, and change with it",
        "register-with-taints": "taints of a host stand in hosts[].taints, and change with it",
    },
    "kube_proxy": {
        **dict.fromkeys(("kubeconfig", "master"), _LOGIN),
        **dict.fromkeys(("config", "write-config-to"), _ALONE),
        **dict.fromkeys(("cleanup", "init-only"), "it would do its work once and end"),
        **dict.fromkeys(("healthz-bind-address", "healthz-port"), _HEALTH),
        "hostname-override": _NODE,
        "cluster-cidr": _NETWORK,
        "proxy-mode": "it stands in network.kube_proxy",
    },
    "etcd": {
        **dict.fromkeys(
            (
                "name", "listen-client-urls", "advertise-client-urls", "listen-peer-urls",
                "initial-advertise-peer-urls", "initial-cluster", "initial-cluster-state", "initial-cluster-token",
                "listen-metrics-urls", "listen-client-http-urls", "discovery", "discovery-srv", "force-new-cluster",
                "config-file",
            ),
            _MEMBER,
        ),
        **dict.fromkeys(
            (
                "cert-file", "key-file", "trusted-ca-file", "client-cert-auth", "client-crl-file", "auto-tls",
                "peer-cert-file", "peer-key-file", "peer-trusted-ca-file", "peer-client-cert-auth", "peer-auto-tls",
                "client-cert-file", "client-key-file", "peer-client-cert-file", "peer-client-key-file",
            ),
            _CERTIFICATE,
        ),
        **dict.fromkeys(("heartbeat-interval", "election-timeout"), "they stand in etcd.tuning, equal on all members"),
        **dict.fromkeys(("data-dir", "wal-dir"), "the data's place stands in etcd.data_dir"),
    },
}  # fmt: skip
"""Component → flag → why it can't be given."""

NEVER: Mapping[tuple[str, str], str] = {("kube_apiserver", "disable-admission-plugins"): "NodeRestriction"}
"""Flags whose lists may not hold a word: a node could speak for others without that plugin."""

MUST_HAVE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("kube_apiserver", "enable-admission-plugins"): ("NodeRestriction",),
    ("kube_controller_manager", "controllers"): ("bootstrapsigner", "tokencleaner"),
    ("etcd", "feature-gates"): ("InitialCorruptCheck=true",),
}
"""Flags that may be replaced by lists which hold these words: without them joining or etcd's checks would be gone."""
