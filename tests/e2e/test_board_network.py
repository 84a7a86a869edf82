# SPDX-License-Identifier: GPL-2.0-or-later
"""What boards' Ethernet devices count: each error by its data sheet's name, in /metrics."""

import re
import socket

from harness.debugger import attached_to
from harness.process import wait_until

LAN9118 = (
    "rx_drop",
    "rx_no_pbuf",
    "crc_error",
    "length_error",
    "runt_frame",
    "frame_too_long",
    "collision_seen",
    "receive_watchdog_timeout",
    "mii_error",
    "receiver_error",
    "tx_fifo_full",
    "loss_of_carrier",
    "no_carrier",
    "late_collision",
    "excessive_collisions",
    "excessive_deferral",
    "transmitter_error",
)
STELLARIS = ("rxer", "fov", "length_error", "rx_no_pbuf", "txer", "tx_dropped")

# Of the LAN9118; it comes first among its registers.
RX_DATA_FIFO = {"mps2-an385": 0x40200000, "mps2-an386": 0x40200000, "mps2-an500": 0xA0000000}
TOO_LONG = bytes.fromhex("ffffffffffff 02000000aaaa 88b5") + bytes(1600)


def is_stellaris(board):
    return board.name == "lm3s6965evb"


def errors(board):
    found = re.findall(
        r'^pingshot_network_errors_total\{error="(\w+)"\} (\d+)$', board.get("/metrics").text, re.M
    )
    return {name: int(total) for name, total in found}


def provoke(board):
    """Has QEMU's device see an error, and returns the name of its counter."""
    if is_stellaris(board):
        board.namespace.command("ip", "link", "set", board.interface, "mtu", "2000")
        with board.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((board.interface, 0))
            sock.send(TOO_LONG)
        return "length_error"
    with attached_to(board) as debugger:
        debugger.read(RX_DATA_FIFO[board.name], 4)  # of an empty FIFO
    return "receiver_error"


def test_errors_are_counted(own_target):
    board = own_target()
    none = dict.fromkeys(STELLARIS if is_stellaris(board) else LAN9118, 0)
    assert errors(board) == none
    for total in (1, 2):
        name = provoke(board)
        expected = none | {name: total}
        wait_until(
            lambda: errors(board) == expected, 10 * board.patience, f"{total} {name} in /metrics"
        )
