/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * metrics_json.c: see metrics_json.h.
 */
#include "metrics/metrics_json.h"

#define NOT_IN_ARRAY UINT32_MAX

/* Where the walk is, to say so when something is wrong. */
struct walk {
    struct registry *r;
    struct registry_txn *txn;
    const struct json *j;
    struct problem *p;
    uint32_t family; /* index in the outer array, or NOT_IN_ARRAY */
    uint32_t sample; /* index in `metrics`, or NOT_IN_ARRAY */
};

/* ---- problems ---------------------------------------------------------------------------- */

/* Puts `[2].metrics[0].member.label: ` before what is wrong. Returns false. */
static bool at_path(const struct walk *w, const char *member, struct slice label) {
    char bytes[PROBLEM_LINE_BYTES / 2];
    struct text path = text_over(bytes, sizeof bytes - 2);
    if (w->family != NOT_IN_ARRAY) {
        text_format(&path, "[%u]", (unsigned)w->family);
    }
    if (w->sample != NOT_IN_ARRAY) {
        text_format(&path, "%smetrics[%u]", path.len > 0 ? "." : "", (unsigned)w->sample);
    }
    if (member[0] != '\0') {
        text_format(&path, "%s%s", path.len > 0 ? "." : "", member);
    }
    if (label.len > 0) {
        text_format(&path, ".%.*s", TEXT_SLICE(label));
    }
    if (path.len > 0) {
        path.capacity += 2;
        text_puts(&path, ": ");
    }
    return problem_prepend(w->p, text_slice(&path));
}

static bool refuse(const struct walk *w, const char *member, const char *why) {
    problem_set(w->p, PROBLEM_MALFORMED, why);
    return at_path(w, member, SLICE(""));
}

/* ---- members ----------------------------------------------------------------------------- */

/* The content of a string: in place, or unescaped behind what is in `scratch`. */
static bool string_of(const struct walk *w, uint32_t token, struct text *scratch, struct slice *s) {
    uint32_t start = scratch->len;
    if (json_plain(w->j, token, s)) {
        return true;
    }
    if (json_type(w->j, token) != JSON_STRING) {
        return problem_set(w->p, PROBLEM_MALFORMED, "expected a string");
    }
    if (!json_string(w->j, token, scratch)) {
        return problem_format(w->p, PROBLEM_TOO_LARGE, "longer than a line may be, %u bytes",
                              CFG_LINE_BYTES);
    }
    *s = (struct slice){scratch->bytes + start, scratch->len - start};
    return true;
}

/* The content of a string that is a word or a number; false for anything else. */
static bool word_of(const struct walk *w, uint32_t token, struct text *scratch, struct slice *s) {
    if (json_plain(w->j, token, s)) {
        return true;
    }
    bool ok = json_string(w->j, token, scratch);
    *s = text_slice(scratch);
    return ok;
}

/* Adds one label. Strings are taken in place where they can be, else from `scratch`. */
static bool add_label(const struct walk *w, uint32_t name_token, struct label_set *labels,
                      struct text *scratch) {
    struct slice name = SLICE("");
    struct slice value;
    return (string_of(w, name_token, scratch, &name) &&
            string_of(w, json_value(name_token), scratch, &value) &&
            label_set_add(labels, name, value, LABEL_RAW, w->p)) ||
           at_path(w, "labels", name);
}

static bool read_labels(const struct walk *w, uint32_t object, struct label_set *labels,
                        struct text *scratch) {
    uint32_t token = json_given(w->j, object, SLICE("labels"));
    if (token == JSON_NONE) {
        return true;
    }
    if (json_type(w->j, token) != JSON_OBJECT) {
        return refuse(w, "labels", "expected an object of label names and values");
    }
    for (uint32_t i = json_first(w->j, token); i != JSON_NONE; i = json_next(w->j, token, i)) {
        if (!add_label(w, i, labels, scratch)) {
            return false;
        }
    }
    return true;
}

/* The value, if there is one: a number, or a string that holds one. */
static bool read_value(const struct walk *w, uint32_t object, double *value, bool *given) {
    uint32_t token = json_given(w->j, object, SLICE("value"));
    char bytes[64];
    struct text scratch = text_over(bytes, sizeof bytes);
    struct slice s;
    *given = token != JSON_NONE;
    if (!*given) {
        return true;
    }
    s = json_raw(w->j, token);
    bool is_number = json_type(w->j, token) == JSON_NUMBER;
    if ((!is_number && !word_of(w, token, &scratch, &s)) || !number_parse(s, value)) {
        return refuse(w, "value", "expected a number, or a string that is one");
    }
    return true;
}

/* ---- samples and families ---------------------------------------------------------------- */

static bool read_sample(const struct walk *w, uint32_t object, struct slice family,
                        enum registry_kind kind) {
    char bytes[CFG_LINE_BYTES];
    struct text scratch = text_over(bytes, sizeof bytes);
    struct label_set labels;
    double value = 0;
    bool given;
    if (json_type(w->j, object) != JSON_OBJECT) {
        return refuse(w, "", "expected an object with labels and value");
    }
    label_set_init(&labels);
    if (!read_labels(w, object, &labels, &scratch) || !read_value(w, object, &value, &given)) {
        return false;
    }
    struct slice name = family;
    if (kind == REGISTRY_KIND_HISTOGRAM && label_set_find(&labels, SLICE("le")) != NULL) {
        char *sample = bytes + scratch.len;
        text_put_slice(&scratch, family);
        text_puts(&scratch, "_bucket");
        name = (struct slice){sample, family.len + (uint32_t)sizeof "_bucket" - 1};
    }
    if (scratch.overflow) {
        return refuse(w, "labels", "longer than a line may be");
    }
    return registry_txn_sample(w->r, w->txn, name, &labels, given ? &value : NULL, w->p) ||
           at_path(w, "", SLICE(""));
}

static bool read_samples(struct walk *w, uint32_t object, struct slice family,
                         enum registry_kind kind) {
    uint32_t list = json_given(w->j, object, SLICE("metrics"));
    if (list == JSON_NONE) {
        return w->txn->mode == REGISTRY_CREATE ||
               refuse(w, "metrics", "missing; it says which series to change");
    }
    if (json_type(w->j, list) != JSON_ARRAY) {
        return refuse(w, "metrics", "expected an array of objects with labels and value");
    }
    w->sample = 0;
    for (uint32_t i = json_first(w->j, list); i != JSON_NONE; i = json_next(w->j, list, i)) {
        if (!read_sample(w, i, family, kind)) {
            return false;
        }
        w->sample++;
    }
    w->sample = NOT_IN_ARRAY;
    return true;
}

static bool read_kind(const struct walk *w, uint32_t object, enum registry_kind *kind) {
    uint32_t token = json_given(w->j, object, SLICE("type"));
    char bytes[16];
    struct text scratch = text_over(bytes, sizeof bytes);
    struct slice word;
    *kind = REGISTRY_KIND_NONE;
    if (token == JSON_NONE || json_equals(w->j, token, SLICE(""))) {
        return true;
    }
    if (!word_of(w, token, &scratch, &word) || !registry_kind_from(word, kind)) {
        return refuse(w, "type", "expected counter, gauge, histogram, summary or untyped");
    }
    return true;
}

static bool declare(const struct walk *w, uint32_t object, struct slice name,
                    enum registry_kind kind) {
    char bytes[CFG_LINE_BYTES];
    struct text scratch = text_over(bytes, sizeof bytes);
    uint32_t token = json_given(w->j, object, SLICE("help"));
    struct slice help;
    if (token != JSON_NONE && !string_of(w, token, &scratch, &help)) {
        return at_path(w, "help", SLICE(""));
    }
    return registry_txn_family(w->r, w->txn, name, kind, token != JSON_NONE ? &help : NULL,
                               LABEL_RAW, w->p) ||
           at_path(w, "", SLICE(""));
}

static bool read_family(struct walk *w, uint32_t object) {
    char bytes[REGISTRY_NAME_BYTES + 1]; /* one more, so that a name too long is told as such */
    struct text scratch = text_over(bytes, sizeof bytes);
    enum registry_kind kind;
    struct slice name;
    w->sample = NOT_IN_ARRAY;
    if (json_type(w->j, object) != JSON_OBJECT) {
        return refuse(w, "", "expected an object with name, help, type and metrics");
    }
    uint32_t token = json_given(w->j, object, SLICE("name"));
    if (token == JSON_NONE) {
        return refuse(w, "name", "missing");
    }
    if (!string_of(w, token, &scratch, &name)) {
        return at_path(w, "name", SLICE(""));
    }
    return read_kind(w, object, &kind) && declare(w, object, name, kind) &&
           read_samples(w, object, name, kind) &&
           (registry_txn_family_done(w->r, w->txn, w->p) || at_path(w, "", SLICE("")));
}

bool metrics_json_apply(struct registry *r, struct registry_txn *txn, const struct json *j,
                        struct problem *p) {
    struct walk w = {r, txn, j, p, NOT_IN_ARRAY, NOT_IN_ARRAY};
    if (json_type(j, JSON_ROOT) != JSON_ARRAY) {
        return read_family(&w, JSON_ROOT);
    }
    w.family = 0;
    for (uint32_t i = json_first(j, JSON_ROOT); i != JSON_NONE; i = json_next(j, JSON_ROOT, i)) {
        if (!read_family(&w, i)) {
            return false;
        }
        w.family++;
    }
    return true;
}
