/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * icount_plugin.c: a plugin of QEMU's TCG that counts the instructions a board executes, and says
 * which of them were work.
 *
 * A board sleeps in WFI when it has nothing to do. What it executes between two sleeps is a burst.
 * A burst in which one of the marked functions ran (those through which every frame goes in or
 * out) is work; all others, the ticks of an idle board, are counted apart. So a count does not
 * depend on how long somebody waited between requests.
 *
 *     -plugin build/icount_plugin.so,out=FILE,base=0,bytes=0x100000,mark=0x1234,mark=0x5678
 *
 * The counters are in FILE, which the reader maps: struct counters, of which `profile` holds, for
 * each halfword of [base, base + bytes), how many instructions of work were executed in the
 * blocks of code that begin there. They are complete whenever the board sleeps.
 *
 * Debian ships no header of the plugin interface. What is declared here is its version 1, as
 * QEMU documents it (docs/devel/tcg-plugins), in QEMU 4.2 to 8.2.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- The plugin interface ------------------------------------------------------------------- */

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;   /* a block of translated code */
struct qemu_plugin_insn; /* one instruction of it */
struct qemu_info;        /* of the emulator; not looked into here */

typedef uint64_t plugin_id;
typedef void translated(plugin_id, struct qemu_plugin_tb *);
typedef void executed(unsigned cpu, void *context);

enum { REGISTERS_NOT_READ = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, translated *);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, executed *, int, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);

EXPORT extern int qemu_plugin_version;
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id, const struct qemu_info *, int argc, char **argv);

/* ---- Counters --------------------------------------------------------------------------------- */

/* tests/bench/board_counters.py reads it. */
struct counters {
    uint64_t work_bursts;
    uint64_t work_instructions;
    uint64_t idle_bursts;
    uint64_t idle_instructions;
    uint64_t running; /* instructions of the burst that has not ended */
    uint64_t profile[];
};

/* A block of code as translated. Those that begin at one address differ in their length. */
struct block {
    struct block *next;
    uint64_t *profile;
    uint32_t instructions;
    uint32_t executions; /* in this burst */
    bool marked;
    bool sleeps; /* ends in WFI */
};

enum { MARKS_MAX = 8 };

static struct counters *counters;
static uint64_t marks[MARKS_MAX];
static size_t mark_count;
static uint64_t base;
static uint64_t bytes;

static struct block **blocks; /* by halfword, like the profile */
static struct block **burst;  /* the blocks that ran in it, each once */
static size_t burst_count;
static size_t burst_limit;
static bool burst_marked;

static void *must(void *memory) {
    if (memory == NULL) {
        fputs("icount_plugin: out of memory\n", stderr);
        abort();
    }
    return memory;
}

static void note_block(struct block *block) {
    if (burst_count == burst_limit) {
        burst_limit = burst_limit * 2 + 1024;
        burst = must(realloc(burst, burst_limit * sizeof *burst));
    }
    burst[burst_count++] = block;
}

static void end_burst(void) {
    uint64_t instructions = 0;
    for (size_t i = 0; i < burst_count; i++) {
        struct block *b = burst[i];
        const uint64_t n = (uint64_t)b->executions * b->instructions;
        instructions += n;
        if (burst_marked) {
            *b->profile += n;
        }
        b->executions = 0;
    }
    burst_count = 0;
    counters->running = 0;
    if (burst_marked) {
        counters->work_instructions += instructions;
        counters->work_bursts++;
    } else {
        counters->idle_instructions += instructions;
        counters->idle_bursts++;
    }
    burst_marked = false;
}

static void run_block(unsigned cpu, void *context) {
    struct block *b = context;
    (void)cpu;
    if (b->executions++ == 0) {
        note_block(b);
    }
    counters->running += b->instructions;
    burst_marked |= b->marked;
    if (b->sleeps) {
        end_burst();
    }
}

static bool is_marked(uint64_t address) {
    for (size_t i = 0; i < mark_count; i++) {
        if (marks[i] == address) {
            return true;
        }
    }
    return false;
}

static bool is_wfi(const struct qemu_plugin_insn *insn) {
    uint16_t opcode;
    if (qemu_plugin_insn_size(insn) != sizeof opcode) {
        return false;
    }
    memcpy(&opcode, qemu_plugin_insn_data(insn), sizeof opcode);
    return opcode == 0xbf30;
}

static struct block *new_block(const struct qemu_plugin_tb *tb, uint32_t n, size_t slot) {
    struct block *b = must(calloc(1, sizeof *b));
    b->instructions = n;
    b->profile = &counters->profile[slot];
    for (size_t i = 0; i < n; i++) {
        const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        b->marked |= is_marked(qemu_plugin_insn_vaddr(insn));
        b->sleeps |= is_wfi(insn);
    }
    b->next = blocks[slot];
    blocks[slot] = b;
    return b;
}

/* A block is translated again when QEMU's cache is full: it must stay one block here. Flash does
 * not change, so its address and length say what it is. */
static void see_block(plugin_id id, struct qemu_plugin_tb *tb) {
    const uint64_t address = qemu_plugin_tb_vaddr(tb);
    const uint32_t n = (uint32_t)qemu_plugin_tb_n_insns(tb);
    (void)id;
    if (address - base >= bytes) {
        fprintf(stderr, "icount_plugin: code at 0x%llx is outside base and bytes\n",
                (unsigned long long)address);
        abort();
    }
    const size_t slot = (size_t)((address - base) / 2);
    struct block *b = blocks[slot];
    while (b != NULL && b->instructions != n) {
        b = b->next;
    }
    if (b == NULL) {
        b = new_block(tb, n, slot);
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, run_block, REGISTERS_NOT_READ, b);
}

/* ---- Start ------------------------------------------------------------------------------------ */

static bool map_counters(const char *path) {
    const size_t size = sizeof *counters + bytes / 2 * sizeof counters->profile[0];
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
        fprintf(stderr, "icount_plugin: out=%s: %s\n", path, strerror(errno));
        return false;
    }
    counters = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (counters == MAP_FAILED) {
        fprintf(stderr, "icount_plugin: out=%s: %s\n", path, strerror(errno));
        return false;
    }
    blocks = must(calloc(bytes / 2, sizeof *blocks));
    return true;
}

/* The value of an argument `name=value`, or NULL. */
static const char *value_of(const char *argument, const char *name) {
    const size_t n = strlen(name);
    return strncmp(argument, name, n) == 0 && argument[n] == '=' ? argument + n + 1 : NULL;
}

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv) {
    const char *out = NULL;
    (void)info;
    for (int i = 0; i < argc; i++) {
        const char *value;
        if ((value = value_of(argv[i], "out")) != NULL) {
            out = value;
        } else if ((value = value_of(argv[i], "base")) != NULL) {
            base = strtoull(value, NULL, 0);
        } else if ((value = value_of(argv[i], "bytes")) != NULL) {
            bytes = strtoull(value, NULL, 0);
        } else if ((value = value_of(argv[i], "mark")) != NULL && mark_count < MARKS_MAX) {
            marks[mark_count++] = strtoull(value, NULL, 0);
        } else {
            fprintf(stderr, "icount_plugin: %s: give out=, base=, bytes= or mark=\n", argv[i]);
            return 1;
        }
    }
    if (out == NULL || bytes == 0 || mark_count == 0) {
        fputs("icount_plugin: out=, bytes= and mark= are needed\n", stderr);
        return 1;
    }
    if (!map_counters(out)) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, see_block);
    return 0;
}
