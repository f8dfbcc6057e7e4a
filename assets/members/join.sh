{#
  A member of etcd joins a cluster that stands: as a learner first, which has no vote, then as one that votes. Whatever of
  it is done already stays done.
    name, peer    the member's name and peer URL      data       its data directory
    endpoints     the other members' client URLs      bootstrap  path and text of what its first start reads
#}
export ETCDCTL_ENDPOINTS={{ endpoints }} ETCDCTL_CACERT={{ pki }}/ca.crt
export ETCDCTL_CERT={{ pki }}/healthcheck-client.crt ETCDCTL_KEY={{ pki }}/healthcheck-client.key
# Who has no quorum can still tell who the members are.
members() { etcdctl --command-timeout=5s member list 2>/dev/null || etcdctl --command-timeout=5s member list --consistency=s; }
own() { awk -F', ' 'index("," $4 ",", ",{{ peer }},")'; }
if [ ! -d {{ data }}/member/wal ]; then
  rows=$(members)
  # A cluster takes nobody in before its members have known each other for five seconds ("unhealthy cluster").
  tries=0
  while [ -z "$(echo "$rows" | own)" ]; do
    said=$(etcdctl --command-timeout=10s member add {{ name }} --learner --peer-urls={{ peer }} 2>&1 >/dev/null) || :
    rows=$(members)
    tries=$((tries+1))
    if [ -n "$(echo "$rows" | own)" ]; then
      echo "{{ name }} is a learner: it has no vote until it has caught up"
    elif [ $tries -ge 20 ]; then
      echo "$said" | tail -n 1 >&2
      echo "etcd takes nobody in while one of its members is down: mend or remove that one first" >&2
      exit 1
    else
      sleep 1
    fi
  done
  initial=$(echo "$rows" | awk -F', ' '{
    name = index("," $4 ",", ",{{ peer }},") ? "{{ name }}" : $3
    count = split($4, urls, ",")
    for (i = 1; i <= count; i++) list = list (list ? "," : "") name "=" urls[i]
  } END {print list}')
  cat > {{ bootstrap }}.new <<slipway_bootstrap
{{ text }}
slipway_bootstrap
  mv {{ bootstrap }}.new {{ bootstrap }}
fi
# Succeeds once it votes. The cluster refuses to let a learner vote that has not caught up: it is asked again.
votes() {
  row=$(members 2>/dev/null | own)
  case $row in
  '') return 1 ;;
  *', true') etcdctl --command-timeout=5s member promote "${row%%,*}" >/dev/null 2>&1 || : ; return 1 ;;
  esac
}
