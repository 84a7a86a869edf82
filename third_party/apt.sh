# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# A private apt, sourced by fetch.sh and tools.sh: downloads Debian packages and
# Debian sources without changing anything in the machine's own apt, and so without
# privilege. It learns the mirror from the machine's apt configuration; its package
# lists and its cache live in build/apt.
#
# The caller sets `root` (the project's top folder) and `me` (its name in messages).
: "${root:?}" "${me:?}"

fail() {
    echo "$me: $*" >&2
    exit 1
}

# The suites that Debian serves. Rows of any other suite belong to somebody else's repository.
debian_suite='\(bookworm\|trixie\|forky\|oldoldstable\|oldstable\|stable\|testing\|unstable\|sid\)'

# Prints "MIRROR SUITE" for each Debian suite that this machine takes packages from. apt itself
# reads its configuration (both formats, every option) and prints what it would download.
machine_suites() {
    mkdir -p "$apt_dir/none/partial"
    apt-get -o Dir::State::lists="$apt_dir/none" -o Acquire::Languages=none \
        update --print-uris 2>/dev/null |
        sed -n "s,^'\([^']*\)/dists/\(${debian_suite}[a-z-]*\)/main/binary-.*,\1 \2,p" |
        grep -v '^cdrom:' | sort -u
}

# private_apt_open PURPOSE ROWS: prepares a private apt whose sources.list holds ROWS, and
# downloads its package lists. PURPOSE names its folder.
private_apt_open() {
    command -v apt-get >/dev/null || fail "needs apt-get (Debian bookworm or trixie)"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -r "$keyring" ] || fail "needs Debian's keys: apt-get install debian-archive-keyring"
    apt_dir=$root/build/apt/$1
    mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
    printf '%s\n' "$2" >"$apt_dir/sources.list"

    # Read last, so it wins over the machine's own files. The hooks of the machine (cleaners,
    # notifiers) are about its own state and must not run for ours; its proxy settings are kept.
    cat >"$apt_dir/apt.conf" <<END
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State::lists "$apt_dir/lists";
Dir::Cache "$apt_dir/cache";
Dir::Etc::SourceList "$apt_dir/sources.list";
Dir::Etc::SourceParts "/dev/null";
APT::Sandbox::User "root";
APT::Get::List-Cleanup "true";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
END
    # A row that cannot be had is not fatal here: what is missing shows when it is asked for.
    private apt-get -qq update >"$apt_dir/update.log" 2>&1 || true
    if ! ls "$apt_dir"/lists/*_InRelease >/dev/null 2>&1; then
        fail "no package lists from the mirror ($(why "$apt_dir/update.log"));" \
            "check the network and the Debian mirror in /etc/apt, then run this again"
    fi
}

# private COMMAND ARGUMENT...: runs apt-get or apt-cache on the private state.
private() {
    private_command=$1
    shift
    "$private_command" -c "$apt_dir/apt.conf" "$@"
}

# The first error in apt's output, or warning, or its last line: the reason, in one line.
why() {
    reason=$(sed -n '/^E: /{s///p;q;}' "$1")
    [ -n "$reason" ] || reason=$(sed -n '/^W: /{s///p;q;}' "$1")
    [ -n "$reason" ] || reason=$(tail -n 1 "$1")
    echo "${reason:-no reason given}"
}
