# SPDX-License-Identifier: GPL-2.0-or-later
"""No image of a board holds what check_image.py forbids, and that check can fail."""

import re
import subprocess

import check_image
import elf
import images

PLANTED = """
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
void *sbrk(ptrdiff_t n) { (void)n; return 0; }
void _exit(int status) { (void)status; for (;;) { } }
_Thread_local int planted_local;
void start(void) {
    char text[20];
    char *heap = malloc(10);
    snprintf(text, sizeof text, "%s", heap);
    sscanf(text, "%d", &planted_local);
    atexit(start);
    planted_local += rand() + errno + (int)strtol(text, 0, 10) + (int)strlen(text);
    free(realloc(heap, 20));
    exit(planted_local);
}
"""


def test_images_of_boards(board):
    assert list(check_image.findings(images.built(board))) == []


def test_a_seed_has_its_place(board):
    """The 40 bytes of port/cortex-m/seed.h are RAM that nothing else has."""
    settings = (images.ROOT / "board" / board / "board.mk").read_text()
    found = re.search(r"^BOARD_SEED +:= (0x[0-9a-f]+)$", settings, re.MULTILINE)
    if found is None:
        return  # it has a source of its own, or no HTTPS
    place = int(found[1], 16)
    assert place >= 0x20000000 and place % 4 == 0
    for section in elf.Image(images.built(board)).sections:
        if section.flags & elf.SHF_ALLOC:
            assert section.address + section.size <= place or place + 40 <= section.address, section


def wolfssl_functions(path):
    return [s.name for s in elf.Image(path).symbols
            if s.kind == elf.STT_FUNC and s.section != 0 and s.name.startswith("wolfSSL")]


def test_without_https_there_is_no_tls():
    """All of it is 60 KB, which a board that serves none should have for itself."""
    without = images.built("lm3s6965evb", "without-https", "DISABLE_TLS=1")
    assert wolfssl_functions(without) == []
    assert wolfssl_functions(images.built("lm3s6965evb", "with-https", "DISABLE_TLS=")) != []


def test_the_check_can_fail(tmp_path):
    (tmp_path / "planted.c").write_text(PLANTED)
    elf = tmp_path / "planted.elf"
    subprocess.run(
        ["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", "--specs=picolibc.specs", "-O0", "-w",
         "-ffunction-sections", "-nostartfiles", f"-Wl,-e,start,-Map={tmp_path}/planted.map",
         "-o", elf, tmp_path / "planted.c"], check=True)
    said = "\n".join(check_image.findings(str(elf)))
    for name in ("malloc", "free", "realloc", "sbrk", "snprintf", "sscanf", "atexit", "exit",
                 "_exit", "rand"):
        assert f"holds {name}\n" in said + "\n", f"the check does not see {name}"
    assert "holds the C library's strtol" in said
    assert "planted_local is thread-local" in said
    assert "errno is thread-local" in said
    assert "strlen" not in said
