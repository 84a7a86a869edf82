/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_state_redo.c: several words changed as one, whatever their number and place; and what a
 * record says that is damaged or lies.
 */
#include "every_store.h"
#include "state_order.h"
#include "state_redo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

struct region {
    unsigned char before[100];
    struct state_redo redo;
    unsigned char behind[100];
};

static struct region region;
static struct region changed;
static uint32_t bytes;
static bool is_behind;

static int zeroed(void **state) {
    (void)state;
    memset(&region, 0, sizeof region);
    return 0;
}

static void write_some(void *at, void *context) {
    struct region *r = at;
    static const char content[] = "a long text that is much longer than a record can take";
    (void)context;
    state_redo_write(&r->redo, (is_behind ? r->behind : r->before) + 51 - bytes, content, bytes);
}

static void all_or_nothing(void *copy, uint32_t number, void *context) {
    static bool done;
    struct region *r = copy;
    (void)context;
    done = done && number > 0;
    state_redo_recover(&r->redo, r, sizeof *r);
    assert_int_equal(r->redo.check, 0);
    done = done || memcmp(r->before, region.before, sizeof r->before) != 0 ||
           memcmp(r->behind, region.behind, sizeof r->behind) != 0;
    const struct region *is = done ? &changed : &region;
    assert_memory_equal(r->before, is->before, sizeof r->before);
    assert_memory_equal(r->behind, is->behind, sizeof r->behind);
}

static void changed_as_one_at_any_length_and_place(void **state) {
    const struct every_store run = {write_some, all_or_nothing, NULL};
    (void)state;
    for (uint32_t round = 0; round < 2; round++) {
        is_behind = round == 1;
        for (bytes = 1; bytes <= STATE_REDO_BYTES_MAX; bytes++) {
            changed = region;
            write_some(&changed, NULL);
            struct region cut = region;
            every_store_run(&run, &cut, sizeof cut);
            assert_memory_equal(cut.before, changed.before, sizeof cut.before);
            assert_memory_equal(cut.behind, changed.behind, sizeof cut.behind);
        }
    }
}

/* A record as state_redo_write leaves it before it is done. */
static void write_and_stop(void *copy, uint32_t number, void *context) {
    const struct region *r = copy;
    (void)number;
    (void)context;
    if (r->redo.check != 0 && region.redo.check == 0) {
        region.redo = r->redo;
    }
}

static void stop_before_it_is_done(void) {
    const struct every_store run = {write_some, write_and_stop, NULL};
    struct region cut = region;
    every_store_run(&run, &cut, sizeof cut);
    assert_int_not_equal(region.redo.check, 0);
}

static void expect_untouched(struct region r, uint32_t region_bytes) {
    const struct region before = r;
    state_redo_recover(&r.redo, &r, region_bytes);
    assert_int_equal(r.redo.check, 0);
    assert_memory_equal(r.before, before.before, sizeof r.before);
    assert_memory_equal(r.behind, before.behind, sizeof r.behind);
}

static void a_damaged_record_is_not_believed(void **state) {
    (void)state;
    bytes = 20;
    is_behind = true;
    stop_before_it_is_done();
    for (uint32_t i = 0; i < offsetof(struct state_redo, words) + bytes; i++) {
        struct region damaged = region;
        ((unsigned char *)&damaged.redo)[i] ^= 0x10;
        expect_untouched(damaged, sizeof damaged);
    }
    struct region r = region;
    state_redo_recover(&r.redo, &r, sizeof r);
    assert_memory_not_equal(r.behind, region.behind, sizeof r.behind);
}

/* Sealed, but for another region: its target is not in this one. */
static void a_target_outside_is_not_believed(void **state) {
    (void)state;
    bytes = 20;
    is_behind = true;
    stop_before_it_is_done();
    const uint32_t end = (uint32_t)offsetof(struct region, behind) + 51;
    expect_untouched(region, end - 1);
    expect_untouched(region, end - bytes - 1);
    struct region r = region;
    state_redo_recover(&r.redo, &r, end);
    assert_memory_not_equal(r.behind, region.behind, sizeof r.behind);
    (void)zeroed(NULL);
    is_behind = false;
    stop_before_it_is_done();
    r = region;
    state_redo_recover(&r.redo, r.before + 51 - bytes + 1, sizeof r - 100);
    assert_memory_equal(r.before, region.before, sizeof r.before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(changed_as_one_at_any_length_and_place, zeroed),
        cmocka_unit_test_setup(a_damaged_record_is_not_believed, zeroed),
        cmocka_unit_test_setup(a_target_outside_is_not_believed, zeroed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
