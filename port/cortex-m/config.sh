#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Checks what a board's build was given on make's command line, and writes it as a C header:
#
#     ADDRESS=192.168.76.2/24 GATEWAY=192.168.76.1 port/cortex-m/config.sh BOARD FILE [COMMAND...]
#
# The file is only touched when its content changes, so that main.c is only then compiled again. A
# command that checks the rest (certificate.sh) is run when all is well here, and the file stays as
# it was when that command refuses.

set -eu

fail() {
    echo "make: $*" >&2
    exit 2
}

# hex NAME A.B.C.D: the address as a 32-bit number, or one clear line
hex() {
    echo "$2" | awk -F. -v ok=0 '
        NF == 4 {
            ok = 1
            for (i = 1; i <= 4; i++) if ($i !~ /^(0|[1-9][0-9]?[0-9]?)$/ || $i > 255) ok = 0
        }
        ok { printf "0x%02x%02x%02x%02xu\n", $1, $2, $3, $4 }
        { exit !ok }' || fail "$1=$2: not an IPv4 address like 192.168.76.2"
}

# is_host NUMBER: whether one host can have that address
is_host() {
    case $((${1%u} >> 24)) in
    0 | 127 | 22[4-9] | 2[3-5]?) return 1 ;;
    esac
}

# is_ip6 TEXT: whether it is an address of one host by RFC 4291 section 2.2, form 1 or 2
is_ip6() {
    echo "$1" | awk '
        {
            doubles = gsub(/::/, ":x:")
            sub(/^:x/, "x")
            sub(/x:$/, "x")
            n = split($0, group, ":")
            ok = doubles ? doubles == 1 && n <= 8 : n == 8
            for (i = 1; i <= n; i++) {
                if (group[i] !~ /^(x|[0-9a-fA-F][0-9a-fA-F]?[0-9a-fA-F]?[0-9a-fA-F]?)$/) ok = 0
                if (group[i] !~ /^(x|0+)$/) any = 1
            }
            exit !(ok && any && group[1] !~ /^[fF][fF]..$/)
        }'
}

board=$1
file=$2
shift 2
address=${ADDRESS:-dhcp}
gateway=${GATEWAY:-}

if [ "$address" = dhcp ]; then
    [ -z "$gateway" ] || fail "GATEWAY=$gateway: DHCP brings it; give ADDRESS=, too, or neither"
    dhcp=true
    ip=0 mask=0 router=0
else
    dhcp=false
    bits=${address#*/}
    case $bits in
    [1-9] | [12][0-9] | 30) ;;
    *) fail "ADDRESS=$address: wants dhcp, or an address with its prefix, like 192.168.76.2/24" ;;
    esac
    ip=$(hex ADDRESS "${address%/*}")
    host_bits=$((0xffffffff >> bits))
    mask=$(printf '0x%08x' $((0xffffffff ^ host_bits)))
    host=$((${ip%u} & host_bits))
    if [ $host = 0 ] || [ $host = $host_bits ]; then
        fail "ADDRESS=$address: is the network's own or its broadcast address; give one between them"
    fi
    is_host "$ip" || fail "ADDRESS=$address: no host can have it; give one like 192.168.76.2/24"
    router=0
    if [ -n "$gateway" ]; then
        router=$(hex GATEWAY "$gateway")
        host=$((${router%u} & host_bits))
        if [ $((${router%u} & mask)) != $((${ip%u} & mask)) ] || [ "$router" = "$ip" ] ||
            [ $host = 0 ] || [ $host = $host_bits ]; then
            fail "GATEWAY=$gateway: wants another host's address in the network of ADDRESS=$address"
        fi
    fi
fi

# As strict as net_services_is_ntp, which the board asks again.
case ${NTP:=$([ $dhcp = false ] || echo dhcp)} in
'') ntp=NULL ;;
dhcp)
    [ $dhcp = true ] || fail "NTP=dhcp: DHCP is off; give the server's address, or leave out ADDRESS="
    ntp='"dhcp"'
    ;;
*[!0-9a-fA-F:.]*) fail "NTP=$NTP: wants an NTP server's IPv4 or IPv6 address, or dhcp" ;;
*:*)
    is_ip6 "$NTP" || fail "NTP=$NTP: not a host's IPv6 address like 2001:db8::1"
    ntp="\"$NTP\""
    ;;
*)
    number=$(hex NTP "$NTP")
    is_host "$number" || fail "NTP=$NTP: no host can have it; give one like 192.168.76.1"
    ntp="\"$NTP\""
    ;;
esac

# port NAME VALUE
port() {
    case $2 in
    '' | *[!0-9]* | 0* | ??????*) fail "$1=$2: wants a port, 1 to 65535" ;;
    esac
    [ "$2" -le 65535 ] || fail "$1=$2: wants a port, 1 to 65535"
}
port PORT "${PORT:=8090}"
port PORT_TLS "${PORT_TLS:=8443}"
[ "$PORT" != "$PORT_TLS" ] || fail "PORT=$PORT PORT_TLS=$PORT_TLS: wants two different ports"

# switch NAME VALUE: true or false
switch() {
    case $2 in
    '' | 0) echo false ;;
    1) echo true ;;
    *) fail "$1=$2: wants 1 or 0" ;;
    esac
}
timestamps=$(switch EXPLICIT_TIMESTAMPS "${EXPLICIT_TIMESTAMPS:-}")
proxy=$(switch TRUST_PROXY "${TRUST_PROXY:-}")
alert_events=$(switch ALERT_EVENTS "${ALERT_EVENTS:-}")
http_off=$(switch DISABLE_HTTP "${DISABLE_HTTP:-}")
tls_off=$(switch DISABLE_TLS "${DISABLE_TLS:-}")
[ "$http_off $tls_off" != 'true true' ] || fail "DISABLE_HTTP=1 DISABLE_TLS=1: nothing is left to serve"

case ${DUPLICATE_EVENTS:=queue} in
queue) duplicates=DELIVERY_QUEUE ;;
last) duplicates=DELIVERY_LAST ;;
sum) duplicates=DELIVERY_SUM ;;
*) fail "DUPLICATE_EVENTS=$DUPLICATE_EVENTS: wants queue, last or sum" ;;
esac

case ${SCRAPER_TIMEOUT:=600} in
*[!0-9]* | 0* | ???????*) fail "SCRAPER_TIMEOUT=$SCRAPER_TIMEOUT: wants seconds, 1 to 999999" ;;
esac

"$@"

cat >"$file.new" <<END
/* Made by config.sh from what make was given. */
#define CFG_BOARD "$board"
#define CFG_BOARD_DHCP $dhcp
#define CFG_BOARD_ADDRESS $ip
#define CFG_BOARD_NETMASK $mask
#define CFG_BOARD_GATEWAY $router
#define CFG_BOARD_NTP $ntp
#define CFG_BOARD_PORT $PORT
#define CFG_BOARD_PORT_TLS $PORT_TLS
#define CFG_BOARD_DISABLE_HTTP $http_off
#define CFG_BOARD_DISABLE_TLS $tls_off
#define CFG_BOARD_EXPLICIT_TIMESTAMPS $timestamps
#define CFG_BOARD_DUPLICATES $duplicates
#define CFG_BOARD_SCRAPER_TIMEOUT_MS ${SCRAPER_TIMEOUT}000u
#define CFG_BOARD_TRUST_PROXY $proxy
#define CFG_BOARD_ALERT_EVENTS $alert_events
END
if cmp -s "$file.new" "$file"; then rm "$file.new"; else mv "$file.new" "$file"; fi
