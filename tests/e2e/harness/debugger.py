# SPDX-License-Identifier: GPL-2.0-or-later
"""What a debugger does to a board in QEMU: the processor's registers and its memory, by GDB's
remote protocol. So tests make a board fail without any code for that in its image."""

import contextlib
import re
import socket
import subprocess

SP, LR, PC = 13, 14, 15  # as GDB numbers the registers of an Arm M-profile core
NO_CODE = 0xF0000000  # nothing may be executed here


def symbols_of(image):
    """Address of each symbol of an ELF file."""
    listing = subprocess.run(
        ["arm-none-eabi-nm", image], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listing.splitlines()]
    return {row[2]: int(row[0], 16) for row in rows if len(row) == 3}  # others are nowhere


class Debugger:
    """The processor stands still while one is attached."""

    def __init__(self, sock):
        self._socket = sock
        self._received = b""
        self._ask("qXfer:features:read:target.xml:0,ffb")  # QEMU's leave to set single registers

    def set_register(self, number, value):
        assert self._ask(f"P{number:x}={value.to_bytes(4, 'little').hex()}") == "OK"

    def read(self, address, count):
        return bytes.fromhex(self._ask(f"m{address:x},{count:x}"))

    def write(self, address, data):
        assert self._ask(f"M{address:x},{len(data):x}:{data.hex()}") == "OK"

    def run_to(self, address):
        """Lets the processor run until it comes to an instruction."""
        assert self._ask(f"Z0,{address:x},2") == "OK"
        self._send("c")
        assert self._packet().startswith("T05")
        assert self._ask(f"z0,{address:x},2") == "OK"

    def go_on(self):
        assert self._ask("D") == "OK"

    def _send(self, command):
        self._socket.sendall(b"$%b#%02x" % (command.encode(), sum(command.encode()) & 0xFF))

    def _ask(self, command):
        self._send(command)
        answer = self._packet()
        while answer.startswith("T"):  # that it has stopped, which nobody asked
            answer = self._packet()
        return answer

    def _packet(self):
        while not (found := re.match(rb"\+*\$([^#]*)#..", self._received)):
            part = self._socket.recv(65536)
            assert part, f"QEMU hung up after {self._received}"
            self._received += part
        self._received = self._received[found.end() :]
        self._socket.sendall(b"+")
        return found[1].decode("latin-1")


@contextlib.contextmanager
def attached_to(target):
    """A Debugger on a harness.board.BoardTarget, stopped where each turn of its main loop begins.
    It goes on behind the with block."""
    target.note_stack()  # before what is done to it ends this run
    path = target.process.log_path.with_suffix(".gdb")
    line = f"gdbserver unix:{path},server=on,wait=off"
    target.monitor("human-monitor-command", **{"command-line": line})
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(path))
        debugger = Debugger(sock)
        debugger.run_to(symbols_of(target.image)["board_poll"] & ~1)
        yield debugger
        debugger.go_on()
    target.monitor("human-monitor-command", **{"command-line": "gdbserver none"})
