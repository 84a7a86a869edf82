#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What `make bench` runs. Debian's Python, which may not be the first on PATH.
exec /usr/bin/python3 "$(dirname "$0")/run.py" "$@"
