# Proves what the cluster is for, from one master through the VIP; written by slipway. Everything tried becomes a line
# of the results: what|from|to|why not (nothing there: it worked). What is made here goes again, however this ends.
set +e
results={{ results }}
note={{ note }}
ns=slipway-verify-$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')
N='
'
{{ again }}
ask() { {{ kubectl }} "$@"; }
k() { again 20 ask "$@"; }
# A kubelet out of reach keeps an apiserver waiting for a minute.
soon() { again 10 timeout 25 {{ kubectl }} -n "$ns" "$@" 2>&1; }
said() { printf '%s|%s|%s|%s\n' "$1" "$2" "${3:-}" "$(printf %s "${4:-}" | tr '\n|' '  ' | cut -c 1-300)" >>"$results"; }
uptime() { read -r up rest </proc/uptime; echo "${up%.*}"; }
# SECONDS COMMAND: until it succeeds; how long it may take is the host's clock since boot, as a test may hang.
within() {
  end=$(($(uptime) + $1))
  shift
  until "$@"; do
    [ "$(uptime)" -lt $end ] || return 1
    sleep 0.3
  done
}
trap 'ask delete namespace "$ns" --ignore-not-found --wait=false >/dev/null 2>&1' EXIT
trap 'exit 98' HUP INT TERM PIPE

mkdir -p "${results%/*}" "${note%/*}"
rm -f "$note"
echo "run|{{ run }}" >"$results"
# Of a run that was killed, power and all.
k delete namespace -l {{ label }} --wait=false >/dev/null || exit 1
# A try that broke off may have made some of them.
made() {
  sed "s/NAMESPACE/$ns/" <<'--slipway-pods--' | ask apply --server-side --validate=false --field-manager=slipway -f -
{{ pods }}
--slipway-pods--
}
again 20 made >/dev/null || exit 1
set -- $(k -n "$ns" get service any -o jsonpath='{.spec.clusterIP} {.spec.ports[0].nodePort}')
service=${1:-} port=${2:-}
[ -n "$port" ] || exit 1

# Nodes: those of the profile that are Ready, each with its Pod.
nodes=$(k get nodes -o jsonpath='{range .items[*]}{.metadata.name}|{.status.conditions[?(@.type=="Ready")].status}|{.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}') || exit 1
ready=
for node in {{ nodes }}; do
  case "$N$nodes" in
  *"${N}$node|True|"*) ready="$ready $node" ;;
  *"${N}$node|"*) said absent "$node" "" "the node is not Ready" ;;
  *) said absent "$node" "" "the cluster has no such node" ;;
  esac
done
pods_of() {
  ask -n "$ns" get pods -l "app=$1" -o jsonpath='{range .items[*]}{.spec.nodeName}|{.metadata.name}|{.status.podIP}|{.status.conditions[?(@.type=="Ready")].status}|{.status.containerStatuses[*].state.waiting.reason} {.status.containerStatuses[*].state.waiting.message}{"\n"}{end}'
}
# The one line of a node's Pod.
of_node() { printf '%s\n' "$pods" | awk -F '|' -v node="$1" '$1 == node' | head -n 1; }
all_run() {
  pods=$(pods_of each) || return 1
  for node in $ready; do
    case "$(of_node "$node")" in *'|True|'*) ;; *) return 1 ;; esac
  done
}
within 60 all_run
working=
for node in $ready; do
  pod=$(of_node "$node")
  case "$pod" in
  *'|True|'*) said pods "$node" "" && working="$working $node" ;;
  '') said pods "$node" "" "no Pod was made for it within 60 s" ;;
  *) said pods "$node" "" "its Pod did not start within 60 s: $(echo "$pod" | cut -d '|' -f 5-)" ;;
  esac
done
echo "Pods run on:$working"
[ "$working" = "$ready" ] || k -n "$ns" get events --field-selector type=Warning --no-headers 2>&1 | tail -n 5

# Inside the Pods. Each tries the {{ most }} after it, so that on a large cluster too every node is tried by some.
try=$(cat <<'--slipway-try--'
{{ inside }}
--slipway-try--
)
others() {
  printf '%s\n' "$pods" | awk -F '|' -v me="$1" -v names="$working" '
    { address[$1] = $3 }
    END {
      n = split(names, name, " ")
      for (at = 1; name[at] != me; at++);
      for (i = 1; i < n && i <= {{ most }}; i++) {
        other = name[(at + i - 1) % n + 1]
        print other ":" address[other]
      }
    }'
}
in_pod() {
  pod=$(of_node "$1" | cut -d '|' -f 2)
  if got=$(soon exec "$pod" -- sh -c "$try" try "$1" "$ns" {{ domain }} "$service" $(others "$1")); then
    said exec "$1" ""
    printf '%s\n' "$got" | grep '^[a-z]*|' >>"$results"
  else
    [ -n "$got" ] || got="no answer within 25 s"
    said exec "$1" "" "${got##*"$N"}"
    for what in address name service; do said $what "$1" "" "{{ untold }}"; done
  fi
}
logs_of() {
  got=$(soon logs "$(of_node "$1" | cut -d '|' -f 2)")
  if [ "$got" = "served by $1" ]; then said logs "$1" ""; else said logs "$1" "" "${got:-no log within 25 s}"; fi
}
# Eight nodes at a time: each is two kubectl on this host.
in_pods() {
  count=0
  for node in $working; do
    logs_of "$node" &
    in_pod "$node" &
    count=$((count + 1))
    [ $((count % 8)) -ne 0 ] || wait
  done
  wait
}

# From this host.
address_of() { printf '%s\n' "$nodes" | awk -F '|' -v node="$1" '$1 == node { print $3 }'; }
answers() { curl -s -m 2 --noproxy '*' "http://$1:$port/" 2>/dev/null | grep -q '^served by'; }
silent() { ! answers "$1"; }
opens() {
  if within 8 answers "$2"; then said nodeport "$1" ""; else said nodeport "$1" "" "no answer"; fi
}
closes() {
  if within 15 silent "$2"; then said closed "$1" ""; else said closed "$1" "" "it still answers after 15 s"; fi
}
on_ports() {
  for node in $ready; do "$1" "$node" "$(address_of "$node")" & done
  wait
}

# A Pod that is killed.
one_runs() {
  one=$(pods_of again | grep '|True|' | grep -v "|${old:-none}|" | cut -d '|' -f 2)
  [ -n "$one" ]
}
anew() {
  old=
  within 60 one_runs || { said again "" "" "the Pod to be killed did not start within 60 s"; return; }
  old=$one
  why=$(k -n "$ns" delete pod "$old" --ignore-not-found --wait=false 2>&1 >/dev/null) || { said again "" "" "$why"; return; }
  if within 60 one_runs; then said again "" ""; else said again "" "" "no other Pod took its place within 60 s"; fi
}

in_pods &
on_ports opens &
anew &
wait
echo "all was tried"
if why=$(k -n "$ns" delete service any --ignore-not-found --wait=false 2>&1 >/dev/null); then on_ports closes; else said closed "" "" "$why"; fi

gone() { left=$(ask get namespace -l {{ label }} -o name 2>&1) && [ -z "$left" ]; }
k delete namespace "$ns" --wait=false >/dev/null 2>&1
if within 60 gone; then said clean "" ""; else said clean "" "" "still there after 60 s: $left"; fi
awk -F '|' '$1 != "run" && $4 != "" { bad = 1 } END { exit bad }' "$results" && echo {{ digest }} >"$note"
echo done >>"$results"
