#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Searches the model of delivery with spin, all of it: a line for each search, and the count at the
# end. The model as it is must hold; with a fault put in on purpose it must not.
#
#     tests/model/run.sh [WORD]        only the searches whose name has WORD

set -eu

me=tests/model/run.sh
model=$(cd "$(dirname "$0")" && pwd)/delivery.pml
command -v spin >/dev/null || { echo "$me: spin is missing: third_party/packages.sh test" >&2; exit 1; }

# The states are a few million, and the longest way through them is shorter than this many steps.
depth=3000000

# search NAME holds|fails FLAG...
search() {
    name=$1 wanted=$2
    shift 2
    mkdir "$name"
    cd "$name"
    spin "$@" -a "$model" >spin.log 2>&1 || { cat spin.log; return 1; }
    # The verifier that spin writes is not ours to warn about. A fault is found soon.
    if [ "$wanted" = holds ]; then opt=-O2; else opt=-O0; fi
    ${CC:-gcc} -w $opt -DSAFETY -DMEMLIM=2048 -o pan pan.c >cc.log 2>&1 || { cat cc.log; return 1; }
    timeout 300 ./pan -m$depth >log 2>&1 || :
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log)
    if grep -q 'max search depth too small' log; then
        found=unfinished
    elif grep -q 'assertion violated .*(at depth' log && grep -q 'errors: 1$' log; then
        found=fails
    elif grep -q 'errors: 0$' log && ! grep -q 'Search not completed' log; then
        found=holds
    else
        found=unfinished
    fi
    if [ $found = "$wanted" ]; then
        echo "  PASS  model $name: $found, after $states states"
    else
        echo "  FAIL  model $name: $found, and should not"
        cat log
        [ ! -f delivery.pml.trail ] || spin "$@" -t -p "$model" | tail -n 300
        return 1
    fi
}

if [ "${1:-}" = --one ]; then
    shift
    search "$@"
    exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
me=$(cd "$(dirname "$0")" && pwd)/run.sh

{
    echo delivery holds
    echo delivery_without_ambiguity holds -DEXCLUDED
    grep -o 'MUTANT_[A-Z_]*[A-Z]' "$model" | sort -u | while read -r mutant; do
        # What is counted as ambiguous hides some faults: those show where nothing is ambiguous.
        excluded=
        [ "$mutant" != MUTANT_SETTLE_WITHOUT_COMMIT ] || excluded=' -DEXCLUDED'
        echo "$mutant fails -D$mutant$excluded"
    done
} | grep -i -- "${1:-}" >"$work/searches" || { echo "$me: no search is named like $1" >&2; exit 1; }

status=0
cd "$work"
xargs -P "$(nproc)" -L 1 "$me" --one <searches || status=1
echo "model: $(wc -l <searches) searches"
exit $status
