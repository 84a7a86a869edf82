# SPDX-License-Identifier: GPL-2.0-or-later
#
# Arm MPS2 FPGA board with the AN386 image: AN385 with a Cortex-M4 in its place. Its floating point
# unit stays off: it knows no double, and metrics are nothing else.

BOARD_CPU  := -mcpu=cortex-m4 -mthumb
BOARD_OPT  := -O2
BOARD_SRC  := $(addprefix ../mps2-an385/,board.c lan9118.c netif_lan9118.c)
BOARD_QEMU := mps2-an386
BOARD_SEED := 0x21000000
