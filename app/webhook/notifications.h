/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * notifications.h: what was posted to the webhooks (SPEC section 5), the newest of it, in a ring of
 * fixed bytes: each with its number, arrival time, endpoint, sender and size, the head of its
 * request and its body as it was sent. Checking and reading a body, and printing it, are others'
 * jobs. A place in the ring is held by number, so what was overwritten since is seen to be gone.
 */
#ifndef PINGSHOT_NOTIFICATIONS_H
#define PINGSHOT_NOTIFICATIONS_H

#include "config.h"
#include "table_stats.h"
#include "text.h"

/* The longest that is kept of a request's head, in bytes; cut at the end of a line. */
#define NOTIFICATIONS_HEAD_BYTES 512u

/* The longest that is kept of a sender's address, in bytes. */
#define NOTIFICATIONS_SENDER_BYTES 56u

/* The wall time was not known. */
#define NOTIFICATIONS_TIME_UNKNOWN INT64_MIN

/* The endpoints, and whom each stands in for. */
enum notifications_endpoint {
    NOTIFICATIONS_WEBHOOK,   /* /webhook: a generic receiver */
    NOTIFICATIONS_SLACK,     /* /slack */
    NOTIFICATIONS_PAGERDUTY, /* /pagerduty */
    NOTIFICATIONS_ENQUEUE,   /* /v2/enqueue: PagerDuty's own path */
    NOTIFICATIONS_ENDPOINTS,
};

/* The endpoint's path, and its receiver: "webhook", "slack" or "pagerduty". */
struct slice notifications_path(enum notifications_endpoint endpoint);
struct slice notifications_receiver(enum notifications_endpoint endpoint);

/* Both as the values of a metric's labels: path, from its value's first character on, and
 * receiver, up to its last. */
struct slice notifications_labels(enum notifications_endpoint endpoint);

/* One notification. The slices point into the ring. */
struct notification {
    uint64_t number;     /* 1, 2, ... in order of arrival */
    uint32_t sent_bytes; /* the body as it was sent; more than body.len: it is kept cut */
    int64_t unix_ms;     /* when it came, or NOTIFICATIONS_TIME_UNKNOWN */
    uint32_t uptime_s;   /* the same on the clock that started with pingshot */
    uint8_t endpoint;    /* enum notifications_endpoint */
    bool repeat;         /* it said nothing that was not said before */
    struct slice sender;
    struct slice head; /* of its request, the last empty line included; cut when too long */
    struct slice body;
};

/* A notification's place. */
struct notifications_place {
    uint64_t number; /* 0: none */
    uint32_t at;     /* offset in the ring */
};

/* Owned by the caller. The ring holds records of differing length, each in one piece. */
struct notifications {
    uint64_t number; /* of the last one; 0: none came yet */
    uint32_t count;  /* kept now */
    uint32_t oldest_at;
    uint32_t newest_at;
    uint32_t end;                                    /* behind the newest one */
    uint64_t taken_total[NOTIFICATIONS_ENDPOINTS];   /* since start */
    uint64_t repeats_total[NOTIFICATIONS_ENDPOINTS]; /* of those */
    struct table_stats stats;                        /* in bytes */
    char ring[CFG_NOTIFICATION_RING_BYTES];
};

void notifications_init(struct notifications *n);

/* Counts and keeps one: copies it, over the oldest ones as far as it needs their room. `number` is
 * set here; sender and head are cut to what is kept of them, the body to what then has room. */
void notifications_add(struct notifications *n, const struct notification *arrived);

/* The newest and the oldest that are kept. */
struct notifications_place notifications_newest(const struct notifications *n);
struct notifications_place notifications_oldest(const struct notifications *n);

/* Reads the one at a place. False when it is gone, or the place is none. */
bool notifications_get(const struct notifications *n, struct notifications_place place,
                       struct notification *out);

/* The next older and the next newer one than one that is kept; none at the end. */
struct notifications_place notifications_older(const struct notifications *n,
                                               struct notifications_place place);
struct notifications_place notifications_newer(const struct notifications *n,
                                               struct notifications_place place);

#endif
