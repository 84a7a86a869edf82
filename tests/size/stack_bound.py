# SPDX-License-Identifier: GPL-2.0-or-later
"""How deep the stack of a board can get: an upper bound, from its linked image.

The code is followed along every branch, with the depth of the stack at each instruction, so what
assembly pushes counts as well as what C does, and a call that comes behind the epilogue counts
without the frame. Beside it stands what the compiler says of each C function (-fstack-usage); the
deeper of both is believed, and where the code seems shallower than the compiler says, something
here was not understood, which is an error.

Who a call through a pointer may reach cannot be seen in the code: indirect_calls.txt says it, by
source function, and was written by a person. What that list does not cover is an error: a call
it does not know, and a function whose address is taken but which nothing in the list calls.
Recursion is an error, too. On top of the deepest path from reset come the exceptions that can
nest: see exceptions().
"""

import argparse
import collections
import os
import re
import subprocess
import sys

import elf
import linkmap

HERE = os.path.dirname(os.path.abspath(__file__))
DEEPEST = 1 << 20  # a loop that pushes

# Armv7-M B1.5.6: eight words, and one that aligns the stack. Without the FPU's: it stays off.
EXCEPTION_FRAME = 36

CONDITION = r"(?P<if>eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?(?:\.[nw])?"
LINE = re.compile(r"^ *([0-9a-f]+):\t(\S+)(?:\t([^@;]*[^@;\s])?.*)?$")
BRANCH = re.compile(r"(?P<op>b|bl|blx|bx)" + CONDITION)
COMPARE_BRANCH = re.compile(r"cbn?z")
TABLE_BRANCH = re.compile(r"tb([bh])")
PUSH = re.compile(r"(push|stmdb|pop|ldmia|vpush|vpop|vstmdb|vldmia)" + CONDITION)
MOVE = re.compile(r"(add|sub)w?" + CONDITION)
STORE = re.compile(r"(?:str|ldr)d?" + CONDITION)
STOPS = re.compile(r"udf(?:\.w)?|bkpt")

Instruction = collections.namedtuple("Instruction", "name operands next")
Call = collections.namedtuple("Call", "site target depth")  # target: None through a pointer
Node = collections.namedtuple("Node", "depth calls")


class NotUnderstood(Exception):
    """A piece of code that this program does not know how to follow."""


def registers(text):
    """How many words a list of registers in braces takes on the stack."""
    words = 0
    for part in text[text.index("{") + 1:text.index("}")].split(","):
        first, _, last = part.strip().partition("-")
        count = int(last[1:]) - int(first[1:]) + 1 if last else 1
        words += count * (2 if first.startswith("d") else 1)
    return words


def growth(name, operands):
    """By how many bytes an instruction deepens the stack; None when it cannot be said."""
    if match := PUSH.fullmatch(name):
        if match[1] not in ("push", "pop", "vpush", "vpop"):
            if not operands.startswith("sp!"):
                return 0
        return 4 * registers(operands) * (1 if match[1] in ("push", "stmdb", "vpush", "vstmdb") else -1)
    if MOVE.fullmatch(name) and operands.startswith("sp,"):
        constant = re.fullmatch(r"sp, (?:sp, )?#(\d+)", operands)
        if constant is None:
            return None
        return int(constant[1]) * (1 if name.startswith("sub") else -1)
    if STORE.fullmatch(name) and "[sp" in operands:
        if match := re.search(r"\[sp, #(-?\d+)\]!$", operands):
            return -int(match[1])
        if match := re.search(r"\[sp\], #(-?\d+)$", operands):
            return -int(match[1])
        return 0 if operands.endswith("]") else None
    changes = re.match(r"sp\b(?!,? \{)|\{?.*\bsp!", operands)
    if changes and not name.startswith(("cmp", "tst", "str", "msr")):
        return None
    return 0


def is_return(name, operands):
    if match := BRANCH.fullmatch(name):
        return match["op"] == "bx" and operands == "lr"
    if match := PUSH.fullmatch(name):
        return match[1] in ("pop", "ldmia") and re.search(r"\bpc\b", operands) is not None
    if STORE.fullmatch(name):
        return operands.startswith("pc, [sp], #")
    return (name, operands) == ("mov", "pc, lr")


def conditional(name):
    for pattern in (BRANCH, PUSH, STORE):
        if match := pattern.fullmatch(name):
            return match["if"] is not None
    return False


class Code:
    """The instructions of an image, and the graph of its calls."""

    def __init__(self, image, restarts=()):
        self.image = image
        self.restarts = {image.address_of(name) for name in restarts}
        listing = subprocess.run(["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", image.path],
                                 check=True, capture_output=True, text=True).stdout
        found = []
        for line in listing.splitlines():
            if match := LINE.match(line):
                address, name, operands = int(match[1], 16), match[2], match[3] or ""
                if not name.startswith(".") and image.is_code(address):
                    found.append((address, name, operands))
        following = [address for address, _, _ in found[1:]] + [None]
        self.at = {address: Instruction(name, operands, after)
                   for (address, name, operands), after in zip(found, following)}
        self.nodes = {}
        self.findings = []
        self._sources = {}

    def name(self, address):
        start, name = self.image.function_at(address)
        return name if start == address else f"{name}+{address - start:#x}"

    def _leaves_function(self, start, target):
        """Whether a branch from the function at `start` is a call that does not return to it."""
        if target not in self.image.functions or target == start:
            return False
        return ".cold" not in self.image.functions[target][0].name

    def node(self, entry):
        """The depth that code reaches from an entry, and its calls."""
        if entry not in self.nodes:
            try:
                self.nodes[entry] = self._explore(entry)
            except NotUnderstood as problem:
                self.findings.append(str(problem))
                self.nodes[entry] = Node(0, [])
        return self.nodes[entry]

    def _explore(self, entry):
        depths, calls, deepest = {}, {}, 0
        work = [(entry, 0, False)]
        while work:
            address, depth, behind_call = work.pop()
            if depths.get(address, -1) >= depth:
                continue
            if behind_call and (address not in self.at or address in self.image.functions):
                continue  # that call does not return
            if address not in self.at:
                raise NotUnderstood(f"{self.name(entry)}: runs into data at {address:#x}")
            depths[address] = depth
            here = self.at[address]
            grown = growth(here.name, here.operands)
            if here.name == "mov" and here.operands.startswith("sp, ") and entry in self.restarts:
                grown = -depth
            if grown is None or depth + grown > DEEPEST:
                raise NotUnderstood(f"{self.name(entry)}: {address:#x}: {here.name} {here.operands}"
                                    " moves the stack pointer in a way that this cannot follow")
            after = depth + grown
            deepest = max(deepest, after)
            branches, goes_on = self._branches(entry, address, here)
            for target, returns in branches:
                inside = target is not None and not returns and not self._leaves_function(
                    self.image.function_at(address)[0], target)
                if inside:
                    work.append((target, after, False))
                else:
                    key = (address, target)
                    calls[key] = max(calls.get(key, 0), after)
            if goes_on and here.next is not None:
                nop = behind_call and here.name.startswith("nop")
                work.append((here.next, after, nop or any(returns for _, returns in branches)))
        return Node(deepest, [Call(site, target, depth) for (site, target), depth in calls.items()])

    def _branches(self, entry, address, here):
        """([(target or None, whether it comes back)], whether the next instruction may follow)."""
        name, operands = here.name, here.operands
        if is_return(name, operands):
            return [], conditional(name)
        if match := BRANCH.fullmatch(name):
            linked = match["op"] in ("bl", "blx")
            target = None
            if match["op"] in ("b", "bl"):
                target = int(operands.split()[0], 16)
            return [(target, linked)], linked or match["if"] is not None
        if COMPARE_BRANCH.fullmatch(name):
            return [(int(operands.split(", ")[1].split()[0], 16), False)], True
        if match := TABLE_BRANCH.fullmatch(name):
            return [(target, False) for target in self._table(address + 4, match[1])], False
        if re.fullmatch(r"ldr(\.w)?", name) and re.fullmatch(r"pc, \[\w+, \w+, lsl #2\]", operands):
            return [(target, False) for target in self._table(address + 4, "w")], False
        if re.match(r"pc,", operands) and not name.startswith(("cmp", "tst", "str")):
            raise NotUnderstood(f"{self.name(entry)}: {address:#x}: a jump by {name} {operands}")
        return [], not STOPS.fullmatch(name)

    def _table(self, behind, kind):
        """Where a switch's table leads: bytes, halfwords (tbb, tbh) or words, behind the jump."""
        size = {"b": 1, "h": 2, "w": 4}[kind]
        base = behind
        while self.image.is_code(base):  # a nop that aligns it
            base += 2
        data = self.image.read(base, self.image.end_of_data(base) - base)
        targets = set()
        for at in range(0, len(data) - size + 1, size):
            entry = int.from_bytes(data[at:at + size], "little")
            target = entry & ~1 if kind == "w" else base + 2 * entry
            if target in self.at:
                targets.add(target)
        if not targets:
            raise NotUnderstood(f"{behind:#x}: a switch whose table is not where it should be")
        return targets

    def source(self, site):
        """FILE:FUNCTION that a call was written in, wherever it was inlined into."""
        if not self._sources:
            sites = sorted({call.site for node in self.nodes.values() for call in node.calls})
            out = subprocess.run(["arm-none-eabi-addr2line", "-a", "-i", "-f", "-e", self.image.path],
                                 input="\n".join(map(hex, sites)), check=True,
                                 capture_output=True, text=True).stdout
            for block in re.split(r"(?m)^0x", out)[1:]:
                address, function, place = block.split("\n")[:3]
                file = os.path.basename(place.rpartition(":")[0])
                if function == "??":
                    function = file = ""
                self._sources[int(address, 16)] = (file, function)
        file, function = self._sources[site]
        return f"{file}:{plain(function)}" if function else ":" + self.image.function_at(site)[1]


def plain(name):
    """A function's name without what the compiler adds to the copies that it makes."""
    return re.sub(r"(\.(constprop|isra|part|cold|lto_priv)(\.\d+)?)+$", "", name)


def matches(pattern, name):
    """What the last * of a pattern stands for in a name that it fits, "" without one; else None."""
    match = re.fullmatch(re.escape(pattern).replace(r"\*", "(.*)").replace(r"\?", "."), name)
    if match is None:
        return None
    return match.groups()[-1] if match.groups() else ""


class Rules:
    """indirect_calls.txt, whose head explains it."""

    def __init__(self, path):
        self.path = path
        self.calls, self.only, self.limits, self.unused, self.restarts = [], [], [], [], []
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"#.*", "", file.read())
        for line in re.sub(r"\n[ \t]+", " ", text).splitlines():
            if line.strip():
                self._read(line)

    def _read(self, line):
        caller, _, callees = line.partition("::")
        words, callees = caller.split(), callees.split()
        if words[0] in ("unused", "restarts") and not callees:
            (self.unused if words[0] == "unused" else self.restarts).extend(words[1:])
        elif words[:1] == ["atmost"] and len(words) == 5 and words[3] == "->" and not callees:
            self.limits.append((int(words[1]), words[2], words[4]))
        elif words[1:2] == ["->"] and len(words) == 3 and callees:
            self.only.append((words[0], words[2], callees))
        elif len(words) == 1 and callees:
            self.calls.append((words[0], callees))
        else:
            sys.exit(f"{self.path}: '{line}': not of a form that its head describes")

    def callees(self, source):
        """The patterns of what a call through a pointer in that source function may reach."""
        for pattern, callees in self.calls:
            if (rest := matches(pattern, source)) is not None:
                return [callee.replace("&", rest) for callee in callees]
        return []

    def is_listed(self, name):
        """Whether a call through a pointer may reach this function, in whatever image."""
        lists = [callees for _, callees in self.calls] + [callees for _, _, callees in self.only]
        return any(matches(callee.replace("&", "*"), name) is not None
                   for callees in lists for callee in callees)

    def restriction(self, source, callee):
        """The patterns for pointers in `callee` when it is called from there; () if all count."""
        for caller, called, callees in self.only:
            rest = matches(called, callee)
            if rest is not None and matches(caller, source) is not None:
                return tuple(name.replace("&", rest) for name in callees)
        return ()

    def limit(self, source, callee):
        """(number, times) of the rule that limits how often a path may make this call, or None."""
        for index, (times, caller, called) in enumerate(self.limits):
            if matches(caller, source) is not None and matches(called, callee) is not None:
                return index, times
        return None


class Graph:
    """Who calls whom, and how deep that gets."""

    def __init__(self, code, rules, compiled):
        self.code, self.rules, self.compiled = code, rules, compiled
        self.findings = []
        self.pointers = {address: self._plain(address) for address in code.image.pointers()}
        self.called = set()
        self._deepest = {}
        self._path = []

    def _plain(self, address):
        return plain(self.code.image.function_at(address)[1])

    def frame(self, entry):
        """The depth of a function itself, by its code or by the compiler, whichever is more."""
        return max(self.code.node(entry).depth, self.compiled.get(entry, 0))

    def _targets(self, call, context):
        """The nodes that a call may reach: (address, context) each. A context is what else is known
        there: (the patterns for its pointers or (), how often the limited calls were made)."""
        patterns, made = context
        source = self.code.source(call.site)
        if call.target is not None:
            reached = [call.target]
        else:
            patterns = patterns or self.rules.callees(source)
            if not patterns:
                self.findings.append(f"{source} calls through a pointer, in"
                                     f" {self.code.name(call.site)}: list what it may reach")
            reached = [address for address, name in self.pointers.items()
                       if any(matches(pattern, name) is not None for pattern in patterns)]
            self.called.update(reached)
        for address in reached:
            name = self._plain(address)
            limit = self.rules.limit(source, name)
            now = made
            if limit is not None:
                index, times = limit
                if made.count(index) == times:
                    continue
                now = tuple(sorted(made + (index,)))
            yield address, (self.rules.restriction(source, name), now)

    def deepest(self, entry, context=((), ())):
        """(bytes, path) of the deepest that can be reached from an entry."""
        key = entry, context
        if key in self._deepest:
            return self._deepest[key]
        if key in self._path:
            chain = [self.code.name(address) for address, _ in self._path[self._path.index(key):]]
            self.findings.append("recursion: " + " -> ".join(chain + chain[:1]))
            return 0, ()
        self._path.append(key)
        best = self.frame(entry), ((entry, self.frame(entry)),)
        for call in self.code.node(entry).calls:
            for target, below in self._targets(call, context):
                depth, path = self.deepest(target, below)
                if call.depth + depth > best[0]:
                    best = call.depth + depth, ((entry, call.depth),) + path
        self._path.pop()
        self._deepest[key] = best
        return best


def compiled_frames(image, pieces, build):
    """What -fstack-usage says: {function's address: bytes}, and what is wrong with it."""
    frames, findings, files = {}, [], {}
    origins = linkmap.Origins(pieces)
    for address, symbols in image.functions.items():
        origin = origins.of(address)
        if origin is not None and (match := linkmap.LTO_OBJECT.search(origin)):
            usage = image.path + match[0][:-1] + "su"  # the linker compiled it
        elif origin is not None and origin.startswith(build):
            usage = origin[:-1] + "su"
        else:
            continue  # a library's
        if usage not in files:
            files[usage] = read_usage(usage)
        name = re.sub(r"\.\d+$", "", symbols[0].name)
        if name in files[usage]:
            frames[address], kind = files[usage][name]
            if kind != "static":
                findings.append(f"{name} in {origin}: its frame is {kind}: a bound needs a fixed one")
    return frames, findings


def read_usage(path):
    """{function: (bytes, kind)} of a .su file; {} when there is none, as for assembly."""
    usage = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for line in file:
                place, size, kind = line.rstrip("\n").split("\t")
                name = place.split(":", 3)[3]
                usage[name] = max(usage.get(name, (0, "static")), (int(size), kind))
    return usage


def vectors(image):
    """{number: handler} of the vector table, without the initial stack pointer."""
    section = image.address_of("vectors")
    size = next(s.size for s in image.symbols if s.name == "vectors")
    words = [int.from_bytes(image.read(section + at, 4), "little") for at in range(0, size, 4)]
    return {number: word & ~1 for number, word in enumerate(words) if number and word}


def exceptions(graph, handlers):
    """(label, bytes, path) of the exceptions that can lie on top of each other (Armv7-M B1.5.4).
    SysTick and the interrupts of devices have one priority, the one after reset, so only one of
    them is active at a time; NMI preempts it, and HardFault NMI. A fault's handler that starts
    the stack anew costs its frame only."""
    nmi, fault, systick = 2, 3, 15
    levels = [("interrupt", [n for n in handlers if n >= systick]), ("NMI", [nmi]),
              ("fault", [n for n in handlers if fault <= n < systick])]
    for label, numbers in levels:
        depth, path = max(graph.deepest(handlers[n]) for n in numbers if n in handlers)
        if graph.code.image.function_at(path[0][0])[0] in graph.code.restarts:
            depth, path = 0, path[:1]
        yield label, EXCEPTION_FRAME + depth, path


class Bound:
    """The bound of one image, how it comes about, and what is wrong."""

    def __init__(self, elf_path, build, rules_path=os.path.join(HERE, "indirect_calls.txt")):
        rules = Rules(rules_path)
        image = elf.Image(elf_path)
        self.code = Code(image, rules.restarts)
        pieces = linkmap.read(os.path.splitext(elf_path)[0] + ".map", {s.name for s in image.loaded()})
        compiled, self.findings = compiled_frames(image, pieces, build)
        for address in image.functions:
            self.code.node(address)
        self.graph = Graph(self.code, rules, compiled)
        handlers = vectors(image)
        depth, path = self.graph.deepest(handlers.pop(1))
        self.parts = [("program", depth, path), *exceptions(self.graph, handlers)]
        self.total = sum(depth for _, depth, _ in self.parts)
        self.reserved = image.address_of("link_stack_top") - image.address_of("link_stack_bottom")
        self.findings += self.code.findings + self.graph.findings
        self._check_frames(compiled)
        self._check_pointers(rules, set(handlers.values()))

    def _check_frames(self, compiled):
        for address, size in compiled.items():
            seen = self.code.node(address).depth
            if seen < size:
                self.findings.append(f"{self.code.name(address)}: the compiler says {size} bytes of"
                                     f" stack, its code takes {seen}")

    def _check_pointers(self, rules, handlers):
        """What the list says that it is called is not, where an image lacks its callers: a board
        without Ethernet yet, for one."""
        for address in sorted(self.graph.pointers.keys() - self.graph.called - handlers):
            name = self.graph.pointers[address]
            unused = any(matches(pattern, name) is not None for pattern in rules.unused)
            if not unused and not rules.is_listed(name):
                self.findings.append(f"{name}: its address is taken, but nothing in the list calls it")

    def explanation(self):
        """The calls that make up the bound, with the bytes of each."""
        lines = []
        for label, depth, path in self.parts:
            lines.append(f"{depth:6} {label}")
            lines += [f"       {size:6} {self.code.name(address)}" for address, size in path]
        return "\n".join(lines)


def main():
    arguments = argparse.ArgumentParser(description="Bounds the stack of a board's image.")
    arguments.add_argument("elf", help="build/BOARD/pingshot.elf")
    arguments.add_argument("--build", help="folder of the board's objects (default: the image's)")
    options = arguments.parse_args()
    bound = Bound(options.elf, options.build or os.path.dirname(options.elf))
    print(bound.explanation())
    print(f"{bound.total:6} of {bound.reserved} bytes reserved")
    for finding in sorted(set(bound.findings)):
        print(finding)
    if bound.findings or bound.total > bound.reserved:
        sys.exit(1)


if __name__ == "__main__":
    main()
