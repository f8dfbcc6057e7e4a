{# Services that the site had before, and that slipway took over, are enabled and run again as they did. #}
s={{ state }}
# Those that came with slipway's own packages are none of the site's.
theirs() {
  for unit in {{ units }}; do
    read -r enabled active 2>/dev/null < $s/found/units/$unit || continue
    ! grep -q "^${unit%.service}_" $s/packages/installed 2>/dev/null || continue
    [ -n "$(systemctl cat $unit 2>/dev/null)" ] || continue
    [ "$enabled" != enabled ] || [ "$(systemctl is-enabled $unit 2>/dev/null)" = enabled ] || echo "enable $unit"
    [ "$active" != active ] || systemctl is-active -q $unit || echo "start $unit"
  done
}
{% if look %}
theirs
{% else %}
theirs | while read -r verb unit; do systemctl $verb $unit; done
{% endif %}
