#!/bin/sh
# Sets up in .venv with the pinned tools, installs anvil, solc and allure, and passes every check and test.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/python ] || "${PYTHON:-python3}" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
npm install --silent --no-progress
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
node suites/compile.mjs --check
.venv/bin/python scripts/supply.py check
.venv/bin/pytest -n "${TEST_WORKERS:-2}" --dist worksteal "$@"
