/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry.h: metric families and their series, in fixed tables (SPEC section 3). This header has
 * the structure and what acts at once: pingshot's own metrics, deletion, statistics. Changes by
 * request bodies are transactions (registry_txn.h); printing is exposition_writer.h.
 *
 * A series is kept as the text of its exposition line, in one arena: a scrape copies it as it is.
 * The line begins with the family's name, which is kept once, with the family. The identity
 * (`name{a="x",b="y"}`, labels sorted, escaped) is what a series is found by. The struct holds no
 * pointers and is valid after each single store, so it can outlive a reset (registry_recover).
 */
#ifndef PINGSHOT_METRICS_REGISTRY_H
#define PINGSHOT_METRICS_REGISTRY_H

#include "config.h"
#include "hash.h"
#include "metrics/label_set.h"
#include "metrics/number.h"
#include "metrics/registry_arena.h"
#include "problem.h"
#include "table_stats.h"
#include "text.h"

/* Longest name of a family or a sample, in bytes: a quarter of a line. */
#define REGISTRY_NAME_BYTES (CFG_LINE_BYTES / 4u)

/* No slot: in the 16 bits that slots are kept in, too. */
#define REGISTRY_NONE 0xffffu

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
    METRIC_SUMMARY,
    METRIC_UNTYPED,
};

/* What a body calls a family: the types of the text format 0.0.4, and those of OpenMetrics 1.0
 * that have to be told apart. */
enum registry_kind {
    REGISTRY_KIND_NONE, /* no TYPE line, or JSON without `type` */
    REGISTRY_KIND_COUNTER,
    REGISTRY_KIND_GAUGE,
    REGISTRY_KIND_HISTOGRAM,
    REGISTRY_KIND_SUMMARY,
    REGISTRY_KIND_UNTYPED,         /* also `unknown` */
    REGISTRY_KIND_INFO,            /* sample X_info: a gauge of that name */
    REGISTRY_KIND_STATESET,        /* a gauge */
    REGISTRY_KIND_GAUGE_HISTOGRAM, /* X_bucket as a histogram's, X_gsum and X_gcount gauges */
};

/* The kind a word names, or false. */
bool registry_kind_from(struct slice word, enum registry_kind *kind);

/* Flags of a family. */
#define REGISTRY_FAMILY_USED 0x01u
#define REGISTRY_FAMILY_FRESH 0x02u /* made by an unfinished transaction: hidden */
#define REGISTRY_FAMILY_OWN 0x04u   /* pingshot's: requests may not touch it */

/* How OpenMetrics shows a family (registry_shape.c decides whenever a related name comes or goes). */
#define REGISTRY_SHAPE_COUNTER 0x01u     /* a counter, named without its _total */
#define REGISTRY_SHAPE_UNKNOWN 0x02u     /* a counter that cannot be one there: type unknown */
#define REGISTRY_SHAPE_HAS_CREATED 0x04u /* its groups end with samples of family X_created */
#define REGISTRY_SHAPE_IS_CREATED 0x08u  /* shown within the family it belongs to */

/* After a reset the text and what its check word covers are believed (registry_store.h), the rest
 * is made anew from them. */
struct registry_family {
    uint32_t text;         /* arena: "# TYPE name type\n", then "help\n" if there is one, label
                            * names, check word; REGISTRY_ARENA_NONE: a free slot */
    uint32_t sequence;     /* counts up with every family made: tells reuses of a slot apart */
    uint16_t first_series; /* list through registry_series.next, or REGISTRY_NONE */
    uint16_t last_series;
    uint16_t series_count;
    uint16_t busy_count; /* unfinished transactions' claims: series, itself, declarations */
    uint16_t name_len;
    uint16_t help_len;   /* as escaped text; 0: no HELP line */
    uint16_t labels_len; /* label names joined with commas; a line feed is behind them */
    uint8_t type;        /* enum metric_type */
    uint8_t flags;
    uint8_t shape;
    uint8_t owner; /* transaction that made it, plus 1, while it is fresh */
};

/* What is in a series's text behind the space that ends its identity: up to
 * CFG_REGISTRY_VALUE_BYTES, the value's text, of so many bytes, and a line feed; or else: */
#define REGISTRY_FORM_LONG 0xfdu   /* nothing: the value's text is longer than its room */
#define REGISTRY_FORM_STAGED 0xfeu /* a double that becomes the value when `owner` commits */
#define REGISTRY_FORM_FRESH 0xffu  /* likewise, and the series is hidden until then */

/* The `owner` of pingshot's own. */
#define REGISTRY_OWNER_SELF 0xffu

/* Likewise the check word and what it covers. */
struct registry_series {
    double value;
    uint32_t check; /* over the identity, family and, once it is committed, the value; else over the
                     * owner. 0: a free slot */
    uint32_t text;  /* arena: the line from the end of the family's name on */
    uint16_t family;
    uint16_t next;     /* in its family, or in the free list */
    uint16_t rest_len; /* of the identity behind the family's name */
    uint8_t form;
    uint8_t owner; /* transaction that holds it, plus 1; REGISTRY_OWNER_SELF; 0: none */
};

/* HELP and TYPE of the family that a body is at; it takes form at its first sample, since that
 * one's name decides what an OpenMetrics counter is called here. */
struct registry_declaration {
    uint32_t text;   /* arena: name, then help as escaped text; REGISTRY_ARENA_NONE: none */
    uint32_t family; /* made or found for it, pinned; or REGISTRY_NONE */
    uint16_t name_len;
    uint16_t help_len;
    uint8_t kind; /* enum registry_kind */
    bool has_help;
    bool sampled;
    bool again; /* the name had samples in this body: only an OpenMetrics counter may follow */
};

#define REGISTRY_SERIES_WORDS ((CFG_SERIES_MAX + 31u) / 32u)
#define REGISTRY_FAMILY_WORDS ((CFG_FAMILIES_MAX + 31u) / 32u)

struct registry_txn {
    uint8_t state; /* enum registry_txn_state */
    uint8_t mode;  /* enum registry_txn_mode */
    uint8_t default_type;
    bool any_labels;
    struct registry_declaration declaration;
    uint32_t redo; /* while a commit is carried out: check word over what is staged; else 0 */
    uint32_t series_count; /* series touched */
    uint32_t first_word;   /* words of `series` that may have bits, [first, end) */
    uint32_t end_word;
    uint32_t families[REGISTRY_FAMILY_WORDS]; /* touched */
    uint32_t series[REGISTRY_SERIES_WORDS];
};

/* Places of the hash tables: half as many again as entries, so that a search stays short. */
#define REGISTRY_SERIES_PLACES (CFG_SERIES_MAX + CFG_SERIES_MAX / 2u)
#define REGISTRY_FAMILY_PLACES (CFG_FAMILIES_MAX + CFG_FAMILIES_MAX / 2u)

/* A place holds a slot's number plus 1 and, above it, bits of a hash. */
#if CFG_SERIES_MAX < 2048 && CFG_FAMILIES_MAX < 2048
typedef uint16_t registry_place;
#define REGISTRY_SLOT_BITS 11
#else
typedef uint32_t registry_place;
#define REGISTRY_SLOT_BITS 16
#endif

struct registry {
    struct hash_key key;
    uint32_t family_sequence;
    uint32_t families_end; /* slots at and after it were never used */
    uint32_t series_end;
    uint32_t family_free; /* lists of freed slots */
    uint32_t series_free;
    struct registry_count {
        uint32_t used;
        uint32_t high_water;
        uint32_t refused_total;
    } families_count, series_count, txns_count, text_count; /* of text only refused_total */
    struct registry_series series[CFG_SERIES_MAX]; /* so near that an instruction has the offset */
    registry_place family_places[REGISTRY_FAMILY_PLACES]; /* hash tables, see registry_store.c */
    registry_place series_places[REGISTRY_SERIES_PLACES];
    struct registry_txn txns[CFG_REGISTRY_TRANSACTIONS_MAX];
    struct registry_family families[CFG_FAMILIES_MAX];
    struct registry_arena arena;
};

/* Makes an empty registry. `key` should be unpredictable: with it nobody outside can choose names
 * that meet in one place of the hash tables. */
void registry_init(struct registry *r, const uint8_t key[HASH_KEY_BYTES]);

/* What registry_recover found. */
struct registry_recovery {
    uint32_t families_count;
    uint32_t series_count;
    uint32_t damaged_count; /* families and series left out because they were damaged */
};

/* In place of registry_init after a reset that left the memory as it was, at whatever store it
 * came; with the same key. What was committed is there, with its value, in its order; what was not
 * is gone; so are pingshot's own families, to be added anew. May itself be cut by a reset, and be
 * called again then. Any damage is survived: no field is believed that no check word, hash or text
 * confirms. */
void registry_recover(struct registry *r, const uint8_t key[HASH_KEY_BYTES],
                      struct registry_recovery *found);

/* ---- pingshot's own metrics --------------------------------------------------------------- */

/* A family of pingshot's own, which requests can neither change nor delete. Counters, gauges and
 * untyped only. `help` is plain text. Returns its index; REGISTRY_NONE and a line in `*p` when the
 * name is taken or a table is full. An own family is never deleted: the index stays good. */
uint32_t registry_add_own(struct registry *r, struct slice name, struct slice help,
                          enum metric_type type, struct problem *p);

/* The series of an own family with these labels, made with the value 0 if need be. Returns its
 * index, good for ever; REGISTRY_NONE when the labels are refused or a table is full. */
uint32_t registry_own_series(struct registry *r, uint32_t family, const struct label_set *labels,
                             struct problem *p);

/* Adds to, or sets, a series that registry_own_series gave. */
void registry_own_add(struct registry *r, uint32_t series, double delta);
void registry_own_set(struct registry *r, uint32_t series, double value);

/* ---- requests ----------------------------------------------------------------------------- */

/* DELETE /metrics/{family}: removes a family and all its series, also from the replies of
 * transactions that are committed and still being read. PROBLEM_UNKNOWN without such a family,
 * PROBLEM_CONFLICT for pingshot's own, PROBLEM_BUSY while an unfinished request changes it. */
bool registry_delete(struct registry *r, struct slice name, struct problem *p);

/* True for names that requests may not create, change or delete: pingshot's own. */
bool registry_name_reserved(struct slice name);

/* ---- reading ------------------------------------------------------------------------------ */

/* Index of the family of that name, hidden ones too, or REGISTRY_NONE. */
uint32_t registry_find_family(const struct registry *r, struct slice name);

struct slice registry_family_name(const struct registry *r, uint32_t family);
const char *registry_type_name(enum metric_type type);

/* Use, high-water mark, limit and refusals of its table number `table`. */
#define REGISTRY_TABLES 4u
void registry_stats(const struct registry *r, uint32_t table, struct table_stats *stats);

#endif
