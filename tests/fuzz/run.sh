#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs libFuzzer programs one after the other. Status 1 when one finds something; the input that
# shows it is then in build/fuzz/found, and belongs into tests/fuzz/corpus once it is fixed.
#
#     tests/fuzz/run.sh SECONDS PROGRAM...

set -eu

seconds=$1
shift
[ $# -gt 0 ] || { echo "tests/fuzz/run.sh: no such fuzz target" >&2; exit 1; }
status=0
for program in "$@"; do
    name=$(basename "$program")
    mkdir -p "build/fuzz/corpus/$name" "build/fuzz/found"
    log=build/fuzz/$name.log
    if "$program" -max_total_time="$seconds" -max_len=20000 -timeout=20 -rss_limit_mb=4096 \
        -print_final_stats=1 -artifact_prefix="build/fuzz/found/$name-" \
        "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
        echo "  PASS  $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s"
    else
        tail -n 60 "$log"
        echo "  FAIL  $name"
        status=1
    fi
done
exit $status
