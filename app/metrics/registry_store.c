/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_store.c: see registry_store.h. Both hash tables are open addressing with linear
 * probing; a place holds a slot's number plus 1 and, above it, bits of the hash, so that a search
 * rarely looks at a slot that is not the right one. Taking one out moves those behind it back, so
 * deletions leave nothing that later searches would have to step over; where those belong is
 * hashed again, which costs deletions time but slots no memory.
 */
#include "metrics/registry_store.h"

#include "metrics/registry_shape.h"
#include "metrics/registry_value.h"
#include "state_order.h"

/* What the check word is of. */
#define FAMILY_SEED 0x66616d69u

#define SLOT_BITS REGISTRY_SLOT_BITS
#define SLOT_MASK ((1u << SLOT_BITS) - 1u)

/* ---- hash tables ------------------------------------------------------------------------- */

struct table {
    registry_place *places;
    uint32_t count;
};

static struct table family_table(struct registry *r) {
    return (struct table){r->family_places, REGISTRY_FAMILY_PLACES};
}

static struct table series_table(struct registry *r) {
    return (struct table){r->series_places, REGISTRY_SERIES_PLACES};
}

/* The place where a search begins: the hash scaled to the table, whatever its size. */
static uint32_t home_of(uint32_t hash, uint32_t count) {
    return (uint32_t)(((uint64_t)hash * count) >> 32);
}

static uint32_t next_place(uint32_t place, uint32_t count) {
    return place + 1 == count ? 0 : place + 1;
}

static registry_place entry_of(uint32_t slot, uint32_t hash) {
    return (registry_place)((slot + 1) | hash << SLOT_BITS);
}

/* Whether the bits of the hash in an entry are of that one. */
static bool may_be(uint32_t entry, uint32_t hash) {
    return ((entry ^ entry_of(0, hash)) & ~SLOT_MASK) == 0;
}

static uint32_t slot_hash(const struct registry *r, const registry_place *places, uint32_t entry) {
    uint32_t slot = (entry & SLOT_MASK) - 1;
    return places == r->family_places ? registry_store_hash(r, registry_family_name(r, slot))
                                      : registry_store_series_hash(r, slot);
}

static void table_put(struct table t, uint32_t slot, uint32_t hash) {
    registry_place *places = t.places;
    uint32_t place = home_of(hash, t.count);
    while (places[place] != 0) {
        place = next_place(place, t.count);
    }
    places[place] = entry_of(slot, hash);
}

static void table_remove(const struct registry *r, struct table t, uint32_t slot, uint32_t hash) {
    registry_place *places = t.places;
    uint32_t entry = entry_of(slot, hash);
    uint32_t hole = home_of(hash, t.count);
    while (places[hole] != entry) {
        hole = next_place(hole, t.count);
    }
    for (uint32_t i = next_place(hole, t.count); places[i] != 0; i = next_place(i, t.count)) {
        uint32_t home = home_of(slot_hash(r, places, places[i]), t.count);
        uint32_t from_home = i >= home ? i - home : i + t.count - home;
        uint32_t from_hole = i >= hole ? i - hole : i + t.count - hole;
        if (from_home >= from_hole) {
            places[hole] = places[i];
            hole = i;
        }
    }
    places[hole] = 0;
}

uint32_t registry_store_hash(const struct registry *r, struct slice text) {
    return hash_bytes(r->key, text.bytes, text.len);
}

uint32_t registry_store_find_family(const struct registry *r, struct slice name, uint32_t hash) {
    uint32_t place = home_of(hash, REGISTRY_FAMILY_PLACES);
    for (; r->family_places[place] != 0; place = next_place(place, REGISTRY_FAMILY_PLACES)) {
        uint32_t entry = r->family_places[place];
        uint32_t slot = (entry & SLOT_MASK) - 1;
        if (may_be(entry, hash) && slice_equals(registry_family_name(r, slot), name)) {
            return slot;
        }
    }
    return REGISTRY_NONE;
}

uint32_t registry_store_series_hash(const struct registry *r, uint32_t series) {
    return hash_two(r->key, registry_family_name(r, r->series[series].family),
                    registry_store_rest(r, series));
}

static bool is_identity(const struct registry *r, uint32_t series, struct slice identity) {
    struct slice name = registry_family_name(r, r->series[series].family);
    struct slice rest = registry_store_rest(r, series);
    return identity.len == name.len + rest.len &&
           memcmp(identity.bytes + name.len, rest.bytes, rest.len) == 0 &&
           memcmp(identity.bytes, name.bytes, name.len) == 0;
}

uint32_t registry_store_find_series(const struct registry *r, struct slice identity,
                                    uint32_t hash) {
    uint32_t place = home_of(hash, REGISTRY_SERIES_PLACES);
    for (; r->series_places[place] != 0; place = next_place(place, REGISTRY_SERIES_PLACES)) {
        uint32_t entry = r->series_places[place];
        uint32_t slot = (entry & SLOT_MASK) - 1;
        if (may_be(entry, hash) && is_identity(r, slot, identity)) {
            return slot;
        }
    }
    return REGISTRY_NONE;
}

/* ---- text -------------------------------------------------------------------------------- */

uint32_t *registry_store_text_of(struct registry *r, uint32_t owner) {
    if (owner - REGISTRY_STORE_SERIES < CFG_SERIES_MAX) {
        return &r->series[owner - REGISTRY_STORE_SERIES].text;
    }
    if (owner - REGISTRY_STORE_FAMILY < CFG_FAMILIES_MAX) {
        return &r->families[owner - REGISTRY_STORE_FAMILY].text;
    }
    if (owner - REGISTRY_STORE_TXN < CFG_REGISTRY_TRANSACTIONS_MAX) {
        return &r->txns[owner - REGISTRY_STORE_TXN].declaration.text;
    }
    return NULL;
}

/* Corrects the owner's offset. */
static void moved(void *context, uint32_t owner, uint32_t text) {
    uint32_t *at = registry_store_text_of(context, owner);
    if (at != NULL) {
        *at = text;
    }
}

void registry_store_resume(struct registry *r) {
    registry_arena_resume(&r->arena, moved, r);
}

static uint32_t full(struct problem *p, const char *table, uint32_t limit, const char *setting) {
    problem_format(
        p, PROBLEM_FULL,
        "table %s is full (limit %u, %s): delete what is not needed; nothing was changed", table,
        (unsigned)limit, setting);
    return REGISTRY_NONE;
}

/* Returns REGISTRY_ARENA_NONE with the refusal counted and explained. */
static uint32_t alloc_text(struct registry *r, uint32_t len, uint32_t owner, struct problem *p) {
    uint32_t text = registry_arena_alloc(&r->arena, len, owner, moved, r);
    if (text == REGISTRY_ARENA_NONE) {
        r->text_count.refused_total++;
        full(p, "registry_text_bytes", CFG_REGISTRY_TEXT_BYTES, "CFG_REGISTRY_TEXT_BYTES");
    }
    return text;
}

uint32_t registry_store_alloc_declaration(struct registry *r, uint32_t txn, uint32_t len,
                                          struct problem *p) {
    return alloc_text(r, len, REGISTRY_STORE_TXN + txn, p);
}

static struct slice type_slice(unsigned type) {
    const char *name = registry_type_name((enum metric_type)type);
    return (struct slice){name, (uint32_t)strlen(name)};
}

uint32_t registry_store_type_line_len(const struct registry_family *f) {
    return REGISTRY_STORE_NAME_AT + f->name_len + 1u + type_slice(f->type).len + 1u;
}

uint32_t registry_store_header_len(const struct registry_family *f) {
    return registry_store_type_line_len(f) + (f->help_len == 0 ? 0 : f->help_len + 1u);
}

struct slice registry_store_family_help(const struct registry *r, uint32_t family) {
    const struct registry_family *f = &r->families[family];
    uint32_t at = f->text + registry_store_type_line_len(f);
    return (struct slice){registry_arena_text(&r->arena, at), f->help_len};
}

struct slice registry_store_family_labels(const struct registry *r, uint32_t family) {
    const struct registry_family *f = &r->families[family];
    return (struct slice){registry_arena_text(&r->arena, f->text + registry_store_header_len(f)),
                          f->labels_len};
}

static void put_family_text(struct text *t, const struct registry_store_family *what) {
    text_puts(t, "# TYPE ");
    text_put_slice(t, what->name);
    text_put_char(t, ' ');
    text_put_slice(t, type_slice(what->type));
    text_put_char(t, '\n');
    if (what->help.len > 0) {
        text_put_slice(t, what->help);
        text_put_char(t, '\n');
    }
    text_put_slice(t, what->labels);
    text_put_char(t, '\n');
}

/* Its last word is the check word, and what comes before that is filled up with zeros. */
static uint32_t family_text_len(uint32_t header_len, uint32_t labels_len) {
    return ((header_len + labels_len + 1u + 3u) & ~3u) + (uint32_t)sizeof(uint32_t);
}

static uint32_t *last_word(struct registry *r, uint32_t text) {
    return &r->arena.words[(text + registry_arena_room_bytes(&r->arena, text)) / 4u - 1u];
}

uint32_t *registry_store_family_check_at(struct registry *r, uint32_t family) {
    return last_word(r, r->families[family].text);
}

static uint32_t check_family_text(const struct registry *r, const struct registry_family *f,
                                  uint32_t text, uint8_t owner) {
    uint8_t own = f->flags & REGISTRY_FAMILY_OWN;
    uint32_t check = state_check_word(FAMILY_SEED, (uint32_t)f->name_len << 16 | f->help_len);
    check = state_check_word(check, (uint32_t)f->type << 16 | (uint32_t)own << 8 | owner);
    return state_check(check, registry_arena_text(&r->arena, text),
                       registry_arena_room_bytes(&r->arena, text) - (uint32_t)sizeof(uint32_t));
}

uint32_t registry_store_family_check(const struct registry *r, uint32_t family, uint8_t owner) {
    return check_family_text(r, &r->families[family], r->families[family].text, owner);
}

bool registry_store_header_fits(struct slice name, struct slice help) {
    uint32_t quotes = 0; /* each is two bytes in OpenMetrics */
    if (name.len > REGISTRY_NAME_BYTES || help.len > CFG_LINE_BYTES) {
        return false;
    }
    for (uint32_t i = 0; i < help.len; i++) {
        quotes += help.bytes[i] == '"';
    }
    return REGISTRY_STORE_NAME_AT + name.len + 1 + help.len + quotes + 1 <= CFG_LINE_BYTES;
}

static void put_help_char(struct text *out, char c) {
    if (c == '\\' || c == '\n') {
        text_put_char(out, '\\');
        c = c == '\n' ? 'n' : c;
    }
    text_put_char(out, c);
}

void registry_store_put_help(struct text *out, struct slice help, enum label_form form) {
    for (uint32_t i = 0; i < help.len; i++) {
        char c = help.bytes[i];
        char next = i + 1 < help.len ? help.bytes[i + 1] : '\0';
        if (form != LABEL_RAW && c == '\\' && (next == '\\' || next == 'n' || next == '"')) {
            c = next == 'n' ? '\n' : next;
            i++;
        }
        put_help_char(out, c);
    }
}

bool registry_store_identity_fits(uint32_t identity_len) {
    return identity_len + 1u + NUMBER_TEXT_BYTES + 1u <= CFG_LINE_BYTES;
}

/* ---- slots ------------------------------------------------------------------------------- */

static void count_use(struct registry_count *count, uint32_t used) {
    count->used = used;
    if (used > count->high_water) {
        count->high_water = used;
    }
}

/* A slot that was never used is taken only when none was freed: so untouched memory stays so. */
static uint32_t take_family_slot(struct registry *r) {
    uint32_t slot = r->family_free;
    if (slot != REGISTRY_NONE) {
        r->family_free = r->families[slot].first_series;
    } else if (r->families_end < CFG_FAMILIES_MAX) {
        slot = r->families_end++;
    }
    return slot;
}

void registry_store_free_family_slot(struct registry *r, uint32_t slot) {
    r->families[slot].text = REGISTRY_ARENA_NONE;
    r->families[slot].flags = 0;
    r->families[slot].owner = 0;
    r->families[slot].first_series = (uint16_t)r->family_free;
    r->family_free = slot;
}

static uint32_t take_series_slot(struct registry *r) {
    uint32_t slot = r->series_free;
    if (slot != REGISTRY_NONE) {
        r->series_free = r->series[slot].next;
    } else if (r->series_end < CFG_SERIES_MAX) {
        slot = r->series_end++;
    }
    return slot;
}

/* Series that are being freed, chained in order, so that the next to come are laid out in memory
 * as they will be walked. */
struct chain {
    uint32_t first;
    uint32_t last;
};

static void give_series_slots(struct registry *r, struct chain chain) {
    if (chain.first != REGISTRY_NONE) {
        r->series[chain.last].next = (uint16_t)r->series_free;
        r->series_free = chain.first;
    }
}

void registry_store_free_series_slot(struct registry *r, uint32_t slot) {
    give_series_slots(r, (struct chain){slot, slot});
}

/* ---- families ---------------------------------------------------------------------------- */

uint32_t registry_store_add_family(struct registry *r, const struct registry_store_family *what,
                                   struct problem *p) {
    uint32_t slot = take_family_slot(r);
    if (slot == REGISTRY_NONE) {
        r->families_count.refused_total++;
        return full(p, "families", CFG_FAMILIES_MAX, "CFG_FAMILIES_MAX");
    }
    struct registry_family *f = &r->families[slot];
    *f = (struct registry_family){
        .first_series = REGISTRY_NONE,
        .last_series = REGISTRY_NONE,
        .busy_count = what->owner != 0,
        .name_len = (uint16_t)what->name.len,
        .help_len = (uint16_t)what->help.len,
        .labels_len = (uint16_t)what->labels.len,
        .type = (uint8_t)what->type,
        .flags = REGISTRY_FAMILY_USED | what->flags,
        .owner = what->owner,
    };
    uint32_t len = family_text_len(registry_store_header_len(f), what->labels.len);
    uint32_t at = alloc_text(r, len, REGISTRY_STORE_FAMILY + slot, p);
    if (at == REGISTRY_ARENA_NONE) {
        registry_store_free_family_slot(r, slot);
        return REGISTRY_NONE;
    }
    struct text text = text_over(registry_arena_at(&r->arena, at), len);
    *(last_word(r, at) - 1) = 0;
    put_family_text(&text, what);
    *last_word(r, at) = check_family_text(r, f, at, what->owner);
    state_barrier();
    f->text = at;
    state_barrier();
    registry_store_enter_family(r, slot);
    registry_shape_changed(r, what->name);
    return slot;
}

void registry_store_enter_family(struct registry *r, uint32_t family) {
    r->families[family].sequence = ++r->family_sequence;
    table_put(family_table(r), family, registry_store_hash(r, registry_family_name(r, family)));
    count_use(&r->families_count, r->families_count.used + 1);
}

void registry_store_publish_family(struct registry *r, uint32_t family) {
    struct registry_family *f = &r->families[family];
    *registry_store_family_check_at(r, family) = registry_store_family_check(r, family, 0);
    state_barrier();
    f->flags &= (uint8_t)~REGISTRY_FAMILY_FRESH;
    f->owner = 0;
}

bool registry_store_set_labels(struct registry *r, uint32_t family, struct slice labels,
                               struct problem *p) {
    struct registry_family *f = &r->families[family];
    uint32_t len = registry_store_header_len(f);
    uint32_t text =
        alloc_text(r, family_text_len(len, labels.len), REGISTRY_STORE_FAMILY + family, p);
    if (text == REGISTRY_ARENA_NONE) {
        return false;
    }
    uint32_t before = f->text;
    char *to = registry_arena_at(&r->arena, text);
    *(last_word(r, text) - 1) = 0;
    memcpy(to, registry_arena_text(&r->arena, before), len);
    memcpy(to + len, labels.bytes, labels.len);
    to[len + labels.len] = '\n';
    *last_word(r, text) = check_family_text(r, f, text, f->owner);
    state_barrier();
    f->text = text; /* from here on these are its labels */
    state_barrier();
    f->labels_len = (uint16_t)labels.len;
    registry_arena_free(&r->arena, before);
    return true;
}

/* Takes a series out of everything but its family's list. */
static void forget_series(struct registry *r, uint32_t series) {
    struct registry_series *s = &r->series[series];
    s->check = 0;
    state_barrier();
    table_remove(r, series_table(r), series, registry_store_series_hash(r, series));
    registry_arena_free(&r->arena, s->text);
    s->text = REGISTRY_ARENA_NONE;
    s->owner = 0;
    r->series_count.used--;
}

void registry_store_remove_family(struct registry *r, uint32_t family) {
    struct registry_family *f = &r->families[family];
    uint32_t text = f->text;
    char name_bytes[REGISTRY_NAME_BYTES];
    struct slice name = registry_family_name(r, family);
    memcpy(name_bytes, name.bytes, name.len);
    name.bytes = name_bytes;
    uint32_t *check = registry_store_family_check_at(r, family);
    *check = ~*check; /* with this it is gone, and its series */
    state_barrier();
    for (uint32_t s = f->first_series; s != REGISTRY_NONE; s = r->series[s].next) {
        forget_series(r, s);
    }
    state_barrier();
    give_series_slots(r, (struct chain){f->first_series, f->last_series});
    table_remove(r, family_table(r), family, registry_store_hash(r, name));
    registry_store_free_family_slot(r, family);
    state_barrier();
    registry_arena_free(&r->arena, text);
    r->families_count.used--;
    registry_shape_changed(r, name);
}

/* ---- series ------------------------------------------------------------------------------ */

/* The order of the stores keeps the list whole. */
void registry_store_link_series(struct registry *r, uint32_t series, uint32_t after) {
    struct registry_family *f = &r->families[r->series[series].family];
    uint16_t *link = after == REGISTRY_NONE ? &f->first_series : &r->series[after].next;
    r->series[series].next = *link;
    state_barrier();
    *link = (uint16_t)series;
    if (f->last_series == after) {
        f->last_series = (uint16_t)series;
    }
    f->series_count++;
}

void registry_store_enter_series(struct registry *r, uint32_t series, uint32_t hash) {
    table_put(series_table(r), series, hash);
    count_use(&r->series_count, r->series_count.used + 1);
}

uint32_t registry_store_add_series(struct registry *r, const struct registry_store_series *what,
                                   struct slice identity, struct problem *p) {
    struct registry_family *f = &r->families[what->family];
    uint32_t rest_len = identity.len - f->name_len;
    uint32_t slot = take_series_slot(r);
    if (slot == REGISTRY_NONE) {
        r->series_count.refused_total++;
        return full(p, "series", CFG_SERIES_MAX, "CFG_SERIES_MAX");
    }
    uint32_t text =
        alloc_text(r, registry_value_text_len(rest_len), REGISTRY_STORE_SERIES + slot, p);
    if (text == REGISTRY_ARENA_NONE) {
        registry_store_free_series_slot(r, slot);
        return REGISTRY_NONE;
    }
    struct registry_series *s = &r->series[slot];
    *s = (struct registry_series){
        .text = text,
        .family = (uint16_t)what->family,
        .rest_len = (uint16_t)rest_len,
        .form = REGISTRY_FORM_FRESH,
        .owner = what->owner,
    };
    char *rest = registry_arena_at(&r->arena, text);
    memcpy(rest, identity.bytes + f->name_len, rest_len);
    rest[rest_len] = ' ';
    if (what->owner == REGISTRY_OWNER_SELF) {
        registry_value_set(r, slot, what->value);
    } else {
        registry_value_stage(r, slot, what->value);
        f->busy_count++;
    }
    state_barrier();
    s->check = registry_value_made_check(s, what->hash, what->owner);
    state_barrier();
    registry_store_enter_series(r, slot, what->hash);
    registry_store_link_series(r, slot, what->after);
    return slot;
}

uint32_t registry_store_remove_fresh(struct registry *r, uint32_t family, uint8_t owner) {
    struct registry_family *f = &r->families[family];
    struct chain freed = {REGISTRY_NONE, REGISTRY_NONE};
    uint32_t count = 0;
    uint16_t *link = &f->first_series;
    f->last_series = REGISTRY_NONE;
    while (*link != REGISTRY_NONE) {
        uint16_t series = *link;
        struct registry_series *s = &r->series[series];
        if (s->owner != owner || s->form != REGISTRY_FORM_FRESH) {
            f->last_series = series;
            link = &s->next;
            continue;
        }
        *link = s->next;
        state_barrier();
        forget_series(r, series);
        if (freed.first == REGISTRY_NONE) {
            freed.first = series;
        } else {
            r->series[freed.last].next = series;
        }
        freed.last = series;
        count++;
    }
    give_series_slots(r, freed);
    f->series_count = (uint16_t)(f->series_count - count);
    f->busy_count = (uint16_t)(f->busy_count - count);
    return count;
}
