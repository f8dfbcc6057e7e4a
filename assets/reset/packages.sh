{#
  Packages that slipway installed go with their configuration, unless others need them; then what lay there before them
  comes back.
#}
r=
s={{ state }}
{% include "reset/back.sh" %}
there() {
  sed 's/_.*//' $s/packages/installed 2>/dev/null | sort -u | while read -r name; do
    case "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" in ''|not-installed) ;; *) echo "$name";; esac
  done
}
# Ask dpkg itself, without touching anything, which of them others need; leave those, and what they need in turn.
spare() {
  have=$(there)
  while [ -n "$have" ]; do
    said=$(LC_ALL=C dpkg --no-act --purge $have 2>&1) && break
    needed=$(printf '%s\n' "$said" | sed -n 's/^dpkg: dependency problems prevent removal of \([^: ]*\).*/\1/p')
    [ -n "$needed" ] || { printf '%s\n' "$said" >&2; return 1; }
    have=$(printf '%s\n' $have | grep -vxF "$needed" || :)
  done
  printf '%s\n' $have
}
{% if look %}
spare | while read -r name; do [ -z "$name" ] || echo "package $name"; done
found | pending
{% else %}
go=$(spare)
for name in $(there); do
  printf '%s\n' $go | grep -qx "$name" || echo "package $name stays: another one needs it"
done
if [ -n "$go" ]; then
  # What came with them is nobody's own: not put back where this is broken off and done again.
  for name in $go; do
    awk -v name=$name '$1 == name {print $2}' $s/packages/brought 2>/dev/null | while read -r path; do rm -f "$s/before$path"; done
  done
  n=0
  until DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io --purge $go > $s/packages/dpkg.log 2>&1 < /dev/null; do
    # Another dpkg (unattended-upgrades) may hold the lock for a while.
    n=$((n+1))
    if [ $n -ge 60 ] || ! grep -q 'lock' $s/packages/dpkg.log; then
      tail -n 20 $s/packages/dpkg.log >&2
      exit 1
    fi
    sleep 2
  done
fi
found | pending | put_back
systemctl daemon-reload
{% endif %}
