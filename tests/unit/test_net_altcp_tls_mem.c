/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_altcp_tls_mem.c: the pool of wolfSSL's memory, against a plain list of what it handed
 * out: no two blocks overlap, contents stay, all comes back, and full is a refusal.
 */
#include "altcp_tls_mem.h"
#include "altcp_tls_opts.h"
#include "random_numbers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 300u

struct block {
    uint8_t *bytes; /* NULL: none */
    size_t count;
    uint8_t fill;
};

static struct block blocks[BLOCKS];
static struct altcp_tls_mem_stats stats_now(void) {
    struct altcp_tls_mem_stats stats;
    altcp_tls_mem_get_stats(&stats);
    return stats;
}

static void expect_whole(const struct block *b) {
    for (size_t i = 0; i < b->count; i++) {
        assert_int_equal(b->bytes[i], b->fill);
    }
}

static void fill(struct block *b, void *bytes, size_t count) {
    b->bytes = bytes;
    b->count = count;
    b->fill = (uint8_t)random_below(256);
    assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
    memset(bytes, b->fill, count);
}

static void give(struct block *b) {
    if (b->bytes != NULL) {
        expect_whole(b);
    }
    altcp_tls_mem_free(b->bytes);
    *b = (struct block){0};
}

static void give_all(void) {
    for (uint32_t i = 0; i < BLOCKS; i++) {
        give(&blocks[i]);
    }
    assert_int_equal(stats_now().used_bytes, 0);
}

/* As sizes of handshakes go: many small ones, some of a record's size. */
static size_t some_size(void) {
    switch (random_below(10)) {
    case 0:
        return 16000 + random_below(2000);
    case 1:
        return 1 + random_below(5000);
    default:
        return 1 + random_below(400);
    }
}

static void step(void) {
    struct block *b = &blocks[random_below(BLOCKS)];
    size_t count = some_size();
    if (b->bytes == NULL) {
        void *bytes = altcp_tls_mem_alloc(count);
        if (bytes != NULL) {
            fill(b, bytes, count);
        }
    } else if (random_below(4) == 0) {
        uint8_t *bytes = altcp_tls_mem_resize(b->bytes, count);
        if (bytes != NULL) {
            b->bytes = bytes;
            b->count = count < b->count ? count : b->count;
            expect_whole(b);
            fill(b, bytes, count);
        }
    } else {
        give(b);
    }
}

static void random_steps(void **state) {
    (void)state;
    for (uint32_t seed = 0; seed < 20; seed++) {
        random_state = seed;
        for (uint32_t i = 0; i < 20000; i++) {
            step();
        }
        for (uint32_t i = 0; i < BLOCKS; i++) {
            expect_whole(&blocks[i]);
        }
        give_all();
    }
}

/* After any use the array is one block again. */
static void all_of_it_at_once(void **state) {
    (void)state;
    size_t most = stats_now().limit_bytes - 2 * _Alignof(max_align_t);
    random_state = 7;
    for (uint32_t turn = 0; turn < 50; turn++) {
        for (uint32_t i = 0; i < 500; i++) {
            step();
        }
        give_all();
        /* The last eighth of a power of two is not searched: sizes are rounded up. */
        void *large = altcp_tls_mem_alloc(most - most / 8);
        assert_non_null(large);
        altcp_tls_mem_free(large);
    }
}

static void refusals_are_counted(void **state) {
    (void)state;
    uint32_t before = stats_now().refused_total;
    assert_null(altcp_tls_mem_alloc(stats_now().limit_bytes));
    assert_null(altcp_tls_mem_alloc(SIZE_MAX));
    assert_null(altcp_tls_mem_alloc(SIZE_MAX - 15));
    assert_int_equal(stats_now().refused_total, before + 3);
    uint8_t *bytes = altcp_tls_mem_alloc(100);
    memset(bytes, 5, 100);
    assert_null(altcp_tls_mem_resize(bytes, SIZE_MAX));
    assert_int_equal(bytes[99], 5); /* the old one stays */
    altcp_tls_mem_free(bytes);
    altcp_tls_mem_free(NULL);
}

static void full_to_the_last_small_block(void **state) {
    static void *taken[ALTCP_TLS_MEM_BYTES / 64];
    (void)state;
    uint32_t count = 0;
    while ((taken[count] = altcp_tls_mem_alloc(100)) != NULL) {
        count++;
    }
    struct altcp_tls_mem_stats full = stats_now();
    assert_true(full.limit_bytes - full.used_bytes < 256);
    assert_int_equal(full.high_water_bytes, full.used_bytes);
    for (uint32_t i = 0; i < count; i += 2) {
        altcp_tls_mem_free(taken[i]);
    }
    assert_null(altcp_tls_mem_alloc(1000)); /* holes of one block each */
    for (uint32_t i = 0; i < count; i += 2) {
        taken[i] = altcp_tls_mem_alloc(100);
        assert_non_null(taken[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        altcp_tls_mem_free(taken[i]);
    }
    assert_int_equal(stats_now().used_bytes, 0);
}

/* What lasts and what does not, in turns: when the others are given back, they leave one gap. */
static void what_lasts_lies_together(void **state) {
    static void *lasting[20];
    static void *others[20];
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        lasting[i] = altcp_tls_mem_alloc_lasting(300 + i);
        others[i] = altcp_tls_mem_alloc(1000 - i);
        assert_non_null(lasting[i]);
        assert_non_null(others[i]);
    }
    for (uint32_t i = 0; i < 20; i++) {
        altcp_tls_mem_free(others[i]);
    }
    const size_t left = stats_now().limit_bytes - stats_now().used_bytes;
    assert_true(altcp_tls_mem_fits(left - left / 8, 0));
    for (uint32_t i = 0; i < 20; i++) {
        altcp_tls_mem_free(lasting[i]);
    }
    assert_int_equal(stats_now().used_bytes, 0);
}

static void room_is_what_can_be_taken(void **state) {
    (void)state;
    random_state = 3;
    for (uint32_t i = 0; i < 2000; i++) {
        step();
        const uint32_t room_bytes = altcp_tls_mem_room_bytes();
        void *bytes = altcp_tls_mem_alloc(room_bytes);
        assert_non_null(bytes);
        altcp_tls_mem_free(bytes);
    }
    give_all();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_steps),
        cmocka_unit_test(all_of_it_at_once),
        cmocka_unit_test(refusals_are_counted),
        cmocka_unit_test(full_to_the_last_small_block),
        cmocka_unit_test(what_lasts_lies_together),
        cmocka_unit_test(room_is_what_can_be_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
