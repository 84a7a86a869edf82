/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_heap.c: the network heap full, empty, and in between.
 */
#include "lwip/opt.h"
#include "net_heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Of the smallest size, and one that is refused. */
#define BLOCKS_MAX (CFG_NET_HEAP_SLABS * 512 + 1)

static void *blocks[BLOCKS_MAX];

static int empty(void **state) {
    (void)state;
    assert_int_equal(net_heap_stats().used, 0);
    return 0;
}

/* Takes blocks of one size until there are none, each filled with its own mark. */
static size_t fill(size_t bytes) {
    size_t n = 0;
    while (n < BLOCKS_MAX && (blocks[n] = net_heap_alloc(bytes)) != NULL) {
        memset(blocks[n], (int)(n % 251), bytes);
        n++;
    }
    return n;
}

static void give_all(size_t n, size_t bytes) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks[i];
        for (size_t at = 0; at < bytes; at++) {
            if (block[at] != i % 251) {
                fail_msg("byte %zu of block %zu has changed", at, i);
            }
        }
        net_heap_free(blocks[i]);
    }
}

static void fills_up_refuses_and_serves_again(void **state) {
    static const struct {
        size_t bytes;
        size_t per_slab;
    } sizes[] = {{1, 512},  {128, 512}, {129, 256}, {256, 256}, {257, 102}, {640, 102},
                 {641, 42}, {1552, 42}, {1553, 21}, {3072, 21}, {3073, 7},  {9360, 7}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int again = 0; again < 2; again++) { /* whatever size the slabs had before */
            uint32_t refused = net_heap_stats().refused_total;
            size_t n = fill(sizes[i].bytes);
            assert_int_equal(n, CFG_NET_HEAP_SLABS * sizes[i].per_slab);
            assert_int_equal(net_heap_stats().refused_total, refused + 1);
            assert_true(net_heap_stats().used <= net_heap_stats().limit);
            assert_true(net_heap_stats().high_water >= net_heap_stats().used);
            give_all(n, sizes[i].bytes);
            assert_int_equal(net_heap_stats().used, 0);
        }
    }
}

static void every_connection_can_queue_all_it_may(void **state) {
    static const size_t segment_bytes[] = {1460, 8960};
    const size_t head = 80; /* lwIP's descriptor, and room for all headers */
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t each = (CFG_NET_SEND_BYTES + segment_bytes[i] - 1) / segment_bytes[i];
        size_t got = fill(segment_bytes[i] + head);
        assert_true(got >= CFG_CONNECTIONS_MAX * each);
        give_all(got, segment_bytes[i] + head);
    }
}

static void blocks_are_aligned(void **state) {
    (void)state;
    size_t n = fill(1500);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
    }
    give_all(n, 1500);
}

static void too_large_is_refused(void **state) {
    uint32_t refused = net_heap_stats().refused_total;
    (void)state;
    assert_null(net_heap_alloc(NET_HEAP_BLOCK_BYTES_MAX + 1));
    assert_null(net_heap_alloc(SIZE_MAX));
    assert_null(net_heap_calloc(2, SIZE_MAX / 2 + 2)); /* a product that wraps to a small one */
    assert_null(net_heap_calloc(SIZE_MAX / 2 + 2, 2));
    assert_int_equal(net_heap_stats().refused_total, refused + 4);
}

static void calloc_clears(void **state) {
    static const uint8_t zero[300];
    (void)state;
    void *block = net_heap_alloc(300);
    memset(block, 0xa5, 300);
    net_heap_free(block);
    block = net_heap_calloc(3, 100);
    assert_memory_equal(block, zero, 300);
    net_heap_free(block);
}

static uint32_t step(uint32_t *x) {
    *x = *x * 1664525u + 1013904223u;
    return *x >> 8;
}

/* Blocks of all sizes come and go at random; none may ever change another. */
static void random_use(void **state) {
    static size_t sizes[1000];
    uint32_t x = 12345;
    (void)state;
    memset(blocks, 0, sizeof blocks[0] * 1000);
    for (int turn = 0; turn < 200000; turn++) {
        size_t i = step(&x) % 1000;
        if (blocks[i] == NULL) {
            sizes[i] = 1 + step(&x) % (step(&x) % 8 == 0 ? 9360 : 700);
            blocks[i] = net_heap_alloc(sizes[i]);
            if (blocks[i] != NULL) {
                memset(blocks[i], (int)(i % 251), sizes[i]);
            }
        } else {
            const uint8_t *block = blocks[i];
            assert_int_equal(block[0], i % 251);
            assert_int_equal(block[sizes[i] / 2], i % 251);
            assert_int_equal(block[sizes[i] - 1], i % 251);
            net_heap_free(blocks[i]);
            blocks[i] = NULL;
        }
    }
    for (size_t i = 0; i < 1000; i++) {
        if (blocks[i] != NULL) {
            net_heap_free(blocks[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fills_up_refuses_and_serves_again, empty, empty),
        cmocka_unit_test_setup_teardown(every_connection_can_queue_all_it_may, empty, empty),
        cmocka_unit_test_setup_teardown(blocks_are_aligned, empty, empty),
        cmocka_unit_test_setup_teardown(too_large_is_refused, empty, empty),
        cmocka_unit_test_setup_teardown(calloc_clears, empty, empty),
        cmocka_unit_test_setup_teardown(random_use, empty, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
