#!/bin/sh
# Makes .venv from requirements.lock; does nothing when it is up to date. Says in one sentence what is missing.
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
"$python" -m venv .venv 2>/dev/null || {
  echo "Python can't make a virtual environment; install it with: apt-get install python3-venv" >&2
  exit 2
}
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
# A start takes half the time with compiled modules, also where Python is told not to write them.
.venv/bin/python -m compileall -q wizard
echo "$want" >"$stamp"
