#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Brings the servers that the tests run against, Prometheus and its relatives and an NTP server, to
# build/tools/usr. They are unpacked, not installed: installing them would start five services on
# the machine. Needs no privilege, and does nothing when all is there.

set -eu

packages='prometheus prometheus-alertmanager prometheus-pushgateway victoria-metrics chrony'
programs='bin/prometheus bin/promtool bin/prometheus-alertmanager bin/prometheus-pushgateway
    bin/victoria-metrics sbin/chronyd'

me=third_party/tools.sh
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=third_party/apt.sh
. "$root/third_party/apt.sh"
tools=$root/build/tools

# The release is part of the stamp: after an upgrade of the machine its own packages are taken.
release=$(. /etc/os-release && echo "${VERSION_ID:-$ID}")
stamp="$release $packages"

is_here() {
    [ "$(sed -n 1p "$tools/.fetched" 2>/dev/null)" = "$stamp" ]
}

if is_here; then exit 0; fi

mkdir -p "$root/build"
exec 9>"$root/build/.tools.lock"
flock 9
if is_here; then exit 0; fi # the one that held the lock brought them
rm -rf "$root"/build/.tools.new.*
work=$(mktemp -d "$root/build/.tools.new.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
architecture=$(dpkg --print-architecture)
apt_dir=$root/build/apt/tools
rows=$(machine_suites | sed "s,\(.*\) \(.*\),deb [signed-by=$keyring arch=$architecture] \1 \2 main,")
[ -n "$rows" ] || fail "no Debian mirror in this machine's apt configuration"
echo "$me: fetching $packages"
private_apt_open tools "$rows"

# From trixie on, promtool is a package of its own.
if private apt-cache show promtool >/dev/null 2>&1; then packages="$packages promtool"; fi

mkdir "$work/get" "$work/tools"
# shellcheck disable=SC2086 # words
(cd "$work/get" && private apt-get -qq download $packages) >"$work/log" 2>&1 ||
    fail "cannot download $packages: $(why "$work/log"); check the network and run this again"
for package in "$work/get"/*.deb; do
    dpkg-deb -x "$package" "$work/tools"
done

for program in $programs; do
    # 127: a shared library is missing. VictoriaMetrics says its version in its own way.
    "$work/tools/usr/$program" --version >"$work/log" 2>&1 ||
        fail "$program does not run: $(head -n 1 "$work/log")"
done

{
    echo "$stamp"
    # shellcheck disable=SC2016 # dpkg-deb's own variables
    for package in "$work/get"/*.deb; do dpkg-deb -W --showformat '${Package} ${Version}\n' "$package"; done
} >"$work/tools/.fetched"
rm -rf "$tools"
mv "$work/tools" "$tools"
sed -n "2,\$s,^,$me: ,p" "$tools/.fetched"
