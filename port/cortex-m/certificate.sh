#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a board shows to its HTTPS clients: checks the certificate (a chain: leaf first) and key that
# make was given, or makes a self-signed pair, and writes both for the linker:
#
#     CERT=server.crt KEY=server.key port/cortex-m/certificate.sh DIR CHAIN_BYTES_MAX
#
# DIR gets certificate.S, which takes in chain.bin and key.bin beside it, and is only touched when
# they change. A pair that was made stays there until it does not fit ADDRESS or expires.
#
# What is checked and taken apart here need not be on the board: chain.bin has each certificate's
# DER behind its length in three bytes, as TLS sends them (RFC 8446 section 4.4.2, RFC 5246 section
# 7.4.2), key.bin is the private key's number alone, 32 bytes.

set -eu
umask 077

fail() {
    echo "make: $*" >&2
    exit 2
}

dir=$1
chain_bytes_max=$(($2))
cert=${CERT:-}
key=${KEY:-}
address=${ADDRESS:-dhcp}
address=${address%/*}
[ "$address" != dhcp ] || address=127.0.0.1
mkdir -p "$dir"
work=$dir/work
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT

# As the host target makes its own: see port/posix/tls_self_signed.c.
make_pair() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve \
        -noenc -keyout "$work/self-signed.key" -out "$work/self-signed.crt" -days 3650 -sha256 \
        -config /dev/stdin 2>"$work/log" <<END || fail "openssl cannot make a certificate: $(tail -n 1 "$work/log")"
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = pingshot
[extensions]
keyUsage = digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, DNS:pingshot.local, IP:127.0.0.1, IP:$address
END
    mv "$work/self-signed.crt" "$work/self-signed.key" "$dir"
}

made_fits() {
    [ -s "$cert" ] && [ -s "$key" ] && openssl x509 -in "$cert" -noout -checkend 0 >/dev/null &&
        openssl x509 -in "$cert" -noout -checkip "$address" | grep -q 'does match'
}

# Leaves the chain's certificates in $work/1.pem and so on.
check_certificate() {
    [ -r "$cert" ] || fail "CERT=$cert: cannot be read"
    openssl x509 -in "$cert" -noout 2>/dev/null ||
        fail "CERT=$cert: holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"
    openssl x509 -in "$cert" -noout -checkend 0 >/dev/null ||
        fail "CERT=$cert: expired, $(openssl x509 -in "$cert" -noout -enddate)"
    from=$(openssl x509 -in "$cert" -noout -startdate)
    [ "$(date -d "${from#*=}" +%s)" -le "$(date +%s)" ] || fail "CERT=$cert: not yet valid, $from"
    awk -v to="$work" '/^-----BEGIN CERTIFICATE-----/ { n++; on = 1 }
        on { print >(to "/" n ".pem") }
        /^-----END CERTIFICATE-----/ { on = 0 }' "$cert"
    count=1
    while [ -e "$work/$((count + 1)).pem" ]; do
        issuer=$(openssl x509 -in "$work/$count.pem" -noout -issuer_hash)
        count=$((count + 1))
        next=$(openssl x509 -in "$work/$count.pem" -noout -subject_hash 2>/dev/null) ||
            fail "CERT=$cert: its certificate number $count is malformed"
        [ "$issuer" = "$next" ] ||
            fail "CERT=$cert: its certificate number $count has not issued the one before; give the server's first, then its issuer, and so on"
    done
}

check_key() {
    [ -r "$key" ] || fail "KEY=$key: cannot be read"
    openssl pkey -in "$key" -passin pass: -pubout -out "$work/key.pub" 2>/dev/null ||
        fail "KEY=$key: holds no private key in PEM (-----BEGIN PRIVATE KEY-----) without a password"
    openssl pkey -pubin -in "$work/key.pub" -noout -text | grep -q '^ASN1 OID: prime256v1$' ||
        fail "KEY=$key: a board takes ECDSA keys on P-256 only; to make one: openssl ecparam -name prime256v1 -genkey -noout -out $key"
    openssl x509 -in "$cert" -noout -pubkey | cmp -s - "$work/key.pub" ||
        fail "KEY=$key: is not the key of CERT=$cert"
}

if [ -n "$cert$key" ]; then
    [ -n "$cert" ] || fail "KEY=$key: give CERT=, too, or neither"
    [ -n "$key" ] || fail "CERT=$cert: give KEY=, too, or neither"
    kind=$cert
else
    cert=$dir/self-signed.crt
    key=$dir/self-signed.key
    kind='self-signed, for development'
    made_fits || make_pair
fi
check_certificate
check_key

# RFC 5915 section 3: seven bytes are in front of a P-256 key's number.
openssl ec -in "$key" -passin pass: -outform DER -out "$work/key.der" 2>"$work/log" ||
    fail "openssl cannot read KEY=$key: $(tail -n 1 "$work/log")"
tail -c +8 "$work/key.der" | head -c 32 >"$work/key.bin"

# as_bytes N: N in three bytes
as_bytes() {
    # shellcheck disable=SC2059 # the format is made of numbers
    printf "$(printf '\\%03o\\%03o\\%03o' $(($1 >> 16)) $(($1 >> 8 & 255)) $(($1 & 255)))"
}

for i in $(seq "$count"); do
    openssl x509 -in "$work/$i.pem" -outform DER -out "$work/$i.der"
    as_bytes "$(wc -c <"$work/$i.der")"
    cat "$work/$i.der"
done >"$work/chain.bin"
chain_bytes=$(wc -c <"$work/chain.bin")
[ "$chain_bytes" -le "$chain_bytes_max" ] ||
    fail "CERT=$cert: a chain of $chain_bytes bytes, CFG_TLS_CHAIN_BYTES_MAX is $chain_bytes_max; leave out the root, or raise it in the board's limits.h"
fingerprint=$(openssl x509 -in "$cert" -noout -fingerprint -sha256)
fingerprint=${fingerprint#*=}
[ "${DISABLE_TLS:-}" = 1 ] || echo "  certificate: $kind; SHA-256 fingerprint $fingerprint"

cat >"$work/certificate.S" <<END
/* Made by certificate.sh: see tls_certificate.h. */
    .section .rodata.tls_certificate, "a"
    .global tls_certificate_chain
    .global tls_certificate_chain_bytes
    .global tls_certificate_key
    .global tls_certificate_fingerprint
tls_certificate_chain:
    .incbin "$dir/chain.bin"
    .set chain_bytes, . - tls_certificate_chain
tls_certificate_key:
    .incbin "$dir/key.bin"
tls_certificate_fingerprint:
    .asciz "$fingerprint"
    .balign 4
tls_certificate_chain_bytes:
    .word chain_bytes
END
for file in key.bin chain.bin certificate.S; do
    cmp -s "$work/$file" "$dir/$file" || {
        mv "$work/$file" "$dir/$file"
        touch "$dir/certificate.S"
    }
done
