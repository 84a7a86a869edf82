/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_value.c: see registry_value.h. A check word is the exclusive or of a word for the identity
 * and one for the value (of a series that is not committed, for its owner), with the lowest bit set:
 * so a new value changes it without the identity being read, and it is never 0.
 */
#include "metrics/registry_value.h"

#include "apart.h"
#include "state_order.h"

/* What words are of. */
#define SERIES_SEED 0x73657269u
#define VALUE_SEED 0x76616c75u
#define OWNER_SEED 0x6f776e65u

#if CFG_REGISTRY_VALUE_BYTES < 8 || CFG_REGISTRY_VALUE_BYTES > 25
#error "CFG_REGISTRY_VALUE_BYTES: set 8 to 25, a double is staged there and no text is longer"
#endif
_Static_assert(sizeof(double) <= 8 && NUMBER_TEXT_BYTES == 25, "see the check above");

/* ---- check words ------------------------------------------------------------------------- */

static uint32_t identity_word(const struct registry_series *s, uint32_t hash) {
    return state_check_word(state_check_word(SERIES_SEED, hash),
                            (uint32_t)s->family << 16 | s->rest_len);
}

static uint32_t value_word(double value) {
    uint32_t words[2];
    memcpy(words, &value, sizeof words);
    return state_check_word(state_check_word(VALUE_SEED, words[0]), words[1]);
}

static uint32_t owner_word(uint8_t owner) {
    return state_check_word(OWNER_SEED, owner);
}

uint32_t registry_value_check(const struct registry_series *s, uint32_t hash, double value) {
    return (identity_word(s, hash) ^ value_word(value)) | 1u;
}

uint32_t registry_value_made_check(const struct registry_series *s, uint32_t hash, uint8_t owner) {
    return (identity_word(s, hash) ^ owner_word(owner)) | 1u;
}

/* ---- values ------------------------------------------------------------------------------ */

/* Where the value has its place in the text of its series. */
static uint32_t value_at(const struct registry_series *s) {
    return s->text + s->rest_len + 1u;
}

static void keep_text(struct registry *r, struct registry_series *s) {
    char *to = registry_arena_at(&r->arena, value_at(s));
    char number[NUMBER_TEXT_BYTES];
    uint32_t len = number_format(number, s->value);
    if (len > CFG_REGISTRY_VALUE_BYTES) {
        s->form = REGISTRY_FORM_LONG;
        return;
    }
    memcpy(to, number, len);
    to[len] = '\n';
    s->form = (uint8_t)len;
}

void registry_value_set(struct registry *r, uint32_t series, double value) {
    r->series[series].value = value;
    keep_text(r, &r->series[series]);
}

double registry_value_staged(const struct registry *r, uint32_t series) {
    double value;
    memcpy(&value, registry_arena_text(&r->arena, value_at(&r->series[series])), sizeof value);
    return value;
}

void registry_value_stage(struct registry *r, uint32_t series, double value) {
    memcpy(registry_arena_at(&r->arena, value_at(&r->series[series])), &value, sizeof value);
}

void registry_value_take(struct registry *r, uint32_t series) {
    struct registry_series *s = &r->series[series];
    double staged = registry_value_staged(r, series);
    uint32_t before = s->form == REGISTRY_FORM_FRESH ? owner_word(s->owner) : value_word(s->value);
    s->check = (s->check ^ before ^ value_word(staged)) | 1u;
    state_barrier();
    s->value = staged;
}

void registry_value_release(struct registry *r, uint32_t series) {
    keep_text(r, &r->series[series]);
    r->series[series].owner = 0;
}

/* ---- lines ------------------------------------------------------------------------------- */

/* The line of a series whose value's text is not kept. */
APART static bool format_line(const struct registry *r, const struct registry_series *s,
                              struct text *out) {
    char number[NUMBER_TEXT_BYTES];
    uint32_t number_len = number_format(number, s->value);
    struct slice name = registry_family_name(r, s->family);
    if (name.len + s->rest_len + 1u + number_len + 1u > text_room(out)) {
        return false;
    }
    text_put_slice(out, name);
    text_put(out, registry_arena_text(&r->arena, s->text), s->rest_len + 1u);
    text_put(out, number, number_len);
    text_put_char(out, '\n');
    return true;
}

/* Appends the lines of a series and of those behind it whose text is kept, while they fit. Returns
 * the one that it stopped at, or REGISTRY_NONE. Most of a page comes from this loop. */
static uint32_t copy_lines(const struct registry *r, uint32_t series, uint32_t *last,
                           struct text *out) {
    const struct slice name = registry_family_name(r, r->series[series].family);
    const char *const end = out->bytes + out->capacity;
    char *to = out->bytes + out->len;
    while (series != REGISTRY_NONE) {
        const struct registry_series *s = &r->series[series];
        const uint32_t len = s->rest_len + 1u + s->form + 1u;
        if (s->form >= REGISTRY_FORM_LONG || name.len + len > (uint32_t)(end - to)) {
            break;
        }
        memcpy(to, name.bytes, name.len);
        to += name.len;
        memcpy(to, registry_arena_text(&r->arena, s->text), len);
        to += len;
        *last = series;
        series = s->next;
    }
    out->len = (uint32_t)(to - out->bytes);
    return series;
}

uint32_t registry_value_put_lines(const struct registry *r, uint32_t series, uint32_t *last,
                                  struct text *out) {
    while (series != REGISTRY_NONE) {
        uint32_t stopped = copy_lines(r, series, last, out);
        if (stopped == REGISTRY_NONE || r->series[stopped].form < REGISTRY_FORM_LONG) {
            return stopped;
        }
        if (r->series[stopped].form != REGISTRY_FORM_FRESH) {
            if (!format_line(r, &r->series[stopped], out)) {
                return stopped;
            }
            *last = stopped;
        }
        series = r->series[stopped].next;
    }
    return series;
}

bool registry_value_put_line(const struct registry *r, uint32_t series, struct text *out) {
    const struct registry_series *s = &r->series[series];
    struct slice name = registry_family_name(r, s->family);
    uint32_t len = s->rest_len + 1u + s->form + 1u;
    if (s->form >= REGISTRY_FORM_LONG) {
        return format_line(r, s, out);
    }
    if (name.len + len > text_room(out)) {
        return false;
    }
    text_put_slice(out, name);
    text_put(out, registry_arena_text(&r->arena, s->text), len);
    return true;
}
