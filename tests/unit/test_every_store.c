/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_every_store.c: that every store is seen, in order, once, whoever makes it; and the check word
 * of state_order.h.
 */
#include "every_store.h"
#include "state_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS 3000u /* more than two pages */
#define LOG_MAX 40000u

struct region {
    uint32_t words[WORDS];
};

static struct region region;

/* What the cuts saw: the value of each word that differed from the cut before. */
struct change {
    uint32_t cut;
    uint32_t word;
    uint32_t value;
};

static struct change changes[LOG_MAX];
static uint32_t changes_count;
static uint32_t cuts_count;
static struct region last_seen;

static void note(void *copy, uint32_t number, void *context) {
    const struct region *r = copy;
    (void)context;
    assert_int_equal(number, cuts_count);
    for (uint32_t i = 0; i < WORDS && number > 0; i++) {
        if (r->words[i] != last_seen.words[i]) {
            assert_true(changes_count < LOG_MAX);
            changes[changes_count++] = (struct change){number, i, r->words[i]};
        }
    }
    last_seen = *r;
    memset(copy, 0x5a, sizeof *r); /* it is the test's own */
    cuts_count++;
}

static void run(void (*operation)(void *, void *)) {
    const struct every_store all = {operation, note, NULL};
    changes_count = 0;
    cuts_count = 0;
    const uint32_t counted = every_store_run(&all, &region, sizeof region);
    assert_int_equal(counted, cuts_count);
    assert_memory_equal(&region, &last_seen, sizeof region);
}

static int zeroed(void **state) {
    (void)state;
    memset(&region, 0, sizeof region);
    return 0;
}

static void expect_change(uint32_t index, uint32_t word, uint32_t value) {
    assert_true(index < changes_count);
    assert_int_equal(changes[index].word, word);
    assert_int_equal(changes[index].value, value);
}

/* ---- stores of one word ------------------------------------------------------------------- */

static void store_here_and_there(void *at, void *context) {
    volatile uint32_t *words = ((struct region *)at)->words;
    (void)context;
    words[5] = 1;
    words[WORDS - 1] = 2;
    words[5] = 3;
    words[5] = 3; /* nothing new: no cut */
    ((volatile unsigned char *)words)[4 * 7] = 4;
    words[5] += words[WORDS - 1];
}

static void single_stores_in_their_order(void **state) {
    (void)state;
    run(store_here_and_there);
    const union {
        unsigned char bytes[4];
        uint32_t word;
    } first_byte = {{4}};
    assert_int_equal(cuts_count, 6);
    assert_int_equal(changes_count, 5);
    expect_change(0, 5, 1);
    expect_change(1, WORDS - 1, 2);
    expect_change(2, 5, 3);
    expect_change(3, 7, first_byte.word);
    expect_change(4, 5, 5);
}

static void store_nothing(void *at, void *context) {
    const struct region *r = at;
    uint32_t elsewhere[4];
    (void)context;
    memcpy(elsewhere, r->words, sizeof elsewhere);
    assert_int_equal(elsewhere[0], 0);
}

static void without_a_store_there_is_the_state_before(void **state) {
    (void)state;
    run(store_nothing);
    assert_int_equal(cuts_count, 1);
}

/* ---- stores of more ----------------------------------------------------------------------- */

static void store_wide(void *at, void *context) {
    (void)context;
    *(volatile uint64_t *)at = UINT64_C(0x1111111122222222);
}

/* Low word first, high word first, both. */
static void a_wide_store_is_torn_both_ways(void **state) {
    (void)state;
    uint32_t halves[2];
    const uint64_t whole = UINT64_C(0x1111111122222222);
    memcpy(halves, &whole, sizeof halves);
    run(store_wide);
    assert_int_equal(cuts_count, 4);
    assert_int_equal(changes_count, 4);
    assert_int_equal(changes[0].cut, 1);
    expect_change(0, 0, halves[0]);
    assert_int_equal(changes[1].cut, 2);
    expect_change(1, 0, 0);
    expect_change(2, 1, halves[1]);
    expect_change(3, 0, halves[0]);
}

static uint32_t source[WORDS];

static void copy_by_library(void *at, void *context) {
    (void)context;
    memcpy(at, source, sizeof source);
}

static void move_by_library(void *at, void *context) {
    (void)context;
    memmove((uint32_t *)at + 100, at, 4u * 2000);
}

static void copy_by_string_instruction(void *at, void *context) {
    const void *from = source;
    size_t words_count = WORDS;
    (void)context;
#if defined(__x86_64__)
    __asm__ volatile("rep movsl" : "+D"(at), "+S"(from), "+c"(words_count) : : "memory");
#else
    memcpy(at, from, words_count * 4);
#endif
}

/* Each word has been seen at its old and at its new value, and no cut changed more than one word
 * that had not been seen torn before. */
static void expect_every_word_seen(void) {
    static bool alone[WORDS];
    memset(alone, 0, sizeof alone);
    for (uint32_t i = 0; i < changes_count; i++) {
        bool only = (i == 0 || changes[i - 1].cut != changes[i].cut) &&
                    (i + 1 == changes_count || changes[i + 1].cut != changes[i].cut);
        alone[changes[i].word] = alone[changes[i].word] || only;
    }
    for (uint32_t word = 0; word + 1 < WORDS; word++) {
        if (region.words[word] != 0) {
            assert_true(alone[word] || alone[word + 1]);
        }
    }
}

static void number_source(void) {
    for (uint32_t i = 0; i < WORDS; i++) {
        source[i] = i + 1;
    }
}

static void copies_are_seen_word_by_word(void **state) {
    (void)state;
    number_source();
    run(copy_by_library);
    assert_memory_equal(&region, source, sizeof region);
    expect_every_word_seen();
    memset(&region, 0, sizeof region);
    run(copy_by_string_instruction);
    assert_memory_equal(&region, source, sizeof region);
    assert_int_equal(cuts_count, WORDS + 1);
    assert_int_equal(changes_count, WORDS);
    for (uint32_t i = 0; i < WORDS; i++) {
        expect_change(i, i, i + 1);
    }
}

static void moves_are_seen(void **state) {
    (void)state;
    number_source();
    memcpy(&region, source, sizeof region);
    run(move_by_library);
    assert_true(cuts_count > 2000 / 16);
    assert_int_equal(region.words[99], 100);
    assert_int_equal(region.words[100], 1);
    assert_int_equal(region.words[2099], 2000);
    assert_int_equal(region.words[2100], 2101);
}

/* ---- a promise that needs the order -------------------------------------------------------- */

static void sealed_last(void *at, void *context) {
    uint32_t *words = at;
    (void)context;
    words[0] = 0;
    state_barrier();
    for (uint32_t i = 1; i < 40; i++) {
        words[i] = i * 7;
    }
    state_barrier();
    words[0] = state_check(1, words + 1, 39 * 4);
}

static void sealed_first(void *at, void *context) {
    uint32_t *words = at;
    (void)context;
    words[0] = state_check(1, words + 1, 39 * 4);
    state_barrier();
    for (uint32_t i = 1; i < 40; i++) {
        words[i] = i * 7;
    }
}

static uint32_t believed_wrongly;

/* What is sealed is all there or nothing of it. */
static void believe(void *copy, uint32_t number, void *context) {
    const uint32_t *words = copy;
    (void)number;
    (void)context;
    believed_wrongly +=
        words[0] != 0 &&
        (words[0] != state_check(1, words + 1, 39 * 4) ||
         !((words[1] == 0 && words[39] == 0) || (words[1] == 7 && words[39] == 39 * 7)));
}

static void an_order_that_is_wrong_is_found(void **state) {
    const struct every_store right = {sealed_last, believe, NULL};
    const struct every_store wrong = {sealed_first, believe, NULL};
    (void)state;
    believed_wrongly = 0;
    every_store_run(&right, &region, sizeof region);
    assert_int_equal(believed_wrongly, 0);
    memset(&region, 0, sizeof region);
    every_store_run(&wrong, &region, sizeof region);
    assert_true(believed_wrongly > 30);
}

/* ---- the check word ----------------------------------------------------------------------- */

/* Every bit of every length and alignment counts, and so does every other value of a word. */
static void the_check_word_finds_damage(void **state) {
    unsigned char bytes[72];
    (void)state;
    for (uint32_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 37);
    }
    for (uint32_t len = 0; len <= 64; len++) {
        for (uint32_t start = 0; start < 4; start++) {
            const uint32_t check = state_check(7, bytes + start, len);
            assert_int_not_equal(check, 0);
            assert_int_not_equal(check, state_check(8, bytes + start, len));
            assert_int_not_equal(check, state_check(7, bytes + start, len + 1));
            for (uint32_t bit = 0; bit < 8 * len; bit++) {
                bytes[start + bit / 8] ^= (unsigned char)(1u << bit % 8);
                assert_int_not_equal(check, state_check(7, bytes + start, len));
                bytes[start + bit / 8] ^= (unsigned char)(1u << bit % 8);
            }
        }
    }
    uint32_t words[6] = {1, 2, 3, 4, 5, 6};
    const uint32_t check = state_check(7, words, sizeof words);
    for (uint32_t i = 1; i < 200000; i++) {
        words[i % 6] ^= i * 2654435761u;
        assert_int_not_equal(check, state_check(7, words, sizeof words));
        words[i % 6] ^= i * 2654435761u;
    }
}

static void zeroes_of_different_lengths_differ(void **state) {
    const unsigned char zeroes[32] = {0};
    (void)state;
    for (uint32_t a = 0; a < 32; a++) {
        for (uint32_t b = 0; b < a; b++) {
            assert_int_not_equal(state_check(7, zeroes, a), state_check(7, zeroes, b));
        }
    }
}

static void zero_is_never_returned(void **state) {
    (void)state;
    /* The seed that gives 0 for no bytes: rotated, it meets a last word of 0. */
    assert_int_equal(state_check_word(0, 0), 0);
    assert_int_equal(state_check(0, "", 0), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(single_stores_in_their_order, zeroed),
        cmocka_unit_test_setup(without_a_store_there_is_the_state_before, zeroed),
        cmocka_unit_test_setup(a_wide_store_is_torn_both_ways, zeroed),
        cmocka_unit_test_setup(copies_are_seen_word_by_word, zeroed),
        cmocka_unit_test_setup(moves_are_seen, zeroed),
        cmocka_unit_test_setup(an_order_that_is_wrong_is_found, zeroed),
        cmocka_unit_test(the_check_word_finds_damage),
        cmocka_unit_test(zeroes_of_different_lengths_differ),
        cmocka_unit_test(zero_is_never_returned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
