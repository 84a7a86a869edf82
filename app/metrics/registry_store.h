/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_store.h: the registry's inside: slots, hash tables and text of families and series.
 * Not its job: who may change what, and when it becomes visible (registry.c, registry_txn.c).
 * Only files of the registry include this.
 *
 * What outlives a reset. A family is there when its slot has a text, and that text ends with the
 * right check word; a series when its slot has the right check word for its value and for the
 * identity that its text gives. Both words tell what a transaction made and did not commit. They are
 * written last and cleared first. Lists, in the order they are walked, are whole after each store.
 * The text of a value is not believed, it is written anew.
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
    double value;   /* of a fresh one: staged */
    uint8_t owner;  /* transaction plus 1: fresh; or REGISTRY_OWNER_SELF */
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

/* Makes a fresh family everybody's, in one store. */
void registry_store_publish_family(struct registry *r, uint32_t family);

/* A block of the arena for a transaction's declaration, or REGISTRY_ARENA_NONE. */
uint32_t registry_store_alloc_declaration(struct registry *r, uint32_t txn, uint32_t len,
                                          struct problem *p);

uint32_t registry_store_hash(const struct registry *r, struct slice text);
uint32_t registry_store_find_family(const struct registry *r, struct slice name, uint32_t hash);
uint32_t registry_store_find_series(const struct registry *r, struct slice identity, uint32_t hash);

/* The hash of a series's identity. */
uint32_t registry_store_series_hash(const struct registry *r, uint32_t series);

/* ---- for registry_recover ------------------------------------------------------------------ */

/* Owners of arena blocks: the first of each kind, to which the slot's number is added. */
#define REGISTRY_STORE_SERIES 1u
#define REGISTRY_STORE_FAMILY (REGISTRY_STORE_SERIES + CFG_SERIES_MAX)
#define REGISTRY_STORE_TXN (REGISTRY_STORE_FAMILY + CFG_FAMILIES_MAX)

/* Where the owner of a block keeps the offset of its text; NULL without such an owner. */
uint32_t *registry_store_text_of(struct registry *r, uint32_t owner);

/* Ends the move of a text that a reset cut. */
void registry_store_resume(struct registry *r);

/* The check word of a family's text. `owner`: transaction plus 1 while fresh, 0 from the commit on.
 * It is complemented while the family is being removed. */
uint32_t registry_store_family_check(const struct registry *r, uint32_t family, uint8_t owner);

/* Where that of a family lies. */
uint32_t *registry_store_family_check_at(struct registry *r, uint32_t family);

/* Bytes of its text before the label names. */
uint32_t registry_store_header_len(const struct registry_family *f);

/* Puts a slot that was filled into the hash table and the counts. */
void registry_store_enter_family(struct registry *r, uint32_t family);
void registry_store_enter_series(struct registry *r, uint32_t series, uint32_t hash);

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

/* Length of the TYPE line with its line feed. */
uint32_t registry_store_type_line_len(const struct registry_family *f);

struct slice registry_store_family_help(const struct registry *r, uint32_t family);
struct slice registry_store_family_labels(const struct registry *r, uint32_t family);

/* ---- parts of a series's text -------------------------------------------------------------- */

/* The identity of a series behind the family's name. */
static inline struct slice registry_store_rest(const struct registry *r, uint32_t series) {
    const struct registry_series *s = &r->series[series];
    return (struct slice){registry_arena_text(&r->arena, s->text), s->rest_len};
}

#endif
