/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_declare.c: see registry_declare.h. Name and help wait in the arena; the family is made at
 * its first sample, since only that one's name says what the family is called here.
 */
#include "metrics/registry_declare.h"

#include "metrics/registry_bits.h"
#include "metrics/registry_store.h"

static bool refuse_long(struct problem *p, struct slice name) {
    return problem_format(p, PROBLEM_TOO_LARGE, "\"%.*s\": its HELP line is longer than %u bytes",
                          TEXT_SLICE(name), CFG_LINE_BYTES);
}

void registry_declare_drop(struct registry *r, struct registry_txn *txn) {
    struct registry_declaration *d = &txn->declaration;
    if (d->family != REGISTRY_NONE) {
        r->families[d->family].busy_count--;
    }
    if (d->text != REGISTRY_ARENA_NONE) {
        registry_arena_free(&r->arena, d->text);
    }
    *d = (struct registry_declaration){.text = REGISTRY_ARENA_NONE, .family = REGISTRY_NONE};
}

uint32_t registry_declare_make(struct registry *r, struct registry_txn *txn,
                               const struct registry_resolve_target *target, struct slice labels,
                               struct problem *p) {
    char bytes[CFG_LINE_BYTES];
    struct text help = text_over(bytes, sizeof bytes);
    struct registry_store_family what = {
        .name = target->name,
        .labels = labels,
        .type = target->type,
        .flags = REGISTRY_FAMILY_FRESH,
        .owner = (uint8_t)(txn - r->txns + 1),
    };
    if (target->declared) { /* a copy, since making the family may move the text of all */
        text_put_slice(&help, registry_resolve_declared_help(r, &txn->declaration));
    }
    what.help = text_slice(&help);
    if (!registry_store_header_fits(what.name, what.help)) {
        refuse_long(p, what.name);
        return REGISTRY_NONE;
    }
    return registry_store_add_family(r, &what, p);
}

void registry_declare_claim(struct registry *r, struct registry_txn *txn, uint32_t family) {
    if (txn->declaration.family == REGISTRY_NONE) {
        txn->declaration.family = family;
        r->families[family].busy_count++;
    }
}

bool registry_declare_end(struct registry *r, struct registry_txn *txn, struct problem *p) {
    struct registry_declaration *d = &txn->declaration;
    struct registry_resolve_target target;
    char bytes[REGISTRY_NAME_BYTES];
    struct text name = text_over(bytes, sizeof bytes);
    if (d->text == REGISTRY_ARENA_NONE) {
        return true;
    }
    if (!d->sampled && !registry_declare_member_ok(r, txn, p)) {
        return false;
    }
    if (!d->sampled && txn->mode == REGISTRY_CREATE) {
        text_put_slice(&name, registry_resolve_declared_name(r, d));
        if (!registry_resolve_declaration(r, txn, text_slice(&name), &target, p)) {
            return false;
        }
        if (target.family == REGISTRY_NONE) {
            target.family = registry_declare_make(r, txn, &target, SLICE(""), p);
        }
        if (target.family == REGISTRY_NONE) {
            return false;
        }
        registry_bits_set(txn->families, target.family);
    }
    registry_declare_drop(r, txn);
    return true;
}

static bool help_ok(struct slice name, struct slice help, struct problem *p) {
    uint32_t bad_byte;
    if (help.len >= CFG_LINE_BYTES) {
        return problem_format(p, PROBLEM_TOO_LARGE,
                              "\"%.*s\": its help is longer than a line may be, %u bytes",
                              TEXT_SLICE(name), CFG_LINE_BYTES);
    }
    if (!label_set_value_ok(help, &bad_byte)) {
        return problem_format(p, PROBLEM_MALFORMED, "\"%.*s\": byte %u of its help is %s",
                              TEXT_SLICE(name), (unsigned)bad_byte + 1u,
                              help.bytes[bad_byte] == 0 ? "NUL, which no scraper reads"
                                                        : "not UTF-8");
    }
    if (help.len > 0 && help.bytes[help.len - 1] == '\r') {
        return registry_resolve_refuse(
            p, PROBLEM_MALFORMED, name,
            "its help ends in CR, which would read as the end of its line");
    }
    return true;
}

/* Puts name and help where they last until the declaration ends. */
static bool store_text(struct registry *r, struct registry_txn *txn, struct slice name,
                       struct slice help, enum label_form form, struct problem *p) {
    struct registry_declaration *d = &txn->declaration;
    char bytes[CFG_LINE_BYTES];
    struct text t = text_over(bytes, sizeof bytes);
    text_put_slice(&t, name);
    registry_store_put_help(&t, help, form);
    struct slice escaped = {bytes + name.len, t.len - name.len};
    if (t.overflow || !registry_store_header_fits(name, escaped)) {
        return refuse_long(p, name);
    }
    uint32_t text = registry_store_alloc_declaration(r, (uint32_t)(txn - r->txns), t.len, p);
    if (text == REGISTRY_ARENA_NONE) {
        return false;
    }
    memcpy(registry_arena_at(&r->arena, text), bytes, t.len);
    if (d->text != REGISTRY_ARENA_NONE) {
        registry_arena_free(&r->arena, d->text);
    }
    d->text = text;
    d->name_len = (uint16_t)name.len;
    d->help_len = (uint16_t)escaped.len;
    return true;
}

/* Adds to the declaration in force, or starts one. */
static bool put_words(struct registry *r, struct registry_txn *txn,
                      const struct registry_declare_words *words, struct problem *p) {
    struct registry_declaration *d = &txn->declaration;
    struct slice help = words->help != NULL ? *words->help : SLICE("");
    if ((d->text == REGISTRY_ARENA_NONE || words->help != NULL) &&
        !store_text(r, txn, words->name, help, words->form, p)) {
        return false;
    }
    d->has_help = d->has_help || words->help != NULL;
    if (words->kind != REGISTRY_KIND_NONE) {
        d->kind = (uint8_t)words->kind;
    }
    return true;
}

static bool is_in_force(const struct registry *r, const struct registry_declaration *d,
                        struct slice name) {
    return d->text != REGISTRY_ARENA_NONE &&
           slice_equals(name, registry_resolve_declared_name(r, d));
}

static bool words_ok(const struct registry_declare_words *words, struct problem *p) {
    return registry_resolve_name_ok(words->name, p) &&
           (words->help == NULL || help_ok(words->name, *words->help, p));
}

/* Whether the body has been at this name before, past the declaration in force. */
static bool was_seen(const struct registry *r, const struct registry_txn *txn, struct slice name) {
    if (is_in_force(r, &txn->declaration, name)) {
        return txn->declaration.sampled;
    }
    uint32_t family = registry_find_family(r, name);
    return family != REGISTRY_NONE && registry_bits_has(txn->families, family);
}

/* A body says each thing once of a family, before its samples, but for one case. Client libraries
 * have a gauge x and a counter x_total; in OpenMetrics both are declared as x. So a second HELP may
 * be that counter's, which the TYPE or the first sample shows (registry_declare_member_ok). */
static bool words_in_order(const struct registry_txn *txn,
                           const struct registry_declare_words *words, bool again, bool continues) {
    const struct registry_declaration *d = &txn->declaration;
    bool may_be_counter = words->kind == REGISTRY_KIND_NONE || words->kind == REGISTRY_KIND_COUNTER;
    if (continues) {
        bool second = words->help != NULL ? d->has_help : d->kind != REGISTRY_KIND_NONE;
        return !second && (!d->again || may_be_counter);
    }
    return !again || may_be_counter;
}

static bool refuse_order(struct problem *p, struct slice name) {
    return registry_resolve_refuse(p, PROBLEM_MALFORMED, name,
                                   "HELP and TYPE may come once for a family, before its samples");
}

bool registry_declare_line(struct registry *r, struct registry_txn *txn,
                           const struct registry_declare_words *words, struct problem *p) {
    if (!words_ok(words, p)) {
        return false;
    }
    bool again = was_seen(r, txn, words->name);
    bool continues = is_in_force(r, &txn->declaration, words->name) && !again;
    if (!words_in_order(txn, words, again, continues)) {
        return refuse_order(p, words->name);
    }
    if (!continues && !registry_declare_end(r, txn, p)) {
        return false;
    }
    if (!put_words(r, txn, words, p)) {
        return false;
    }
    txn->declaration.again |= again;
    return true;
}

bool registry_declare_member_ok(const struct registry *r, const struct registry_txn *txn,
                                struct problem *p) {
    return !txn->declaration.again ||
           refuse_order(p, registry_resolve_declared_name(r, &txn->declaration));
}

bool registry_declare_family(struct registry *r, struct registry_txn *txn,
                             const struct registry_declare_words *words, struct problem *p) {
    return words_ok(words, p) && registry_declare_end(r, txn, p) && put_words(r, txn, words, p);
}
