{#
  Files go, or become again what they were; empty folders that slipway made, its users, kernel parameters, swap likewise.
    root    a prefix of all paths (tests)      paths   what the marker names, a line each
#}
r="{{ root }}"
s="$r{{ state }}"
{% include "reset/back.sh" %}
named() { cat <<'--slipway-paths--'
{{ paths }}
--slipway-paths--
}
folders() {
  { cat "$s/folders" 2>/dev/null; printf '%s\n' {{ made }}; } | sort -ru | while read -r folder; do
    [ ! -d "$r$folder" ] || [ -n "$(ls -A "$r$folder")" ] || echo "$folder"
  done
}
users() { sort -u "$s/found/users" 2>/dev/null | while read -r user; do ! getent passwd "$user" >/dev/null || echo "$user"; done; }
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
{% if look %}
{ named; found; } | pending
folders | sed 's/^/folder /'
users | sed 's/^/user /'
parameters | sed 's/^/sysctl /'
swap | sed 's/^/swap /'
{% else %}
{ named; found; } | pending | put_back
# One pass a depth: what lay in a folder may have been the only thing in the next.
n=0
while [ $n -lt 20 ] && [ -n "$(folders)" ]; do folders | while read -r folder; do rmdir "$r$folder" || :; done; n=$((n+1)); done
users | while read -r user; do userdel "$user"; done
parameters | while IFS='=' read -r key value; do
  printf '%s\n' "$value" > "$r/proc/sys/$(echo "$key" | tr . /)" || echo "$key could not be put back to $value"
done
! grep -q '^{{ turned_off }}' "$r/etc/fstab" 2>/dev/null || sed -i 's/^{{ turned_off }}//' "$r/etc/fstab"
swap | while read -r what; do
  case "$what" in
  *.swap) systemctl unmask -q "$what";;
  /dev/*|/*) swapon "$what" || echo "swap on $what could not be turned on";;
  esac
done
systemctl daemon-reload
systemctl reset-failed 2>/dev/null || :
{% endif %}
