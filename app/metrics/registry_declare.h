/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_declare.h: what a request body says of a family before its samples (HELP and TYPE), kept
 * until the family takes form. Only files of the registry include this.
 */
#ifndef PINGSHOT_METRICS_REGISTRY_DECLARE_H
#define PINGSHOT_METRICS_REGISTRY_DECLARE_H

#include "metrics/registry_resolve.h"
#include "metrics/registry_txn.h"

/* What is said at once. */
struct registry_declare_words {
    struct slice name;
    enum registry_kind kind;  /* or REGISTRY_KIND_NONE */
    const struct slice *help; /* or NULL */
    enum label_form form;     /* of the help */
};

/* Adds a line to the declaration in force, or starts one (registry_txn_declare). */
bool registry_declare_line(struct registry *r, struct registry_txn *txn,
                           const struct registry_declare_words *words, struct problem *p);

/* Starts one in any case (registry_txn_family). */
bool registry_declare_family(struct registry *r, struct registry_txn *txn,
                             const struct registry_declare_words *words, struct problem *p);

/* False when the declared family itself, or a sample of it, would be there a second time. */
bool registry_declare_member_ok(const struct registry *r, const struct registry_txn *txn,
                                struct problem *p);

/* Makes the family of a target that does not exist yet, with these label names. Returns it, or
 * REGISTRY_NONE. */
uint32_t registry_declare_make(struct registry *r, struct registry_txn *txn,
                               const struct registry_resolve_target *target, struct slice labels,
                               struct problem *p);

/* Remembers the family of the declaration, so that nobody deletes it until the body is past it. */
void registry_declare_claim(struct registry *r, struct registry_txn *txn, uint32_t family);

/* Ends the declaration in force, if any. A family that got no samples is made all the same. */
bool registry_declare_end(struct registry *r, struct registry_txn *txn, struct problem *p);

/* Forgets it. */
void registry_declare_drop(struct registry *r, struct registry_txn *txn);

#endif
