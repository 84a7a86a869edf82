/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * exposition_reply.h: the lines that a request created or changed, as the reply to it: a cursor over
 * what its transaction touched.
 */
#ifndef PINGSHOT_METRICS_EXPOSITION_REPLY_H
#define PINGSHOT_METRICS_EXPOSITION_REPLY_H

#include "metrics/registry_txn.h"

/* The lines of the series that a committed transaction touched, as they stand when written, in
 * text format, in the order of their slots (that of the body, while slots are new). */
struct exposition_reply {
    const struct registry_txn *txn;
    uint32_t series; /* next slot to look at */
};

void exposition_reply_init(struct exposition_reply *reply, const struct registry_txn *txn);

/* As exposition_writer_pull. The transaction must not be released before the last call. */
bool exposition_reply_pull(struct exposition_reply *reply, const struct registry *r,
                           struct text *out);

#endif
