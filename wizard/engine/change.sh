# What every change's script begins with (see stream.py): functions for POSIX sh and GNU coreutils. Set before:
#   M  the token that reports begin with     R  a prefix of all paths (tests; empty on hosts)
# Kept here:
#   T  files beside their places, removed when the script ends early     C  paths written or removed, one a line
#   D  directories to flush     K  kept copies to flush     H  hashes to check     P  places, by name beside them
#   F  the files to check, in H's order     S  what hashes files: openssl in a quarter of the time (by the processor)
#   E  a file for complaints    N  a newline     e  what a command complained of
# A change is sent some twenty times a host, so each program it starts counts: the shell does what it can by itself.
set -eu
umask 077
T=
C=
D=
K=
H=
P=
F=
N='
'
if command -v openssl >/dev/null; then S="openssl dgst -sha256 -r"; else S="sha256sum -b"; fi
say() { printf '%s %s\n' "$M" "$*"; }
# A subject may have blanks (a pipe's): they go as unit separators, for the report's words stand between blanks.
die() { say "failed $1 $(printf %s "$2" | tr ' ' '\037') $(printf %s "$3" | tr '\n' ' ')"; exit 97; }
trap '[ -z "$T" ] || rm -f $T' EXIT
# PIPE: nobody reads any more, for the run was killed. A shell that dies of a signal would clear nothing away.
trap 'exit 98' HUP INT TERM PIPE
folder() { [ -d "$1" ] || { made "$1"; e=$(umask "$2"; mkdir -p "$1" 2>&1) || die folder "${1#"$R"}" "$e"; }; }
# What folders were not there before is noted for whoever puts the host back.
made() {
  case "${1#"$R"}/" in /run/*|/var/lib/slipway/*) return 0;; esac
  m="$1"; l=
  until [ -d "$m" ] || [ -z "$m" ]; do l="$l${m#"$R"}$N"; m="${m%/*}"; done
  [ -d "$R/var/lib/slipway" ] || ( umask 022; mkdir -p "$R/var/lib/slipway" ) 2>/dev/null || :
  { printf %s "$l" >>"$R/var/lib/slipway/folders"; } 2>/dev/null || :
}
beside() { n="${1%/*}/.slipway-${M#*-}-$2"; }
began() { folder "$R/run/slipway" 022; E="$R/run/slipway/.said-${M#*-}"; T="$T $E"; : >"$E" || die write "$E" "can't be written"; }
place() { t="$R$2"; folder "${t%/*}" "$3"; beside "$t" "$1"; T="$T $n"; umask "$4"; }
placed() { umask 077; H="$H$2 *$n$N"; P="$P$n $1$N"; F="$F $n"; say "got $1"; }
get() {
  place "$1" "$2" "$3" "$4"
  case $7 in
  zstd) { head -c "$6" | zstd -dcq >"$n"; } 2>"$E" || unwritten "$2";;
  *) head -c "$6" 2>"$E" >"$n" || unwritten "$2";;
  esac
  placed "$2" "$5"
}
text() {
  place "$1" "$2" "$3" "$4"
  printf %s "$6" 2>/dev/null >"$n" || { head -c "${#6}" /dev/zero 2>"$E" >"$n" || :; unwritten "$2"; }
  placed "$2" "$5"
}
unwritten() { e=$(cat "$E"; { : >>"$n"; } 2>&1) || :; die write "$1" "$e"; }
# What follows names the files beside their places as NUMBER:PATH.
named() { l=; for x; do beside "$R${x#*:}" "${x%%:*}"; l="$l $n"; done; }
modes() { m="$1"; shift; named "$@"; chmod "$m" $l; }
owners() { m="$1"; shift; named "$@"; e=$(chown "$m" $l 2>&1) || die owner "${1#*:}" "$e"; }
verify() {
  h=$($S $F 2>/dev/null) && [ "$h$N" = "$H" ] && { H=; P=; F=; return 0; }
  e=$(printf %s "$H" | sha256sum -c --quiet 2>/dev/null) && { H=; P=; F=; return 0; }
  n="${e%%: FAILED*}"; p="${P#*"$n "}"
  h=$(sha256sum "$n"); w="${H%%" *$n"*}"
  die checksum "${p%%"$N"*}" "wanted sha256 ${w##*"$N"}, got ${h%% *}"
}
get_marker() {
  t="$R/etc/slipway/cluster.json"; folder "${t%/*}" 022; beside "$t" marker; T="$T $n"
  printf %s "$1" 2>"$E" >"$n" || { head -c "${#1}" /dev/zero 2>"$E" >"$n" || :; unwritten /etc/slipway/cluster.json; }
}
locked() {
  folder "$R/run/slipway" 022; folder "$R/var/lib/slipway" 022
  exec 9>"$R/run/slipway/mutex"
  flock -w 20 9 || die mutex /run/slipway/mutex "still held after 20 s"
}
put_marker() {
  locked; t="$R/etc/slipway/cluster.json"; beside "$t" marker
  have=0
  [ ! -e "$t" ] || while read -r k v; do
    case "$k" in '"revision":') have="${v%,}"; break;; '"files":') break;; esac
  done <"$t"
  if [ "$have" -lt "$1" ]; then mv -fT "$n" "$t"; D="$D ${t%/*}"; else rm -f "$n"; fi
  exec 9>&-
}
keep() {
  t="$R$1"; b="$R/var/lib/slipway/before$1"
  if [ -d "$t" ] && [ ! -L "$t" ]; then
    folder "$R/var/lib/slipway" 022; w=empty; [ -z "$(ls -A "$t" | grep -vx lost+found)" ] || w=full
    printf '%s %s\n' $w "$1" >>"$R/var/lib/slipway/directories"
    say "before directory $1"
  elif [ -e "$b" ] || [ -L "$b" ]; then say "before kept $1"
  elif [ -e "$t" ] || [ -L "$t" ]; then
    folder "$R/var/lib/slipway/before" 077; folder "${b%/*}" 077
    e=$(cp -a "$t" "$b.part" 2>&1 && mv -fT "$b.part" "$b" 2>&1) || { rm -f "$b.part"; die keep "$1" "$e"; }
    [ -L "$b" ] || K="$K $b"
    say "before kept $1"
  else say "before absent $1"; fi
}
flush() { [ -z "$T$K" ] || e=$(sync $T $K 2>&1) || die write "${R:-/}" "$e"; }
put() {
  t="$R$2"; beside "$t" "$1"
  if [ -f "$t" ] && [ ! -L "$t" ] && cmp -s "$n" "$t"; then
    case "$(stat -c ' %a %U:%G %a %u:%g ' "$t")" in *" $3 $4 "*) rm -f "$n"; return 0;; esac
  fi
  [ ! -d "$t" ] || [ -L "$t" ] || die directory "$2" "a directory is in the file's place"
  e=$(mv -fT "$n" "$t" 2>&1) || die write "$2" "$e"
  C="$C$2$N"; D="$D ${t%/*}"; say "changed $2"
}
note() {
  locked; w=" $* "; s=; p=; l=
  while [ $# -gt 0 ]; do l="$l $R$2"; p="$p $2"; shift 2; done
  IFS="$N"
  for l in $(IFS=' '; stat -c '%s %.9Y %.9Z %i %n' $l); do
    q="${l##* }"; q="${q#"$R"}"; h="${w%%" $q "*}"
    [ "${l%% *}" -lt 1048576 ] || s="$s${l% *} $q ${h##* }$N"
  done
  unset IFS
  f="$R/var/lib/slipway/stat"
  {
    [ ! -f "$f" ] || while IFS= read -r l; do
      q="${l% *}"; case "$p " in *" ${q##* } "*) ;; *) printf '%s\n' "$l";; esac
    done <"$f"
    printf %s "$s"
  } >"$f.new" && mv -f "$f.new" "$f"
  exec 9>&-
}
settle() { [ -z "$D" ] || sync $D 2>/dev/null || :; }
# What the change's script takes in comes to the host as files, which are removed in the end.
spool() {
  n="$R$1"; folder "${n%/*}" 022; T="$T $n"
  head -c "$2" 2>"$E" >"$n" || { e=$(cat "$E"); die pipe "$4" "$e"; }
  H="$H$3 *$n$N"; P="$P$n $4$N"; F="$F $n"
  say "fed $4"
}
feed() {
  folder "$R/run/slipway" 022; q="$R/run/slipway/.sum-${M#*-}"; T="$T $q $q.said"
  set +e
  head -c "$1" | { tee /dev/fd/3 2>/dev/null | $S >"$q"; } 3>&1 | ( umask 022; eval "$4" ) 2>"$q.said"
  x=$?; set -e
  [ ! -s "$q.said" ] || cat "$q.said" >&2
  [ $x = 0 ] || die pipe "$3" "exit status $x: $(tail -n 3 "$q.said")"
  read -r h <"$q"
  [ "${h%% *}" = "$2" ] || die checksum "$3" "wanted sha256 $2, got ${h%% *}"
  say "fed $3"
}
gone() {
  t="$R$1"
  [ -e "$t" ] || [ -L "$t" ] || return 0
  if [ "$2" = found ]; then
    if [ -d "$t" ] && [ ! -L "$t" ]; then
      b="$R/var/lib/slipway/before$1"; folder "${b%/*}" 077
      [ -e "$b" ] || e=$(mv -T "$t" "$b" 2>&1) || die keep "$1" "$e"
      say "before kept $1"
    else keep "$1"; [ -z "$K" ] || sync $K; fi
  fi
  e=$(rm -rf --one-file-system -- "$t" 2>&1) || die remove "$1" "$e"
  C="$C$1$N"; say "changed $1"
}
run() {
  set +e
  ( umask 022; set -eu; eval "$1" ) </dev/null
  x=$?; set -e
  [ $x = 0 ] || die script - "exit status $x"
}
ended() { [ -z "$T" ] || rm -f $T; trap - EXIT; say "done"; }
