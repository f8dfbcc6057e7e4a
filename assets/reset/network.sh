{#
  The Pod network leaves the host: links, routes, rules. Only chains whose names begin with KUBE-, FLANNEL- or CNI-, and
  rules that lead to them, are touched; everything else of the firewall stays as it is.
#}
links() { for link in {{ links }}; do [ ! -e /sys/class/net/$link ] || echo $link; done; }
tools() { for tool in iptables ip6tables; do for kind in nft legacy; do
  ! command -v $tool-$kind-save >/dev/null || echo $tool-$kind
done; done; }
# A transaction for iptables-restore --noflush: our chains, and the rules elsewhere that lead to them.
undo() {
  awk '
    /^\*/ {table = $0; rules = ""; empty = ""; chains = ""}
    /^:/ {
      chain = substr($1, 2)
      if (chain ~ /^(KUBE|FLANNEL|CNI)-/) {empty = empty ":" chain " - [0:0]\n"; chains = chains "-X " chain "\n"}
    }
    /^-A / && $2 !~ /^(KUBE|FLANNEL|CNI)-/ && / -[jg] (KUBE|FLANNEL|CNI)-/ {rules = rules "-D" substr($0, 3) "\n"}
    /^COMMIT/ && (rules != "" || chains != "") {printf "%s\n%s%s%sCOMMIT\n", table, empty, rules, chains}
  '
}
tables() {
  ! command -v nft >/dev/null || nft list tables 2>/dev/null | awk '
    $3 == "kube-proxy" || $3 ~ /^flannel-ipv[46]$/ {print $2, $3}'
}
routes() { ip -4 route show root {{ pods }} 2>/dev/null | grep -E ' dev (cni0|flannel\.1)( |$)'; }
netns() { ls -d /run/netns/cni-* 2>/dev/null; }
{% if look %}
for link in $(links); do echo "link $link"; done
for tool in $(tools); do
  [ -z "$($tool-save 2>/dev/null | undo)" ] || echo "rules $tool"
done
tables | while read -r table; do echo "nftables $table"; done
routes | while read -r to rest; do echo "route $to"; done
[ -z "$(netns)" ] || echo "namespaces /run/netns/cni-*"
{% else %}
for namespace in $(netns); do
  umount "$namespace" 2>/dev/null || umount -l "$namespace" 2>/dev/null || :
  rm -f "$namespace"
done
[ ! -e /sys/class/net/cni0 ] || for link in $(ip -o link show master cni0 | awk -F '[ :@]+' '{print $2}'); do
  ip link del "$link" 2>/dev/null || :
done
for link in $(links); do ip link del $link; done
for tool in $(tools); do
  transaction=$($tool-save 2>/dev/null | undo)
  [ -z "$transaction" ] || printf '%s\n' "$transaction" | $tool-restore --noflush --wait 20
done
tables | while read -r table; do nft delete table $table; done
routes | while read -r to rest; do ip -4 route del "$to"; done
{% endif %}
