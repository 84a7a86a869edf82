/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * alerts.c: see alerts.h. A slot keeps its place while its alert fires, so that a page of metrics
 * that is under way meanwhile neither misses it nor has it twice.
 */
#include "webhook/alerts.h"

enum state {
    STATE_FREE,
    STATE_FIRING,
    STATE_RESOLVED,  /* planned: it is to become free */
    STATE_RESTARTED, /* planned: it fires since another moment */
};

void alerts_init(struct alerts *a, struct hash_key key) {
    a->key = key;
    a->end = 0;
    a->stats = (struct table_stats){.name = LABEL_VALUE("alerts"), .limit = CFG_ALERTS_MAX};
    for (uint32_t i = 0; i < CFG_ALERTS_MAX; i++) {
        a->slots[i].state = STATE_FREE;
    }
    alerts_plan_end(a);
}

static struct slice labels_of(const struct alerts *a, uint32_t slot) {
    return (struct slice){a->labels[slot], a->slots[slot].labels_bytes};
}

/* The slot with these labels, or NULL. */
static struct alert *find(struct alerts *a, struct slice labels, uint32_t hash) {
    for (uint32_t i = 0; i < a->end; i++) {
        struct alert *alert = &a->slots[i];
        if (alert->hash == hash && alert->state != STATE_FREE &&
            slice_equals(labels_of(a, i), labels)) {
            return alert;
        }
    }
    return NULL;
}

/* ---- planning ---------------------------------------------------------------------------- */

void alerts_plan(struct alerts *a, struct slice labels, bool firing, struct slice starts_at) {
    struct alert *alert = find(a, labels, hash_bytes(a->key, labels.bytes, labels.len));
    if (alert == NULL) {
        a->new_count += firing;
        return; /* resolved, and not known to fire: resolved before */
    }
    a->resolved_count -= alert->state == STATE_RESOLVED;
    a->restarted_count -= alert->state == STATE_RESTARTED;
    if (!firing) {
        alert->state = STATE_RESOLVED;
        a->resolved_count++;
    } else if (alert->started != hash_bytes(a->key, starts_at.bytes, starts_at.len)) {
        alert->state = STATE_RESTARTED;
        a->restarted_count++;
    } else {
        alert->state = STATE_FIRING;
    }
}

uint32_t alerts_plan_changes(const struct alerts *a) {
    return a->new_count + a->resolved_count + a->restarted_count;
}

bool alerts_plan_fits(struct alerts *a, struct problem *p) {
    if (a->stats.used - a->resolved_count + a->new_count <= CFG_ALERTS_MAX) {
        return true;
    }
    a->stats.refused_total++;
    return problem_format(p, PROBLEM_FULL,
                          "alerts: the table is full: %u of %u fire, and %u more came; "
                          "resolve some, or set max_alerts in the receiver's webhook_configs",
                          (unsigned)a->stats.used, CFG_ALERTS_MAX, (unsigned)a->new_count);
}

void alerts_plan_end(struct alerts *a) {
    for (uint32_t i = 0; i < a->end; i++) {
        if (a->slots[i].state != STATE_FREE) {
            a->slots[i].state = STATE_FIRING;
        }
    }
    a->new_count = 0;
    a->resolved_count = 0;
    a->restarted_count = 0;
}

/* ---- applying ---------------------------------------------------------------------------- */

bool alerts_next_resolved(struct alerts *a, uint32_t *slot, char text[CFG_ALERT_TEXT_BYTES],
                          struct slice *labels) {
    while (a->resolved_count > 0 && *slot < a->end) {
        const uint32_t at = (*slot)++;
        if (a->slots[at].state == STATE_RESOLVED) {
            a->slots[at].state = STATE_FREE;
            table_stats_give(&a->stats);
            *labels = (struct slice){text, a->slots[at].labels_bytes};
            memcpy(text, a->labels[at], labels->len);
            return true;
        }
    }
    while (a->end > 0 && a->slots[a->end - 1].state == STATE_FREE) {
        a->end--;
    }
    return false;
}

static struct alert *take_slot(struct alerts *a) {
    uint32_t at = 0;
    while (at < a->end && a->slots[at].state != STATE_FREE) {
        at++;
    }
    if (at == CFG_ALERTS_MAX) {
        return NULL;
    }
    a->end = at < a->end ? a->end : at + 1;
    table_stats_take(&a->stats);
    return &a->slots[at];
}

bool alerts_fire(struct alerts *a, struct slice labels, struct slice starts_at) {
    const uint32_t hash = hash_bytes(a->key, labels.bytes, labels.len);
    const uint32_t started = hash_bytes(a->key, starts_at.bytes, starts_at.len);
    struct alert *alert = find(a, labels, hash);
    if (alert != NULL) {
        const bool restarted = alert->started != started;
        alert->started = started;
        return restarted;
    }
    alert = take_slot(a);
    if (alert == NULL) {
        return false; /* not planned */
    }
    *alert = (struct alert){hash, started, (uint16_t)labels.len, STATE_FIRING};
    memcpy(a->labels[alert - a->slots], labels.bytes, labels.len);
    return true;
}

bool alerts_firing(const struct alerts *a, uint32_t slot, struct slice *labels) {
    if (slot >= a->end || a->slots[slot].state == STATE_FREE) {
        return false;
    }
    *labels = labels_of(a, slot);
    return true;
}
