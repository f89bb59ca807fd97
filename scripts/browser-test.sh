#!/usr/bin/env bash
# A whole tap in a real browser, on the real pages of a real server with the demonstration world.
#   browser-test.sh BINARY [SCREENSHOT_FOLDER]
set -euo pipefail

binary=$(realpath "$1")
screenshots=${2:-}
root=$(cd "$(dirname "$0")/.." && pwd)
data=$(mktemp -d)
server=

cleanup() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    rm -rf "$data"
}
trap cleanup EXIT

port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
base="http://127.0.0.1:$port"
"$binary" serve --demo --data "$data/world" --listen "127.0.0.1:$port" >"$data/log" 2>&1 &
server=$!
for _ in $(seq 100); do
    curl -sf "$base/readyz" >/dev/null && break
    kill -0 "$server" 2>/dev/null || { cat "$data/log"; exit 1; }
    sleep 0.1
done

cd "$root/web"
npm run --silent e2e -- --base "$base" ${screenshots:+--screenshots "$screenshots"} || { tail -50 "$data/log"; exit 1; }
