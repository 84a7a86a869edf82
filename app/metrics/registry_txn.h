/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_txn.h: POST /create and POST /update as transactions: begin, declare and sample as the
 * body streams in, commit or roll back. Until the commit nobody else sees anything of it; after a
 * rollback nothing was ever there. Several may be under way; one that meets what another has
 * claimed is told to come again (PROBLEM_BUSY).
 *
 *     txn = registry_txn_begin(r, REGISTRY_CREATE, &options, p);
 *     for each line or member: registry_txn_declare / registry_txn_sample   (false: roll back)
 *     registry_txn_commit(r, txn, p)                                        (false: roll back)
 *     stream the lines with exposition_reply_pull
 *     registry_txn_release(r, txn)
 */
#ifndef PINGSHOT_METRICS_REGISTRY_TXN_H
#define PINGSHOT_METRICS_REGISTRY_TXN_H

#include "metrics/registry.h"

enum registry_txn_state {
    REGISTRY_TXN_FREE = 0,
    REGISTRY_TXN_OPEN,
    REGISTRY_TXN_COMMITTED, /* its bitmap serves the reply; also after a reset it was done */
};

enum registry_txn_mode {
    REGISTRY_CREATE, /* makes what is missing; what exists keeps its value and is reported */
    REGISTRY_UPDATE, /* counters add, others are set; families must exist */
    REGISTRY_LOOK,   /* changes and claims nothing: touches those series of the body that exist, so
                        that a repeated request is answered with their lines. What was taken once is
                        taken again: only the form of the body is checked */
};

struct registry_txn_options {
    enum metric_type default_type; /* of families that come without one: counter, gauge, untyped */
    bool any_labels;               /* `labels=any`: label names may differ within a family */
};

/* Starts one. NULL with PROBLEM_FULL in `*p` when CFG_REGISTRY_TRANSACTIONS_MAX are under way. It
 * ends with registry_txn_rollback, or with commit and then registry_txn_release. */
struct registry_txn *registry_txn_begin(struct registry *r, enum registry_txn_mode mode,
                                        const struct registry_txn_options *options,
                                        struct problem *p);

/* A HELP or a TYPE line, before the family's samples. `help` NULL: none; kind NONE: none. A family
 * that exists must have that type; its help stays. A second HELP or TYPE, and one that follows
 * samples of the family in this body, are refused, as by promtool. `help` may be in any form. */
bool registry_txn_declare(struct registry *r, struct registry_txn *txn, struct slice name,
                          enum registry_kind kind, const struct slice *help, enum label_form form,
                          struct problem *p);

/* The same for formats that say it all at once and may say it again (JSON): starts a family,
 * whatever was said of it before. */
bool registry_txn_family(struct registry *r, struct registry_txn *txn, struct slice name,
                         enum registry_kind kind, const struct slice *help, enum label_form form,
                         struct problem *p);

/* Ends the family that was declared last. The next declaration and the commit do so too; called here
 * a refusal can be told where it belongs. */
bool registry_txn_family_done(struct registry *r, struct registry_txn *txn, struct problem *p);

/* A sample. Its name may be one that a histogram or summary owns (X_bucket, X_sum, X_count) or an
 * OpenMetrics counter's (X_total, X_created). `value` NULL: not given, which is 0 in a create, 1 to
 * a counter in an update and refused for other types. */
bool registry_txn_sample(struct registry *r, struct registry_txn *txn, struct slice name,
                         const struct label_set *labels, const double *value, struct problem *p);

/* Makes it all visible and applies staged values. False (a family declared without samples finds
 * its table full, or contradicts what exists): nothing was applied, roll back. */
bool registry_txn_commit(struct registry *r, struct registry_txn *txn, struct problem *p);

/* Undoes what an unfinished transaction did and frees it. */
void registry_txn_rollback(struct registry *r, struct registry_txn *txn);

/* Frees a committed one, when its reply is out or nobody waits for it any more. */
void registry_txn_release(struct registry *r, struct registry_txn *txn);

/* Ends it in whatever state it is: rollback or release. For a connection that is lost. */
void registry_txn_end(struct registry *r, struct registry_txn *txn);

/* The first series at or after `series` that it touched, or REGISTRY_NONE. */
uint32_t registry_txn_next_series(const struct registry_txn *txn, uint32_t series);

/* The check word of what it stages, never 0: the record from which registry_recover carries out a
 * commit that a reset cut. The texts of the series that it touched must be there. */
uint32_t registry_txn_check(const struct registry *r, const struct registry_txn *txn);

/* Series touched so far. */
static inline uint32_t registry_txn_series_count(const struct registry_txn *txn) {
    return txn->series_count;
}

#endif
