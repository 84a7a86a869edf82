/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * exposition_reader.c: see exposition_reader.h. Both formats at once, as their grammars overlap but
 * for details: text format 0.0.4 (Prometheus, "Exposition formats") allows blanks and tabs between
 * tokens, OpenMetrics 1.0 adds UNIT, EOF, exemplars and timestamps with fractions.
 */
#include "metrics/exposition_reader.h"

/* A line under the reader's finger. */
struct line {
    const char *bytes;
    uint32_t len;
    uint32_t at;
};

/* ---- problems ---------------------------------------------------------------------------- */

/* What curl users run into: -d strips line feeds. */
#define JOINED_HINT " (curl -d @file joins lines, --data-binary keeps them)"

/* Puts "line N: " before what is wrong. Returns false. */
static bool at_line(const struct exposition_reader *reader, struct problem *p) {
    char bytes[32];
    struct text where = text_over(bytes, sizeof bytes);
    text_format(&where, "line %u: ", (unsigned)reader->line_number);
    return problem_prepend(p, text_slice(&where));
}

static bool expected(struct problem *p, const struct line *l, const char *what) {
    return problem_format(p, PROBLEM_MALFORMED, "byte %u: expected %s", (unsigned)l->at + 1u, what);
}

/* ---- tokens ------------------------------------------------------------------------------ */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static bool at_end(const struct line *l) {
    return l->at == l->len;
}

static bool at_char(const struct line *l, char c) {
    return l->at < l->len && l->bytes[l->at] == c;
}

static void skip_blanks(struct line *l) {
    while (l->at < l->len && is_blank(l->bytes[l->at])) {
        l->at++;
    }
}

/* The bytes up to a blank, `stop` or the end. */
static struct slice take_until(struct line *l, char stop) {
    uint32_t start = l->at;
    while (l->at < l->len && !is_blank(l->bytes[l->at]) && l->bytes[l->at] != stop) {
        l->at++;
    }
    return (struct slice){l->bytes + start, l->at - start};
}

static struct slice take_word(struct line *l) {
    return take_until(l, ' ');
}

/* ---- comments ---------------------------------------------------------------------------- */

static bool read_help(struct exposition_reader *reader, struct line *l, struct slice name,
                      struct problem *p) {
    struct slice help = {l->bytes + l->at, l->len - l->at};
    return registry_txn_declare(reader->registry, reader->txn, name, REGISTRY_KIND_NONE, &help,
                                LABEL_LOOSE, p);
}

static bool read_type(struct exposition_reader *reader, struct line *l, struct slice name,
                      struct problem *p) {
    struct slice word = slice_trim((struct slice){l->bytes + l->at, l->len - l->at});
    enum registry_kind kind;
    if (!registry_kind_from(word, &kind)) {
        return problem_format(
            p, PROBLEM_MALFORMED,
            "byte %u: \"%.*s\" is no type: counter, gauge, histogram, summary or untyped",
            (unsigned)l->at + 1u, TEXT_SLICE(word));
    }
    return registry_txn_declare(reader->registry, reader->txn, name, kind, NULL, LABEL_LOOSE, p);
}

/* HELP and TYPE; every other comment, UNIT and EOF among them, says nothing that is kept. */
static bool read_comment(struct exposition_reader *reader, struct line *l, struct problem *p) {
    l->at++;
    skip_blanks(l);
    struct slice keyword = take_word(l);
    bool is_help = slice_equals(keyword, SLICE("HELP"));
    if (!is_help && !slice_equals(keyword, SLICE("TYPE"))) {
        return true;
    }
    skip_blanks(l);
    struct slice name = take_word(l);
    if (at_end(l) && (name.len == 0 || !is_help)) {
        return true; /* cut short: a comment, says the text format's own parser */
    }
    skip_blanks(l);
    return is_help ? read_help(reader, l, name, p) : read_type(reader, l, name, p);
}

/* ---- samples ----------------------------------------------------------------------------- */

static bool ends_label_name(char c) {
    return c == '=' || is_blank(c) || c == ',' || c == '}' || c == '"';
}

static struct slice take_label_name(struct line *l) {
    uint32_t start = l->at;
    while (l->at < l->len && !ends_label_name(l->bytes[l->at])) {
        l->at++;
    }
    return (struct slice){l->bytes + start, l->at - start};
}

/* The value of a label, from behind its opening quote to behind its closing one. */
static bool read_label_value(struct line *l, struct slice *value, enum label_form *form,
                             struct problem *p) {
    uint32_t start = l->at;
    *form = LABEL_ESCAPED;
    for (; l->at < l->len; l->at++) {
        char c = l->bytes[l->at];
        if (c == '"') {
            *value = (struct slice){l->bytes + start, l->at - start};
            l->at++;
            return true;
        }
        if (c == '\\') {
            l->at++;
            if (at_end(l)) {
                break;
            }
            c = l->bytes[l->at];
            if (c != '\\' && c != '"' && c != 'n') {
                *form = LABEL_LOOSE;
            }
        }
    }
    l->at = start - 1;
    return expected(p, l, "a closing quote for the label value that starts here");
}

static bool read_label(struct line *l, struct label_set *labels, struct problem *p) {
    enum label_form form = LABEL_ESCAPED;
    struct slice value = SLICE("");
    struct slice name = take_label_name(l);
    if (name.len == 0) {
        return expected(p, l, "a label name");
    }
    skip_blanks(l);
    if (!at_char(l, '=')) {
        return expected(p, l, "'=' after the label name");
    }
    l->at++;
    skip_blanks(l);
    if (!at_char(l, '"')) {
        return expected(p, l, "a label value in double quotes");
    }
    l->at++;
    return read_label_value(l, &value, &form, p) && label_set_add(labels, name, value, form, p);
}

/* From the opening brace to behind the closing one. */
static bool read_labels(struct line *l, struct label_set *labels, struct problem *p) {
    l->at++;
    skip_blanks(l);
    while (!at_char(l, '}')) {
        if (!read_label(l, labels, p)) {
            return false;
        }
        skip_blanks(l);
        if (at_char(l, ',')) {
            l->at++;
            skip_blanks(l);
        } else if (!at_char(l, '}')) {
            return expected(p, l, "',' or '}' after the label");
        }
    }
    l->at++;
    return true;
}

static bool read_value(struct line *l, double *value, struct problem *p) {
    uint32_t start = l->at;
    struct slice word = take_word(l);
    if (number_parse(word, value)) {
        return true;
    }
    l->at = start;
    if (word.len == 0) {
        return expected(p, l, "a number as the value");
    }
    return problem_format(p, PROBLEM_MALFORMED,
                          "byte %u: expected a number as the value, not \"%.*s\"",
                          (unsigned)start + 1u, TEXT_SLICE(word));
}

/* Timestamp and exemplar, which are dropped, and the end of the line. */
static bool read_rest(struct line *l, struct problem *p) {
    double timestamp;
    skip_blanks(l);
    if (!at_end(l) && !at_char(l, '#')) {
        uint32_t start = l->at;
        bool is_number = number_parse(take_word(l), &timestamp);
        if (!is_number || !(timestamp - timestamp == 0)) { /* NaN and infinities are none */
            l->at = start;
            return expected(p, l, "a timestamp or the end of the line" JOINED_HINT);
        }
        skip_blanks(l);
    }
    if (at_char(l, '#')) {
        l->at++;
        skip_blanks(l);
        return at_char(l, '{') || expected(p, l, "an exemplar's labels in braces after '#'");
    }
    return at_end(l) || expected(p, l, "the end of the line" JOINED_HINT);
}

static bool read_sample(struct exposition_reader *reader, struct line *l, struct problem *p) {
    struct label_set labels;
    double value;
    label_set_init(&labels);
    struct slice name = take_until(l, '{');
    if (name.len == 0) {
        return expected(p, l, "a metric name");
    }
    bool blank_after = l->at < l->len && is_blank(l->bytes[l->at]);
    skip_blanks(l);
    if (at_char(l, '{')) {
        if (!read_labels(l, &labels, p)) {
            return false;
        }
        skip_blanks(l);
    } else if (!blank_after) {
        return expected(p, l, "a value after the name");
    }
    return read_value(l, &value, p) && read_rest(l, p) &&
           registry_txn_sample(reader->registry, reader->txn, name, &labels, &value, p);
}

/* ---- lines ------------------------------------------------------------------------------- */

/* Reads one line, given without its line feed. */
static bool read_line(struct exposition_reader *reader, const char *bytes, uint32_t len,
                      struct problem *p) {
    struct line l = {bytes, len, 0};
    if (len > 0 && bytes[len - 1] == '\r') {
        l.at = len - 1;
        return expected(p, &l, "lines that end in LF, this one ends in CR LF");
    }
    skip_blanks(&l);
    if (at_end(&l)) {
        return true;
    }
    return at_char(&l, '#') ? read_comment(reader, &l, p) : read_sample(reader, &l, p);
}

static bool refuse_long(struct problem *p) {
    return problem_format(p, PROBLEM_TOO_LARGE, "longer than a line may be, %u bytes" JOINED_HINT,
                          CFG_LINE_BYTES);
}

/* Length is looked at first, so that it does not matter how much of a line was there to see. */
static bool take_line(struct exposition_reader *reader, const char *bytes, uint32_t len,
                      struct problem *p) {
    bool ok = len < CFG_LINE_BYTES ? read_line(reader, bytes, len, p) : refuse_long(p);
    if (!ok) {
        return at_line(reader, p);
    }
    reader->line_number++;
    return true;
}

void exposition_reader_init(struct exposition_reader *reader, struct registry *r,
                            struct registry_txn *txn) {
    reader->registry = r;
    reader->txn = txn;
    reader->line_number = 1;
}

bool exposition_reader_feed(struct exposition_reader *reader, const char *bytes, uint32_t n,
                            uint32_t *consumed, struct problem *p) {
    uint32_t at = 0;
    while (at < n) {
        const char *end = memchr(bytes + at, '\n', n - at);
        if (end == NULL) {
            break;
        }
        uint32_t len = (uint32_t)(end - (bytes + at));
        if (!take_line(reader, bytes + at, len, p)) {
            *consumed = at;
            return false;
        }
        at += len + 1;
    }
    *consumed = at;
    return n - at < CFG_LINE_BYTES || take_line(reader, bytes + at, n - at, p);
}

bool exposition_reader_finish(struct exposition_reader *reader, const char *bytes, uint32_t n,
                              struct problem *p) {
    uint32_t consumed;
    if (!exposition_reader_feed(reader, bytes, n, &consumed, p)) {
        return false;
    }
    return n == consumed || take_line(reader, bytes + consumed, n - consumed, p);
}
