{#
  A member of etcd leaves: where it leads, this host's own member leads from now on; then it is removed.
    name, peer    the member's name and peer URL      client     its client URL
    config        where the settings of this host's member are
#}
set -a; . {{ config }}/etcdctl.env; set +a
self=$(sed -n 's/^ETCD_NAME=//p' {{ config }}/etcd.env)
own() { awk -F', ' '$3 == "{{ name }}" || index("," $4 ",", ",{{ peer }},")'; }
rows=$(etcdctl --command-timeout=10s member list)
tries=0
while row=$(echo "$rows" | own) && [ -n "$row" ]; do
  # One that does not answer leads nobody.
  status=$(ETCDCTL_ENDPOINTS={{ client }} etcdctl --command-timeout=3s endpoint status -w json 2>/dev/null || :)
  leader=$(echo "$status" | sed -n 's/.*"leader":\([0-9]*\).*/\1/p')
  own=$(echo "$status" | sed -n 's/.*"member_id":\([0-9]*\).*/\1/p')
  if [ -n "$leader" ] && [ "$leader" = "$own" ]; then
    next=$(echo "$rows" | awk -F', ' -v name="$self" '$3 == name {print $1}')
    echo "$self leads from now on instead of {{ name }}"
    ETCDCTL_ENDPOINTS={{ client }} etcdctl --command-timeout=10s move-leader "$next" >/dev/null
  fi
  # A cluster changes nobody before its members have known each other for five seconds ("unhealthy cluster").
  said=$(etcdctl --command-timeout=10s member remove "${row%%,*}" 2>&1 >/dev/null) || sleep 1
  tries=$((tries+1))
  if [ $tries -ge 20 ]; then
    echo "$said" | tail -n 1 >&2
    exit 1
  fi
  rows=$(etcdctl --command-timeout=10s member list)
done
