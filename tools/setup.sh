#!/bin/sh
# Makes .venv from requirements.lock; does nothing when it is up to date. Says in one sentence what is missing.
# Where wheels/ came along (tools/offline.sh), everything is taken from there, pip too, and nothing is asked of a network.
set -eu
cd "$(dirname "$0")/.."

python=""
for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
  if command -v "$candidate" >/dev/null 2>&1 &&
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || {
  echo "slipway needs Python 3.11 or newer; install it with: apt-get install python3 python3-venv" >&2
  exit 2
}

stamp=.venv/.slipway-lock
want=$(cat requirements.lock pyproject.toml | cksum)
[ -x .venv/bin/slipway ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && exit 0

echo "Making .venv from requirements.lock …" >&2
if [ -d wheels ]; then
  pip="env PYTHONPATH=$PWD/wheels PIP_NO_INDEX=1 PIP_FIND_LINKS= .venv/bin/python -m pip"
  from="--find-links wheels"
  # Debian's python3 alone can do that; the rest of venv is in a package of its own.
  without=--without-pip
else
  pip=".venv/bin/python -m pip" from="" without=""
fi
"$python" -m venv $without .venv 2>/dev/null || {
  echo "Python can't make a virtual environment; install it with: apt-get install python3-venv" >&2
  exit 2
}
$pip install -q --disable-pip-version-check --require-hashes $from -r requirements.lock || {
  [ ! -d wheels ] || {
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "wheels/ lacks something for Python $version on this machine; collect it with: make offline PYTHON=$version" >&2
  }
  exit 1
}
$pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
# A start takes half the time with compiled modules, also where Python is told not to write them.
.venv/bin/python -m compileall -q wizard
echo "$want" >"$stamp"
