# SPDX-License-Identifier: GPL-2.0-or-later
#
# Arm MPS2+ FPGA board with the AN500 image: AN385 with a Cortex-M7 in its place, and with Ethernet
# and PSRAM elsewhere. Its floating point unit stays off: numbers are a small part of the work, and
# would cost the interrupts its registers.

BOARD_CPU  := -mcpu=cortex-m7 -mthumb
BOARD_OPT  := -O2
BOARD_SRC  := $(addprefix ../mps2-an385/,board.c lan9118.c netif_lan9118.c)
BOARD_QEMU := mps2-an500
BOARD_SEED := 0x60000000
