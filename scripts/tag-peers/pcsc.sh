#!/usr/bin/env bash
# PC/SC's own tools read the software tag: pcscd with the virtual reader of vsmartcard-vpcd, opensc-tool, pcsc_scan.
# The virtual reader listens on every interface, so that all of it happens in a network of its own, which nobody else
# reaches.
#   pcsc.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")

if [ "$(id -u)" -ne 0 ]; then
    echo "a network of its own needs root. Type: sudo $0 $1" >&2
    exit 1
fi
if [ "${2:-}" != inside ]; then
    exec unshare --net --mount --pid --fork --kill-child "$0" "$program" inside
fi

# Up to ten seconds.
wait_for() {
    for _ in $(seq 100); do
        if eval "$1"; then return; fi
        sleep 0.1
    done
    echo "$2" >&2
    exit 1
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ip link set lo up
# A daemon of our own, with a socket of our own.
mkdir -p /run/pcscd
mount -t tmpfs tmpfs /run/pcscd
pcscd --foreground >"$folder/pcscd.log" 2>&1 &
wait_for '[ -S /run/pcscd/pcscd.comm ]' 'pcscd did not start'

# Port 8C7B listens. Whoever connects is a card, so that nobody may knock first.
wait_for "grep -q ':8C7B 0*:0000 0A' /proc/net/tcp" 'the virtual reader does not listen'
"$program" --image "$folder/tag" 127.0.0.1:35963 &

say() { opensc-tool --reader 0 "$@"; }
expect() {
    if ! grep -qiE "$1" <<<"$2"; then
        printf 'expected %s in:\n%s\n' "$1" "$2" >&2
        exit 1
    fi
}

wait_for "opensc-tool --list-readers 2>&1 | grep -q 'Yes.*Virtual PCD'" 'no card is in the virtual reader'
expect '3b:81:80:01:80:80' "$(say --atr)"

# Select the application, its capability container, and read it.
answers=$(say -s 00A4040007D276000085010100 -s 00A4000C02E103 -s 00B0000020)
expect 'SW1=0x90, SW2=0x00' "$answers"
expect '00 17 20 01 00 00 FF 04 06 E1 04 01 00 00 00 05' "$answers"

# Write a message, and read it with the next connection.
say -s 00A4040007D276000085010100 -s 00A4000C02E104 -s 00D6000010000ED1010A55036E666370792E6F7267 >/dev/null
answers=$(say -s 00A4040007D276000085010100 -s 00A4000C02E104 -s 00B0000010)
expect '00 0E D1 01 0A 55 03 6E 66 63 70 79 2E 6F 72 67' "$answers"

# Who it is, in three frames; and an authentication begun and left alone.
answers=$(say -s 9060000000 -s 90AF000000 -s 90AF000000)
expect 'SW1=0x91, SW2=0xAF' "$answers"
expect '04 A9 70 7A 0B 10 90' "$answers"
answers=$(say -s 00A4040007D276000085010100 -s 9071000002000000 -s 90F50000010200)
expect 'SW1=0x91, SW2=0xCA' "$answers"

# What is not there.
answers=$(say -s 00A4040007D276000085010100 -s 00A4000C02E106 -s 00B0000010 -s 00B20000 -s 0100000000)
expect 'SW1=0x6A, SW2=0x82' "$answers"
expect 'SW1=0x69, SW2=0x85' "$answers"
expect 'SW1=0x6D, SW2=0x00' "$answers"
expect 'SW1=0x6E, SW2=0x00' "$answers"

expect 'Card inserted' "$(timeout 3 pcsc_scan -n 2>&1 || true)"
echo "opensc-tool and pcsc_scan read the tag through pcscd"
