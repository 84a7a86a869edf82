#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the host build: on a TAP with enough privilege, else over passt, reachable at
# http://127.0.0.1:8090 and https://127.0.0.1:8443. Arguments (or $ARGS, so that
# `make run ARGS="..."` works) go to pingshot.

set -eu

cd "$(dirname "$0")/../.."
pingshot=build/host/pingshot

if [ $# -eq 0 ] && [ -n "${ARGS:-}" ]; then
    # shellcheck disable=SC2086 # several arguments in one variable
    set -- $ARGS
fi

fail() {
    echo "port/posix/run.sh: $*" >&2
    exit 1
}

[ -x "$pingshot" ] || fail "$pingshot is missing; run make first"

# Creating and addressing a TAP takes CAP_NET_ADMIN, which is bit 12, and the device.
may_make_a_tap() {
    [ -r /dev/net/tun ] && [ -w /dev/net/tun ] || return 1
    effective=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
    [ $((0x$effective >> 12 & 1)) = 1 ]
}

# Who names a link, or only asks for help, needs no choice made here. passt must know the others.
port=8090
port_tls=8443
address=192.168.76.2/24
mtu=1500
previous=
for argument in "$@"; do
    case $argument in
    --tap | --tap=* | --passt | --passt=* | --help | --version) exec "$pingshot" "$@" ;;
    --*=*) previous=${argument%%=*} argument=${argument#*=} ;;
    esac
    case $previous in
    --port) port=$argument ;;
    --port-tls) port_tls=$argument ;;
    --address) address=$argument ;;
    --mtu) mtu=$argument ;;
    esac
    previous=$argument
done

if may_make_a_tap; then
    exec "$pingshot" "$@"
fi

command -v passt >/dev/null || fail "no privilege for a TAP, and passt is not installed: apt-get install passt"
# Ends here, with pingshot's own words, when an option is wrong.
"$pingshot" "$@" --version >/dev/null || exit

folder=$(mktemp -d)
passt_pid=
pingshot_pid=

# shellcheck disable=SC2317 # called by the traps
end() {
    [ -z "$1" ] || kill "$1" 2>/dev/null || :
    [ -z "$1" ] || wait "$1" 2>/dev/null || :
}

# shellcheck disable=SC2317
cleanup() {
    trap - EXIT INT TERM HUP
    end "$pingshot_pid"
    end "$passt_pid"
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'cleanup; exit 0' INT TERM HUP

# Started by root, passt becomes nobody, who must be able to make its socket.
[ "$(id -u)" != 0 ] || chown nobody "$folder"

# Every address is named, so nothing depends on the machine's own network: it may have none.
# --interface and --mac-addr only stand in for one. Nothing but these two ports is forwarded.
passt --foreground --stderr --socket "$folder/passt" --one-off \
    --ipv4-only --interface lo --mac-addr 02:00:00:00:00:01 \
    --address "${address%/*}" --netmask "${address#*/}" --gateway 192.168.76.1 --mtu "$mtu" \
    --no-map-gw --tcp-ports "127.0.0.1/$port:$port,$port_tls:$port_tls" --udp-ports none \
    >"$folder/passt.log" 2>&1 &
passt_pid=$!

tries=0
while ! [ -S "$folder/passt" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$passt_pid" 2>/dev/null; then
        if grep -q 'Failed to bind' "$folder/passt.log"; then
            fail "port $port of 127.0.0.1 is taken, or below 1024 and needs privilege; choose another: make run ARGS='--port 8091'"
        fi
        fail "passt does not start: $(grep -v syslog "$folder/passt.log" | tail -n 1)"
    fi
    sleep 0.05
done

echo "No privilege for a TAP device, so over passt, for this machine only."
"$pingshot" --passt "$folder/passt" "$@" &
pingshot_pid=$!
status=0
wait "$pingshot_pid" || status=$?
pingshot_pid=
exit "$status"
