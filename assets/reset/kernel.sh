{#
  Kernel parameters get the values they had, and swap is on again. What can't be put back is noted with the run, and from
  then on named as what stays: it holds up nothing, and another run tries it again.
    root    a prefix of all paths (tests)      run   the run's id (empty: a mere look)
#}
r="{{ root }}"
s="$r{{ state }}"
parameters() {
  cat "$s/found/sysctl" 2>/dev/null | while IFS='=' read -r key value; do
    file="$r/proc/sys/$(echo "$key" | tr . /)"
    [ ! -w "$file" ] || [ "$(cat "$file")" = "$value" ] || printf '%s=%s\n' "$key" "$value"
  done
}
swap() {
  ! grep -q '^{{ turned_off }}' "$r/etc/fstab" 2>/dev/null || echo /etc/fstab
  cat "$s/found/masked" 2>/dev/null | sort -u | while read -r unit; do
    [ "$(systemctl is-enabled "$unit" 2>/dev/null)" != masked ] || echo "$unit"
  done
  cat "$s/found/swap" 2>/dev/null | while read -r device; do
    [ ! -e "$device" ] || grep -q "^$device " "$r/proc/swaps" || echo "$device"
  done
}
left() { parameters | sed 's/^/sysctl /'; swap | sed 's/^/swap /'; }
{% if look %}
left | while read -r what; do
  if grep -qxF "{{ run }} $what" "$s/stays" 2>/dev/null; then echo "{{ stays }}$what"; else echo "$what"; fi
done
{% else %}
parameters | while IFS='=' read -r key value; do
  printf '%s\n' "$value" > "$r/proc/sys/$(echo "$key" | tr . /)" || :
done
! grep -q '^{{ turned_off }}' "$r/etc/fstab" 2>/dev/null || sed -i 's/^{{ turned_off }}//' "$r/etc/fstab" || :
swap | while read -r what; do
  case "$what" in
  *.swap) systemctl unmask -q "$what" || :;;
  /etc/fstab) ;;
  *) swapon "$what" || :;;
  esac
done
systemctl daemon-reload || :
mkdir -p "$s"
left | sed 's/^/{{ run }} /' > "$s/stays"
{% endif %}
