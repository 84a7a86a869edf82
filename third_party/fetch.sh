#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Brings the sources of lwIP, wolfSSL and jsmn to third_party/<name>. make calls it; it
# needs no privilege and does nothing when all is there.
#
#     third_party/fetch.sh [--newest] [lwip] [wolfssl] [jsmn]
#
# The upstream version and the checksum of the upstream files are pinned below. Debian's patches
# come on top, security fixes among them: the newest Debian revision of that upstream version is
# taken and named. --newest looks for a newer revision of what is already here.
#
# To move to another upstream version: change version and checksum below, and run it.

set -eu

# name     Debian package  upstream version  SHA-256 of the upstream tarball (jsmn: of jsmn.h)
pins='
lwip       lwip            2.2.1+dfsg1       83729c274c499d3348e9fbbe043a3113f3fa8953e7efddc7c21c7fcbb1f2b7b1
wolfssl    wolfssl         5.7.2             0f2ed82e345b833242705bbc4b08a2a2037a33f7bf9c610efae6464f6b10e305
jsmn       libjsmn-dev     1.1.0             1ed6154dedf009212a08a397e9c4ed50a0ce31d5a8301bb294e137ae3188c13b
'
suite=trixie

me=third_party/fetch.sh
root=$(cd "$(dirname "$0")/.." && pwd)
here=$root/third_party
# shellcheck source=third_party/apt.sh
. "$here/apt.sh"

# The stamp lies inside the tree, which is put in place by one rename: no tree without a stamp,
# no stamp without its whole tree. Its first line is the pin, its second the Debian revision.
is_here() {
    [ "$(sed -n 1p "$here/$1/.fetched" 2>/dev/null)" = "$(pin_line "$1")" ]
}

pin_line() {
    echo "$pins" | awk -v name="$1" '$1 == name { print $1, $3, $4 }'
}

# Mirrors of the machine, asked for the sources and packages of our suite. Suites other than the
# security one all live on one mirror.
source_rows() {
    machine_suites | while read -r mirror from; do
        case $from in
        *-security) echo "$mirror $suite-security" ;;
        *) printf '%s\n' "$mirror $suite" "$mirror $suite-updates" ;;
        esac
    done | sort -u | while read -r mirror to; do
        echo "deb-src [signed-by=$keyring] $mirror $to main"
        case $to in # jsmn, a header, comes as a binary package
        "$suite") echo "deb [signed-by=$keyring arch=$(dpkg --print-architecture)] $mirror $to main" ;;
        esac
    done
}

open_private_apt_once() {
    [ -z "${opened:-}" ] || return 0
    opened=yes
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    apt_dir=$root/build/apt/sources
    rows=$(source_rows)
    [ -n "$rows" ] || fail "no Debian mirror in this machine's apt configuration; add one, or" \
        "point LWIP_DIR, WOLFSSL_DIR and JSMN_DIR at your own copies"
    echo "$me: reading Debian $suite's package lists"
    private_apt_open sources "$rows"
    ls "$apt_dir"/lists/*_"$suite"-security_InRelease >/dev/null 2>&1 ||
        echo "$me: note: no $suite-security on this machine's mirrors, so the latest security fixes may be missing" >&2
}

# newest_version PACKAGE UPSTREAM: the highest version in the lists made from that upstream version.
newest_version() {
    if [ "$1" = libjsmn-dev ]; then
        private apt-cache show "$1"
    else
        private apt-cache showsrc --only-source "$1"
    fi 2>/dev/null | sed -n 's/^Version: //p' | sort -u >"$work/versions"
    best=
    while read -r version; do
        upstream=${version#*:}
        [ "${upstream%-*}" = "$2" ] || continue
        if [ -z "$best" ] || dpkg --compare-versions "$version" gt "$best"; then best=$version; fi
    done <"$work/versions"
    echo "$best"
}

check_sum() { # FILE SHA256
    actual=$(sha256sum "$1" | cut -d ' ' -f 1)
    [ "$actual" = "$2" ] || fail "$(basename "$1") has SHA-256 $actual, the pin is $2: do not use it;" \
        "try another mirror, or review the change and set the pin in $me"
}

fetch() { # NAME PACKAGE UPSTREAM SHA256
    open_private_apt_once
    override=$(echo "$1" | tr '[:lower:]' '[:upper:]')_DIR
    version=$(newest_version "$2" "$3")
    [ -n "$version" ] || fail "Debian $suite has no $2 $3 here (found: $(tr '\n' ' ' <"$work/versions" |
        sed 's/ $//; s/^$/none/')); set the pin in $me, or use a copy of your own: make $override=DIR"
    if [ "$(sed -n 2p "$here/$1/.fetched" 2>/dev/null)" = "$version" ] && is_here "$1"; then
        echo "$me: $1 $version is the newest"
        return 0
    fi

    rm -rf "$work/get"
    mkdir "$work/get"
    if [ "$2" = libjsmn-dev ]; then
        (cd "$work/get" && private apt-get -qq download "$2=$version") >"$work/log" 2>&1 ||
            fail "cannot download $2 $version: $(why "$work/log"); check the network and run this again"
        dpkg-deb -x "$work/get"/*.deb "$work/get/unpacked"
        mkdir "$work/$1"
        cp "$work/get/unpacked/usr/include/jsmn.h" "$work/get/unpacked/usr/share/doc/$2/copyright" "$work/$1/"
        check_sum "$work/$1/jsmn.h" "$4"
    else
        command -v dpkg-source >/dev/null || fail "needs dpkg-source: apt-get install dpkg-dev"
        (cd "$work/get" && private apt-get -qq source --download-only --only-source "$2=$version") >"$work/log" 2>&1 ||
            fail "cannot download $2 $version: $(why "$work/log"); check the network and run this again"
        for tarball in "$work/get"/*.orig.tar.*; do
            case $tarball in *.asc) ;; *) check_sum "$tarball" "$4" ;; esac
        done
        # apt has checked the .dsc against the signed lists; the maintainer's own key is not needed.
        dpkg-source --no-copy -x "$work/get"/*.dsc "$work/$1" >"$work/log" 2>&1 ||
            fail "cannot unpack $2 $version: $(tail -n 1 "$work/log")"
    fi

    printf '%s\n' "$(pin_line "$1")" "$version" >"$work/$1/.fetched"
    rm -rf "${here:?}/$1"
    mv "$work/$1" "$here/$1"
    echo "$me: $1 $version"
}

newest=
if [ "${1:-}" = --newest ]; then
    newest=yes
    shift
fi
[ $# -gt 0 ] || set -- lwip wolfssl jsmn

missing=
for name in "$@"; do
    [ -n "$(pin_line "$name")" ] || fail "knows no '$name': say lwip, wolfssl or jsmn"
    if [ -z "$newest" ] && is_here "$name"; then
        touch "$here/$name/.fetched" # for make: it is as new as this script
    else
        missing="$missing $name"
    fi
done
[ -n "$missing" ] || exit 0

# One fetch at a time, and what an earlier one left behind when it was stopped goes away.
exec 9>"$here/.lock"
flock 9
rm -rf "$here"/.work.*
work=$(mktemp -d "$here/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

for name in $missing; do
    if [ -z "$newest" ] && is_here "$name"; then continue; fi # the fetch that held the lock brought it
    # shellcheck disable=SC2046 # a row of the table is four words
    fetch $(echo "$pins" | awk -v name="$name" '$1 == name')
done
