{#
  What the services made for themselves goes: Pods' folders, images and containers, etcd's data. What is mounted beneath
  is unmounted first, and only what then lies on the same filesystem is removed: never what a volume holds.
    root   a prefix of all paths (tests)
#}
r="{{ root }}"
notes="$r{{ directories }}"
# Tell whether a directory was there before slipway, with something in it (full) or without (empty).
was() { grep -qx "$1 $2" "$notes" 2>/dev/null && ! grep -qx "$2" "$r{{ folders }}" 2>/dev/null; }
beneath() { awk -v d="$1/" 'index($5, d) == 1 {print $5}' /proc/self/mountinfo | sort -r; }
stays() { was full "$1" || was empty "$1" || mountpoint -q "$r$1"; }
# Name the path $1 where something at it has to go.
left() {
  t="$r$1"
  ! was full "$1" || return 0
  if [ -d "$t" ] && stays "$1"; then [ -z "$(ls -A "$t" | grep -vx lost+found)" ] || echo "$1"
  elif [ -e "$t" ] || [ -L "$t" ]; then echo "$1"; fi
}
paths() {
  for path in {{ paths }}; do left "$path"; done
  left {{ containerd }}
  # The member's own settings say where its data is, and what else lies beside it is somebody's.
  data=$(sed -n 's/^ETCD_DATA_DIR=//p' "$r/etc/etcd/etcd.env" 2>/dev/null)
  [ -z "$data" ] || [ ! -e "$r$data/member" ] || echo "$data/member"
  [ -z "$data" ] || [ ! -d "$r$data" ] || stays "$data" || [ -n "$(ls -A "$r$data" | grep -vx member)" ] || echo "$data"
}
# Shims of others live on without containerd: where it was here before, only what is of Kubernetes.
run=/run/containerd
! was full {{ containerd }} || run=/run/containerd/io.containerd.runtime.v2.task/k8s.io
{% if look %}
paths
beneath "$r$run" | sed 's/^/mounted /'
{% else %}
for folder in $(paths) $run; do
  beneath "$r$folder" | while read -r place; do
    place=$(printf %b "$(printf %s "$place" | sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g')")
    umount "$place" 2>/dev/null || umount -l "$place" || :
  done
  still=$(beneath "$r$folder")
  [ -z "$still" ] || { echo "still mounted, so nothing beneath $folder was removed:" $still >&2; exit 1; }
done
for folder in $(paths); do
  t="$r$folder"
  [ -d "$t" ] || { rm -f "$t"; continue; }
  find -H "$t" -xdev -mindepth 1 ! -path "$t/lost+found" -delete
  stays "$folder" || [ -L "$t" ] || rmdir "$t"
done
rm -rf "$r$run"
# Control groups that the kubelet left empty.
[ -n "$r" ] || find /sys/fs/cgroup -depth -type d \( -path '*/kubepods*' -o -path '*/k8s.io*' \) -exec rmdir {} + 2>/dev/null || :
{% endif %}
