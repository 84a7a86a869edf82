/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_store.h: the registry's inside: slots, hash tables and text of families and series.
 * Not its job: who may change what, and when it becomes visible (registry.c, registry_txn.c).
 * Only files of the registry include this.
 *
 * What outlives a reset. A family is there when its slot has a text, and that text ends with the
 * right check word; a series when its slot has the right check word, and its text the identity with
 * that hash. Both words tell what a transaction made and did not commit. They are written last and
 * cleared first. Lists, in the order they are walked, are whole after each store.
 */
#ifndef PINGSHOT_METRICS_REGISTRY_STORE_H
#define PINGSHOT_METRICS_REGISTRY_STORE_H

#include "metrics/registry.h"

/* What is needed to make a family. `help` is escaped as in the text format, "" for none; `labels`
 * are its label names, sorted, with commas between. */
struct registry_store_family {
    struct slice name;
    struct slice help;
    struct slice labels;
    enum metric_type type;
    uint8_t flags; /* REGISTRY_FAMILY_FRESH or _OWN */
    uint8_t owner; /* transaction plus 1 while fresh */
};

/* What is needed to make a series, except its text. */
struct registry_store_series {
    uint32_t family;
    uint32_t after; /* series of the family it comes behind, or REGISTRY_NONE: first */
    uint32_t hash;  /* of its identity */
    double value;
    uint8_t flags;
    uint8_t owner;
};

/* Makes a family or a series. Returns its slot, or REGISTRY_NONE with PROBLEM_FULL or
 * PROBLEM_TOO_LARGE. Texts given must not lie in the arena, which may move. */
uint32_t registry_store_add_family(struct registry *r, const struct registry_store_family *what,
                                   struct problem *p);
uint32_t registry_store_add_series(struct registry *r, const struct registry_store_series *what,
                                   struct slice identity, struct problem *p);

/* Removes a family with all its series. */
void registry_store_remove_family(struct registry *r, uint32_t family);

/* Removes the fresh series of one owner from a family; returns how many they were. */
uint32_t registry_store_remove_fresh(struct registry *r, uint32_t family, uint8_t owner);

/* Gives a family without series other label names. False with PROBLEM_FULL. */
bool registry_store_set_labels(struct registry *r, uint32_t family, struct slice labels,
                               struct problem *p);

/* Makes a fresh one everybody's, in one store. */
void registry_store_publish_family(struct registry *r, uint32_t family);
void registry_store_publish_series(struct registry *r, uint32_t series);

/* Makes the staged value the value, and nobody's claim. */
void registry_store_apply_staged(struct registry *r, uint32_t series);

/* Writes the value and its text. */
void registry_store_set_value(struct registry *r, uint32_t series, double value);

/* A block of the arena for a transaction's declaration, or REGISTRY_ARENA_NONE. */
uint32_t registry_store_alloc_declaration(struct registry *r, uint32_t txn, uint32_t len,
                                          struct problem *p);

uint32_t registry_store_hash(const struct registry *r, struct slice text);
uint32_t registry_store_find_family(const struct registry *r, struct slice name, uint32_t hash);
uint32_t registry_store_find_series(const struct registry *r, struct slice identity, uint32_t hash);

/* ---- for registry_recover ------------------------------------------------------------------ */

/* Owners of arena blocks: what they are in the two top bits, which one in the rest. */
#define REGISTRY_STORE_SERIES 0x40000000u
#define REGISTRY_STORE_FAMILY 0x80000000u
#define REGISTRY_STORE_TXN 0xc0000000u
#define REGISTRY_STORE_KIND 0xc0000000u

/* Ends the move of a text that a reset cut. */
void registry_store_resume(struct registry *r);

/* The check words of a family's text and of a series. `owner`: transaction plus 1 while fresh, 0
 * from the commit on. That of a family is complemented while the family is being removed. */
uint32_t registry_store_family_check(const struct registry *r, uint32_t family, uint8_t owner);
uint32_t registry_store_series_check(const struct registry_series *s, uint8_t owner);

/* Where the first one lies. */
uint32_t *registry_store_family_check_at(struct registry *r, uint32_t family);

/* Bytes of its text before the label names. */
uint32_t registry_store_header_len(const struct registry_family *f);

/* Puts a slot that was filled into the hash table and the counts. */
void registry_store_enter_family(struct registry *r, uint32_t family);
void registry_store_enter_series(struct registry *r, uint32_t series);

/* Puts a series into its family, behind `after`, or first. */
void registry_store_link_series(struct registry *r, uint32_t series, uint32_t after);

/* Empties all tables but the slots and the arena. */
void registry_clear_derived(struct registry *r, const uint8_t key[HASH_KEY_BYTES]);

/* Gives a slot that is empty to the free list. */
void registry_store_free_family_slot(struct registry *r, uint32_t family);
void registry_store_free_series_slot(struct registry *r, uint32_t series);

/* ---- lengths ------------------------------------------------------------------------------- */

/* Whether the lines made of them are at most CFG_LINE_BYTES long: HELP in both formats (OpenMetrics
 * escapes more), and a sample with the longest value. */
bool registry_store_header_fits(struct slice name, struct slice help);
bool registry_store_identity_fits(uint32_t identity_len);

/* Appends a help of any form as the text format escapes it: backslash and line feed only. */
void registry_store_put_help(struct text *out, struct slice help, enum label_form form);

/* ---- parts of a family's text ------------------------------------------------------------- */

/* "# HELP " and "# TYPE ": so the name is at the same place with and without a help. */
#define REGISTRY_STORE_NAME_AT 7u

/* Length of the HELP line with its line feed, 0 without help. */
static inline uint32_t registry_store_help_line_len(const struct registry_family *f) {
    return f->help_len == 0 ? 0 : REGISTRY_STORE_NAME_AT + f->name_len + 1u + f->help_len + 1u;
}

/* Length of a series's text, with the longest value. */
static inline uint32_t registry_store_series_text_len(uint32_t identity_len) {
    return identity_len + 1u + NUMBER_TEXT_BYTES + 1u;
}

/* Length of the TYPE line with its line feed. */
uint32_t registry_store_type_line_len(const struct registry_family *f);

struct slice registry_store_family_help(const struct registry *r, uint32_t family);
struct slice registry_store_family_labels(const struct registry *r, uint32_t family);

/* The identity of a series: its line up to the value. */
static inline struct slice registry_store_identity(const struct registry *r, uint32_t series) {
    const struct registry_series *s = &r->series[series];
    return (struct slice){registry_arena_text(&r->arena, s->text), s->identity_len};
}

#endif
