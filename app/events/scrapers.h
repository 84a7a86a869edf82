/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scrapers.h: who scrapes. A fixed table of identities; the index of an entry is its bit in the
 * masks of the events. What is due to a scraper, and releasing it, is delivery.h's job.
 *
 * An entry outlives a reset from the moment that its seal is set to the moment that it is cleared,
 * each a single store.
 */
#ifndef PINGSHOT_SCRAPERS_H
#define PINGSHOT_SCRAPERS_H

#include "config.h"
#include "problem.h"
#include "table_stats.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

#define SCRAPERS_NAME_BYTES 63u
#define SCRAPERS_AGENT_BYTES 31u

/* No entry. */
#define SCRAPERS_NONE 0xffu

/* Who a scrape is by. Two are the same scraper when both texts are equal. */
struct scraper_identity {
    uint8_t name_bytes;
    uint8_t agent_bytes;            /* 0 when the scraper named itself */
    char name[SCRAPERS_NAME_BYTES]; /* valid UTF-8, unescaped */
    char agent[SCRAPERS_AGENT_BYTES];
};

struct scraper {
    uint32_t seal;     /* check word of the identity; 0: a free entry */
    uint8_t announced; /* 1: it has announced a scrape timeout, so it is no person */
    struct scraper_identity identity;
    uint32_t last_seen_ms;
    uint32_t scrapes_count;   /* events_to_metrics_scraper_counts */
    uint32_t in_flight_count; /* its scrapes under way: it is not forgotten under them */
    uint32_t settled_count;   /* of the events ever made, those not due to it (modulo 2^32) */
};

struct scrapers {
    uint32_t mask; /* a bit for each entry in use */
    struct table_stats stats;
    struct scraper entries[CFG_SCRAPERS_MAX];
};

void scrapers_init(struct scrapers *s);

/* Works out who asks (SPEC section 4, "A scraper"): the name that it gives itself in the query
 * parameter `scraper`, if there is one (`parameter.len` not 0), and that alone; else `address` (the
 * peer's, or what a trusted proxy says) with the product name that `user_agent` begins with. A
 * Go-http-client that announces a scrape timeout is VictoriaMetrics in stream mode, the same
 * scraper as its vm_promscrape.
 *
 * False, with PROBLEM_MALFORMED in `*p`, when the name is longer than SCRAPERS_NAME_BYTES or not
 * UTF-8. */
bool scrapers_identify(struct scraper_identity *identity, struct slice parameter,
                       struct slice address, struct slice user_agent, bool announced,
                       struct problem *p);

/* Its name and its agent (empty when it named itself). */
struct slice scrapers_name(const struct scraper_identity *identity);
struct slice scrapers_agent(const struct scraper_identity *identity);

/* The entry of that scraper, or SCRAPERS_NONE. */
uint8_t scrapers_find(const struct scrapers *s, const struct scraper_identity *identity);

/* Takes a free entry for it. SCRAPERS_NONE when there is none. */
uint8_t scrapers_add(struct scrapers *s, const struct scraper_identity *identity, uint32_t now_ms);

/* Who gives way when the table is full: of those that never announced a timeout and have no scrape
 * under way, the one not seen for longest. SCRAPERS_NONE when there is none. */
uint8_t scrapers_dispensable(const struct scrapers *s);

/* Frees an entry. */
void scrapers_remove(struct scrapers *s, uint8_t index);

/* After a reset, in place of scrapers_init: keeps the entries whose seal is right, as if all had
 * been seen now, and returns how many are free now because theirs was wrong. */
uint32_t scrapers_recover(struct scrapers *s, uint32_t now_ms);

#endif
