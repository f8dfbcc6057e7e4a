{#
  Files go, or become again what they were; empty folders that slipway made, its users likewise.
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
{% if look %}
{ named; found; } | pending
folders | sed 's/^/folder /'
users | sed 's/^/user /'
{% else %}
{ named; found; } | pending | put_back
# One pass a depth: what lay in a folder may have been the only thing in the next.
n=0
while [ $n -lt 20 ] && [ -n "$(folders)" ]; do folders | while read -r folder; do rmdir "$r$folder" || :; done; n=$((n+1)); done
users | while read -r user; do userdel "$user"; done
systemctl daemon-reload
systemctl reset-failed 2>/dev/null || :
{% endif %}
