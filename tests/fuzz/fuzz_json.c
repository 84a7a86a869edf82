/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fuzz_json.c: libFuzzer against request bodies in JSON. The input is a character of options
 * (registry_world.h) and a text, which is parsed, walked and said to a registry.
 *
 * Findings, beside what the sanitizers find: tokens that do not nest, a string that is not UTF-8, a
 * refusal that changes something, a create that changes something when it is said again.
 */
#include "registry_world.h"

#include "metrics/metrics_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct json json;

static bool is_container(uint32_t token) {
    return json_type(&json, token) == JSON_OBJECT || json_type(&json, token) == JSON_ARRAY;
}

/* A string, or the name of a member. `scratch` has room for all of the text. */
static void check_string(uint32_t token, char *scratch) {
    struct text out = text_over(scratch, json.text.len);
    struct slice plain;
    assert_true(json_string(&json, token, &out));
    assert_int_equal(slice_utf8_error(text_slice(&out)), out.len);
    assert_true(json_equals(&json, token, text_slice(&out)));
    if (json_plain(&json, token, &plain)) {
        assert_int_equal(plain.len, out.len);
        assert_memory_equal(plain.bytes, scratch, out.len);
    }
}

/* The elements, or the names and values, lie within their container, one after the other. */
static void check_container(uint32_t token) {
    const struct json_token *t = &json.tokens[token];
    uint32_t count = 0;
    uint32_t at = t->start;
    for (uint32_t i = json_first(&json, token); i != JSON_NONE; i = json_next(&json, token, i)) {
        const struct json_token *last = &json.tokens[i];
        assert_true(last->start >= at && last->end <= t->end);
        if (t->type == JSON_OBJECT) {
            assert_int_equal(json_type(&json, i), JSON_STRING);
            last = &json.tokens[json_value(i)];
            assert_true(last->start > json.tokens[i].end && last->end <= t->end);
        }
        assert_int_equal(json.tokens[i].next, last->next);
        at = last->end;
        count++;
    }
    assert_int_equal(count, t->count);
}

static void check_tokens(void) {
    char *scratch = malloc(json.text.len);
    assert_non_null(scratch);
    assert_in_range(json.count, 1, CFG_JSON_TOKENS_MAX);
    assert_int_equal(json.tokens[JSON_ROOT].next, json.count);
    for (uint32_t i = 0; i < json.count; i++) {
        const struct json_token *t = &json.tokens[i];
        assert_true(t->start <= t->end && t->end <= json.text.len);
        assert_in_range(t->next, i + 1, json.count);
        if (is_container(i)) {
            check_container(i);
        } else if (json_type(&json, i) == JSON_STRING) {
            check_string(i, scratch);
        }
    }
    free(scratch);
}

static bool read_body(struct registry_txn *txn) {
    return metrics_json_apply(&reg, txn, &json, &problem);
}

static void apply(unsigned options) {
    static struct world_snapshot once;
    static struct world_snapshot twice;
    world_start();
    if (world_apply(options, read_body) && !(options & WORLD_UPDATE)) {
        world_snapshot(&once);
        assert_true(world_apply(options, read_body));
        world_snapshot(&twice);
        world_expect_same(&once, &twice);
    }
    world_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return -1;
    }
    /* A copy of its own, so that a look past its end is seen. */
    char *text = malloc(size > 1 ? size - 1 : 1);
    assert_non_null(text);
    memcpy(text, data + 1, size - 1);
    problem = (struct problem){0};
    if (json_parse(&json, (struct slice){text, (uint32_t)size - 1}, &problem)) {
        check_tokens();
        apply(world_options(data[0]));
    } else {
        assert_int_equal(json.count, 0);
        world_expect_refusal();
    }
    free(text);
    return 0;
}
