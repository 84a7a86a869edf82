/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * exposition_reader.h: reads a request body in the Prometheus text format 0.0.4 or in OpenMetrics
 * 1.0, line by line as it arrives, into a registry transaction. It keeps no bytes: a line that is
 * not whole yet stays with the caller. Timestamps and exemplars are accepted and dropped.
 */
#ifndef PINGSHOT_METRICS_EXPOSITION_READER_H
#define PINGSHOT_METRICS_EXPOSITION_READER_H

#include "metrics/registry_txn.h"

struct exposition_reader {
    struct registry *registry;
    struct registry_txn *txn;
    uint32_t line_number; /* of the next line, from 1 */
};

void exposition_reader_init(struct exposition_reader *reader, struct registry *r,
                            struct registry_txn *txn);

/* Reads the whole lines of `bytes`; `*consumed` says how many bytes they were. The caller presents
 * the rest again with more behind it, or to exposition_reader_finish. False: `*p` has a line like
 * `line 3: label "x": ...`, and the transaction must be rolled back. PROBLEM_TOO_LARGE as soon as
 * CFG_LINE_BYTES bytes are there without a line feed among them: so a buffer of that size always
 * makes progress. The outcome is the same however the body is cut up. */
bool exposition_reader_feed(struct exposition_reader *reader, const char *bytes, uint32_t n,
                            uint32_t *consumed, struct problem *p);

/* The body has ended; `bytes` is what feed left, a last line without its line feed, or nothing.
 * Does not commit. */
bool exposition_reader_finish(struct exposition_reader *reader, const char *bytes, uint32_t n,
                              struct problem *p);

#endif
