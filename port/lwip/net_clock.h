/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_clock.h: wall time of a target whose only source of it is SNTP: the last answer, carried on
 * by the monotonic clock. lwIP's SNTP client sets it and reads it (lwipopts.h); the target's
 * clock_wall_ms asks it. Asks no other clock than clock_monotonic_ms.
 */
#ifndef PINGSHOT_NET_CLOCK_H
#define PINGSHOT_NET_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* NTP's time stamps here are lwIP's: seconds since the start of NTP's second era on 2036-02-07,
 * negative before it, so that 1968 to 2104 can be told (RFC 4330 section 3); and 2^-32 seconds. */

/* What a server said, corrected for the way there and back. A time stamp of zero means that the
 * server does not know (RFC 5905 section 6), and changes nothing. */
void net_clock_set_ntp(int32_t seconds, uint32_t fraction);

/* The time now, for what a request says and an answer is compared with. Before the first answer it
 * counts from an arbitrary moment, 2036-02-07, from which lwIP can still measure the way. Bits
 * below a millisecond are random: who does not see the request cannot forge its answer. */
void net_clock_get_ntp(int32_t *seconds, uint32_t *fraction);

/* Milliseconds since 1970-01-01T00:00:00Z; false, and nothing said, before the first answer. To be
 * asked at least every 49 days: SNTP does, each hour. */
bool net_clock_wall_ms(int64_t *unix_ms);

/* What is told when the clock was set. */
struct net_clock_news {
    int64_t unix_ms;  /* the time now */
    bool first;       /* it was not known before */
    uint32_t trip_ms; /* from request to answer: the time may be off by half of it */
};

/* `told` is called whenever the clock was set. NULL: nobody. */
void net_clock_on_set(void (*told)(const struct net_clock_news *news));

#endif
