{#
  The Pod network leaves the host: links, routes, rules. Only chains that a Pod network or kube-proxy makes, those of CNI
  plugins that our network's name stands at, and rules that lead to them are touched; everything else of the firewall
  stays as it is.
    links      shell patterns of interfaces
    chains     how the names of chains begin, and
    tables     the names of nftables tables, with | between them, as are
    networks   the names of our Pod networks in the CNI's configuration, and
    nodes      the nodes' addresses; pods is the network of the Pods
#}
links() { for link in {{ links }}; do for path in /sys/class/net/$link; do
  [ ! -e "$path" ] || echo "${path##*/}"
done; done; }
tools() { for tool in iptables ip6tables; do for kind in nft legacy; do
  ! command -v $tool-$kind-save >/dev/null || echo $tool-$kind
done; done; }
# A transaction for iptables-restore --noflush: our chains, and the rules elsewhere that lead to them.
undo() {
  awk -v named='name: \\\\"({{ networks }})\\\\" id: ' '
    # Of the CNI plugins chains, each container has its own; the CNI-HOSTPORT ones are shared with whoever else uses the
    # plugins (podman), and go when nobody else is in them.
    function own(name) {
      return name ~ /^({{ chains }})/ || (name in mine) || (name ~ /^CNI-HOSTPORT-/ && !others)
    }
    /^\*/ {table = $0; rules = 0; chains = 0; split("", mine)}
    /^:/ {chain[++chains] = substr($1, 2)}
    /^-A / {
      rule[++rules] = $0
      from[rules] = $2
      bare = $0
      gsub(/"([^"\\]|\\.)*"/, "", bare)
      to[rules] = match(bare, / -[jg] [^ ]+/) ? substr(bare, RSTART + 4, RLENGTH - 4) : ""
      if ($0 ~ named) {
        if (to[rules] ~ /^CNI-/) mine[to[rules]]
        if ($2 ~ /^CNI-/ && $2 !~ /^CNI-HOSTPORT-/) mine[$2]
      }
    }
    /^COMMIT/ {
      others = 0
      for (i = 1; i <= rules; i++) if (from[i] ~ /^CNI-HOSTPORT-[DS]NAT$/ && !(to[i] in mine)) others = 1
      empty = ""; gone = ""; left = ""
      for (i = 1; i <= chains; i++) if (own(chain[i])) {
        empty = empty ":" chain[i] " - [0:0]\n"
        gone = gone "-X " chain[i] "\n"
      }
      for (i = 1; i <= rules; i++) if (!own(from[i]) && own(to[i])) left = left "-D" substr(rule[i], 3) "\n"
      if (empty left != "") printf "%s\n%s%s%sCOMMIT\n", table, empty, left, gone
    }
  '
}
tables() {
  ! command -v nft >/dev/null || nft list tables 2>/dev/null | awk '$3 ~ /^({{ tables }})$/ {print $2, $3}'
}
# The CNI's portmap plugin has one table for whoever uses it, with each container's rules by its ID: it goes when nobody
# else is in it, or our containers' rules do. Which are ours, the CNI's own notes tell.
hostports() {
  ! command -v nft >/dev/null || nft list tables 2>/dev/null | awk '$3 == "cni_hostport" {print $2, $3}' | while read -r table; do
    nft -a list table $table | awk -v table="$table" -v ids="$(
      for note in /var/lib/cni/results/*; do echo "${note##*/}"; done | sed -nE 's/^({{ networks }})-([^-]+)-.*/\2/p' | xargs
    )" '
      BEGIN {n = split(ids, id, " "); for (i = 1; i <= n; i++) mine[id[i]]}
      $1 == "chain" {chain = $2}
      / comment "[^"]*" # handle [0-9]+$/ {
        whose = $0; sub(/" # handle [0-9]+$/, "", whose); sub(/.* comment "/, "", whose)
        if (whose in mine) rule[++rules] = "rule " table " " chain " handle " $NF
        else others = 1
      }
      END {if (!others) print "table " table; else for (i = 1; i <= rules; i++) print rule[i]}
    '
  done
}
# To this host's own Pods by its links, and to those of other nodes by way of these.
routes() {
  ip -4 route show root {{ pods }} 2>/dev/null | grep -E ' dev (cni0|flannel\.1|vxlan\.calico|cali[^ ]*|cilium_[^ ]*|lxc[^ ]*)( |$)| via ({{ nodes }}) '
}
# One that a process is in is not ours: all of ours have ended.
netns() {
  used=$(stat -Lc %i /proc/[0-9]*/ns/net 2>/dev/null | sort -u)
  for namespace in /run/netns/cni-*; do
    [ ! -e "$namespace" ] || printf '%s\n' "$used" | grep -qx "$(stat -Lc %i "$namespace")" || echo "$namespace"
  done
}
# What cilium hangs on the host's own interfaces goes on working on packets after its Pods are gone.
hooks() {
  ! command -v tc >/dev/null || [ ! -d /sys/fs/bpf/cilium ] || for path in /sys/class/net/*; do
    for way in ingress egress; do
      ! tc filter show dev "${path##*/}" $way 2>/dev/null | grep -q ' cil_' || echo "${path##*/} $way"
    done
  done
}
{% if look %}
for link in $(links); do echo "link $link"; done
for tool in $(tools); do
  [ -z "$($tool-save 2>/dev/null | undo)" ] || echo "rules $tool"
done
tables | while read -r table; do echo "nftables $table"; done
hostports | while read -r item; do echo "nftables $item"; done
routes | while read -r to rest; do echo "route $to"; done
hooks | while read -r hook; do echo "filter $hook"; done
[ -z "$(netns)" ] || echo "namespaces /run/netns/cni-*"
{% else %}
for namespace in $(netns); do
  umount "$namespace" 2>/dev/null || umount -l "$namespace" 2>/dev/null || :
  rm -f "$namespace"
done
[ ! -e /sys/class/net/cni0 ] || for link in $(ip -o link show master cni0 | awk -F '[ :@]+' '{print $2}'); do
  ip link del "$link" 2>/dev/null || :
done
hooks | while read -r link way; do tc filter del dev "$link" "$way"; done
# One end of a pair takes the other with it.
for link in $(links); do [ ! -e "/sys/class/net/$link" ] || ip link del "$link"; done
for tool in $(tools); do
  transaction=$($tool-save 2>/dev/null | undo)
  [ -z "$transaction" ] || printf '%s\n' "$transaction" | $tool-restore --noflush --wait 20
done
tables | while read -r table; do nft delete table $table; done
hostports | while read -r item; do nft delete $item; done
routes | while read -r to rest; do ip -4 route del "$to"; done
{% endif %}
