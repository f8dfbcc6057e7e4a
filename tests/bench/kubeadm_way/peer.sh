#!/bin/bash
# kubeadm's documented HA way, on three lab hosts: prep in parallel, init and joins one by one
cd "$(dirname "$0")"; S="ssh -q -i @KEY@ -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"; t0=$(date +%s.%N); el(){ echo "$1 $(echo "$(date +%s.%N)-$t0" | bc)"; }
st=(x MASTER BACKUP BACKUP); pr=(x 101 100 100)
for i in 1 2 3; do ( tar -cf - pay | $S root@@NET@.1$i "tar -C /root -xf - && bash /root/pay/node.sh m$i @NET@.1$i ${st[$i]} ${pr[$i]}" > prep$i.log 2>&1 || echo prep $i failed ) & done; wait; el prep
$S root@@NET@.11 "cd /root/pay && kubeadm init --config kubeadm.yaml --upload-certs --ignore-preflight-errors=all --skip-phases=addon" > init.log 2>&1; el init
J=$(grep -A3 'kubeadm join' init.log | head -3 | tr -d '\\\n'); echo "$J" > join.cmd
for i in 2 3; do $S root@@NET@.1$i "$J --apiserver-advertise-address @NET@.1$i --ignore-preflight-errors=all --cri-socket unix:///run/containerd/containerd.sock" > join$i.log 2>&1; el join$i; done
$S root@@NET@.11 'for k in $(seq 300); do [ $(kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes --no-headers 2>/dev/null | grep -cw Ready) = 3 ] && break; sleep 0.5; done; kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes,pods -A -o wide'; el ready
