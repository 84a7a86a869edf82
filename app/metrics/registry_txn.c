/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_txn.c: see registry_txn.h. What a transaction makes is in the tables at once, marked
 * fresh and hidden; what it changes is staged beside the value. So a commit cannot run out of
 * anything, and a rollback only takes out what is marked.
 */
#include "metrics/registry_txn.h"

#include "apart.h"
#include "metrics/registry_bits.h"
#include "metrics/registry_declare.h"
#include "metrics/registry_group.h"
#include "metrics/registry_resolve.h"
#include "metrics/registry_store.h"
#include "metrics/registry_value.h"
#include "state_order.h"

static uint8_t owner_of(const struct registry *r, const struct registry_txn *txn) {
    return (uint8_t)(txn - r->txns + 1);
}

/* ---- what was touched -------------------------------------------------------------------- */

static void touch_series(struct registry_txn *txn, uint32_t series) {
    uint32_t word = series / 32;
    if (registry_bits_has(txn->series, series)) {
        return;
    }
    registry_bits_set(txn->series, series);
    txn->series_count++;
    if (word < txn->first_word) {
        txn->first_word = word;
    }
    if (word >= txn->end_word) {
        txn->end_word = word + 1;
    }
}

uint32_t registry_txn_next_series(const struct registry_txn *txn, uint32_t series) {
    uint32_t first = txn->first_word * 32;
    return registry_bits_next(txn->series, txn->end_word, series < first ? first : series);
}

/* ---- what the body says of a family ------------------------------------------------------- */

bool registry_txn_declare(struct registry *r, struct registry_txn *txn, struct slice name,
                          enum registry_kind kind, const struct slice *help, enum label_form form,
                          struct problem *p) {
    struct registry_declare_words words = {name, kind, help, form};
    return txn->mode == REGISTRY_LOOK || registry_declare_line(r, txn, &words, p);
}

bool registry_txn_family(struct registry *r, struct registry_txn *txn, struct slice name,
                         enum registry_kind kind, const struct slice *help, enum label_form form,
                         struct problem *p) {
    struct registry_declare_words words = {name, kind, help, form};
    return txn->mode == REGISTRY_LOOK || registry_declare_family(r, txn, &words, p);
}

bool registry_txn_family_done(struct registry *r, struct registry_txn *txn, struct problem *p) {
    return registry_declare_end(r, txn, p);
}

/* ---- samples ----------------------------------------------------------------------------- */

/* A sample on its way in. */
struct sample {
    struct slice name;
    const struct label_set *labels;
    struct slice identity;
    uint32_t hash;       /* of the identity */
    const double *value; /* or NULL */
};

static bool refuse_series(struct problem *p, struct slice identity, const char *why) {
    return problem_format(p, PROBLEM_MALFORMED, "%.*s: %s", TEXT_SLICE(identity), why);
}

/* The value of a sample that may have come without one, checked. */
static bool value_for(const struct registry_txn *txn, enum metric_type type,
                      const struct sample *sample, double *value, struct problem *p) {
    bool adds = txn->mode == REGISTRY_UPDATE && type == METRIC_COUNTER;
    if (sample->value == NULL && txn->mode == REGISTRY_UPDATE && !adds) {
        return refuse_series(p, sample->identity,
                             "no value; only a counter can do without, it adds 1");
    }
    *value = sample->value != NULL ? *sample->value : adds ? 1 : 0;
    if (adds && !(*value >= 0)) {
        char number[NUMBER_TEXT_BYTES];
        return problem_format(
            p, PROBLEM_MALFORMED, "%.*s: a counter only goes up, it cannot add %.*s",
            TEXT_SLICE(sample->identity), (int)number_format(number, *value), number);
    }
    return true;
}

/* Stages a value. */
static void change_series(struct registry *r, struct registry_txn *txn, uint32_t series,
                          double value) {
    struct registry_series *s = &r->series[series];
    struct registry_family *f = &r->families[s->family];
    double before = s->owner == 0 ? s->value : registry_value_staged(r, series);
    if (s->owner == 0) {
        s->owner = owner_of(r, txn);
        s->form = REGISTRY_FORM_STAGED;
        f->busy_count++;
    }
    registry_value_stage(r, series, f->type == METRIC_COUNTER ? before + value : value);
}

static bool take_existing(struct registry *r, struct registry_txn *txn, uint32_t series,
                          const struct sample *sample, struct problem *p) {
    struct registry_series *s = &r->series[series];
    struct slice name = registry_family_name(r, s->family);
    double value = 0;
    if (r->families[s->family].flags & REGISTRY_FAMILY_OWN) {
        return registry_resolve_refuse(p, PROBLEM_CONFLICT, name,
                                       "is pingshot's own, choose another name");
    }
    if (s->owner != 0 && s->owner != owner_of(r, txn)) {
        return registry_resolve_busy(p, name);
    }
    if (!value_for(txn, (enum metric_type)r->families[s->family].type, sample, &value, p)) {
        return false;
    }
    if (txn->mode == REGISTRY_UPDATE) {
        change_series(r, txn, series, value);
    } else if (registry_bits_has(txn->series, series)) {
        return refuse_series(p, sample->identity,
                             "twice in this body; a scrape may carry a series once");
    }
    touch_series(txn, series);
    registry_bits_set(txn->families, s->family);
    return true;
}

static bool is_bucket(const struct registry_resolve_target *target, struct slice sample) {
    struct slice suffix = {sample.bytes + target->name.len, sample.len - target->name.len};
    return target->type == METRIC_HISTOGRAM && slice_equals(suffix, SLICE("_bucket"));
}

static bool refuse_bound(struct problem *p, struct slice sample, struct slice bound) {
    return problem_format(p, PROBLEM_MALFORMED, "\"%.*s\": needs a label %.*s that is a number",
                          TEXT_SLICE(sample), TEXT_SLICE(bound));
}

/* The label by which the samples of one metric differ: le of a bucket, quantile of a summary; else
 * empty. False when the sample is none of its family, or has no such label. */
static bool bound_label(const struct registry_txn *txn,
                        const struct registry_resolve_target *target, const struct sample *sample,
                        struct slice *bound, struct problem *p) {
    bool plain = sample->name.len == target->name.len;
    double number;
    *bound = SLICE("");
    if (target->type == METRIC_HISTOGRAM && plain) {
        return registry_resolve_refuse(
            p, PROBLEM_MALFORMED, sample->name,
            "a histogram's samples are named with _bucket, _sum or _count");
    }
    if (is_bucket(target, sample->name)) {
        *bound = SLICE("le");
        if (label_set_find(sample->labels, SLICE("vmrange")) != NULL) {
            *bound = SLICE("vmrange"); /* VictoriaMetrics' histograms */
            return true;
        }
    } else if (target->type == METRIC_SUMMARY && plain) {
        *bound = SLICE("quantile");
    } else {
        return true;
    }
    const struct label *label = label_set_find(sample->labels, *bound);
    if (label == NULL) {
        return txn->any_labels || refuse_bound(p, sample->name, *bound);
    }
    return number_parse((struct slice){label->value, label->value_len}, &number) ||
           refuse_bound(p, sample->name, *bound);
}

static bool refuse_labels(const struct registry *r, uint32_t family, struct slice names,
                          struct problem *p) {
    const struct slice name = registry_family_name(r, family);
    struct text t = problem_begin(p, PROBLEM_CONFLICT);
    text_format(&t, "\"%.*s\": has the labels {", TEXT_SLICE(name));
    text_put_printable(&t, registry_store_family_labels(r, family), 48);
    text_puts(&t, "}, here {");
    text_put_printable(&t, names, 48);
    text_puts(&t, "}; give the same ones, or allow it with ?labels=any");
    return problem_end(p, &t);
}

/* A new series must have the label names of its family; the first one says which they are. */
static bool labels_agree(struct registry *r, const struct registry_txn *txn, uint32_t family,
                         struct slice names, struct problem *p) {
    const struct registry_family *f = &r->families[family];
    if (slice_equals(names, registry_store_family_labels(r, family))) {
        return true;
    }
    if (f->series_count == 0) { /* also what a refused request left here means nothing */
        return registry_store_set_labels(r, family, names, p);
    }
    if (txn->any_labels) {
        return true;
    }
    const struct registry_series *first = &r->series[f->first_series];
    if (first->owner != 0 && first->owner != owner_of(r, txn)) {
        return registry_resolve_busy(p, registry_family_name(r, family));
    }
    return refuse_labels(r, family, names, p);
}

/* The family of a new series: checks its label names, or makes it with them. */
APART static uint32_t family_for(struct registry *r, struct registry_txn *txn,
                                 const struct registry_resolve_target *target,
                                 const struct label_set *labels, struct slice bound,
                                 struct problem *p) {
    char bytes[CFG_LINE_BYTES];
    struct text names = text_over(bytes, sizeof bytes);
    label_set_put_names(labels, bound, &names);
    if (target->family == REGISTRY_NONE) {
        return registry_declare_make(r, txn, target, text_slice(&names), p);
    }
    return labels_agree(r, txn, target->family, text_slice(&names), p) ? target->family
                                                                       : REGISTRY_NONE;
}

static bool make_series(struct registry *r, struct registry_txn *txn,
                        const struct registry_resolve_target *target, const struct sample *sample,
                        struct problem *p) {
    struct registry_store_series what = {.hash = sample->hash, .owner = owner_of(r, txn)};
    struct slice bound;
    if (!bound_label(txn, target, sample, &bound, p) ||
        !value_for(txn, target->type, sample, &what.value, p)) {
        return false;
    }
    what.family = family_for(r, txn, target, sample->labels, bound, p);
    if (what.family == REGISTRY_NONE) {
        return false;
    }
    registry_bits_set(txn->families, what.family);
    if (target->member) {
        registry_declare_claim(r, txn, what.family);
    }
    uint32_t name_len = target->name.len;
    struct slice rest = {sample->identity.bytes + name_len, sample->identity.len - name_len};
    what.after = registry_group_place(r, what.family, rest);
    uint32_t series = registry_store_add_series(r, &what, sample->identity, p);
    if (series == REGISTRY_NONE) {
        return false;
    }
    touch_series(txn, series);
    return true;
}

/* A sample of a family that was declared, or that makes a new series. */
static bool take_resolved(struct registry *r, struct registry_txn *txn, uint32_t series,
                          const struct sample *sample, struct problem *p) {
    struct registry_resolve_target target;
    if (!registry_resolve_sample(r, txn, sample->name, &target, p) ||
        (target.member && !registry_declare_member_ok(r, txn, p))) {
        return false;
    }
    txn->declaration.sampled |= target.declared;
    if (series == REGISTRY_NONE) {
        return make_series(r, txn, &target, sample, p);
    }
    if (!take_existing(r, txn, series, sample, p)) {
        return false;
    }
    if (target.member) {
        registry_declare_claim(r, txn, target.family);
    }
    return true;
}

/* A series that nobody else sees yet is as if it were not there. */
static void look_at(const struct registry *r, struct registry_txn *txn, uint32_t series) {
    if (series != REGISTRY_NONE && r->series[series].form != REGISTRY_FORM_FRESH) {
        touch_series(txn, series);
    }
}

bool registry_txn_sample(struct registry *r, struct registry_txn *txn, struct slice name,
                         const struct label_set *labels, const double *value, struct problem *p) {
    char bytes[CFG_LINE_BYTES];
    struct text identity = text_over(bytes, sizeof bytes);
    label_set_put_identity(labels, name, &identity);
    if (identity.overflow || !registry_store_identity_fits(identity.len)) {
        return problem_format(p, PROBLEM_TOO_LARGE,
                              "\"%.*s\": the sample's line would be longer than %u bytes",
                              TEXT_SLICE(name), CFG_LINE_BYTES);
    }
    struct sample sample = {name, labels, text_slice(&identity),
                            registry_store_hash(r, text_slice(&identity)), value};
    uint32_t series = registry_store_find_series(r, sample.identity, sample.hash);
    if (txn->mode == REGISTRY_LOOK) {
        look_at(r, txn, series);
        return true;
    }
    if (series != REGISTRY_NONE && !registry_resolve_is_declared(r, txn, name)) {
        return take_existing(r, txn, series, &sample, p);
    }
    return take_resolved(r, txn, series, &sample, p);
}

/* ---- begin and end ----------------------------------------------------------------------- */

struct registry_txn *registry_txn_begin(struct registry *r, enum registry_txn_mode mode,
                                        const struct registry_txn_options *options,
                                        struct problem *p) {
    for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        struct registry_txn *txn = &r->txns[i];
        if (txn->state != REGISTRY_TXN_FREE) {
            continue;
        }
        txn->state = REGISTRY_TXN_OPEN;
        txn->mode = (uint8_t)mode;
        txn->default_type = (uint8_t)options->default_type;
        txn->any_labels = options->any_labels;
        txn->declaration =
            (struct registry_declaration){.text = REGISTRY_ARENA_NONE, .family = REGISTRY_NONE};
        txn->series_count = 0;
        txn->first_word = REGISTRY_SERIES_WORDS;
        txn->end_word = 0;
        r->txns_count.used++;
        if (r->txns_count.used > r->txns_count.high_water) {
            r->txns_count.high_water = r->txns_count.used;
        }
        return txn;
    }
    r->txns_count.refused_total++;
    problem_format(
        p, PROBLEM_FULL,
        "table registry_transactions is full (limit %u): that many requests are changing "
        "metrics, send this one again",
        CFG_REGISTRY_TRANSACTIONS_MAX);
    return NULL;
}

static void free_txn(struct registry *r, struct registry_txn *txn) {
    if (txn->end_word > txn->first_word) {
        memset(&txn->series[txn->first_word], 0,
               (txn->end_word - txn->first_word) * sizeof txn->series[0]);
    }
    memset(txn->families, 0, sizeof txn->families);
    txn->state = REGISTRY_TXN_FREE;
    r->txns_count.used--;
}

static uint32_t next_family(const struct registry_txn *txn, uint32_t family) {
    return registry_bits_next(txn->families, REGISTRY_FAMILY_WORDS, family);
}

/* The first series at or after `series` that it holds. */
static inline uint32_t next_held(const struct registry *r, const struct registry_txn *txn,
                                 uint32_t series) {
    uint8_t me = owner_of(r, txn);
    uint32_t i = registry_txn_next_series(txn, series);
    while (i < CFG_SERIES_MAX && r->series[i].owner != me) {
        i = registry_txn_next_series(txn, i + 1);
    }
    return i;
}

uint32_t registry_txn_check(const struct registry *r, const struct registry_txn *txn) {
    uint32_t check = 1u;
    for (uint32_t i = next_held(r, txn, 0); i < CFG_SERIES_MAX; i = next_held(r, txn, i + 1)) {
        double staged = registry_value_staged(r, i);
        check = state_check(state_check_word(check, i), &staged, sizeof staged);
    }
    return check;
}

/* Carries out what is committed. */
static void apply(struct registry *r, const struct registry_txn *txn) {
    uint8_t me = owner_of(r, txn);
    for (uint32_t i = next_held(r, txn, 0); i < CFG_SERIES_MAX; i = next_held(r, txn, i + 1)) {
        registry_value_take(r, i);
    }
    for (uint32_t i = next_family(txn, 0); i != REGISTRY_NONE; i = next_family(txn, i + 1)) {
        struct registry_family *f = &r->families[i];
        if (f->owner == me) {
            registry_store_publish_family(r, i);
            f->busy_count--;
        }
    }
}

/* Lets go of every series, which ends what was staged in it. */
static void release_held(struct registry *r, const struct registry_txn *txn) {
    for (uint32_t i = next_held(r, txn, 0); i < CFG_SERIES_MAX; i = next_held(r, txn, i + 1)) {
        registry_value_release(r, i);
        r->families[r->series[i].family].busy_count--;
    }
}

bool registry_txn_commit(struct registry *r, struct registry_txn *txn, struct problem *p) {
    if (!registry_declare_end(r, txn, p)) {
        return false;
    }
    txn->redo = registry_txn_check(r, txn);
    state_barrier();
    txn->state = REGISTRY_TXN_COMMITTED; /* with this it is, whatever comes */
    state_barrier();
    apply(r, txn);
    state_barrier();
    txn->redo = 0;
    state_barrier();
    release_held(r, txn);
    return true;
}

static void undo_series(struct registry *r, const struct registry_txn *txn, uint32_t series) {
    struct registry_series *s = &r->series[series];
    struct registry_family *f = &r->families[s->family];
    uint8_t me = owner_of(r, txn);
    if (s->owner != me) {
        return; /* not changed, or freed just now with its siblings */
    }
    if (s->form == REGISTRY_FORM_STAGED) {
        registry_value_release(r, series);
        f->busy_count--;
    } else if (f->owner != me) { /* families of its own go as a whole, afterwards */
        registry_store_remove_fresh(r, s->family, me);
    }
}

void registry_txn_rollback(struct registry *r, struct registry_txn *txn) {
    uint8_t me = owner_of(r, txn);
    registry_declare_drop(r, txn);
    for (uint32_t i = registry_txn_next_series(txn, 0); i != REGISTRY_NONE;
         i = registry_txn_next_series(txn, i + 1)) {
        undo_series(r, txn, i);
    }
    for (uint32_t i = next_family(txn, 0); i != REGISTRY_NONE; i = next_family(txn, i + 1)) {
        if (r->families[i].owner == me) {
            registry_store_remove_family(r, i);
        }
    }
    free_txn(r, txn);
}

void registry_txn_release(struct registry *r, struct registry_txn *txn) {
    free_txn(r, txn);
}

void registry_txn_end(struct registry *r, struct registry_txn *txn) {
    if (txn->state == REGISTRY_TXN_OPEN) {
        registry_txn_rollback(r, txn);
    } else if (txn->state == REGISTRY_TXN_COMMITTED) {
        registry_txn_release(r, txn);
    }
}
