/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * metrics_json.h: a request body in JSON, one object or an array of them, into a registry
 * transaction:
 *
 *     {"name": "x", "help": "...", "type": "counter",
 *      "metrics": [{"labels": {"path": "/", "receiver": "slack"}, "value": "1"}]}
 *
 * `value` is a string or a number. Only `name` must be there; what is not listed is ignored.
 */
#ifndef PINGSHOT_METRICS_METRICS_JSON_H
#define PINGSHOT_METRICS_METRICS_JSON_H

#include "json.h"
#include "metrics/registry_txn.h"

/* Adds all of a parsed body to `txn`. False: `*p` names the place, as in
 * `[2].metrics[0].labels.path: ...`, and the transaction must be rolled back. Does not commit. */
bool metrics_json_apply(struct registry *r, struct registry_txn *txn, const struct json *j,
                        struct problem *p);

#endif
