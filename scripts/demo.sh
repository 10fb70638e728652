#!/bin/sh
# Shows the main job on the embedded chain: Takumi's first gate is judged and promoted, the next one's hold is explained.
# Needs the set-up of scripts/try.sh. Keeps to a ledger and reports of its own, made anew each time:
# .rollout/demo.db and reports/demo. The repository's own ledger is not touched.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
first=takumi:pre-launch
next=takumi:dark-launch
ledger=--rollout-ledger=sqlite:///.rollout/demo.db
reports=--rollout-reports=reports/demo

say() { printf '\n# %s\n' "$*"; }
run() { printf '\n$ %s\n' "$*"; "$@"; }

# A promotion wants to know what was judged, so the gate must be committed. Better said now than after the run.
if ! changes=$(git -c safe.directory='*' status --porcelain -- suites/takumi pyproject.toml conftest.py 2>/dev/null); then
  echo "demo: this folder is no git repository, and only a committed gate is promoted. Run it in a clone." >&2
  exit 1
fi
if [ -n "$changes" ]; then
  printf 'demo: the gate has changes that no commit has, and only a committed gate is promoted:\n%s\n' "$changes" >&2
  echo "demo: commit them, then run it again." >&2
  exit 1
fi

rm -rf .rollout/demo.db .rollout/demo.db-* reports/demo
mkdir -p reports/demo
run rollout init $ledger

letter=reports/demo/letter.txt
echo "A demonstration: nobody has approved anything." > "$letter"
owed=$(rollout status takumi --json $ledger | python -c 'import json, sys
for entry in json.load(sys.stdin)[0]["unticked"]: print(entry["number"])')
say "This gate also has a checklist for people. The demo ticks its $(echo "$owed" | wc -l | tr -d ' ') entries in their place, under the name 'Demo'."
printf '\n$ rollout check %s 1 --evidence %s --by Demo %s   # and so on ' "$first" "$letter" "$ledger"
for number in $owed; do
  rollout check "$first" "$number" --evidence "$letter" --by Demo $ledger > reports/demo/check.txt
  printf .
done
echo

run pytest "--stage=$first" $ledger $reports
run rollout promote "$first" --by Demo $ledger

say "The next gate. Nobody ticks its checklist, so it will hold."
status=0
run pytest "--stage=$next" $ledger $reports || status=$?
[ "$status" -eq 10 ] || { echo "demo: a hold has exit status 10, this run ended with $status." >&2; exit 1; }
run rollout status takumi $ledger

say "Exit status 10, a hold: every test and every declared check passed, and people still owe the entries above."
say "The record: rollout ledger show $ledger. The reports: reports/demo/takumi/."
