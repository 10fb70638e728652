#!/bin/sh
# Sets up in .venv and runs the main job on the embedded chain: one gate judged and promoted, the next explained.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/python ] || "${PYTHON:-python3}" -m venv .venv
echo "Installing pytest-rollout into .venv …"
.venv/bin/python -m pip install --quiet --disable-pip-version-check ".[flagd]"
exec sh scripts/demo.sh
