/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ledger.c: see ledger.h.
 */
#include "ledger.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The server counts in milliseconds, and sees a request later than it was sent. */
#define SLACK (2 * SIM_MS)

/* CFG_EVENT_TIMESTAMP_AGE_MS of the limits, and what the clocks may differ by. */
#define YOUNG (19 * SIM_S)

/* What the server may take for longer than it seems from outside. */
#define FORGET_SLACK (3 * SIM_S)

/* ---- posting ------------------------------------------------------------------------------ */

struct ledger_event *ledger_event_new(struct ledger *l, uint32_t group) {
    if (l->events_count == LEDGER_EVENTS_MAX || l->bits_used[group] == LEDGER_GROUP_BITS) {
        return NULL;
    }
    struct ledger_event *e = &l->events[l->events_count++];
    *e = (struct ledger_event){
        .group = group, .bit = l->bits_used[group]++, .status = LEDGER_REFUSED};
    for (uint32_t s = 0; s < LEDGER_SCRAPERS_MAX; s++) {
        e->sides[s].last_scrape = LEDGER_SCRAPES_MAX;
    }
    l->by_bit[group][e->bit] = e;
    return e;
}

void ledger_sent(struct ledger *l, struct ledger_event *e) {
    if (e->first_sent == 0) {
        e->first_sent = l->world->now;
    }
}

/* Surely known since before the event was posted, and surely not forgotten yet. */
static bool is_owed(const struct ledger *l, const struct ledger_event *e,
                    const struct ledger_scraper *s) {
    return s->used && !s->vanished && s->known_since != 0 && s->known_since < e->first_sent &&
           l->world->now - s->seen + FORGET_SLACK < l->scraper_timeout;
}

void ledger_acked(struct ledger *l, struct ledger_event *e, uint64_t number, uint32_t due_count) {
    e->status = LEDGER_ACKED;
    e->answered = l->world->now;
    e->number = number;
    e->due_count = due_count;
    e->held = due_count == 0 && e->first_sent > l->last_forgiven;
    uint32_t owed = 0;
    for (uint32_t i = 0; i < LEDGER_SCRAPERS_MAX; i++) {
        struct ledger_side *side = &e->sides[i];
        if (is_owed(l, e, &l->scrapers[i])) {
            owed++;
            side->must = side->stored == 0; /* it may have come before the answer */
        }
        e->held = e->held && side->stored == 0;
    }
    if (owed > due_count) {
        world_fail(l->world, "event %" PRIu64 " is queued for %u scrapers, but %u are known",
                   number, due_count, owed);
    }
}

/* ---- scraping ----------------------------------------------------------------------------- */

void ledger_asked(struct ledger *l, uint32_t scraper) {
    if (l->scrapers[scraper].first_asked == 0) {
        l->scrapers[scraper].first_asked = l->world->now;
    }
}

/* It has stayed away so long that the server may have given up what it was owed, and what was held
 * for whoever came first, which it may have been. */
static void forgive(struct ledger *l, uint32_t scraper) {
    l->last_forgiven = l->world->now;
    for (uint32_t i = 0; i < l->events_count; i++) {
        l->events[i].sides[scraper].must = false;
        l->events[i].held = false;
    }
}

void ledger_known(struct ledger *l, uint32_t scraper, sim_us asked) {
    struct ledger_scraper *s = &l->scrapers[scraper];
    if (asked <= l->last_cold) {
        return; /* what answers is from before */
    }
    const sim_us last = s->seen != 0 ? s->seen : s->first_asked;
    if (l->world->now - last + FORGET_SLACK >= l->scraper_timeout) {
        forgive(l, scraper);
        s->known_since = 0;
    }
    if (s->known_since == 0) {
        s->known_since = l->world->now;
    }
    if (asked > s->seen) {
        s->seen = asked;
    }
}

void ledger_vanished(struct ledger *l, uint32_t scraper) {
    l->scrapers[scraper].vanished = true;
    l->scrapers[scraper].known_since = 0;
    forgive(l, scraper);
}

void ledger_new_database(struct ledger *l, uint32_t scraper) {
    struct ledger_scraper *s = &l->scrapers[scraper];
    s->generation++;
    memset(s->series, 0, sizeof s->series);
}

/* ---- storing ------------------------------------------------------------------------------ */

struct sample {
    uint32_t group;
    uint64_t bits;
    int64_t stamped_ms; /* 0: without */
};

/* Exactly as the server prints them: events_to_metrics{g="12"} 4096 [timestamp] */
static bool read_sample(const char *line, struct sample *sample) {
    double value;
    int end = 0;
    long long stamp = 0;
    char behind = '\0';
    if (sscanf(line, "{g=\"%u\"} %lf%n", &sample->group, &value, &end) != 2 || end == 0 ||
        sample->group >= LEDGER_GROUPS_MAX || value < 1 || value >= 9007199254740992.0 ||
        value != floor(value)) {
        return false;
    }
    if (line[end] != '\n' &&
        (sscanf(line + end, " %lld%c", &stamp, &behind) != 2 || behind != '\n' || stamp <= 0)) {
        return false;
    }
    sample->bits = (uint64_t)value;
    sample->stamped_ms = stamp;
    return true;
}

/* Whether Prometheus keeps this sample (as its storage does): of a series none older than the
 * newest it has, and one it has already is that one. With clocks that are wrong the rest of the
 * promise still holds, so then all is taken. */
static bool prometheus_keeps(struct ledger *l, const struct ledger_page *page,
                             const struct sample *sample) {
    struct ledger_scraper *s = &l->scrapers[page->scraper];
    const int64_t at = sample->stamped_ms != 0 ? sample->stamped_ms : page->scraped_ms;
    if (!l->clocks_right) {
        return true;
    }
    if (s->series[page->lane][sample->group].any &&
        at <= s->series[page->lane][sample->group].last_ms) {
        return false;
    }
    s->series[page->lane][sample->group].any = true;
    s->series[page->lane][sample->group].last_ms = at;
    return true;
}

static bool was_excused(const struct ledger *l, uint32_t scrape) {
    const struct ledger_scrape *s = &l->scrapes[scrape];
    return !s->receipt.arrived || s->receipt.arrived_at + SLACK > s->in_time_until;
}

/* The same sample again: to Prometheus it is one. (It may have it, and not keep this one, although
 * it came last to the other Prometheus that is this scraper.) */
static bool is_known(const struct ledger_side *side, const struct sample *sample, uint32_t database,
                     bool kept) {
    return side->last_scrape != LEDGER_SCRAPES_MAX && sample->stamped_ms != 0 &&
           sample->stamped_ms == side->stamped_ms && (side->database == database || !kept);
}

/* A sample of these labels went to this scraper without a time: what is older than that scrape has
 * to go without, too. */
static bool went_plain(const struct ledger *l, uint32_t scraper, uint32_t group) {
    for (uint32_t i = 0; i < l->events_count; i++) {
        const struct ledger_side *side = &l->events[i].sides[scraper];
        if (l->events[i].group == group && side->last_scrape != LEDGER_SCRAPES_MAX &&
            side->stamped_ms == 0) {
            return true;
        }
    }
    return false;
}

/* It came to this database before, with its time, and comes again: as the same sample, while it is
 * young enough to carry a time. (The server takes a sum for another one.) */
static void check_time(struct ledger *l, const struct ledger_page *page,
                       const struct ledger_event *e, const struct sample *sample) {
    const struct ledger_side *side = &e->sides[page->scraper];
    if (sample->stamped_ms != 0 && side->stamped_ms != sample->stamped_ms) {
        world_fail(l->world, "g=%u bit %u came to scraper %u with two different times", e->group,
                   e->bit, page->scraper);
    }
    if (sample->stamped_ms == 0 && l->clocks_right && l->world->now - e->first_sent < YOUNG &&
        !went_plain(l, page->scraper, e->group)) {
        world_fail(l->world, "g=%u bit %u came to scraper %u again, young and without its time",
                   e->group, e->bit, page->scraper);
    }
}

static void check_event(struct ledger *l, const struct ledger_page *page,
                        const struct ledger_event *e, const struct sample *sample,
                        uint32_t database) {
    const struct ledger_side *side = &e->sides[page->scraper];
    if (e->first_sent == 0) {
        world_fail(l->world, "g=%u bit %u was never posted, but scraper %u has it", e->group,
                   e->bit, page->scraper);
    }
    if (l->duplicates == SIM_DUPLICATES_QUEUE && e->repeats_max == 0 && side->stamped_ms != 0 &&
        side->database == database) {
        check_time(l, page, e, sample);
    }
}

static void store_event(struct ledger *l, const struct ledger_page *page, struct ledger_event *e,
                        const struct sample *sample, bool kept) {
    const uint32_t database = l->scrapers[page->scraper].generation * LEDGER_LANES_MAX + page->lane;
    struct ledger_side *side = &e->sides[page->scraper];
    const bool again = side->last_scrape != LEDGER_SCRAPES_MAX;
    world_note(l->world, "scraper %u stores event g=%u bit %u%s%s", page->scraper, e->group, e->bit,
               sample->stamped_ms != 0 ? ", with its time" : "", again ? ", again" : "");
    check_event(l, page, e, sample, database);
    if (!is_known(side, sample, database, kept)) {
        if (!kept) {
            world_fail(l->world, "g=%u bit %u: Prometheus (scraper %u) drops it as too old",
                       e->group, e->bit, page->scraper);
        }
        l->repeated += again && side->database == database && e->repeats_max == 0;
        side->excused += again && was_excused(l, side->last_scrape);
        side->stored++;
    }
    side->last_scrape = l->scrapes_count;
    side->stamped_ms = sample->stamped_ms;
    side->database = database;
    side->must = false;
    e->held = false;
}

/* A sum stands for several. */
static void store_sample(struct ledger *l, const struct ledger_page *page,
                         const struct sample *sample) {
    const bool kept = prometheus_keeps(l, page, sample);
    for (uint32_t bit = 0; bit < 53; bit++) {
        if ((sample->bits >> bit & 1u) == 0) {
            continue;
        }
        struct ledger_event *e = bit < LEDGER_GROUP_BITS ? l->by_bit[sample->group][bit] : NULL;
        if (e == NULL) {
            world_fail(l->world, "g=%u bit %u was never posted", sample->group, bit);
            return;
        }
        store_event(l, page, e, sample, kept);
    }
}

/* Returns how many samples of events the page has. */
static uint32_t store_lines(struct ledger *l, const struct ledger_page *page) {
    uint64_t plain_groups = 0; /* that it had a sample of without a timestamp */
    uint32_t count = 0;
    for (const char *line = page->text; line != NULL && *line != '\0';) {
        struct sample sample;
        if (strncmp(line, "events_to_metrics{", 18) == 0) {
            if (!read_sample(line + 17, &sample)) {
                world_fail(l->world, "scraper %u gets an event nobody posted: %.60s", page->scraper,
                           line);
                return 0;
            }
            const uint64_t group = (uint64_t)1 << sample.group;
            if (sample.stamped_ms == 0 && (plain_groups & group) != 0) {
                world_fail(l->world, "two samples g=%u in one page: Prometheus keeps one",
                           sample.group);
            }
            plain_groups |= sample.stamped_ms == 0 ? group : 0;
            store_sample(l, page, &sample);
            count++;
        }
        line = strchr(line, '\n');
        line += line != NULL;
    }
    return count;
}

void ledger_store(struct ledger *l, const struct ledger_page *page) {
    struct ledger_scrape *scrape = &l->scrapes[l->scrapes_count];
    if (l->scrapes_count == LEDGER_SCRAPES_MAX) {
        world_fail(l->world, "LEDGER_SCRAPES_MAX: the seed needs more");
        return;
    }
    scrape->in_time_until = page->in_time_until;
    scrape->receipt = (struct wire_receipt){.address = page->address, .position = page->position};
    if (store_lines(l, page) > 0) {
        wire_watch(l->wire, &scrape->receipt);
        l->scrapes_count++;
    }
}

/* ---- judging ------------------------------------------------------------------------------ */

void ledger_cold_reset(struct ledger *l) {
    l->last_cold = l->world->now;
    for (uint32_t i = 0; i < LEDGER_SCRAPERS_MAX; i++) {
        l->scrapers[i].known_since = 0;
        forgive(l, i);
    }
    for (uint32_t i = 0; i < l->events_count; i++) {
        struct ledger_event *e = &l->events[i];
        e->repeats_max += e->first_sent != 0 && e->status != LEDGER_ACKED;
    }
}

/* With --duplicates last, a newer event of the labels stands for an older one that it replaced. */
static bool was_replaced(const struct ledger *l, const struct ledger_event *e, uint32_t scraper) {
    if (l->duplicates != SIM_DUPLICATES_LAST) {
        return false;
    }
    for (uint32_t i = 0; i < l->events_count; i++) {
        const struct ledger_event *newer = &l->events[i];
        if (newer->group == e->group && newer != e && newer->sides[scraper].stored > 0 &&
            (newer->status != LEDGER_ACKED || newer->number > e->number)) {
            return true;
        }
    }
    return false;
}

static bool is_owed_still(const struct ledger *l, const struct ledger_event *e, uint32_t scraper) {
    return e->sides[scraper].must && !was_replaced(l, e, scraper);
}

static bool is_held_still(const struct ledger *l, const struct ledger_event *e) {
    if (!e->held) {
        return false;
    }
    bool any = false;
    for (uint32_t s = 0; s < LEDGER_SCRAPERS_MAX; s++) {
        any = any || (l->scrapers[s].used && !l->scrapers[s].vanished);
        if (was_replaced(l, e, s)) {
            return false;
        }
    }
    return any;
}

void ledger_told(struct ledger *l, uint64_t ambiguous) {
    l->told += ambiguous;
}

bool ledger_settled(const struct ledger *l) {
    for (uint32_t i = 0; i < l->events_count; i++) {
        for (uint32_t s = 0; s < LEDGER_SCRAPERS_MAX; s++) {
            if (is_owed_still(l, &l->events[i], s)) {
                return false;
            }
        }
        if (is_held_still(l, &l->events[i])) {
            return false;
        }
    }
    return true;
}

static void judge_side(struct ledger *l, const struct ledger_event *e, uint32_t scraper) {
    struct world_counts *counts = &l->world->counts;
    const struct ledger_side *side = &e->sides[scraper];
    const struct ledger_scraper *s = &l->scrapers[scraper];
    const uint32_t beyond = side->stored > 1 ? side->stored - 1 : 0;
    counts->deliveries += side->stored > 0;
    if (is_owed_still(l, e, scraper)) {
        counts->lost++;
        world_fail(l->world, "event %" PRIu64 " (g=%u bit %u) is lost to scraper %u", e->number,
                   e->group, e->bit, scraper);
    }
    if (side->stored > 0 && e->status == LEDGER_REFUSED && !e->maybe) {
        world_fail(l->world, "g=%u bit %u was refused, but scraper %u has it", e->group, e->bit,
                   scraper);
    }
    if (side->stored > 0 && e->status == LEDGER_ACKED && e->due_count > 0 && e->repeats_max == 0 &&
        s->first_asked > e->answered) {
        world_fail(l->world, "event %" PRIu64 " went to scraper %u, which came later", e->number,
                   scraper);
    }
    counts->ambiguous += side->excused;
    if (beyond > side->excused + e->repeats_max) {
        counts->duplicated++;
        world_fail(l->world,
                   "event %" PRIu64 " (g=%u bit %u) is %u times at scraper %u, %u excused",
                   e->number, e->group, e->bit, side->stored, scraper, side->excused);
    }
}

void ledger_judge(struct ledger *l) {
    /* Of a sum that came again the server counts one event, however many it was made of. */
    if (l->duplicates != SIM_DUPLICATES_SUM && l->repeated > l->told) {
        world_fail(l->world, "%" PRIu64 " events came again, the server told of %" PRIu64,
                   l->repeated, l->told);
    }
    for (uint32_t i = 0; i < l->events_count; i++) {
        const struct ledger_event *e = &l->events[i];
        l->world->counts.events += e->status == LEDGER_ACKED;
        uint32_t holders = 0;
        for (uint32_t s = 0; s < LEDGER_SCRAPERS_MAX; s++) {
            judge_side(l, e, s);
            holders += e->sides[s].stored > 0;
        }
        if (is_held_still(l, e)) {
            l->world->counts.lost++;
            world_fail(l->world, "event %" PRIu64 " was held for the first scraper, and is lost",
                       e->number);
        }
        if (e->status == LEDGER_ACKED && e->repeats_max == 0 &&
            holders > (e->due_count > 0 ? e->due_count : 1)) {
            world_fail(l->world, "event %" PRIu64 " for %u scrapers went to %u", e->number,
                       e->due_count, holders);
        }
    }
}
