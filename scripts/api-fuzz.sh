#!/usr/bin/env bash
# Asks a demonstration everything that schemathesis can make of the API's description, as each kind of actor, with all
# checks on. Finds nothing, or fails.
#   api-fuzz.sh BINARY             with a seed of its own, as long as it takes
#   api-fuzz.sh BINARY SECONDS     from the same seed each time, for about so long: a faster machine gets further
# ACTORS="merchant wallet" asks as these only; SEED=7 repeats a run.
set -euo pipefail

binary=$(realpath "$1")
seconds=${2:-}
here=$(cd "$(dirname "$0")/api-fuzz" && pwd)
data=$(mktemp -d)
servers=()

cleanup() {
    for server in "${servers[@]}"; do
        kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    done
    rm -rf "$data"
}
trap cleanup EXIT

if [ -n "$seconds" ]; then
    seed=${SEED:-1}
    bounds=(--max-examples 25 --max-time "$seconds")
else
    seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
    bounds=(--max-examples 200)
fi
echo "schemathesis with seed $seed"

free_port() {
    "$here/.venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Each actor has a world of its own, so none spoils another's.
fuzz() {
    local actor=$1 base=$2
    export API_FUZZ_BASE=$base API_FUZZ_WORLD API_FUZZ_TOKEN
    API_FUZZ_WORLD=$("$here/.venv/bin/python" "$here/world.py" "$base" "$actor") || return 1
    API_FUZZ_TOKEN=$("$here/.venv/bin/python" -c 'import json, os; print(json.loads(os.environ["API_FUZZ_WORLD"])["token"])')
    cd "$here"
    .venv/bin/st --config-file schemathesis.toml run "$base/openapi.json" --seed "$seed" "${bounds[@]}" \
        --no-color --output-sanitize false
}

declare -A runs
for actor in ${ACTORS:-operator merchant till wallet}; do
    base="http://127.0.0.1:$(free_port)"
    "$binary" serve --demo --data "$data/$actor" --listen "${base#http://}" --rate-limit 200000 >"$data/$actor.log" 2>&1 &
    servers+=($!)
    fuzz "$actor" "$base" >"$data/$actor.report" 2>&1 &
    runs[$actor]=$!
done

failed=0
for actor in "${!runs[@]}"; do
    if wait "${runs[$actor]}"; then
        echo "$actor: $(grep -E '[0-9]+ generated' "$data/$actor.report" | xargs)"
    else
        failed=1
        echo "$actor:"
        cat "$data/$actor.report"
        grep -E 'ERROR|panicked' "$data/$actor.log" | tail -20 || true
    fi
done
exit "$failed"
