#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs unit test programs, one a core at a time: a line for each that passes, the whole output of
# each that fails, and the count of tests at the end.
#
#     tests/run_unit.sh PROGRAM...

set -eu

[ $# -gt 0 ] || { echo "tests/run_unit.sh: no such unit test" >&2; exit 1; }

# A leak, an overflow or an undefined operation ends a test with a stack trace that has lines.
export ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# shellcheck disable=SC2016 # $1 and $2 are the inner shell's
printf '%s\n' "$@" | xargs -P "$(nproc)" -I PROGRAM sh -c '
    name=$(basename "$1")
    status=0
    timeout 300 "$1" >"$2/$name.log" 2>&1 || status=$?
    [ $status != 124 ] || echo "stopped: still running after 300 s" >>"$2/$name.log"
    passed=$(grep -c "^\[       OK \]" "$2/$name.log") || :
    # cmocka names a failed test where it fails and again at the end.
    failed=$(grep "^\[  FAILED  \] [^0-9]" "$2/$name.log" | sort -u | wc -l)
    if [ $status = 0 ]; then
        echo "  PASS  $name ($passed)"
    else
        [ "$failed" -gt 0 ] || failed=1
        { echo "  FAIL  $name, exit status $status"; cat "$2/$name.log"; } >"$2/$name.shown"
        cat "$2/$name.shown"
    fi
    echo "$passed $failed $status" >"$2/$name.count"
' sh PROGRAM "$results" || :

awk '{ passed += $1; failed += $3 ? $2 : 0 } END { printf "unit: %d passed, %d failed\n", passed, failed; exit failed > 0 }' \
    "$results"/*.count
