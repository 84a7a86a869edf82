/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * exposition_writer.c: see exposition_writer.h. A cursor rests only on what cannot vanish without
 * its family: a visible series, or the family's beginning. Whether the family is still the same is
 * told by its sequence number.
 */
#include "metrics/exposition_writer.h"

#include "metrics/registry_store.h"
#include "metrics/registry_value.h"

/* What comes next of the family that the cursor is at. */
enum stage {
    STAGE_FAMILY,  /* nothing was written of it */
    STAGE_TYPE,    /* its HELP line is out */
    STAGE_SERIES,  /* the series behind `series` */
    STAGE_CREATED, /* the creation time that goes with `series` */
};

void exposition_writer_init(struct exposition_writer *w, const struct registry *r,
                            enum exposition_format format) {
    *w = (struct exposition_writer){
        .sequence = r->family_sequence,
        .series = REGISTRY_NONE,
        .stage = STAGE_FAMILY,
        .format = (uint8_t)format,
    };
}

/* Each writes one line if it fits, and says whether it did. */
static bool put_line(struct text *out, struct slice line) {
    if (line.len > text_room(out)) {
        return false;
    }
    text_put_slice(out, line);
    return true;
}

/* Keeps what was appended since `len` if it fitted, else takes it back. */
static bool keep_line(struct text *out, uint32_t len) {
    if (out->overflow) {
        out->len = len;
        out->overflow = false;
        return false;
    }
    return true;
}

/* ---- HELP and TYPE ----------------------------------------------------------------------- */

static struct slice openmetrics_name(const struct registry *r, uint32_t family) {
    struct slice name = registry_family_name(r, family);
    if (r->families[family].shape & REGISTRY_SHAPE_COUNTER) {
        name.len -= (uint32_t)sizeof "_total" - 1;
    }
    return name;
}

/* OpenMetrics 1.0, "Escaping": double quotes too. */
static void put_quotes_escaped(struct text *out, struct slice s) {
    for (struct slice rest = s; rest.len > 0;) {
        struct slice part = slice_cut(&rest, '"');
        text_put_slice(out, part);
        if (part.bytes + part.len < s.bytes + s.len) {
            text_put(out, "\\\"", 2);
        }
    }
}

static bool put_openmetrics_help(const struct registry *r, uint32_t family, struct text *out) {
    uint32_t len = out->len;
    text_puts(out, "# HELP ");
    text_put_slice(out, openmetrics_name(r, family));
    text_put_char(out, ' ');
    put_quotes_escaped(out, registry_store_family_help(r, family));
    text_put_char(out, '\n');
    return keep_line(out, len);
}

static bool put_openmetrics_type(const struct registry *r, uint32_t family, struct text *out) {
    const struct registry_family *f = &r->families[family];
    bool unknown = f->type == METRIC_UNTYPED || (f->shape & REGISTRY_SHAPE_UNKNOWN) != 0;
    uint32_t len = out->len;
    text_puts(out, "# TYPE ");
    text_put_slice(out, openmetrics_name(r, family));
    text_put_char(out, ' ');
    text_puts(out, unknown ? "unknown" : registry_type_name((enum metric_type)f->type));
    text_put_char(out, '\n');
    return keep_line(out, len);
}

/* Its parts lie in the arena with what follows them in the line: name and blank, help and line
 * feed. */
static bool put_text_help(const struct registry *r, uint32_t family, struct text *out) {
    const struct registry_family *f = &r->families[family];
    if (registry_store_help_line_len(f) > text_room(out)) {
        return false;
    }
    text_puts(out, "# HELP ");
    text_put(out, registry_family_name(r, family).bytes, f->name_len + 1u);
    text_put(out, registry_store_family_help(r, family).bytes, f->help_len + 1u);
    return true;
}

static bool put_help(const struct exposition_writer *w, const struct registry *r,
                     struct text *out) {
    if (r->families[w->family].help_len == 0) {
        return true;
    }
    return w->format == EXPOSITION_OPENMETRICS ? put_openmetrics_help(r, w->family, out)
                                               : put_text_help(r, w->family, out);
}

static bool put_type(const struct exposition_writer *w, const struct registry *r,
                     struct text *out) {
    const struct registry_family *f = &r->families[w->family];
    if (w->format == EXPOSITION_OPENMETRICS) {
        return put_openmetrics_type(r, w->family, out);
    }
    return put_line(out, (struct slice){registry_arena_text(&r->arena, f->text),
                                        registry_store_type_line_len(f)});
}

/* ---- series ------------------------------------------------------------------------------ */

/* The series of X_created with the labels of this one, if this one ends a group of X. */
static uint32_t created_of(const struct registry *r, uint32_t family, uint32_t series) {
    char bytes[CFG_LINE_BYTES];
    struct text identity = text_over(bytes, sizeof bytes);
    struct slice labels = registry_store_rest(r, series);
    struct slice suffix = slice_cut(&labels, '{');
    bool counter = (r->families[family].shape & REGISTRY_SHAPE_COUNTER) != 0;
    if (!counter && !slice_equals(suffix, SLICE("_count"))) {
        return REGISTRY_NONE;
    }
    text_put_slice(&identity, openmetrics_name(r, family));
    text_puts(&identity, "_created");
    if (labels.len > 0) {
        text_put_char(&identity, '{');
        text_put_slice(&identity, labels);
    }
    if (identity.overflow) {
        return REGISTRY_NONE;
    }
    uint32_t created = registry_store_find_series(r, text_slice(&identity),
                                                  registry_store_hash(r, text_slice(&identity)));
    bool hidden = created != REGISTRY_NONE && r->series[created].form == REGISTRY_FORM_FRESH;
    return hidden ? REGISTRY_NONE : created;
}

/* The series behind the last one written that is to be seen, or REGISTRY_NONE. */
static uint32_t next_series(const struct exposition_writer *w, const struct registry *r) {
    uint32_t series = w->series == REGISTRY_NONE ? r->families[w->family].first_series
                                                 : r->series[w->series].next;
    while (series != REGISTRY_NONE && r->series[series].form == REGISTRY_FORM_FRESH) {
        series = r->series[series].next;
    }
    return series;
}

/* Writes series until one does not fit, or the family ends (true). With `one`, at most one: then
 * false and STAGE_CREATED. */
static bool put_series(struct exposition_writer *w, const struct registry *r, bool one,
                       struct text *out) {
    uint32_t series = next_series(w, r);
    if (series == REGISTRY_NONE) {
        return true;
    }
    if (!one) {
        return registry_value_put_lines(r, series, &w->series, out) == REGISTRY_NONE;
    }
    if (registry_value_put_line(r, series, out)) {
        w->series = series;
        w->stage = STAGE_CREATED;
    }
    return false;
}

/* ---- pages ------------------------------------------------------------------------------- */

static bool is_shown(const struct exposition_writer *w, const struct registry_family *f) {
    uint8_t seen = f->flags & (REGISTRY_FAMILY_USED | REGISTRY_FAMILY_FRESH);
    bool old_enough = (int32_t)(w->sequence - f->sequence) >= 0;
    bool elsewhere =
        w->format == EXPOSITION_OPENMETRICS && (f->shape & REGISTRY_SHAPE_IS_CREATED) != 0;
    return seen == REGISTRY_FAMILY_USED && old_enough && !elsewhere;
}

static void next_family(struct exposition_writer *w) {
    w->family++;
    w->series = REGISTRY_NONE;
    w->stage = STAGE_FAMILY;
}

static bool put_created(struct exposition_writer *w, const struct registry *r, struct text *out) {
    uint32_t created = created_of(r, w->family, w->series);
    if (created != REGISTRY_NONE && !registry_value_put_line(r, created, out)) {
        return false;
    }
    w->stage = STAGE_SERIES;
    return true;
}

/* Moves the cursor one stage on. False when it cannot for want of room. */
static bool step(struct exposition_writer *w, const struct registry *r, struct text *out) {
    const struct registry_family *f = &r->families[w->family];
    if (w->stage == STAGE_FAMILY) {
        w->family_sequence = f->sequence;
        if (!is_shown(w, f)) {
            next_family(w);
        } else if (put_help(w, r, out)) {
            w->stage = STAGE_TYPE;
        } else {
            return false;
        }
        return true;
    }
    if (f->sequence != w->family_sequence || (f->flags & REGISTRY_FAMILY_USED) == 0) {
        next_family(w); /* it was deleted meanwhile */
        return true;
    }
    if (w->stage == STAGE_TYPE) {
        w->stage = STAGE_SERIES;
        if (!put_type(w, r, out)) {
            w->stage = STAGE_TYPE;
            return false;
        }
        return true;
    }
    if (w->stage == STAGE_CREATED) {
        return put_created(w, r, out);
    }
    bool one = w->format == EXPOSITION_OPENMETRICS && (f->shape & REGISTRY_SHAPE_HAS_CREATED) != 0;
    if (put_series(w, r, one, out)) {
        next_family(w);
        return true;
    }
    return w->stage == STAGE_CREATED;
}

bool exposition_writer_pull(struct exposition_writer *w, const struct registry *r,
                            struct text *out) {
    while (w->family < r->families_end) {
        if (!step(w, r, out)) {
            return false;
        }
    }
    return true;
}
