# Runs in a Pod (busybox): tries what it is told of, all at once, and prints a line for each: what|from|to|why not.
# Its words: this node, the namespace, the cluster's domain, the Service's address, then NODE:ADDRESS of other Pods.
# The image's wget can't be used: as a static program it dies on NSS. So nc asks, and nslookup resolves.
node=$1 ns=$2 domain=$3 service=$4
shift 4
said() { printf '%s|%s|%s|%s\n' "$1" "$node" "$2" "$3"; }
answer() { printf 'GET / HTTP/1.0\r\n\r\n' | timeout 4 nc -w 2 "$1" "$2" 2>/dev/null | grep '^served by'; }
address_of() { timeout 4 nslookup "$1" 2>/dev/null | sed -n '/^Name:/,$s/^Address[ 1]*: *//p' | head -n 1; }
# A Pod, a Service's rules and a name are known everywhere a moment after they are made: each is tried three times.
by_address() {
  for pause in 0.5 1 0; do
    got=$(answer "$2" {{ port }})
    [ "$got" != "served by $1" ] || { said address "$1"; return; }
    sleep $pause
  done
  said address "$1" "${got:-no answer}"
}
by_name() {
  for pause in 0.5 1.5 0; do
    got=$(address_of "$2.$ns.svc.$domain")
    [ "$got" != "$3" ] || { said name "$1"; return; }
    sleep $pause
  done
  [ -n "$got" ] || { said name "$1" "its name is unknown"; return; }
  said name "$1" "its name stands for $got, not for $3"
}
by_service() {
  for pause in 0.5 1 0.5 0; do
    [ -z "$(answer "$service" 80)" ] || { said service service; return; }
    sleep $pause
  done
  said service service "no answer"
}
[ $# -gt 0 ] || said address "" ""
by_name service any "$service" &
by_service &
for pod; do
  by_address "${pod%%:*}" "${pod#*:}" &
  by_name "${pod%%:*}" "$(echo "${pod#*:}" | tr . -).pods" "${pod#*:}" &
done
wait
