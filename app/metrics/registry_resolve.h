/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_resolve.h: which family a sample of a request body belongs to: the one its name says,
 * the histogram or summary that owns the name, or what the body's HELP and TYPE lines make of it.
 * Only files of the registry include this.
 */
#ifndef PINGSHOT_METRICS_REGISTRY_RESOLVE_H
#define PINGSHOT_METRICS_REGISTRY_RESOLVE_H

#include "metrics/registry_txn.h"

struct registry_resolve_target {
    uint32_t family;       /* the one that exists, or REGISTRY_NONE: to be made */
    struct slice name;     /* of the family: the sample's name or its beginning */
    enum metric_type type; /* that it has or is to have */
    bool declared;         /* with the help of the body's declaration */
    bool member;           /* it is the very family of the declaration */
};

/* True when the declaration in force may have to say something about samples of that name. */
bool registry_resolve_is_declared(const struct registry *r, const struct registry_txn *txn,
                                  struct slice sample);

/* Finds the target of a sample, and checks that this transaction may touch or make it: type, names
 * owned by others, names of pingshot's own, other transactions' claims. Changes nothing. */
bool registry_resolve_sample(const struct registry *r, const struct registry_txn *txn,
                             struct slice sample, struct registry_resolve_target *target,
                             struct problem *p);

/* The same for the declaration itself, which got no sample. */
bool registry_resolve_declaration(const struct registry *r, const struct registry_txn *txn,
                                  struct slice name, struct registry_resolve_target *target,
                                  struct problem *p);

/* Name and help of the declaration in force. They lie in the arena. */
struct slice registry_resolve_declared_name(const struct registry *r,
                                            const struct registry_declaration *d);
struct slice registry_resolve_declared_help(const struct registry *r,
                                            const struct registry_declaration *d);

/* A problem whose line is the quoted name, a colon and why. Returns false. */
bool registry_resolve_refuse(struct problem *p, enum problem_kind kind, struct slice name,
                             const char *why);

/* "another request is changing it, ...": PROBLEM_BUSY. Returns false. */
bool registry_resolve_busy(struct problem *p, struct slice name);

/* Refuses names of pingshot's own, names that are none and names too long. */
bool registry_resolve_name_ok(struct slice name, struct problem *p);

#endif
