#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes what seed.h looks for: its word, and 32 bytes of this machine's randomness, another time
# others.
#
#     port/cortex-m/seed.sh FILE

set -eu
umask 077
{
    printf pingseed
    head -c 32 /dev/urandom
} >"$1"
