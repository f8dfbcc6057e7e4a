#!/bin/sh
# A practice datacenter of three masters, and the wizard on it: filled in, ready to install.
set -eu
cd "$(dirname "$0")/.."
profile="${XDG_STATE_HOME:-$HOME/.local/state}/slipway/practice/demo.yaml"
mkdir -p "$(dirname "$profile")"
.venv/bin/slipway practice up --name demo --masters 3 --profile "$profile"
if [ -t 0 ] && [ -t 1 ]; then
  exec .venv/bin/slipway --profile "$profile"
fi
echo "The practice hosts are ready. Open the wizard on a terminal: .venv/bin/slipway --profile $profile"
