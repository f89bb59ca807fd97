#!/usr/bin/env bash
# docs/invariants.md names the tests that hold each invariant: every test named there exists, and every test named after
# an invariant or a bug is named there.
set -euo pipefail
cd "$(dirname "$0")/.."

pattern='(invariants?|bug)_[0-9]+_[a-z0-9_]+'
named=$(grep -oE "$pattern" docs/invariants.md | sort -u)
written=$(grep -rhoE "fn $pattern" crates --include='*.rs' | sed 's/^fn //' | sort -u)

wrong=$(diff <(echo "$named") <(echo "$written") || true)
if [ -n "$wrong" ]; then
    echo "docs/invariants.md (<) and the tests (>) differ:" >&2
    echo "$wrong" | grep '^[<>]' >&2
    exit 1
fi
