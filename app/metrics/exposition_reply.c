/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * exposition_reply.c: see exposition_reply.h.
 */
#include "metrics/exposition_reply.h"

#include "metrics/registry_value.h"

void exposition_reply_init(struct exposition_reply *reply, const struct registry_txn *txn) {
    reply->txn = txn;
    reply->series = 0;
}

bool exposition_reply_pull(struct exposition_reply *reply, const struct registry *r,
                           struct text *out) {
    uint32_t series = registry_txn_next_series(reply->txn, reply->series);
    for (; series != REGISTRY_NONE; series = registry_txn_next_series(reply->txn, series + 1)) {
        if (!registry_value_put_line(r, series, out)) {
            reply->series = series;
            return false;
        }
    }
    reply->series = CFG_SERIES_MAX;
    return true;
}
