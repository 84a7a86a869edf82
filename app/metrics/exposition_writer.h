/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * exposition_writer.h: the registry as a page for a scraper. A cursor: pull writes what fits, call
 * it again when there is room. Not its job: events, `# EOF`, HTTP.
 */
#ifndef PINGSHOT_METRICS_EXPOSITION_WRITER_H
#define PINGSHOT_METRICS_EXPOSITION_WRITER_H

#include "metrics/registry.h"

enum exposition_format {
    EXPOSITION_TEXT,        /* text/plain; version=0.0.4 */
    EXPOSITION_OPENMETRICS, /* application/openmetrics-text; version=1.0.0 */
};

/* A page shows the families that existed when it began and still do when it comes to them: one
 * that is deleted and made anew meanwhile is not shown twice. */
struct exposition_writer {
    uint32_t sequence; /* the registry's when the page began */
    uint32_t family;   /* slot it is at */
    uint32_t family_sequence;
    uint32_t series; /* the last one written of that family, or REGISTRY_NONE */
    uint8_t stage;   /* what comes next of that family */
    uint8_t format;  /* enum exposition_format */
};

void exposition_writer_init(struct exposition_writer *w, const struct registry *r,
                            enum exposition_format format);

/* Appends whole lines while they fit in `out`. Returns true when the page is complete, false when
 * there is more for a next call. Every line fits an empty buffer of CFG_LINE_BYTES. */
bool exposition_writer_pull(struct exposition_writer *w, const struct registry *r,
                            struct text *out);

#endif
