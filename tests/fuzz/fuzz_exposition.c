/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fuzz_exposition.c: libFuzzer against request bodies in the text formats. The input is requests,
 * with a form feed between them. Each is a character of options (registry_world.h) and a body; a
 * '~' in it is where it is cut, and no part of it.
 *
 * Findings, beside what the sanitizers find: a verdict, an error line or a registry that depends on
 * the cuts; a refusal that changes something; a page that cannot be read back.
 */
#include "registry_world.h"

#define REQUESTS_MAX 6u
#define BODY_BYTES_MAX 20000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The body of the request under way. */
static char body[BODY_BYTES_MAX];
static uint32_t body_bytes;
static uint32_t cuts[BODY_BYTES_MAX]; /* ends of its pieces but the last */
static uint32_t cuts_count;

struct outcome {
    bool ok;
    struct problem problem;
    struct world_snapshot registry;
};

static struct outcome whole[REQUESTS_MAX];
static struct outcome in_pieces;

/* A copy of its own, so that a look past its end is seen. */
static char *copy_of(const char *bytes, uint32_t n) {
    char *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    return copy;
}

/* Presents body[at, end), and moves `at` over what was read of it. */
static bool feed(struct exposition_reader *reader, uint32_t *at, uint32_t end) {
    uint32_t consumed = UINT32_MAX;
    char *piece = copy_of(body + *at, end - *at);
    bool ok = exposition_reader_feed(reader, piece, end - *at, &consumed, &problem);
    free(piece);
    if (ok) {
        assert_in_range(consumed, 0, end - *at);
        *at += consumed;
        assert_null(memchr(body + *at, '\n', end - *at));
        assert_in_range(end - *at, 0, CFG_LINE_BYTES - 1);
    }
    return ok;
}

static bool read_body(struct registry_txn *txn) {
    struct exposition_reader reader;
    uint32_t at = 0;
    exposition_reader_init(&reader, &reg, txn);
    bool ok = true;
    for (uint32_t i = 0; i < cuts_count && ok; i++) {
        ok = feed(&reader, &at, cuts[i]);
    }
    ok = ok && feed(&reader, &at, body_bytes);
    if (ok) {
        char *rest = copy_of(body + at, body_bytes - at);
        ok = exposition_reader_finish(&reader, rest, body_bytes - at, &problem);
        free(rest);
    }
    return ok;
}

static void run_request(const uint8_t *data, size_t n, bool cut, struct outcome *o) {
    body_bytes = 0;
    cuts_count = 0;
    for (size_t i = 1; i < n; i++) {
        if (data[i] != '~') {
            body[body_bytes++] = (char)data[i];
        } else if (cut) {
            cuts[cuts_count++] = body_bytes;
        }
    }
    o->ok = world_apply(world_options(data[0]), read_body);
    o->problem = problem;
    world_snapshot(&o->registry);
}

static void compare(const struct outcome *a, const struct outcome *b) {
    assert_int_equal(a->ok, b->ok);
    if (!a->ok) {
        assert_int_equal(a->problem.kind, b->problem.kind);
        assert_int_equal(a->problem.line_len, b->problem.line_len);
        assert_memory_equal(a->problem.line, b->problem.line, a->problem.line_len);
    }
    world_expect_same(&a->registry, &b->registry);
}

static void run(const uint8_t *data, size_t size, bool cut) {
    world_start();
    for (uint32_t i = 0; i < REQUESTS_MAX && size > 0; i++) {
        const uint8_t *end = memchr(data, '\f', size);
        size_t n = end != NULL ? (size_t)(end - data) : size;
        if (n > 0) {
            run_request(data, n, cut, cut ? &in_pieces : &whole[i]);
        }
        if (n > 0 && cut) {
            compare(&whole[i], &in_pieces);
        }
        n += end != NULL;
        data += n;
        size -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > BODY_BYTES_MAX) {
        return -1;
    }
    run(data, size, false);
    run(data, size, true);
    world_end();
    return 0;
}
