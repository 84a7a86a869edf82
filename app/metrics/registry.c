/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry.c: see registry.h.
 */
#include "metrics/registry.h"

#include "metrics/registry_bits.h"
#include "metrics/registry_store.h"
#include "metrics/registry_txn.h"
#include "metrics/registry_value.h"

/* Only where there is something: a host gives memory page by page as it is first written. */
static void clear_slots(struct registry *r) {
    for (uint32_t i = 0; i < CFG_FAMILIES_MAX; i++) {
        if (r->families[i].text != REGISTRY_ARENA_NONE) {
            r->families[i].text = REGISTRY_ARENA_NONE;
        }
    }
    for (uint32_t i = 0; i < CFG_SERIES_MAX; i++) {
        if (r->series[i].check != 0) {
            r->series[i].check = 0;
        }
    }
}

void registry_clear_derived(struct registry *r, const uint8_t key[HASH_KEY_BYTES]) {
    static const struct registry_count none = {0, 0, 0};
    r->key = hash_key_from(key);
    r->family_sequence = 0;
    r->families_end = 0;
    r->series_end = 0;
    r->family_free = REGISTRY_NONE;
    r->series_free = REGISTRY_NONE;
    r->families_count = none;
    r->series_count = none;
    r->txns_count = none;
    r->text_count = none;
    memset(r->family_places, 0, sizeof r->family_places);
    memset(r->series_places, 0, sizeof r->series_places);
    memset(r->txns, 0, sizeof r->txns);
}

void registry_init(struct registry *r, const uint8_t key[HASH_KEY_BYTES]) {
    clear_slots(r);
    registry_clear_derived(r, key);
    registry_arena_init(&r->arena);
}

/* ---- reading ----------------------------------------------------------------------------- */

const char *registry_type_name(enum metric_type type) {
    static const char *const names[] = {"counter", "gauge", "histogram", "summary", "untyped"};
    return names[type];
}

bool registry_kind_from(struct slice word, enum registry_kind *kind) {
    static const struct {
        struct slice word;
        enum registry_kind kind;
    } kinds[] = {
        {{"counter", 7}, REGISTRY_KIND_COUNTER},
        {{"gauge", 5}, REGISTRY_KIND_GAUGE},
        {{"histogram", 9}, REGISTRY_KIND_HISTOGRAM},
        {{"summary", 7}, REGISTRY_KIND_SUMMARY},
        {{"untyped", 7}, REGISTRY_KIND_UNTYPED},
        {{"unknown", 7}, REGISTRY_KIND_UNTYPED},
        {{"info", 4}, REGISTRY_KIND_INFO},
        {{"stateset", 8}, REGISTRY_KIND_STATESET},
        {{"gaugehistogram", 14}, REGISTRY_KIND_GAUGE_HISTOGRAM},
    };
    for (uint32_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (slice_equals(kinds[i].word, word)) {
            *kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

struct slice registry_family_name(const struct registry *r, uint32_t family) {
    const struct registry_family *f = &r->families[family];
    return (struct slice){registry_arena_text(&r->arena, f->text + REGISTRY_STORE_NAME_AT),
                          f->name_len};
}

uint32_t registry_find_family(const struct registry *r, struct slice name) {
    return registry_store_find_family(r, name, registry_store_hash(r, name));
}

static void stats_of(struct table_stats *stats, struct label_value name,
                     const struct registry_count *count, uint32_t limit) {
    *stats =
        (struct table_stats){name, count->used, count->high_water, limit, count->refused_total};
}

void registry_stats(const struct registry *r, uint32_t table, struct table_stats *stats) {
    switch (table) {
    case 0:
        stats_of(stats, LABEL_VALUE("families"), &r->families_count, CFG_FAMILIES_MAX);
        break;
    case 1:
        stats_of(stats, LABEL_VALUE("series"), &r->series_count, CFG_SERIES_MAX);
        break;
    case 2:
        *stats = (struct table_stats){
            LABEL_VALUE("registry_text_bytes"), registry_arena_used_bytes(&r->arena),
            r->arena.high_water_bytes, CFG_REGISTRY_TEXT_BYTES, r->text_count.refused_total};
        break;
    default:
        stats_of(stats, LABEL_VALUE("registry_transactions"), &r->txns_count,
                 CFG_REGISTRY_TRANSACTIONS_MAX);
        break;
    }
}

/* ---- pingshot's own ---------------------------------------------------------------------- */

bool registry_name_reserved(struct slice name) {
    return slice_starts_with(name, SLICE("pingshot_")) ||
           slice_starts_with(name, SLICE("events_to_metrics")) ||
           slice_equals(name, SLICE("ping_request_count"));
}

static bool refuse_name(struct problem *p, enum problem_kind kind, struct slice name,
                        const char *why) {
    return problem_format(p, kind, "family \"%.*s\": %s", TEXT_SLICE(name), why);
}

uint32_t registry_add_own(struct registry *r, struct slice name, struct slice help,
                          enum metric_type type, struct problem *p) {
    struct registry_store_family what = {
        .name = name, .labels = SLICE(""), .type = type, .flags = REGISTRY_FAMILY_OWN};
    char bytes[CFG_LINE_BYTES];
    struct text escaped = text_over(bytes, sizeof bytes);
    registry_store_put_help(&escaped, help, LABEL_RAW);
    what.help = text_slice(&escaped);
    if (escaped.overflow || !registry_store_header_fits(name, what.help)) {
        refuse_name(p, PROBLEM_TOO_LARGE, name, "its HELP line is too long");
        return REGISTRY_NONE;
    }
    if (registry_find_family(r, name) != REGISTRY_NONE) {
        refuse_name(p, PROBLEM_CONFLICT, name, "exists");
        return REGISTRY_NONE;
    }
    return registry_store_add_family(r, &what, p);
}

uint32_t registry_own_series(struct registry *r, uint32_t family, const struct label_set *labels,
                             struct problem *p) {
    char bytes[CFG_LINE_BYTES];
    struct text identity = text_over(bytes, sizeof bytes);
    label_set_put_identity(labels, registry_family_name(r, family), &identity);
    if (identity.overflow || !registry_store_identity_fits(identity.len)) {
        refuse_name(p, PROBLEM_TOO_LARGE, registry_family_name(r, family),
                    "its labels are longer than a line may be");
        return REGISTRY_NONE;
    }
    uint32_t hash = registry_store_hash(r, text_slice(&identity));
    uint32_t series = registry_store_find_series(r, text_slice(&identity), hash);
    if (series != REGISTRY_NONE) {
        return series;
    }
    struct registry_store_series what = {.family = family,
                                         .after = r->families[family].last_series,
                                         .hash = hash,
                                         .owner = REGISTRY_OWNER_SELF};
    return registry_store_add_series(r, &what, text_slice(&identity), p);
}

void registry_own_add(struct registry *r, uint32_t series, double delta) {
    registry_value_set(r, series, r->series[series].value + delta);
}

void registry_own_set(struct registry *r, uint32_t series, double value) {
    registry_value_set(r, series, value);
}

/* ---- deletion ---------------------------------------------------------------------------- */

/* Slots may be used anew while a reply is still being read: it must not show what is there then. */
static void forget_in_transactions(struct registry *r, uint32_t family) {
    for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        struct registry_txn *txn = &r->txns[i];
        if (txn->state == REGISTRY_TXN_FREE) {
            continue;
        }
        registry_bits_clear(txn->families, family);
        uint32_t s = r->families[family].first_series;
        for (; s != REGISTRY_NONE; s = r->series[s].next) {
            registry_bits_clear(txn->series, s);
        }
    }
}

bool registry_delete(struct registry *r, struct slice name, struct problem *p) {
    uint32_t family = registry_find_family(r, name);
    if (registry_name_reserved(name)) {
        return refuse_name(p, PROBLEM_CONFLICT, name, "is pingshot's own and stays");
    }
    if (family == REGISTRY_NONE) {
        return refuse_name(p, PROBLEM_UNKNOWN, name, "does not exist");
    }
    if (r->families[family].flags & REGISTRY_FAMILY_OWN) {
        return refuse_name(p, PROBLEM_CONFLICT, name, "is pingshot's own and stays");
    }
    if (r->families[family].busy_count > 0) {
        return refuse_name(p, PROBLEM_BUSY, name,
                           "another request is changing it, send this one again");
    }
    forget_in_transactions(r, family);
    registry_store_remove_family(r, family);
    return true;
}
