/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_resolve.c: see registry_resolve.h.
 */
#include "metrics/registry_resolve.h"

#include "metrics/registry_store.h"

/* ---- refusals ---------------------------------------------------------------------------- */

bool registry_resolve_refuse(struct problem *p, enum problem_kind kind, struct slice name,
                             const char *why) {
    return problem_format(p, kind, "\"%.*s\": %s", TEXT_SLICE(name), why);
}

bool registry_resolve_busy(struct problem *p, struct slice name) {
    return registry_resolve_refuse(p, PROBLEM_BUSY, name,
                                   "another request is changing it, send this one again");
}

bool registry_resolve_name_ok(struct slice name, struct problem *p) {
    if (!label_set_metric_name_ok(name)) {
        return registry_resolve_refuse(p, PROBLEM_MALFORMED, name,
                                       "a metric name is [a-zA-Z_:][a-zA-Z0-9_:]*");
    }
    if (name.len > REGISTRY_NAME_BYTES) {
        return problem_format(p, PROBLEM_TOO_LARGE, "\"%.*s\": a name may have %u bytes",
                              TEXT_SLICE(name), REGISTRY_NAME_BYTES);
    }
    if (registry_name_reserved(name)) {
        return registry_resolve_refuse(p, PROBLEM_CONFLICT, name,
                                       "is a name of pingshot's own, choose another");
    }
    return true;
}

static bool refuse_type(struct problem *p, struct slice name, unsigned is, unsigned here) {
    return problem_format(p, PROBLEM_CONFLICT,
                          "\"%.*s\": has type %s, here it comes with type %s; give the same, or "
                          "delete the family first",
                          TEXT_SLICE(name), registry_type_name((enum metric_type)is),
                          registry_type_name((enum metric_type)here));
}

static bool refuse_owned(struct problem *p, struct slice name, struct slice owner, unsigned type) {
    return problem_format(p, PROBLEM_CONFLICT,
                          "\"%.*s\": a family of its own cannot be beside the %s \"%.*s\", which "
                          "owns that name",
                          TEXT_SLICE(name), registry_type_name((enum metric_type)type),
                          TEXT_SLICE(owner));
}

/* ---- the declaration --------------------------------------------------------------------- */

struct slice registry_resolve_declared_name(const struct registry *r,
                                            const struct registry_declaration *d) {
    return (struct slice){registry_arena_text(&r->arena, d->text), d->name_len};
}

struct slice registry_resolve_declared_help(const struct registry *r,
                                            const struct registry_declaration *d) {
    return (struct slice){registry_arena_text(&r->arena, d->text + d->name_len), d->help_len};
}

static enum metric_type type_of_kind(unsigned kind, enum metric_type default_type) {
    switch ((enum registry_kind)kind) {
    case REGISTRY_KIND_COUNTER:
        return METRIC_COUNTER;
    case REGISTRY_KIND_GAUGE:
    case REGISTRY_KIND_INFO:
    case REGISTRY_KIND_STATESET:
        return METRIC_GAUGE;
    case REGISTRY_KIND_HISTOGRAM:
    case REGISTRY_KIND_GAUGE_HISTOGRAM:
        return METRIC_HISTOGRAM;
    case REGISTRY_KIND_SUMMARY:
        return METRIC_SUMMARY;
    case REGISTRY_KIND_UNTYPED:
        return METRIC_UNTYPED;
    case REGISTRY_KIND_NONE:
    default:
        return default_type;
    }
}

/* What a sample is to the declared family whose name begins its own. */
enum relation {
    UNRELATED,
    MEMBER,         /* one of its samples */
    COUNTER_BESIDE, /* of a family of the sample's own name: a counter */
    GAUGE_BESIDE,   /* likewise a gauge */
};

/* Text format 0.0.4 and OpenMetrics 1.0 at once. A counter x of OpenMetrics has the sample
 * x_total, which the text format knows as a counter of that name; what else OpenMetrics puts into
 * a family stands beside it as a gauge, as client libraries print it in the text format. */
static const struct {
    struct slice suffix;
    enum registry_kind kind;
    enum relation relation;
} relations[] = {
    {{"_bucket", 7}, REGISTRY_KIND_HISTOGRAM, MEMBER},
    {{"_sum", 4}, REGISTRY_KIND_HISTOGRAM, MEMBER},
    {{"_count", 6}, REGISTRY_KIND_HISTOGRAM, MEMBER},
    {{"_created", 8}, REGISTRY_KIND_HISTOGRAM, GAUGE_BESIDE},
    {{"_sum", 4}, REGISTRY_KIND_SUMMARY, MEMBER},
    {{"_count", 6}, REGISTRY_KIND_SUMMARY, MEMBER},
    {{"_created", 8}, REGISTRY_KIND_SUMMARY, GAUGE_BESIDE},
    {{"_total", 6}, REGISTRY_KIND_COUNTER, COUNTER_BESIDE},
    {{"_created", 8}, REGISTRY_KIND_COUNTER, GAUGE_BESIDE},
    {{"_info", 5}, REGISTRY_KIND_INFO, GAUGE_BESIDE},
    {{"_bucket", 7}, REGISTRY_KIND_GAUGE_HISTOGRAM, MEMBER},
    {{"_gsum", 5}, REGISTRY_KIND_GAUGE_HISTOGRAM, GAUGE_BESIDE},
    {{"_gcount", 7}, REGISTRY_KIND_GAUGE_HISTOGRAM, GAUGE_BESIDE},
};

static enum relation relation_of(const struct registry_declaration *d, struct slice suffix) {
    if (suffix.len == 0) {
        return MEMBER;
    }
    for (uint32_t i = 0; i < sizeof relations / sizeof relations[0]; i++) {
        if (relations[i].kind == (enum registry_kind)d->kind &&
            slice_equals(relations[i].suffix, suffix)) {
            /* x 1 and then x_total 1 under counter x: text format, two families. */
            bool text_format =
                relations[i].relation == COUNTER_BESIDE && d->family != REGISTRY_NONE;
            return text_format ? UNRELATED : relations[i].relation;
        }
    }
    return UNRELATED;
}

bool registry_resolve_is_declared(const struct registry *r, const struct registry_txn *txn,
                                  struct slice sample) {
    const struct registry_declaration *d = &txn->declaration;
    return d->text != REGISTRY_ARENA_NONE &&
           slice_starts_with(sample, registry_resolve_declared_name(r, d));
}

/* ---- names owned by others --------------------------------------------------------------- */

static bool owns_suffix(unsigned type, struct slice suffix) {
    return (type == METRIC_HISTOGRAM && slice_equals(suffix, SLICE("_bucket"))) ||
           ((type == METRIC_HISTOGRAM || type == METRIC_SUMMARY) &&
            (slice_equals(suffix, SLICE("_sum")) || slice_equals(suffix, SLICE("_count"))));
}

/* The histogram or summary that owns a sample's name, or REGISTRY_NONE; its name to `*owner`. */
static uint32_t find_owner(const struct registry *r, struct slice sample, struct slice *owner) {
    for (uint32_t at = sample.len; at-- > 1;) {
        if (sample.bytes[at] == '_') {
            struct slice suffix = {sample.bytes + at, sample.len - at};
            *owner = (struct slice){sample.bytes, at};
            if (!owns_suffix(METRIC_HISTOGRAM, suffix)) {
                return REGISTRY_NONE;
            }
            uint32_t family = registry_find_family(r, *owner);
            return family != REGISTRY_NONE && owns_suffix(r->families[family].type, suffix)
                       ? family
                       : REGISTRY_NONE;
        }
    }
    return REGISTRY_NONE;
}

/* True when no other family has a name that the new one would own, or owns its name. */
static bool name_is_free(const struct registry *r, struct slice name, enum metric_type type,
                         struct problem *p) {
    static const struct slice suffixes[] = {{"_bucket", 7}, {"_sum", 4}, {"_count", 6}};
    struct slice owner;
    uint32_t family = find_owner(r, name, &owner);
    if (family != REGISTRY_NONE) {
        return refuse_owned(p, name, owner, r->families[family].type);
    }
    for (uint32_t i = 0; i < 3; i++) {
        char bytes[REGISTRY_NAME_BYTES + 8];
        struct text owned = text_over(bytes, sizeof bytes);
        text_put_slice(&owned, name);
        text_put_slice(&owned, suffixes[i]);
        if (owns_suffix(type, suffixes[i]) &&
            registry_find_family(r, text_slice(&owned)) != REGISTRY_NONE) {
            return refuse_owned(p, text_slice(&owned), name, type);
        }
    }
    return true;
}

/* ---- targets ----------------------------------------------------------------------------- */

/* Checks a family that exists against what the body says of it. */
static bool may_touch(const struct registry *r, const struct registry_txn *txn,
                      struct registry_resolve_target *target, bool typed, struct problem *p) {
    const struct registry_family *f = &r->families[target->family];
    uint8_t me = (uint8_t)(txn - r->txns + 1);
    if (f->flags & REGISTRY_FAMILY_OWN) {
        return registry_resolve_refuse(p, PROBLEM_CONFLICT, target->name,
                                       "is pingshot's own, choose another name");
    }
    if ((f->flags & REGISTRY_FAMILY_FRESH) && f->owner != me) {
        return registry_resolve_busy(p, target->name);
    }
    if (typed && target->type != (enum metric_type)f->type) {
        return refuse_type(p, target->name, f->type, target->type);
    }
    target->type = (enum metric_type)f->type;
    return true;
}

/* Finds the family of target->name, or checks that it may be made. */
static bool settle(const struct registry *r, const struct registry_txn *txn,
                   struct registry_resolve_target *target, bool typed, struct problem *p) {
    target->family = registry_find_family(r, target->name);
    if (target->family != REGISTRY_NONE) {
        return may_touch(r, txn, target, typed, p);
    }
    if (!registry_resolve_name_ok(target->name, p)) {
        return false;
    }
    if (txn->mode == REGISTRY_UPDATE) {
        return registry_resolve_refuse(p, PROBLEM_UNKNOWN, target->name,
                                       "there is no such family, make it with POST /create");
    }
    return name_is_free(r, target->name, target->type, p);
}

static bool settle_undeclared(const struct registry *r, const struct registry_txn *txn,
                              struct registry_resolve_target *target, struct problem *p) {
    struct slice owner;
    if (registry_find_family(r, target->name) == REGISTRY_NONE &&
        find_owner(r, target->name, &owner) != REGISTRY_NONE) {
        target->name = owner;
    }
    target->type = (enum metric_type)txn->default_type;
    return settle(r, txn, target, false, p);
}

/* True when the declared name, said without a type, is that of a histogram's or summary's sample. */
static bool is_owned(const struct registry *r, const struct registry_declaration *d,
                     struct slice sample) {
    struct slice owner;
    return d->kind == REGISTRY_KIND_NONE && registry_find_family(r, sample) == REGISTRY_NONE &&
           find_owner(r, sample, &owner) != REGISTRY_NONE;
}

bool registry_resolve_sample(const struct registry *r, const struct registry_txn *txn,
                             struct slice sample, struct registry_resolve_target *target,
                             struct problem *p) {
    const struct registry_declaration *d = &txn->declaration;
    enum metric_type default_type = (enum metric_type)txn->default_type;
    *target = (struct registry_resolve_target){.name = sample, .type = default_type};
    if (!registry_resolve_is_declared(r, txn, sample)) {
        return settle_undeclared(r, txn, target, p);
    }
    struct slice suffix = {sample.bytes + d->name_len, sample.len - d->name_len};
    switch (relation_of(d, suffix)) {
    case MEMBER:
        if (is_owned(r, d, sample)) {
            target->declared = true; /* said, but of a family that exists */
            return settle_undeclared(r, txn, target, p);
        }
        target->name.len = d->name_len;
        target->type = type_of_kind(d->kind, default_type);
        target->declared = true;
        target->member = true;
        if (d->family != REGISTRY_NONE) {
            target->family = d->family;
            target->type = (enum metric_type)r->families[d->family].type;
            return true;
        }
        return settle(r, txn, target, d->kind != REGISTRY_KIND_NONE, p);
    case COUNTER_BESIDE:
        target->type = METRIC_COUNTER;
        target->declared = true;
        return settle(r, txn, target, true, p);
    case GAUGE_BESIDE:
        target->type = METRIC_GAUGE;
        target->declared = true;
        return settle(r, txn, target, false, p);
    case UNRELATED:
    default:
        return settle_undeclared(r, txn, target, p);
    }
}

bool registry_resolve_declaration(const struct registry *r, const struct registry_txn *txn,
                                  struct slice name, struct registry_resolve_target *target,
                                  struct problem *p) {
    unsigned kind = txn->declaration.kind;
    *target = (struct registry_resolve_target){
        .name = name,
        .type = type_of_kind(kind, (enum metric_type)txn->default_type),
        .declared = true,
        .member = true,
    };
    return settle(r, txn, target, kind != REGISTRY_KIND_NONE, p);
}
