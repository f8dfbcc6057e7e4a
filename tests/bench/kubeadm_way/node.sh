# runs on a host: node.sh NAME IP STATE PRIO
set -e
# The distribution's packages, as an apt-get install of them would leave them, but for services that it would start.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
DEBIAN_FRONTEND=noninteractive dpkg -i --force-confold --force-confdef --force-unsafe-io /root/pay/deb/*.deb > /root/dpkg.log 2>&1
rm /usr/sbin/policy-rc.d
N=$1 IP=$2 ST=$3 PR=$4; cd /root/pay
install -m755 bin/* /usr/local/bin/; mkdir -p /opt/cni/bin /etc/cni/net.d /etc/containerd /etc/haproxy /etc/keepalived; install -m755 cni/* /opt/cni/bin/
cp containerd.toml /etc/containerd/config.toml; cp containerd.service kubelet.service /etc/systemd/system/
O=$(echo $IP | cut -d. -f4)
cat > /etc/cni/net.d/10-bridge.conflist <<Y
{"cniVersion":"1.0.0","name":"b","plugins":[{"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.$O.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}},{"type":"portmap","capabilities":{"portMappings":true}}]}
Y
cat > /etc/haproxy/haproxy.cfg <<Y
global
    log stdout format raw local0 info
    daemon
defaults
    mode                    http
    log                     global
    option                  httplog
    option                  dontlognull
    option http-server-close
    option redispatch
    retries                 1
    timeout http-request    10s
    timeout queue           20s
    timeout connect         5s
    timeout client          35s
    timeout server          35s
    timeout http-keep-alive 10s
    timeout check           10s
frontend apiserver
    bind *:8443
    mode tcp
    option tcplog
    default_backend apiserverbackend
backend apiserverbackend
    option httpchk
    http-check connect ssl
    http-check send meth GET uri /healthz
    http-check expect status 200
    mode tcp
    balance     roundrobin
    server m1 @NET@.11:6443 check verify none
    server m2 @NET@.12:6443 check verify none
    server m3 @NET@.13:6443 check verify none
Y
cat > /etc/keepalived/check.sh <<'Y'
#!/bin/sh
curl -sfk --max-time 2 https://localhost:8443/healthz -o /dev/null || exit 1
Y
chmod +x /etc/keepalived/check.sh
cat > /etc/keepalived/keepalived.conf <<Y
global_defs {
    router_id LVS_DEVEL
    script_user root
    enable_script_security
}
vrrp_script check_apiserver {
  script "/etc/keepalived/check.sh"
  interval 3
  weight -2
  fall 10
  rise 2
}
vrrp_instance VI_1 {
    state $ST
    interface eth0
    virtual_router_id 51
    priority $PR
    authentication {
        auth_type PASS
        auth_pass 42
    }
    virtual_ipaddress {
        @NET@.100
    }
    track_script {
        check_apiserver
    }
}
Y
sysctl -qw net.ipv4.ip_forward=1
systemctl daemon-reload; systemctl enable -q --now containerd kubelet haproxy keepalived 2>/dev/null || true
for i in img/*.tar; do ctr -n k8s.io images import $i >/dev/null; done
