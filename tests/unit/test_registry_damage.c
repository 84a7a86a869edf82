/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_registry_damage.c: registry_recover over memory that something has written to. What is damaged
 * is left out and counted, nothing is made up, and the rest goes on working.
 */
#include "registry_cut.h"

/* ---- damage -------------------------------------------------------------------------------- */

static bool has_line(const struct shown *shown, const char *line, size_t len) {
    const char *at = shown->text;
    while ((at = strstr(at, line)) != NULL) {
        if ((at == shown->text || at[-1] == '\n') && strncmp(at, line, len) == 0) {
            return true;
        }
        at++;
    }
    return false;
}

/* Asserts that each line of `text` is one of those; returns how many there are. */
static uint32_t expect_lines_among(const char *text, const struct shown *a, const struct shown *b) {
    uint32_t count = 0;
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        char copy[CFG_LINE_BYTES + 1];
        size_t len = strcspn(line, "\n") + 1;
        memcpy(copy, line, len);
        copy[len] = '\0';
        if (!has_line(a, copy, len) && !has_line(b, copy, len)) {
            fail_msg("nobody said %s", copy);
        }
        count++;
    }
    return count;
}

static struct registry damaged;

/* What is damaged is left out and counted, and what is left goes on working. */
static void survives(const struct shown *a, const struct shown *b, uint32_t lines) {
    static struct shown shown;
    struct registry_recovery found;
    on = &damaged;
    registry_recover(on, hash_key, &found);
    expect_idle();
    show(&shown);
    uint32_t count = expect_lines_among(shown.text, a, b);
    if (count < lines && found.damaged_count == 0) {
        fail_msg("not counted:\n%s", shown.text);
    }
    (void)update("c{x=\"1\"} 5\nc{x=\"another\"} 5\n");
    (void)create("more{a=\"1\"} 1\n");
    (void)registry_delete(on, SLICE("h"), &problem);
    expect_idle();
    on = &reg;
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static uint32_t lines_of(const char *text) {
    uint32_t lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

static void damage_of_one_byte(void **state) {
    static struct shown expected;
    uint32_t random = 1;
    (void)state;
    begin_others();
    show(&expected);
    for (uint32_t at = 0; at < sizeof reg; at++) {
        memcpy(&damaged, &reg, sizeof damaged);
        ((uint8_t *)&damaged)[at] ^= (uint8_t)(1u << next_random(&random) % 8);
        survives(&expected, &expected, lines_of(expected.text));
        memcpy(&damaged, &reg, sizeof damaged);
        ((uint8_t *)&damaged)[at] = (uint8_t)next_random(&random);
        survives(&expected, &expected, lines_of(expected.text));
    }
}

static void damage_of_much(void **state) {
    static struct shown expected;
    uint32_t random = 2;
    (void)state;
    begin_others();
    show(&expected);
    for (uint32_t round = 0; round < 3000; round++) {
        memcpy(&damaged, &reg, sizeof damaged);
        for (uint32_t bytes = 1 + next_random(&random) % 300; bytes > 0; bytes--) {
            uint32_t at = next_random(&random) % sizeof damaged;
            ((uint8_t *)&damaged)[at] = (uint8_t)next_random(&random);
        }
        survives(&expected, &expected, 0);
    }
    for (uint32_t round = 0; round < 300; round++) {
        for (uint32_t at = 0; at < sizeof damaged; at++) {
            ((uint8_t *)&damaged)[at] = round == 0 ? 0 : (uint8_t)next_random(&random);
        }
        survives(&expected, &expected, 0);
    }
}

/* Of a commit that is carried out nothing is done again that is not what was committed. */
static void damage_in_a_commit(void **state) {
    static void (*const steps[])(void) = {only_commit};
    struct registry *kept = calloc(1000, sizeof *kept);
    uint32_t random = 3;
    (void)state;
    begin_others();
    now.kept = kept;
    now.kept_count = 0;
    now.every = 1;
    cut_everywhere(steps, 1, 1);
    now.kept = NULL;
    for (uint32_t round = 0; round < 10000; round++) {
        const uint32_t from = (uint32_t)offsetof(struct registry, series);
        const uint32_t bytes = (uint32_t)offsetof(struct registry, arena) - from;
        uint32_t at = from + next_random(&random) % bytes;
        memcpy(&damaged, &kept[next_random(&random) % now.kept_count], sizeof damaged);
        ((uint8_t *)&damaged)[at] = (uint8_t)next_random(&random);
        survives(&now.pages[0], &now.pages[1], 0);
    }
    free(kept);
}

/* Copies a block of the arena with its header to `at`. */
static void copy_block(uint32_t text, uint32_t at) {
    const char *from = registry_arena_at(&on->arena, text - REGISTRY_ARENA_HEADER_BYTES);
    memcpy(registry_arena_at(&on->arena, at), from,
           REGISTRY_ARENA_HEADER_BYTES + registry_arena_room_bytes(&on->arena, text));
}

/* Each of two records is whole, but the text of one lies over that of the other. */
static void records_over_one_another(void **state) {
    static struct shown before;
    struct registry_recovery found;
    char body[CFG_LINE_BYTES];
    (void)state;
    for (int of_series = 0; of_series < 2; of_series++) {
        small_world(NULL);
        show(&before);
        snprintf(body, sizeof body, "# HELP over %0300d\n# TYPE over gauge\n", 0);
        assert_true(create(body));
        uint32_t over = registry_find_family(on, SLICE("over"));
        uint32_t under = registry_find_family(on, SLICE("g"));
        uint32_t *text = of_series ? &on->series[on->families[under].first_series].text
                                   : &on->families[under].text;
        uint32_t at = (on->families[over].text + 64) & ~3u;
        copy_block(*text, at);
        *text = at + REGISTRY_ARENA_HEADER_BYTES;
        *registry_store_family_check_at(on, over) = registry_store_family_check(on, over, 0);
        registry_recover(on, hash_key, &found);
        expect_idle();
        assert_int_equal(found.damaged_count, of_series ? 1 : 2);
        assert_true(registry_delete(on, SLICE("over"), &problem));
        expect_lines_among(page(EXPOSITION_TEXT), &before, &before);
        assert_null(strstr(page(EXPOSITION_TEXT), "\ng 0.1\n"));
    }
}

/* ---- one by one ---------------------------------------------------------------------------- */

static void another_key_is_damage_to_all(void **state) {
    static const uint8_t other[HASH_KEY_BYTES] = {8};
    struct registry_recovery found;
    (void)state;
    registry_recover(on, other, &found);
    expect_idle();
    assert_int_equal(found.series_count, 0);
    assert_true(found.damaged_count > 0);
}

static void a_damaged_link_loses_no_series(void **state) {
    static struct shown before;
    struct registry_recovery found;
    (void)state;
    show(&before);
    for (uint32_t s = 0; s < on->series_end; s++) {
        on->series[s].next = (uint16_t)s; /* each is behind itself */
    }
    recover_whole(&found);
    const char *after = page(EXPOSITION_TEXT);
    assert_int_equal(expect_lines_among(after, &before, &before), lines_of(before.text));
    /* Histograms are in order, the rest as the slots are. */
    assert_non_null(strstr(after, "\nh_bucket{le=\"1\",p=\"a\"} 1\n"
                                  "h_bucket{le=\"+Inf\",p=\"a\"} 2\n"));
    assert_non_null(strstr(after, "\nh_bucket{le=\"1\",p=\"b\"} 4\n"
                                  "h_bucket{le=\"+Inf\",p=\"b\"} 5\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(damage_of_one_byte, small_world),
        cmocka_unit_test_setup(damage_of_much, small_world),
        cmocka_unit_test_setup(damage_in_a_commit, small_world),
        cmocka_unit_test_setup(records_over_one_another, small_world),
        cmocka_unit_test_setup(another_key_is_damage_to_all, small_world),
        cmocka_unit_test_setup(a_damaged_link_loses_no_series, small_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
