# SPDX-License-Identifier: GPL-2.0-or-later
#
# A board to be: its name, its processor, its clock.

BOARD_CPU := -mcpu=cortex-m3 -mthumb
BOARD_OPT := -Os
BOARD_SRC := board.c netif_mac.c
