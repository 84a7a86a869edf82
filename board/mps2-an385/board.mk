# SPDX-License-Identifier: GPL-2.0-or-later
#
# Arm MPS2 FPGA board with the AN385 image: Cortex-M3 at 25 MHz, LAN9118.

BOARD_CPU  := -mcpu=cortex-m3 -mthumb
BOARD_OPT  := -O2
BOARD_SRC  := board.c lan9118.c netif_lan9118.c
BOARD_QEMU := mps2-an385
BOARD_SEED := 0x21000000
