# SPDX-License-Identifier: GPL-2.0-or-later
"""How deep a board's stack has been, from its paint (port/cortex-m/stack.h), and that this stays
below what tests/size has found to be possible. Every board that a test ran tells, also one that
answers nobody any more: QEMU reads its memory."""

import json
import struct
import sys

from .capacities import ROOT
from .debugger import symbols_of

sys.path.append(str(ROOT / "tests/size"))
import measured  # noqa: E402
import stack_bound  # noqa: E402

GUARD_BYTES = 32  # below what may be used


def write_facts(image, path):
    """What is to be known of an image just built: its build, and what bounds its stack."""
    bound = stack_bound.Bound(str(image), str(image.parent.relative_to(ROOT)))
    path.write_text(json.dumps({"build": measured.build_of(image), "bound": bound.total}))


def deepest_bytes(target):
    """The most that a harness.board.BoardTarget has used since its last start."""
    symbols = symbols_of(target.image)
    size = symbols["link_stack_bytes"]
    memory = target.memory(symbols["link_stack_bottom"], size)
    words = [word for (word,) in struct.iter_unpack("<I", memory)]
    paint = words[GUARD_BYTES // 4]  # a board that had used this one would have stopped
    unused = next(i for i in range(GUARD_BYTES // 4, len(words)) if words[i] != paint)
    return size - 4 * unused


def note(target, facts_path):
    """Notes it where `make size` and `make readme` look."""
    facts = json.loads(facts_path.read_text())
    used = deepest_bytes(target)
    measured.note(target.image, facts["build"], used)
    assert used <= facts["bound"], f"{target.name}: {used} bytes of stack, {facts['bound']} at most"
