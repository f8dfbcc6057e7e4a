#!/bin/bash
# kubeadm's documented way for one worker of a running cluster: join.sh NAME ADDRESS FILE...: prep, join, Ready
cd "$(dirname "$0")"; S="ssh -q -i @KEY@ -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"; t0=$(date +%s.%N); el(){ echo "$1 $(echo "$(date +%s.%N)-$t0" | bc)"; }
N=$1 IP=$2; shift 2
tar -cf - "$@" | $S root@$IP "tar -C /root -xf - && bash /root/pay/worker.sh" > prep-$N.log 2>&1 || exit 1; el prep
$S root@$IP "$(sed 's/--control-plane.*//' join.cmd) --ignore-preflight-errors=all --cri-socket unix:///run/containerd/containerd.sock" > join-$N.log 2>&1 || exit 1; el join
# flannel's manifest lets a node be Ready before it can give a Pod an address: it is of use with flannel's subnet.
$S root@@NET@.11 "kubectl --kubeconfig /etc/kubernetes/admin.conf wait --for=condition=Ready node/$N --timeout=150s" > ready-$N.log 2>&1 || exit 1
$S root@$IP 'for i in $(seq 600); do [ -s /run/flannel/subnet.env ] && exit 0; sleep 0.05; done; exit 1' || exit 1; el ready
