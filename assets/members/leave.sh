{#
  A member of etcd is removed.
    name, peer    the member's name and peer URL      config     where the settings of this host's member are
#}
set -a; . {{ config }}/etcdctl.env; set +a
own() { awk -F', ' '$3 == "{{ name }}" || index("," $4 ",", ",{{ peer }},")'; }
rows=$(etcdctl --command-timeout=10s member list)
tries=0
while row=$(echo "$rows" | own) && [ -n "$row" ]; do
  # A cluster changes nobody before its members have known each other for five seconds ("unhealthy cluster").
  said=$(etcdctl --command-timeout=10s member remove "${row%%,*}" 2>&1 >/dev/null) || sleep 1
  tries=$((tries+1))
  if [ $tries -ge 20 ]; then
    echo "$said" | tail -n 1 >&2
    exit 1
  fi
  rows=$(etcdctl --command-timeout=10s member list)
done
