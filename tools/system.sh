#!/bin/sh
# Installs what slipway needs from the distribution to build a bundle and to run practice hosts. Says what is missing in
# one sentence where it can't.
set -eu

say() { echo "$*" >&2; }

[ "$(uname -s)" = Linux ] || { say "Practice hosts need Linux; this is $(uname -s). Use a Debian or Ubuntu machine."; exit 2; }
id="$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${ID_LIKE:-}")"
case " $id " in
  *" debian "* | *" ubuntu "*) ;;
  *) say "This needs Debian or Ubuntu (found: ${id:-unknown}); use such a machine as the jump host."; exit 2 ;;
esac

# command:package pairs, and packages that bring headers or libraries
want=""
for pair in debootstrap:debootstrap zstd:zstd gcc:gcc ip:iproute2 nsenter:util-linux ssh:openssh-client \
  ssh-keygen:openssh-client iptables:iptables git:git pkg-config:pkg-config; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || want="$want ${pair##*:}"
done
for package in libseccomp-dev libc6-dev ca-certificates debian-archive-keyring; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || want="$want $package"
done
python3 -c 'import ensurepip' 2>/dev/null || want="$want python3-venv"

if [ -n "$want" ]; then
  [ "$(id -u)" = 0 ] || { say "Run as root, or install first: apt-get install$want"; exit 2; }
  say "Installing from the distribution:$want"
  apt-get update -qq >&2
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $want >/dev/null
fi

[ "$(id -u)" = 0 ] || { say "Practice hosts need root: run this with sudo."; exit 2; }
command -v go >/dev/null 2>&1 || [ -x /usr/local/go/bin/go ] || {
  say "Building the bundle needs Go; install it (apt-get install golang, or from go.dev) and put it into the PATH."
  exit 2
}
