/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scrapers.c: see scrapers.h.
 */
#include "events/scrapers.h"

#include "clock.h"

void scrapers_init(struct scrapers *s) {
    for (uint32_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        s->entries[i].used = false;
    }
    s->mask = 0;
    s->stats = (struct table_stats){"scrapers", 0, 0, CFG_SCRAPERS_MAX, 0};
}

/* ---- identity ----------------------------------------------------------------------------- */

static bool set_name(struct scraper_identity *identity, struct slice name, const char *what,
                     struct problem *p) {
    if (name.len > SCRAPERS_NAME_BYTES || slice_utf8_error(name) != name.len) {
        struct text t = problem_begin(p, PROBLEM_MALFORMED);
        text_puts(&t, what);
        text_puts(&t, " \"");
        text_put_printable(&t, name, SCRAPERS_NAME_BYTES);
        text_puts(&t, "\": the name of a scraper is UTF-8 of at most ");
        text_put_u64(&t, SCRAPERS_NAME_BYTES);
        text_puts(&t, " bytes");
        return problem_end(p, &t);
    }
    memcpy(identity->name, name.bytes, name.len);
    identity->name_bytes = (uint8_t)name.len;
    return true;
}

/* The first product's name (RFC 9110 section 10.1.5). */
static struct slice product_of(struct slice user_agent) {
    struct slice product = slice_trim(user_agent);
    for (uint32_t i = 0; i < product.len; i++) {
        if (product.bytes[i] == '/' || product.bytes[i] == ' ' || product.bytes[i] == '\t') {
            product.len = i;
        }
    }
    return product;
}

bool scrapers_identify(struct scraper_identity *identity, struct slice parameter,
                       struct slice address, struct slice user_agent, bool announced,
                       struct problem *p) {
    identity->agent_bytes = 0;
    if (parameter.len > 0) {
        return set_name(identity, parameter, "scraper", p);
    }
    struct slice agent = product_of(user_agent);
    if (agent.len == 0) {
        agent = SLICE("unknown");
    } else if (announced && slice_equals(agent, SLICE("Go-http-client"))) {
        agent = SLICE("vm_promscrape");
    }
    /* Printable bytes become no more of them, and "..." past the end is dropped with the rest. */
    struct text t = text_over(identity->agent, SCRAPERS_AGENT_BYTES);
    text_put_printable(&t, agent, SCRAPERS_AGENT_BYTES);
    identity->agent_bytes = (uint8_t)t.len;
    return set_name(identity, address, "address", p);
}

struct slice scrapers_name(const struct scraper_identity *identity) {
    return (struct slice){identity->name, identity->name_bytes};
}

struct slice scrapers_agent(const struct scraper_identity *identity) {
    return (struct slice){identity->agent, identity->agent_bytes};
}

/* ---- table -------------------------------------------------------------------------------- */

uint8_t scrapers_find(const struct scrapers *s, const struct scraper_identity *identity) {
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        const struct scraper_identity *known = &s->entries[i].identity;
        if (s->entries[i].used && slice_equals(scrapers_name(known), scrapers_name(identity)) &&
            slice_equals(scrapers_agent(known), scrapers_agent(identity))) {
            return i;
        }
    }
    return SCRAPERS_NONE;
}

uint8_t scrapers_add(struct scrapers *s, const struct scraper_identity *identity, uint32_t now_ms) {
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        if (!s->entries[i].used) {
            s->entries[i] =
                (struct scraper){.used = true, .identity = *identity, .last_seen_ms = now_ms};
            s->mask |= (uint32_t)1 << i;
            table_stats_take(&s->stats);
            return i;
        }
    }
    return SCRAPERS_NONE;
}

uint8_t scrapers_dispensable(const struct scrapers *s) {
    uint8_t best = SCRAPERS_NONE;
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        const struct scraper *entry = &s->entries[i];
        if (!entry->used || entry->announced || entry->in_flight_count != 0) {
            continue;
        }
        if (best == SCRAPERS_NONE ||
            !clock_reached(entry->last_seen_ms, s->entries[best].last_seen_ms)) {
            best = i;
        }
    }
    return best;
}

void scrapers_remove(struct scrapers *s, uint8_t index) {
    s->entries[index].used = false;
    s->mask &= ~((uint32_t)1 << index);
    table_stats_give(&s->stats);
}
