"""Where things lie on a host, and on which ports they listen: the one list that render, PKI, checks and steps share."""

from __future__ import annotations

from wizard.facts import cluster

KUBERNETES = "/etc/kubernetes"
PKI = f"{KUBERNETES}/pki"
MANIFESTS = f"{KUBERNETES}/manifests"
KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"
KUBELET_SERVING = f"{PKI}/kubelet"
"""Without suffix: ``.crt`` and ``.key`` of the kubelet's own HTTPS server."""
KUBELET_CLIENT = cluster.KUBELET_CLIENT
"""The client certificate that the kubelet asks for and renews by itself, with its key."""
KUBELET_KUBECONFIG = cluster.KUBELET_CONF
BOOTSTRAP_KUBECONFIG = f"{KUBERNETES}/bootstrap-kubelet.conf"
"""With the token by which a worker's kubelet asks for its first certificate; gone once it has joined."""
NODE_API = f"{KUBERNETES}/node-api.conf"
"""Where flannel and kube-proxy find the API on this node: a kubeconfig without a secret of its own."""
ETCD_CONFIG = "/etc/etcd"
ETCD_PKI = f"{ETCD_CONFIG}/pki"
"""etcd's own copies, readable by its user alone; `PKI` stays root's (CIS 1.1.19)."""
ETCD_USER = "etcd"
CONTAINERD_SOCKET = "unix:///run/containerd/containerd.sock"
CNI_BIN = "/opt/cni/bin"
CNI_CONFIG = "/etc/cni/net.d"
CNI_NETWORK = "cbr0"
"""What the Pod network is called in the CNI's configuration; plugins name it in their firewall rules."""
LIBEXEC = "/usr/local/libexec/slipway"
RUN = "/run/slipway"
HAPROXY_STATE = f"{RUN}/haproxy"
"""``0`` while haproxy runs, ``1`` while it does not; keepalived watches it."""
HAPROXY_SOCKET = "/run/haproxy/admin.sock"

API_PORT = 6443
"""Each apiserver's port on its node address, and haproxy's on 127.0.0.1."""
ETCD_CLIENT_PORT = 2379
ETCD_PEER_PORT = 2380
ETCD_METRICS_PORT = 2381
KUBELET_PORT = 10250
CONTROLLER_MANAGER_PORT = 10257
SCHEDULER_PORT = 10259
BALANCER_HEALTH_PORT = 9443
"""Loopback port of haproxy: 200 while it reaches at least one apiserver."""
BALANCER_CHECK_PORT = 9444
"""Loopback port of haproxy: whether one apiserver shall be used, as haproxy asks itself."""
LOCAL_API = f"https://127.0.0.1:{API_PORT}"
"""The API on a master, through the local haproxy: works without the VIP."""
