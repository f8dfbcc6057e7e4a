{# What lies at a path and what lay there before slipway: `pending` passes on those paths that are not as before. #}
# What lay there before slipway's packages, as far as it was kept.
found() {
  awk '{print $2}' "$s/packages/found" 2>/dev/null | sort -u | while read -r path; do
    [ ! -e "$s/before$path" ] && [ ! -L "$s/before$path" ] || echo "$path"
  done
}
same() {
  if [ -L "$1" ]; then [ -L "$2" ] && [ "$(readlink "$1")" = "$(readlink "$2")" ]; return; fi
  [ -f "$2" ] && [ ! -L "$2" ] && cmp -s "$1" "$2" && [ "$(stat -c '%a %u:%g' "$1")" = "$(stat -c '%a %u:%g' "$2")" ]
}
pending() {
  while read -r path; do
    [ -n "$path" ] || continue
    t="$r$path"; b="$s/before$path"
    if [ -e "$b" ] || [ -L "$b" ]; then same "$b" "$t" || echo "$path"
    elif grep -qx "[a-z]* $path" "$s/directories" 2>/dev/null; then :
    elif [ -e "$t" ] || [ -L "$t" ]; then echo "$path"; fi
  done
}
put_back() {
  while read -r path; do
    t="$r$path"; b="$s/before$path"
    if [ -e "$b" ] || [ -L "$b" ]; then
      mkdir -p "${t%/*}" && cp -a "$b" "$t.slipway-back" && mv -fT "$t.slipway-back" "$t" || exit 1
    else rm -rf --one-file-system -- "$t"; fi
  done
}
