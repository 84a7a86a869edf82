# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces of the suite's own, so that no test traffic can ever leave the machine.

A network namespace belongs to a thread: sockets and processes that the thread makes belong to it
too, whoever uses them afterwards. So each Namespace is one thread, and lives as long as it.
"""

import concurrent.futures
import ctypes
import os
import socket
import subprocess

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def _unshare(flags):
    if _libc.unshare(flags) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"unshare: {os.strerror(error)}")


def why_no_tap():
    """Why this machine lets us make no TAP, or None."""
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"/dev/net/tun: {error.strerror}"
    return None


def isolate_this_process():
    """Moves the calling process, which must still have one thread, to an empty namespace. Without
    privilege it becomes root of a user namespace of its own. Raises OSError where that is
    impossible."""
    if os.geteuid() == 0:
        _unshare(CLONE_NEWNET)
        return
    uid, gid = os.getuid(), os.getgid()
    _unshare(CLONE_NEWUSER | CLONE_NEWNET)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


class Namespace:
    """An empty network with only a loopback interface, until something makes one more."""

    def __init__(self):
        self._thread = concurrent.futures.ThreadPoolExecutor(
            max_workers=1, initializer=_unshare, initargs=(CLONE_NEWNET,)
        )
        self.command("ip", "link", "set", "lo", "up")

    def call(self, function, *args, **kwargs):
        """Calls a function in the namespace. It must not block for long: there is one thread."""
        return self._thread.submit(function, *args, **kwargs).result(timeout=60)

    def command(self, *argv, check=True, timeout=20, **kwargs):
        """Runs a short command in the namespace and returns its CompletedProcess."""
        return self.call(
            subprocess.run, argv, check=check, timeout=timeout, capture_output=True, **kwargs
        )

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        """A new socket of this namespace."""
        return self.call(socket.socket, family, kind, protocol)

    def interfaces(self):
        """Names of the network interfaces."""
        return [name for _, name in self.call(socket.if_nameindex)]

    def close(self):
        """Ends the namespace; what still runs in it keeps it alive."""
        self._thread.shutdown()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
