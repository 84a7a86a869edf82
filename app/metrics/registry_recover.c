/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_recover.c: registry_recover (registry.h). First what a reset cut is carried out: the move
 * of a text, then commits. After that the slots are judged, and everything else is made anew from
 * those that hold: the arena's blocks, hash tables, lists, counts. Each step may be done again, so
 * a reset during it is one like any other.
 */
#include "metrics/registry_group.h"
#include "metrics/registry_shape.h"
#include "metrics/registry_store.h"
#include "metrics/registry_txn.h"
#include "state_order.h"

/* What is known of a family, kept in `shape`, and of a series, in `flags`: both are made anew at the
 * end. */
enum verdict {
    GONE, /* deleted, not committed, pingshot's own, or a free slot that no series may be of */
    DAMAGED,
    HELD,   /* its check word is right */
    PLACED, /* and its text has the arena to itself there */
};

/* ---- what slots say ------------------------------------------------------------------------ */

/* Whether a family's text is where its slot says, long enough for what the slot says of it. */
static bool family_has_text(const struct registry *r, uint32_t family) {
    const struct registry_family *f = &r->families[family];
    return f->type <= METRIC_UNTYPED && f->name_len <= REGISTRY_NAME_BYTES &&
           registry_arena_has(&r->arena, f->text, REGISTRY_STORE_FAMILY | family) &&
           registry_store_header_len(f) + sizeof(uint32_t) <
               registry_arena_room_bytes(&r->arena, f->text);
}

static enum verdict judge_family(struct registry *r, uint32_t family) {
    const struct registry_family *f = &r->families[family];
    if (!family_has_text(r, family)) {
        return DAMAGED;
    }
    uint32_t check = *registry_store_family_check_at(r, family);
    uint32_t held = registry_store_family_check(r, family, 0);
    uint32_t fresh = registry_store_family_check(r, family, f->owner);
    if (check == held) {
        return f->flags & REGISTRY_FAMILY_OWN ? GONE : HELD;
    }
    return check == fresh || ~check == held || ~check == fresh ? GONE : DAMAGED;
}

/* Whether a series's text is where its slot says, has the identity with that hash, and room for any
 * value. */
static bool series_has_text(const struct registry *r, uint32_t series) {
    const struct registry_series *s = &r->series[series];
    uint32_t len = registry_store_series_text_len(s->identity_len);
    if (!registry_arena_has(&r->arena, s->text, REGISTRY_STORE_SERIES | series) ||
        registry_arena_room_bytes(&r->arena, s->text) - len >= sizeof(uint32_t)) {
        return false;
    }
    struct slice identity = registry_store_identity(r, series);
    return identity.bytes[identity.len] == ' ' && registry_store_hash(r, identity) == s->hash;
}

/* Whether the text says the value, which no check word covers. */
static bool says_value(const struct registry *r, uint32_t series) {
    const struct registry_series *s = &r->series[series];
    struct slice line = registry_store_identity(r, series);
    char number[NUMBER_TEXT_BYTES + 1];
    uint32_t len = number_format(number, s->value);
    number[len++] = '\n';
    return s->line_len == line.len + 1u + len &&
           memcmp(line.bytes + line.len + 1, number, len) == 0;
}

static enum verdict judge_series(const struct registry *r, uint32_t series) {
    const struct registry_series *s = &r->series[series];
    if (s->check != registry_store_series_check(s, 0)) {
        return s->check == registry_store_series_check(s, s->owner) ? GONE : DAMAGED;
    }
    if (s->family >= CFG_FAMILIES_MAX || r->families[s->family].text == REGISTRY_ARENA_NONE) {
        return DAMAGED; /* a family's slot is free only after those of its series */
    }
    enum verdict family = (enum verdict)r->families[s->family].shape;
    if (family != HELD) {
        return family;
    }
    return series_has_text(r, series) && says_value(r, series) ? HELD : DAMAGED;
}

/* ---- commits ------------------------------------------------------------------------------- */

/* Whether the transaction that a slot names as its owner was being carried out. */
static bool is_redone(const struct registry *r, uint8_t owner) {
    return owner != 0 && owner <= CFG_REGISTRY_TRANSACTIONS_MAX && r->txns[owner - 1].redo != 0;
}

static void redo_families(struct registry *r) {
    for (uint32_t i = 0; i < CFG_FAMILIES_MAX; i++) {
        uint8_t owner = r->families[i].owner;
        if (is_redone(r, owner) && family_has_text(r, i) &&
            *registry_store_family_check_at(r, i) == registry_store_family_check(r, i, owner)) {
            registry_store_publish_family(r, i);
        }
    }
}

static void redo_series(struct registry *r) {
    for (uint32_t i = 0; i < CFG_SERIES_MAX; i++) {
        struct registry_series *s = &r->series[i];
        if (s->check == 0 || !is_redone(r, s->owner)) {
            continue;
        }
        bool fresh = s->check == registry_store_series_check(s, s->owner);
        bool staged = s->check == registry_store_series_check(s, 0) &&
                      (s->flags & REGISTRY_SERIES_STAGED) != 0;
        if (fresh) {
            registry_store_publish_series(r, i);
        } else if (staged && series_has_text(r, i)) {
            registry_store_apply_staged(r, i);
        }
    }
}

/* Carries out what was committed and maybe not carried out to the end. */
static void redo_commits(struct registry *r) {
    for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        struct registry_txn *txn = &r->txns[i];
        if (txn->state != REGISTRY_TXN_COMMITTED || txn->end_word > REGISTRY_SERIES_WORDS ||
            txn->redo != registry_txn_check(r, txn)) {
            txn->redo = 0;
        }
    }
    redo_families(r);
    redo_series(r);
    state_barrier();
}

/* ---- judgement ----------------------------------------------------------------------------- */

static uint32_t end_of(const struct registry *r, uint32_t text, uint32_t end) {
    uint32_t this_end = text + registry_arena_room_bytes(&r->arena, text);
    return this_end > end ? this_end : end;
}

/* Empties the slots of families that do not hold; those of their series are by now. */
static void drop_families(struct registry *r) {
    state_barrier();
    for (uint32_t i = 0; i < CFG_FAMILIES_MAX; i++) {
        if (r->families[i].shape != HELD) {
            r->families[i].text = REGISTRY_ARENA_NONE;
        }
    }
    state_barrier();
}

/* Judges every slot, and empties those that do not hold. Returns the end of the texts of those that
 * do. */
static uint32_t judge(struct registry *r, struct registry_recovery *found) {
    uint32_t end = 0;
    for (uint32_t i = 0; i < CFG_FAMILIES_MAX; i++) {
        struct registry_family *f = &r->families[i];
        f->shape = (uint8_t)(f->text == REGISTRY_ARENA_NONE ? GONE : judge_family(r, i));
        found->damaged_count += f->shape == DAMAGED;
        end = f->shape == HELD ? end_of(r, f->text, end) : end;
    }
    for (uint32_t i = 0; i < CFG_SERIES_MAX; i++) {
        struct registry_series *s = &r->series[i];
        if (s->check == 0) {
            continue;
        }
        s->flags = (uint8_t)judge_series(r, i);
        found->damaged_count += s->flags == DAMAGED;
        if (s->flags == HELD) {
            end = end_of(r, s->text, end);
        } else {
            s->check = 0;
        }
    }
    drop_families(r);
    return end;
}

static bool claimed(void *context, uint32_t owner, uint32_t text) {
    struct registry *r = context;
    uint32_t slot = owner & ~REGISTRY_STORE_KIND;
    uint8_t *verdict = NULL;
    if ((owner & REGISTRY_STORE_KIND) == REGISTRY_STORE_SERIES && slot < CFG_SERIES_MAX &&
        r->series[slot].text == text) {
        verdict = &r->series[slot].flags;
    }
    if ((owner & REGISTRY_STORE_KIND) == REGISTRY_STORE_FAMILY && slot < CFG_FAMILIES_MAX &&
        r->families[slot].text == text) {
        verdict = &r->families[slot].shape;
    }
    if (verdict == NULL || *verdict != HELD) {
        return false;
    }
    *verdict = PLACED;
    return true;
}

/* ---- everything else ----------------------------------------------------------------------- */

static bool is_placed(const struct registry *r, uint32_t series) {
    const struct registry_series *s = &r->series[series];
    return s->check != 0 && s->flags == PLACED && r->families[s->family].shape == PLACED;
}

static void keep_series(struct registry *r, uint32_t series) {
    r->series[series].flags = 0;
    r->series[series].owner = 0;
    registry_store_enter_series(r, series);
}

/* Takes out of a family's list what is not to stay. However damaged the list is, it is not followed
 * further than there are series. */
static void relist(struct registry *r, uint32_t family) {
    struct registry_family *f = &r->families[family];
    uint32_t *link = &f->first_series;
    uint32_t series = f->first_series;
    f->last_series = REGISTRY_NONE;
    f->series_count = 0;
    for (uint32_t i = 0; i < CFG_SERIES_MAX && series < CFG_SERIES_MAX; i++) {
        uint32_t next = r->series[series].next;
        if (is_placed(r, series) && r->series[series].family == family) {
            keep_series(r, series);
            *link = series;
            link = &r->series[series].next;
            f->last_series = series;
            f->series_count++;
        }
        series = next;
    }
    *link = REGISTRY_NONE;
}

static void restore_families(struct registry *r, struct registry_recovery *found) {
    for (uint32_t i = 0; i < CFG_FAMILIES_MAX; i++) {
        struct registry_family *f = &r->families[i];
        if (f->shape != PLACED) {
            found->damaged_count += f->shape == HELD;
            continue;
        }
        uint32_t len = registry_store_header_len(f);
        struct slice labels = {registry_arena_text(&r->arena, f->text + len),
                               registry_arena_room_bytes(&r->arena, f->text) - len};
        f->labels_len = (uint16_t)slice_cut(&labels, '\n').len;
        f->hash = registry_store_hash(r, registry_family_name(r, i));
        f->flags = REGISTRY_FAMILY_USED;
        f->owner = 0;
        f->busy_count = 0;
        registry_store_enter_family(r, i);
        relist(r, i);
    }
}

/* Series that damage has cut off from their family's list; and those that have none, or no text,
 * because another record lies over it. */
static void restore_lost_series(struct registry *r, struct registry_recovery *found) {
    for (uint32_t i = 0; i < CFG_SERIES_MAX; i++) {
        struct registry_series *s = &r->series[i];
        if (s->check == 0 || s->flags == 0) {
            continue;
        }
        if (is_placed(r, i)) {
            uint32_t after = registry_group_place(r, s->family, registry_store_identity(r, i));
            keep_series(r, i);
            registry_store_link_series(r, i, after);
        } else {
            if (s->flags == PLACED) {
                registry_arena_free(&r->arena, s->text);
            }
            s->check = 0;
            found->damaged_count++;
        }
    }
}

static void free_slots(struct registry *r) {
    for (uint32_t i = CFG_FAMILIES_MAX; i-- > 0;) {
        if (r->families[i].shape == PLACED) {
            r->families_end = r->families_end == 0 ? i + 1 : r->families_end;
        } else if (r->families_end > 0) {
            registry_store_free_family_slot(r, i);
        } else {
            r->families[i].text = REGISTRY_ARENA_NONE;
        }
    }
    for (uint32_t i = CFG_SERIES_MAX; i-- > 0;) {
        if (r->series[i].check != 0) {
            r->series_end = r->series_end == 0 ? i + 1 : r->series_end;
        } else if (r->series_end > 0) {
            registry_store_free_series_slot(r, i);
        }
    }
}

static void decide_shapes(struct registry *r) {
    for (uint32_t i = 0; i < r->families_end; i++) {
        if (r->families[i].flags & REGISTRY_FAMILY_USED) {
            registry_shape_changed(r, registry_family_name(r, i));
        }
    }
}

void registry_recover(struct registry *r, const uint8_t key[HASH_KEY_BYTES],
                      struct registry_recovery *found) {
    *found = (struct registry_recovery){0, 0, 0};
    r->key = hash_key_from(key);
    registry_store_resume(r);
    redo_commits(r);
    uint32_t end = judge(r, found);
    registry_arena_recover(&r->arena, end, claimed, r);
    registry_clear_derived(r, key);
    restore_families(r, found);
    restore_lost_series(r, found);
    state_barrier();
    free_slots(r);
    decide_shapes(r);
    found->families_count = r->families_count.used;
    found->series_count = r->series_count.used;
}
