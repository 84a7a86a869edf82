#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs a board's image in QEMU, its console on this terminal, its two ports forwarded from
# 127.0.0.1. No privilege is needed: QEMU's user network answers DHCP and forwards.
#
#     port/cortex-m/qemu.sh IMAGE.elf MACHINE [ADDRESS OF THE SEED]
#
# ADDRESS, GATEWAY, PORT, PORT_TLS, DISABLE_HTTP and DISABLE_TLS in the environment are those that the
# image was built with.

set -eu

image=$1
machine=$2
seed_address=${3:-}
port=${PORT:-8090}
port_tls=${PORT_TLS:-8443}

fail() {
    echo "port/cortex-m/qemu.sh: $*" >&2
    exit 1
}

command -v qemu-system-arm >/dev/null || fail "QEMU is missing: apt-get install qemu-system-arm"

# network_of A.B.C.D/BITS: its first address
network_of() {
    IFS=./ read -r a b c d bits <<END
$1
END
    n=$((((a << 8 | b) << 8 | c) << 8 | d))
    n=$((n >> 32 - bits << 32 - bits))
    echo "$((n >> 24)).$((n >> 16 & 255)).$((n >> 8 & 255)).$((n & 255))"
}

network=
if [ "${ADDRESS:-dhcp}" != dhcp ]; then
    [ -n "${GATEWAY:-}" ] || fail "ADDRESS=$ADDRESS: needs GATEWAY= as well, which QEMU's own side will be"
    # QEMU's name server, which nobody asks, would be the third host, whoever that is: the network's
    # own address is nobody's.
    network=,net=$ADDRESS,dhcpstart=${ADDRESS%/*},host=$GATEWAY,dns=$(network_of "$ADDRESS")
fi

forwards=
urls=
# serve SCHEME PORT
serve() {
    forwards=$forwards,hostfwd=tcp:127.0.0.1:$2-:$2
    urls="${urls:+$urls and }$1://127.0.0.1:$2"
}
[ "${DISABLE_HTTP:-}" = 1 ] || serve http "$port"
[ "${DISABLE_TLS:-}" = 1 ] || serve https "$port_tls"

set -- -machine "$machine" -kernel "$image" -display none -monitor none -serial stdio \
    -nic "user$network$forwards"

# Nothing in an emulated board is random: it gets a new seed each time.
if [ -n "$seed_address" ]; then
    seed=${image%.elf}.seed
    "${0%/*}/seed.sh" "$seed"
    set -- "$@" -device "loader,file=$seed,addr=$seed_address,force-raw=on"
fi

echo "$urls, from this machine only (a port is taken? PORT=, PORT_TLS=); Ctrl-C ends it"
exec qemu-system-arm "$@"
