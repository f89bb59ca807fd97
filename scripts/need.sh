#!/usr/bin/env bash
# Makes sure that the tools are here that the asked-for steps need; Debian packages that are missing are installed if
# this user may, or named in one line with the command to type.
#   need.sh build      Rust, Node and a C compiler
#   need.sh browser    Chromium and fonts for the browser test
#   need.sh clients    Python for the client library's tests
#   need.sh fuzz       Python for schemathesis
#   need.sh tag-peers  Python for nfcpy and pylibsdm, and PC/SC with a virtual reader
#   need.sh module     a hardware module in software, for the key store's tests
set -euo pipefail

missing=()

need_command() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }

for step in "$@"; do
    case "$step" in
    build)
        if ! command -v cargo >/dev/null 2>&1; then
            echo "Rust is missing. Install it from https://rustup.rs, then run make again." >&2
            exit 1
        fi
        if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then
            echo "Node 20.19, 22.12 or newer is missing. Install it from https://nodejs.org, then run make again." >&2
            exit 1
        fi
        need_command npm npm
        need_command cc build-essential
        ;;
    browser)
        need_command chromium chromium
        need_command curl curl
        fc-list ':lang=zh' 2>/dev/null | grep -q . || missing+=(fonts-noto-cjk)
        ;;
    clients)
        if ! command -v python3 >/dev/null 2>&1; then
            missing+=(python3 python3-venv)
        elif ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
            echo "Python 3.9 or newer is missing: python3 is $(python3 --version 2>&1). Install it from https://www.python.org, then run make again." >&2
            exit 1
        elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
            missing+=(python3-venv)
        fi
        need_command curl curl
        ;;
    module)
        need_command softhsm2-util softhsm2
        ;;
    fuzz)
        if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "Python 3.11 or newer is missing: python3 is $(python3 --version 2>&1). Install it from https://www.python.org, then run make again." >&2
            exit 1
        fi
        python3 -c 'import ensurepip, venv' || missing+=(python3-venv)
        ;;
    tag-peers)
        if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "Python 3.11 or newer is missing: python3 is $(python3 --version 2>&1). Install it from https://www.python.org, then run make again." >&2
            exit 1
        fi
        python3 -c 'import ensurepip, venv' || missing+=(python3-venv)
        need_command pcscd pcscd
        need_command opensc-tool opensc
        need_command pcsc_scan pcsc-tools
        need_command ip iproute2
        [ -e /etc/reader.conf.d/vpcd ] || missing+=(vsmartcard-vpcd)
        ;;
    *)
        echo "need.sh: no such step: $step" >&2
        exit 2
        ;;
    esac
done

[ "${#missing[@]}" -eq 0 ] && exit 0

install="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && $install -qq >/dev/null
else
    echo "missing: ${missing[*]}. Type: sudo $install" >&2
    exit 1
fi
