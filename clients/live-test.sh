#!/usr/bin/env bash
# Both client libraries against a real server with the demonstration's world.
#   live-test.sh BINARY
set -euo pipefail

binary=$(realpath "$1")
cd "$(dirname "$0")"
data=$(mktemp -d)
server=

cleanup() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    rm -rf "$data"
}
trap cleanup EXIT

port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
export TAPSTONE_URL="http://127.0.0.1:$port"
"$binary" serve --demo --data "$data/world" --listen "127.0.0.1:$port" >"$data/log" 2>&1 &
server=$!
for _ in $(seq 100); do
    curl -sf "$TAPSTONE_URL/readyz" >/dev/null && break
    kill -0 "$server" 2>/dev/null || { cat "$data/log"; exit 1; }
    sleep 0.1
done

timeout 90 node --test --test-timeout=60000 --test-reporter=spec .build/tests/typescript/test/live.js || { tail -50 "$data/log"; exit 1; }
(cd python && .venv/bin/python -m tests.live) || { tail -50 "$data/log"; exit 1; }
