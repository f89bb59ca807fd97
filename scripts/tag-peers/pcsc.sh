#!/usr/bin/env bash
# PC/SC's own tools read the software tag: pcscd with the virtual reader of vsmartcard-vpcd, opensc-tool, pcsc_scan. Then
# `tapstone tag personalise` makes it a tag of the platform, and finishes others after it was killed in the middle.
# The virtual reader listens on every interface, so that all of it happens in a network of its own, which nobody else
# reaches.
#   pcsc.sh PROGRAM TAPSTONE
set -euo pipefail
program=$(realpath "$1")
tapstone=$(realpath "$2")

if [ "$(id -u)" -ne 0 ]; then
    echo "a network of its own needs root. Type: sudo $0 $1 $2" >&2
    exit 1
fi
if [ "${3:-}" != inside ]; then
    exec unshare --net --mount --pid --fork --kill-child "$0" "$program" "$tapstone" inside
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
# A chip whose signature is published (tests/vectors/sun_vectors.json).
uid=047728824D6580
signature=9C7068636A285FEBA1E2406654009DCE6E8A9C9CE318BE0262ED162519B970B32FB802858420D667D12CEBCD32BB4BC8AFE21C753A5A6C26
insert() {
    "$program" --image "$1" --uid "$uid" --signature "$signature" 127.0.0.1:35963 &
    card=$!
    disown
}
insert "$folder/tag"

say() { opensc-tool --reader 0 "$@"; }
expect() {
    if ! grep -qiE "$1" <<<"$2"; then
        printf 'expected %s in:\n%s\n' "$1" "$2" >&2
        exit 1
    fi
}

card_is_there='grep -q "Yes.*Virtual PCD" <<<"$(opensc-tool --list-readers 2>&1)"'
wait_for "$card_is_there" 'no card is in the virtual reader'
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
expect '04 77 28 82 4D 65 80' "$answers"
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

# It becomes a tag of the platform, though somebody had written something else into it; a second run finds nothing to do.
"$tapstone" init --data "$folder/data" >/dev/null 2>&1
options=(--data "$folder/data" --public-url https://pay.example --reader 'PCD 00 00')
personalise() { "$tapstone" tag personalise "${options[@]}" "$@"; }
answer=$(personalise --android-package com.example.wallet)
expect '"outcome":"personalised".*"uid":"047728824D6580","verified":true' "$answer"
expect '"originality":"nxp"' "$answer"
expect '"outcome":"unchanged"' "$(personalise --android-package com.example.wallet)"
# Whoever has no key writes no more.
expect 'SW1=0x69, SW2=0x82' "$(say -s 00A4040007D276000085010100 -s 00A4000C02E104 -s 00D6000001FF)"

# Killed in the middle, a little later each time: the next run finishes the tag.
killed=0
for hundredths in 02 04 06 08 10 12 14 16 18 20; do
    kill "$card"
    wait_for "! $card_is_there" 'the card is still in the virtual reader'
    insert "$folder/killed-$hundredths"
    wait_for "$card_is_there" 'no card is in the virtual reader'
    { timeout --signal=KILL "0.$hundredths" "$tapstone" tag personalise "${options[@]}" || killed=$((killed + 1)); } \
        >/dev/null 2>&1
    expect '"verified":true' "$(personalise 2>&1)"
done
[ "$killed" -gt 0 ] || { echo 'no run was killed in the middle' >&2; exit 1; }
echo "tapstone personalised the tag through pcscd, and finished $killed after it was killed in the middle"
