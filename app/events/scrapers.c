/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scrapers.c: see scrapers.h.
 */
#include "events/scrapers.h"

#include "clock.h"
#include "state_order.h"

#define SEAL 0x73637270u

static void set_none_known(struct scrapers *s) {
    s->mask = 0;
    s->stats = (struct table_stats){LABEL_VALUE("scrapers"), 0, 0, CFG_SCRAPERS_MAX, 0};
}

void scrapers_init(struct scrapers *s) {
    for (uint32_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        s->entries[i].seal = 0;
    }
    set_none_known(s);
}

/* ---- identity ----------------------------------------------------------------------------- */

static bool set_name(struct scraper_identity *identity, struct slice name, const char *what,
                     struct problem *p) {
    if (name.len > SCRAPERS_NAME_BYTES || slice_utf8_error(name) != name.len) {
        return problem_format(p, PROBLEM_MALFORMED,
                              "%s \"%.*s\": the name of a scraper is UTF-8 of at most %u bytes",
                              what, TEXT_SLICE(name), SCRAPERS_NAME_BYTES);
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

/* Of the bytes that are used; both lengths are known to be possible. */
static uint32_t seal_of(const struct scraper_identity *identity) {
    const uint32_t seed = SEAL ^ ((uint32_t)identity->name_bytes << 8 | identity->agent_bytes);
    return state_check(state_check(seed, identity->name, identity->name_bytes), identity->agent,
                       identity->agent_bytes);
}

uint8_t scrapers_find(const struct scrapers *s, const struct scraper_identity *identity) {
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        const struct scraper_identity *known = &s->entries[i].identity;
        if (s->entries[i].seal != 0 &&
            slice_equals(scrapers_name(known), scrapers_name(identity)) &&
            slice_equals(scrapers_agent(known), scrapers_agent(identity))) {
            return i;
        }
    }
    return SCRAPERS_NONE;
}

/* Makes what is not under the seal. */
static void enter(struct scrapers *s, uint8_t index, uint32_t now_ms) {
    struct scraper *entry = &s->entries[index];
    entry->last_seen_ms = now_ms;
    entry->scrapes_count = 0;
    entry->in_flight_count = 0;
    entry->settled_count = 0;
    s->mask |= (uint32_t)1 << index;
    table_stats_take(&s->stats);
}

uint8_t scrapers_add(struct scrapers *s, const struct scraper_identity *identity, uint32_t now_ms) {
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        struct scraper *entry = &s->entries[i];
        if (entry->seal == 0) {
            entry->identity = *identity;
            entry->announced = 0;
            state_barrier();
            entry->seal = seal_of(identity);
            state_barrier();
            enter(s, i, now_ms);
            return i;
        }
    }
    return SCRAPERS_NONE;
}

uint8_t scrapers_dispensable(const struct scrapers *s) {
    uint8_t best = SCRAPERS_NONE;
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        const struct scraper *entry = &s->entries[i];
        if (entry->seal == 0 || entry->announced != 0 || entry->in_flight_count != 0) {
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
    s->entries[index].seal = 0;
    state_barrier();
    s->mask &= ~((uint32_t)1 << index);
    table_stats_give(&s->stats);
}

/* ---- after a reset ------------------------------------------------------------------------ */

static bool is_sealed(const struct scraper *entry) {
    const struct scraper_identity *identity = &entry->identity;
    return entry->seal != 0 && identity->name_bytes <= SCRAPERS_NAME_BYTES &&
           identity->agent_bytes <= SCRAPERS_AGENT_BYTES && entry->seal == seal_of(identity);
}

uint32_t scrapers_recover(struct scrapers *s, uint32_t now_ms) {
    uint32_t damaged_count = 0;
    set_none_known(s);
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        struct scraper *entry = &s->entries[i];
        if (is_sealed(entry)) {
            entry->announced = entry->announced == 1;
            enter(s, i, now_ms);
            continue;
        }
        damaged_count += entry->seal != 0;
        entry->seal = 0;
    }
    return damaged_count;
}
