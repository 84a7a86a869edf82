#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that each layer keeps to itself. `make check-layers` runs it on the host build.

app/   includes itself, the headers below and (in one file) jsmn.h; calls a few functions of
       string.h, and what its contract headers ask of the port, and nothing else; keeps mutable
       statics in app.c only; and each of its files exports only names that start with the
       file's own name.
port/  includes app/, itself, lwIP, wolfSSL and the headers below; only its targets, posix/ and
       cortex-m/, include their own files, and only posix/ an operating system's.
board/ includes board_api.h and headers of its own folder; lwIP only in netif_*.c.

Two views of the includes are compared with these rules: the #include lines that we wrote, and
what the compiler says it read, so a header that smuggles in another one is seen too.
"""

import argparse
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

# What C11 promises without an operating system (section 4, paragraph 6), and string.h.
STANDARD_HEADERS = {
    "float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h",
    "stdint.h", "stdnoreturn.h", "string.h",
}

# What app/ may call beside itself. The compiler itself makes calls to the first four.
CALLS = {"memcpy", "memmove", "memset", "memcmp", "memchr", "strlen", "strcmp", "strncmp"}

# Contracts of app/: functions that it declares there, calls, and leaves to the port to define.
CONTRACTS = ("clock.h",)

# Exports are named after their file. A file that keeps a type of another name is listed here.
EXPORT_PREFIXES = {
    "text": ["text_", "slice_"],  # struct slice is what struct text is read through
}

LIMITS = "limits.h"  # the capacities of a target, which the build puts before each file

# What port/ may write between quotes or angle brackets beside its own files and app's.
PORT_LIBRARIES = re.compile(r"(lwip|netif|wolfssl)/.*|lwipopts\.h|arch/cc\.h")

# What port/cortex-m/ includes beside that: the contract with boards, and what make was given.
BOARD_HEADERS = {"board_api.h", "board_config.h"}

# What a MAC's driver includes beside its board's files.
BOARD_LIBRARIES = re.compile(r"(lwip|netif)/.*")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(.*?)[ \t]*(?:/[/*].*)?$', re.MULTILINE)
SYMBOL = re.compile(r"^[0-9a-f]+ (.{7}) (\S+)\t[0-9a-f]+\s+(?:\.\w+ )?(\S+)$")


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"check-layers: {shlex.join(command)}:\n{done.stderr}")
    return done.stdout


def included(path):
    """Yields (line number, name, is between quotes) of each #include line of a file."""
    text = path.read_text()
    for match in INCLUDE.finditer(text):
        what = match.group(1)
        yield text.count("\n", 0, match.start()) + 1, what[1:-1], what[:1] == '"', what


def sources(folder, pattern="*.[ch]"):
    return sorted(folder.rglob(pattern)) if folder.is_dir() else []


def read_by_compiler(command, path, root):
    """The files that the compiler reads for a source, as absolute paths."""
    rule = run([*command, "-M", "-MT", "x", str(path)], cwd=root)
    names = re.findall(r"(?:\\ |\S)+", rule.replace("\\\n", " "))[1:]
    return {(root / name.replace("\\ ", " ")).resolve() for name in names}


def standard_files(command, root):
    """All that the standard headers are made of on this machine."""
    with tempfile.NamedTemporaryFile("w", suffix=".c") as probe:
        probe.writelines(f"#include <{name}>\n" for name in sorted(STANDARD_HEADERS))
        probe.flush()
        return read_by_compiler(command, probe.name, root)


def check_app_includes(root, command, jsmn):
    app = root / "app"
    users_of_jsmn = []
    for path in sources(app):
        where = path.relative_to(root)
        for line, name, quoted, what in included(path):
            if name == "jsmn.h":
                users_of_jsmn.append(str(where))
            elif quoted and ((app / name).is_file() or (path.parent / name).is_file()):
                if app not in (path.parent / name).resolve().parents:
                    yield f"{where}:{line}: {what} leads out of app/"
            elif name not in STANDARD_HEADERS:
                yield f"{where}:{line}: app/ may not include {what}"
    if len(users_of_jsmn) > 1:
        yield f"jsmn.h is included by {', '.join(users_of_jsmn)}: only one file may know it"

    standard = standard_files(command, root)
    jsmn_file = (root / jsmn / "jsmn.h").resolve()
    for path in sources(app, "*.c"):
        for file in sorted(read_by_compiler(command, path, root) - standard - {jsmn_file}):
            if app.resolve() not in file.parents and file.name != LIMITS:
                yield f"{path.relative_to(root)}: reads {file}, which is outside app/"


def check_port_includes(root, command):
    port = root / "port"
    targets = [port / "posix", port / "cortex-m"]
    ours = [path for path in sources(port) if targets[0] not in path.parents]
    for path in ours:
        where = path.relative_to(root)
        for line, name, quoted, what in included(path):
            homes = [root / "app" / name, port / name, port / "lwip" / name, path.parent / name]
            of_target = [t for t in targets if t.resolve() in (path.parent / name).resolve().parents]
            if quoted and any(home.is_file() for home in homes):
                if of_target and of_target[0] not in path.parents:
                    yield f"{where}:{line}: {what} belongs to {of_target[0].relative_to(root)}/"
            elif name in BOARD_HEADERS and targets[1] in path.parents:
                pass
            elif PORT_LIBRARIES.fullmatch(name) or name in STANDARD_HEADERS:
                pass
            else:
                yield f"{where}:{line}: port/ may not include {what} outside port/posix/"

    for path in ours:
        if path.suffix == ".c" and targets[1] not in path.parents:
            for file in sorted(read_by_compiler(command, path, root)):
                for target in targets:
                    if target.resolve() in file.parents and file.name != LIMITS:
                        yield f"{path.relative_to(root)}: reads {file.relative_to(root.resolve())}"


def check_board_includes(root):
    for path in sources(root / "board"):
        where = path.relative_to(root)
        for line, name, quoted, what in included(path):
            if quoted and (name == "board_api.h" or (path.parent / name).is_file()):
                continue
            if name in STANDARD_HEADERS:
                continue
            if path.name.startswith("netif_") and BOARD_LIBRARIES.fullmatch(name):
                continue
            yield f"{where}:{line}: board/ may not include {what}"


def symbols(path):
    """Yields (flags, section, name) of each symbol of an object file."""
    for line in run(["objdump", "-t", "-w", str(path)]).splitlines():
        if match := SYMBOL.match(line):
            yield match.groups()


def check_app_objects(root, objects):
    app = root / "app"
    tables = {}
    for source in sources(app, "*.c"):
        path = objects / source.relative_to(root).with_suffix(".o")
        if not path.is_file():
            sys.exit(f"check-layers: {path} is missing: build first")
        tables[source] = list(symbols(path))
    exported = {name for table in tables.values() for flags, section, name in table
                if section != "*UND*" and flags[0] in "gu!"}
    callable_names = exported | CALLS | {
        name for header in CONTRACTS if (app / header).is_file()
        for name in re.findall(r"^\w[\w *]*?(\w+)\([^()]*\);", (app / header).read_text(), re.M)}

    for source, table in tables.items():
        where, stem = source.relative_to(root), source.stem
        prefixes = EXPORT_PREFIXES.get(stem, [stem + "_"])
        for flags, section, name in table:
            if section == "*UND*":
                if name not in callable_names:
                    yield f"{where}: calls {name}, which app/ may not"
                continue
            # .data.rel.ro is constant data that holds addresses.
            mutable = re.match(r"\.t?(bss|data)(?!\.rel\.ro)|\*COM\*", section)
            if "O" in flags and mutable and where != pathlib.Path("app/app.c"):
                yield f"{where}: {name} is mutable and static: only app.c may hold state"
            if flags[0] in "gu!" and name != stem and not name.startswith(tuple(prefixes)):
                yield f"{where}: exports {name}, which does not start with {' or '.join(prefixes)}"


def check(root, objects, app_command, port_command, jsmn):
    return [
        *check_app_includes(root, app_command, jsmn),
        *check_port_includes(root, port_command),
        *check_board_includes(root),
        *check_app_objects(root, objects),
    ]


# A small tree that breaks every rule once, and what must be said about it: a check that has
# stopped seeing is worse than none.
PLANTED_FILES = {
    "app/config.h": "#ifndef CFG_N\n#error no limits\n#endif\n",
    "app/clean/clean.h": '#include "config.h"\nint clean_up(const void *p);\n',
    "app/clean/clean.c": '#include "clean/clean.h"\n#include <string.h>\n'
                         "static const char *const names[] = {\"a\"};\n"
                         "int clean_up(const void *p) { return memcmp(p, names, CFG_N); }\n",
    "app/clock.h": "int clock_ms(void);\n",
    "app/timer.c": '#include "clock.h"\nint timer_x(void);\nint timer_x(void) { return clock_ms(); }\n',
    "app/os.c": "#include <unistd.h>\nint os_id(void);\nint os_id(void) { return getpid(); }\n",
    "app/stack.c": '#include "lwip/tcp.h"\nint stack_x(void);\nint stack_x(void) { return LWIP; }\n',
    "app/smuggle.c": '#include "smuggled.h"\nint smuggle_x(void);\nint smuggle_x(void) { return 0; }\n',
    "app/out.c": '#include "../port/net.h"\nint out_x(void);\nint out_x(void) { return 0; }\n',
    "app/state.c": "int state_x(void);\nint state_x(void) { static int n; return ++n; }\n",
    "app/name.c": "int misnamed(void);\nint misnamed(void) { return 0; }\n",
    "app/heap.c": "#include <stddef.h>\nvoid *malloc(size_t);\nvoid *heap_x(void);\n"
                  "void *heap_x(void) { return malloc(8); }\n",
    "app/j1.c": '#include "jsmn.h"\nint j1_x;\n',
    "app/j2.h": '#include "jsmn.h"\n',
    "app/app.c": "static int state; int *app_state(void);\nint *app_state(void) { return &state; }\n",
    "port/net.h": "",
    "port/net.c": '#include "net.h"\n#include "lwip/tcp.h"\n#include <sys/socket.h>\n',
    "port/peek.c": '#include "posix/tap.h"\n',
    "port/posix/tap.h": "",
    "port/turn.c": '#include "cortex-m/core.h"\n#include "board_api.h"\n',
    "port/cortex-m/core.h": "",
    "port/cortex-m/main.c": '#include "core.h"\n#include "board_api.h"\n#include <time.h>\n',
    "board/board_api.h": "#include <stdint.h>\n",
    "board/x/board.c": '#include "board_api.h"\n#include "lwip/tcp.h"\n',
    "board/x/netif_mac.c": '#include "board_api.h"\n#include "lwip/tcp.h"\n#include "text.h"\n',
    "port/posix/limits.h": "#define CFG_N 4\n",
    "lib/lwip/tcp.h": "#include <stdlib.h>\n#define LWIP 1\n",
    "lib/jsmn.h": "",
    "lib/smuggled.h": "#include <time.h>\n",
}
PLANTED_FINDINGS = [
    "app/os.c:1: app/ may not include <unistd.h>",
    "app/os.c: reads /.*/unistd.h, which is outside app/",
    "app/os.c: calls getpid, which app/ may not",
    'app/stack.c:1: app/ may not include "lwip/tcp.h"',
    "app/stack.c: reads /.*/lwip/tcp.h, which is outside app/",
    'app/smuggle.c:1: app/ may not include "smuggled.h"',
    "app/smuggle.c: reads /.*/time.h, which is outside app/",
    'app/out.c:1: "../port/net.h" leads out of app/',
    "app/out.c: reads /.*/port/net.h, which is outside app/",
    r"app/state.c: \S*\bn\S* is mutable and static: only app.c may hold state",
    "app/name.c: exports misnamed, which does not start with name_",
    "app/heap.c: calls malloc, which app/ may not",
    "jsmn.h is included by app/j1.c, app/j2.h: only one file may know it",
    "app/j1.c: j1_x is mutable and static: only app.c may hold state",
    "port/net.c:3: port/ may not include <sys/socket.h> outside port/posix/",
    'port/peek.c:1: "posix/tap.h" belongs to port/posix/',
    "port/peek.c: reads port/posix/tap.h",
    'port/turn.c:1: "cortex-m/core.h" belongs to port/cortex-m/',
    "port/turn.c: reads port/cortex-m/core.h",
    'port/turn.c:2: port/ may not include "board_api.h" outside port/posix/',
    "port/cortex-m/main.c:3: port/ may not include <time.h> outside port/posix/",
    'board/x/board.c:2: board/ may not include "lwip/tcp.h"',
    'board/x/netif_mac.c:3: board/ may not include "text.h"',
]
UNPLANTED = re.compile(r"(app/(app|timer|clean/clean)\.[ch]|port/cortex-m/main\.c:[12]|board/x/\w+\.c:1)\b")


def check_the_check(cc):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in PLANTED_FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        command = [*cc, "-std=c11", "-iquote", "app", "-iquote", "port", "-iquote", "board",
                   "-isystem", "lib",
                   "-include", "port/posix/limits.h", "-D_GNU_SOURCE"]
        for source in sources(root / "app", "*.c"):
            output = root / "o" / source.relative_to(root).with_suffix(".o")
            output.parent.mkdir(parents=True, exist_ok=True)
            run([*command, "-O2", "-c", "-o", str(output), str(source)], cwd=root)
        findings = check(root, root / "o", command, command, "lib")
    for wanted in PLANTED_FINDINGS:
        if not any(re.fullmatch(wanted, finding) for finding in findings):
            yield f"the check no longer sees: {wanted}"
    for finding in findings:
        if UNPLANTED.search(finding):
            yield f"the check sees what is not wrong: {finding}"


def main():
    arguments = argparse.ArgumentParser(description="Checks what each layer includes, exports and calls.")
    arguments.add_argument("--cc", type=shlex.split, required=True, help="compiler")
    arguments.add_argument("--objects", type=pathlib.Path, required=True, help="where app/*.o lie")
    arguments.add_argument("--app", type=shlex.split, required=True, help="flags of app/")
    arguments.add_argument("--port", type=shlex.split, required=True, help="flags of port/")
    arguments.add_argument("--jsmn", required=True, help="folder of jsmn.h")
    options = arguments.parse_args()

    root = pathlib.Path.cwd()
    findings = [
        *check_the_check(options.cc),
        *check(root, options.objects, [*options.cc, *options.app], [*options.cc, *options.port],
               options.jsmn),
    ]
    for finding in findings:
        print(finding)
    if findings:
        sys.exit(f"check-layers: {len(findings)} findings")
    counts = ", ".join(f"{len(sources(root / layer))} files of {layer}/"
                       for layer in ("app", "port", "board"))
    print(f"check-layers: {counts} keep to their layer")


if __name__ == "__main__":
    main()
