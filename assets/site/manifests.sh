{#
  The site's manifests, which lie in `folder`: what the server says would change (`look`), or the change.
    wanted   what the folder holds, a line each: version|Kind|namespace|name
    kept     kinds that are never deleted, with | between
    again    the function that runs kubectl again where the API breaks off
#}
k="{{ kubectl }}"
folder={{ folder }}
record() { $k -n kube-system get configmap {{ record }} --ignore-not-found -o jsonpath='{.data.objects}'; }
there() { ls $folder/$1/*.yaml >/dev/null 2>&1; }
{% if look %}
for part in first then; do
  there $part || continue
  TMPDIR={{ run }} $k diff {{ options }} -f $folder/$part 2>&1
  printf '\n{{ cut }} %s %s\n' $part $?
done
record
printf '\n{{ cut }} record %s\n' $?
{% else %}
{{ ready }}
{{ again }}
wanted() { cat <<'--slipway-wanted--'
{{ wanted }}
--slipway-wanted--
}
# As objects that kubectl can find: nothing but their names.
named() {
  awk -F '|' 'NF == 4 {
    n = $3 == "" ? "" : sprintf(", \"namespace\": \"%s\"", $3)
    printf "{\"apiVersion\": \"%s\", \"kind\": \"%s\", \"metadata\": {\"name\": \"%s\"%s}}\n", $1, $2, $4, n
  }'
}
noted() {
  printf '%s\n' "$lines" \
    | $k -n kube-system create configmap {{ record }} --from-file=objects=/dev/stdin --dry-run=client -o yaml \
    | $k apply --server-side --force-conflicts --field-manager=slipway -f -
}
note() { lines=$(cat); again 30 noted >/dev/null; }
apply() {
  again 60 $k apply {{ options }} -f $1 2>{{ run }}/manifests.said || { grep -v '^ensure CRDs' {{ run }}/manifests.said >&2; return 1; }
  cat {{ run }}/manifests.said >&2
}
established() { $k wait --for=condition=Established crd -l {{ label }}=yes --timeout="${left}s"; }
listed() {
  printf '%s\n' "$goes" | named | $k get --ignore-not-found -f - --no-headers \
    -o 'custom-columns=A:.apiVersion,K:.kind,S:.metadata.namespace,N:.metadata.name,L:.metadata.labels.{{ label }}'
}
deleted() { named < {{ run }}/manifests.go | $k delete --ignore-not-found --timeout="${left}s" -f -; }
old=$(again 30 record)
# The same object in another version of its group is no other one.
left=$({ wanted; echo --; printf '%s\n' "$old"; } | awk -F '|' '
  $0 == "--" {past = 1; next}
  {group = $1 ~ "/" ? substr($1, 1, index($1, "/")) : ""; key = group "|" $2 "|" $3 "|" $4}
  !past {want[key]; next}
  NF == 4 && !(key in want)')
# What stays is named, each time: only a person may delete what takes other things or data with it.
stays=$(printf '%s\n' "$left" | grep -E '^[^|]*[|]({{ kept }})[|]' || :)
goes=$(printf '%s\n' "$left" | grep -vE '^[^|]*[|]({{ kept }})[|]' | grep . || :)
# A run that is killed leaves a record that names too much, never too little.
{ wanted; printf '%s\n' "$left"; } | grep . | sort -u | note
if there first; then
  apply $folder/first
{% if definitions %}
  again 60 established >/dev/null
{% endif %}
fi
if there then; then apply $folder/then; fi
if [ -n "$goes" ]; then
  still=$(again 30 listed)
  printf '%s\n' "$still" | awk '$5 == "yes" {print $1 "|" $2 "|" ($3 == "<none>" ? "" : $3) "|" $4}' > {{ run }}/manifests.go
  if [ -s {{ run }}/manifests.go ]; then again 90 deleted; fi
fi
rm -f {{ run }}/manifests.go {{ run }}/manifests.said
[ -z "$stays" ] || printf '%s\n' "$stays" | while IFS='|' read -r version kind namespace name; do
  echo "$kind ${namespace:+$namespace/}$name is no more in the folder and stays: delete it by hand if it shall go"
done
{ wanted; printf '%s\n' "$stays"; } | grep . | sort -u | note
{% endif %}
