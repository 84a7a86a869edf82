#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs the Debian packages that a role needs, if any is missing:
#
#     third_party/packages.sh ROLE...      build, run, board, test, lint, bench
#
# When all are there it asks for nothing: no network, no privilege. Else it runs apt-get as root
# or through sudo, or says which command to run. Nothing here starts a service.

set -eu

me=third_party/packages.sh

fail() {
    echo "$me: $*" >&2
    exit 1
}

packages_of() {
    case $1 in
    build) echo gcc libc6-dev make dpkg-dev debian-archive-keyring ;;
    run) echo passt ;; # the network of a user without privilege
    board) echo gcc-arm-none-eabi picolibc-arm-none-eabi qemu-system-arm openssl ;;
    test)
        echo clang libclang-rt-dev # its sanitizers and libFuzzer, which Debian only recommends to it
        echo libcmocka-dev libjansson-dev passt iproute2 curl # iproute2: tests run in network namespaces
        echo python3 python3-pytest python3-pytest-xdist python3-prometheus-client
        echo openssl testssl.sh
        echo spin # searches the model of delivery
        echo dnsmasq-base python3-zeroconf # a DHCP server and router, which no service starts; mDNS
        ;;
    lint) echo clang clang-tidy clang-format cppcheck shellcheck ;;
    bench) echo wrk golang-go golang-github-prometheus-client-golang-dev iproute2 python3 openssl ;;
    *) fail "knows no role '$1': say build, run, board, test, lint or bench" ;;
    esac
}

[ $# -gt 0 ] || fail "say for what: build, run, board, test, lint or bench"

wanted=
for role in "$@"; do
    names=$(packages_of "$role") || exit 1
    wanted="$wanted $names"
done

command -v dpkg-query >/dev/null || fail "this is not a Debian system; install what these Debian packages hold:$wanted"

missing=
for package in $(echo "$wanted" | tr ' ' '\n' | sort -u); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get install --yes --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    as_root='env'
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    as_root='sudo'
else
    fail "these packages are missing:$missing; as root, run: apt-get update && $install"
fi

# Another apt may be at work (a desktop's updater): apt-get waits for dpkg's lock when it is told
# to, but not for the lock of the package lists.
update() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        if log=$($as_root apt-get -qq update 2>&1); then return 0; fi
        case $log in *'Could not get lock'*) sleep 6 ;; *) break ;; esac
    done
    # Not fatal: one repository that cannot be had need not hold our packages.
    echo "$me: apt-get update: $(printf '%s\n' "$log" | grep -m 1 '^E:')" >&2
}

echo "$me: installing$missing"
update
# shellcheck disable=SC2086 # words
if ! log=$($as_root env DEBIAN_FRONTEND=noninteractive $install -qq -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 </dev/null 2>&1); then
    reason=$(echo "$log" | grep -m 1 '^E:' || echo "$log" | tail -n 1)
    fail "cannot install$missing: ${reason#E: }"
fi
