/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_altcp_tls_mem_small.c: the pool of wolfSSL's memory where it is small: what lasts lies as
 * far to the front as it can, all else as far to the end, whatever was taken and given back before.
 */
#include "altcp_tls_opts.h"

#undef ALTCP_TLS_MEM_BYTES
#define ALTCP_TLS_MEM_BYTES (9 * 1024)
#include "../../port/altcp_tls_mem.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BLOCKS 60u

static void *blocks[BLOCKS];
static uint32_t random_state;

static uint32_t random_below(uint32_t n) {
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

/* Sizes as a handshake has them. */
static uint32_t some_bytes(void) {
    return random_below(4) == 0 ? 100 + random_below(1000) : 1 + random_below(60);
}

/* Where a block of that size has to lie, found by walking over all of the array; NONE: nowhere. */
static uint32_t place_for(uint32_t size_bytes, bool at_front) {
    uint32_t place = NONE;
    for (uint32_t at = 0; at < ARENA_BYTES; at += size_at(at)) {
        if (is_free(at) && size_at(at) >= size_bytes && (place == NONE || !at_front)) {
            place = at;
        }
    }
    if (place != NONE && !at_front && size_at(place) - size_bytes >= BLOCK_BYTES_MIN) {
        place += size_at(place) - size_bytes;
    }
    return place;
}

static uint32_t largest_free_bytes(void) {
    uint32_t most = HEADER_BYTES;
    for (uint32_t at = 0; at < ARENA_BYTES; at += size_at(at)) {
        most = is_free(at) && size_at(at) > most ? size_at(at) : most;
    }
    return most - HEADER_BYTES;
}

static bool take_one(void **block) {
    const uint32_t bytes = some_bytes();
    const bool lasts = random_below(3) == 0;
    const uint32_t place = place_for(block_bytes_for(bytes), lasts);
    const bool fits = altcp_tls_mem_fits(bytes, 0);
    *block = lasts ? altcp_tls_mem_alloc_lasting(bytes) : altcp_tls_mem_alloc(bytes);
    assert_int_equal(fits, *block != NULL);
    if (*block == NULL) {
        assert_int_equal(place, NONE);
        return false;
    }
    assert_int_equal(offset_of(*block), place);
    return true;
}

static void outermost(void **state) {
    (void)state;
    uint32_t refused_count = 0;
    assert_int_equal(altcp_tls_mem_room_bytes(), ARENA_BYTES - HEADER_BYTES);
    for (uint32_t i = 0; i < 200000; i++) {
        void **block = &blocks[random_below(BLOCKS)];
        if (*block != NULL) {
            altcp_tls_mem_free(*block);
            *block = NULL;
        } else {
            refused_count += !take_one(block);
        }
        assert_int_equal(altcp_tls_mem_room_bytes(), largest_free_bytes());
    }
    assert_in_range(refused_count, 100, 100000);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        altcp_tls_mem_free(blocks[i]);
    }
    assert_int_equal(altcp_tls_mem_room_bytes(), ARENA_BYTES - HEADER_BYTES);
}

/* To the last byte. */
static void all_of_it_at_once(void **state) {
    (void)state;
    void *all = altcp_tls_mem_alloc(ARENA_BYTES - HEADER_BYTES);
    assert_non_null(all);
    assert_int_equal(altcp_tls_mem_room_bytes(), 0);
    assert_false(altcp_tls_mem_fits(1, 0));
    assert_null(altcp_tls_mem_alloc(1));
    altcp_tls_mem_free(all);
    assert_null(altcp_tls_mem_alloc(ARENA_BYTES - HEADER_BYTES + 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outermost),
        cmocka_unit_test(all_of_it_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
