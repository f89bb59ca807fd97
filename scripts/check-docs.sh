#!/usr/bin/env bash
# docs/invariants.md names the tests that hold each invariant: every test named there exists, and every test named after
# an invariant or a bug is named there; every link between the documents leads somewhere.
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

# Every link to a file of ours leads somewhere.
dead=$(grep -noE '(\]\(|src=")[^)"#:]+' README.md ARCHITECTURE.md docs/*.md | while IFS=: read -r page line target; do
    target=$(echo "$target" | sed -E 's/^(\]\(|src=")//')
    [[ "$target" =~ ^(https?|mailto)$ ]] || [ -e "$(dirname "$page")/$target" ] || echo "$page:$line: $target"
done)
if [ -n "$dead" ]; then
    echo "links that lead nowhere:" >&2
    echo "$dead" >&2
    exit 1
fi
