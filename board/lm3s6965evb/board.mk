# SPDX-License-Identifier: GPL-2.0-or-later
#
# Stellaris LM3S6965 evaluation board: Cortex-M3 at 50 MHz, Ethernet on the chip.

BOARD_CPU     := -mcpu=cortex-m3 -mthumb
# -fno-...: optimisations that -Os has on and that make this code larger, 2 % in all.
BOARD_OPT     := -Os -flto=auto -flto-partition=one -fconserve-stack -ffunction-sections -fno-thread-jumps -fno-move-loop-invariants \
    -fno-schedule-insns2 -fno-if-conversion -fno-tree-loop-im -fno-jump-tables -fno-tree-switch-conversion -fno-section-anchors \
    -fno-tree-dominator-opts -fno-tree-tail-merge -fno-reorder-blocks -fno-caller-saves -fno-ssa-phiopt -fno-tree-forwprop
BOARD_SMALL   := 1
BOARD_SRC     := board.c netif_stellaris.c
BOARD_QEMU    := lm3s6965evb
BOARD_SEED    := 0x2000ffd8
BOARD_OPENOCD := board/ek-lm3s6965.cfg
