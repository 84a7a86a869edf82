/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * delivery_facts.h: what a delivery promises, as text that can be compared, and what must hold inside
 * of one that has no scrape under way.
 */
#ifndef PINGSHOT_DELIVERY_FACTS_H
#define PINGSHOT_DELIVERY_FACTS_H

#include "events/delivery.h"

#define DELIVERY_FACTS_BYTES 16384u

/* Who is known, which events are due to whom in which order, the counts that go on. */
void delivery_facts_print(const struct delivery *d, char text[DELIVERY_FACTS_BYTES]);

/* Fails the test unless every link, count and printed line is what the events and scrapers say. */
void delivery_facts_check(const struct delivery *d);

/* Posts an event. False: it was refused. */
bool delivery_facts_post(struct delivery *d, const char *labels, double value,
                         struct delivery_now now);

/* Begins a scrape by a scraper of this name that announces this timeout. The handle, or 0. */
uint32_t delivery_facts_begin(struct delivery *d, const char *name, uint32_t timeout_ms,
                              struct delivery_now now);

/* Posts one more event, has every scraper take all that is due to it, and fails the test unless each
 * event came to each of them once. Leaves no event. */
void delivery_facts_drain(struct delivery *d, struct delivery_now now);

#endif
