#!/bin/sh
# Puts all that a jump host without internet needs into one file: this checkout, its Python packages, the bundle.
# Usage: offline.sh [PYTHON…]: the Python versions there (3.11 3.13). Default: this one's.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
versions=${*:-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')}
bundle=$("$python" -c 'from wizard import versions as v; from wizard.bundle.places import default_folder as f; print(f(v.default()))')
[ -e "$bundle/bundle.lock" ] || {
  echo "There is no bundle in $bundle; make it with: make bundle" >&2
  exit 2
}
wheels=dist/wheels
rm -rf "$wheels"
mkdir -p "$wheels"
for version in $versions; do
  echo "Collecting the packages of requirements.lock for Python $version …" >&2
  "$python" -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
    --python-version "$version" -d "$wheels" -r requirements.lock
done
# pip itself, as a plain folder: a jump host's Python may have none.
cp -R "$("$python" -c 'import os, pip; print(os.path.dirname(pip.__file__))')" "$wheels/pip"
find "$wheels/pip" -name __pycache__ -prune -exec rm -rf {} +

file=dist/slipway-$(basename "$bundle").tar
add() { tar --owner=0 --group=0 --numeric-owner --transform 'flags=rh;s,^,slipway/,' -f "$file.new" "$@"; }
git ls-files -z | add -c --null -T -
add -r -C dist wheels
add -r -h -C "$(dirname "$(dirname "$bundle")")" "bundles/$(basename "$bundle")"
mv "$file.new" "$file"
echo "$file: unpack it on the jump host, and run: sh slipway/tools/setup.sh" >&2
