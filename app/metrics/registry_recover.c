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
#include "metrics/registry_value.h"
#include "state_order.h"

/* What is known of a family, kept in `shape`, and of a series, in `form`: both are made anew at the
 * end. */
enum verdict {
    GONE =
        0x80, /* none is a form that a series can have otherwise; deleted, not committed, pingshot's own, or a free slot that no series may be of */
    DAMAGED,
    HELD,   /* its check word is right */
    PLACED, /* and its text has the arena to itself there */
};

/* ---- what slots say ------------------------------------------------------------------------ */

/* Whether a family's text is where its slot says, long enough for what the slot says of it. */
static bool family_has_text(const struct registry *r, uint32_t family) {
    const struct registry_family *f = &r->families[family];
    return f->type <= METRIC_UNTYPED && f->name_len <= REGISTRY_NAME_BYTES &&
           registry_arena_has(&r->arena, f->text, REGISTRY_STORE_FAMILY + family) &&
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

/* Whether a series's text is where its slot says, as long as it says, and likewise that of its
 * family, whose slot is free only after those of its series. */
static bool series_has_text(const struct registry *r, uint32_t series) {
    const struct registry_series *s = &r->series[series];
    return s->family < CFG_FAMILIES_MAX && family_has_text(r, s->family) &&
           registry_arena_has(&r->arena, s->text, REGISTRY_STORE_SERIES + series) &&
           registry_arena_room_bytes(&r->arena, s->text) - registry_value_text_len(s->rest_len) <
               sizeof(uint32_t) &&
           *registry_arena_text(&r->arena, s->text + s->rest_len) == ' ';
}

static enum verdict judge_series(const struct registry *r, uint32_t series) {
    const struct registry_series *s = &r->series[series];
    if (!series_has_text(r, series)) {
        return DAMAGED;
    }
    uint32_t hash = registry_store_series_hash(r, series);
    if (s->check != registry_value_check(s, hash, s->value)) {
        return s->check == registry_value_made_check(s, hash, s->owner) ? GONE : DAMAGED;
    }
    return (enum verdict)r->families[s->family].shape;
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

/* One whose value was being replaced has the check word of the new one already. */
static void redo_series(struct registry *r) {
    for (uint32_t i = 0; i < CFG_SERIES_MAX; i++) {
        struct registry_series *s = &r->series[i];
        if (s->check == 0 || !is_redone(r, s->owner) || !series_has_text(r, i)) {
            continue;
        }
        double staged = registry_value_staged(r, i);
        uint32_t hash = registry_store_series_hash(r, i);
        uint32_t done = registry_value_check(s, hash, staged);
        if (s->check == done || s->check == registry_value_check(s, hash, s->value) ||
            s->check == registry_value_made_check(s, hash, s->owner)) {
            s->check = done;
            state_barrier();
            s->value = staged;
        }
    }
}

/* Whether the transaction's record is that of a commit that was being carried out. */
static bool is_redo_record(const struct registry *r, const struct registry_txn *txn) {
    if (txn->redo == 0 || txn->state != REGISTRY_TXN_COMMITTED ||
        txn->end_word > REGISTRY_SERIES_WORDS) {
        return false;
    }
    for (uint32_t i = registry_txn_next_series(txn, 0); i < CFG_SERIES_MAX;
         i = registry_txn_next_series(txn, i + 1)) {
        if (!series_has_text(r, i)) {
            return false;
        }
    }
    return txn->redo == registry_txn_check(r, txn);
}

/* Carries out what was committed and maybe not carried out to the end. */
static void redo_commits(struct registry *r) {
    for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        if (!is_redo_record(r, &r->txns[i])) {
            r->txns[i].redo = 0;
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
        s->form = (uint8_t)judge_series(r, i);
        found->damaged_count += s->form == DAMAGED;
        if (s->form == HELD) {
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
    const uint32_t *owners_text = registry_store_text_of(r, owner);
    if (owners_text == NULL || *owners_text != text || owner >= REGISTRY_STORE_TXN) {
        return false;
    }
    uint8_t *verdict = owner < REGISTRY_STORE_FAMILY
                           ? &r->series[owner - REGISTRY_STORE_SERIES].form
                           : &r->families[owner - REGISTRY_STORE_FAMILY].shape;
    bool held = *verdict == HELD;
    if (held) {
        *verdict = PLACED;
    }
    return held;
}

/* ---- everything else ----------------------------------------------------------------------- */

static bool is_placed(const struct registry *r, uint32_t series) {
    const struct registry_series *s = &r->series[series];
    return s->check != 0 && s->form == PLACED && r->families[s->family].shape == PLACED;
}

static bool is_kept(const struct registry_series *s) {
    return s->form != HELD && s->form != PLACED;
}

static void keep_series(struct registry *r, uint32_t series) {
    registry_value_release(r, series);
    registry_store_enter_series(r, series, registry_store_series_hash(r, series));
}

/* Takes out of a family's list what is not to stay. However damaged the list is, it is not followed
 * further than there are series. */
static void relist(struct registry *r, uint32_t family) {
    struct registry_family *f = &r->families[family];
    uint16_t *link = &f->first_series;
    uint32_t series = f->first_series;
    f->last_series = REGISTRY_NONE;
    f->series_count = 0;
    for (uint32_t i = 0; i < CFG_SERIES_MAX && series < CFG_SERIES_MAX; i++) {
        uint32_t next = r->series[series].next;
        if (is_placed(r, series) && r->series[series].family == family) {
            keep_series(r, series);
            *link = (uint16_t)series;
            link = &r->series[series].next;
            f->last_series = (uint16_t)series;
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
        if (s->check == 0 || is_kept(s)) {
            continue;
        }
        if (is_placed(r, i)) {
            uint32_t after = registry_group_place(r, s->family, registry_store_rest(r, i));
            keep_series(r, i);
            registry_store_link_series(r, i, after);
        } else {
            if (s->form == PLACED) {
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
