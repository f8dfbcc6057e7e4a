{#
  Everything that slipway started on a host ends, the kubelet first, for it would start Pods anew.
    units    all units that are stopped      tools    where their programs lie (empty: in the path)
#}
units="{{ units }}"
shims() { pgrep -f 'containerd-shim-runc-v[2] -namespace k8s.io'; }
{% if look %}
for unit in $units; do
  echo "unit $unit $(systemctl is-active $unit 2>/dev/null) $(systemctl is-enabled $unit 2>/dev/null)"
done
echo "containers $(shims | wc -l)"
echo "vip $(ip -o -4 address show to {{ vip }}/32 2>/dev/null | awk '{print $2}' | xargs)"
{% else %}
systemctl stop {{ kubelet }} 2>/dev/null || :
tool="ctr -n k8s.io"
if timeout 20 ctr version >/dev/null 2>&1; then
  # As at a shutdown: first the word, and 10 s to heed it.
  $tool tasks ls -q | xargs -r -n 1 -P 8 timeout 10 $tool tasks kill -s SIGTERM 2>/dev/null || :
  n=0
  until [ $n -ge 20 ] || [ -z "$($tool tasks ls 2>/dev/null | awk '$3 == "RUNNING"')" ]; do n=$((n+1)); sleep 0.5; done
  $tool tasks ls -q | xargs -r -n 1 -P 8 timeout 30 $tool tasks rm -f >/dev/null 2>&1 || :
  if grep -qx 'full {{ containerd }}' {{ directories }} 2>/dev/null; then
    # There was a containerd before slipway: what is not Kubernetes' stays.
    $tool containers ls -q | xargs -r $tool containers rm >/dev/null 2>&1 || :
    $tool images ls -q | xargs -r $tool images rm --sync >/dev/null 2>&1 || :
  fi
fi
# What containerd itself could not end: first what runs in it, which would outlive its shim.
for shim in $(shims); do pkill -KILL -P $shim || :; kill -KILL $shim 2>/dev/null || :; done
for unit in $units; do systemctl disable -q $unit 2>/dev/null || :; done
# In one word: they take their time side by side.
systemctl stop $units 2>/dev/null || :
ip -o -4 address show to {{ vip }}/32 | while read -r number link rest; do
  ip address del {{ vip }}/32 dev $link || :
done
{% endif %}
