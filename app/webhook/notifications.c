/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * notifications.c: see notifications.h. A record is its header, the sender, the head and the body,
 * copied with memcpy since nothing aligns it. The records in use lie in one run, or in two:
 *
 *     | newer ... newest |  free  | oldest ... older |  unused  |
 *     0                 end     oldest_at                    ring's end
 */
#include "webhook/notifications.h"

/* What stands before the bytes of a record. */
struct header {
    int64_t unix_ms;
    uint64_t number;
    uint32_t uptime_s;
    uint32_t sent_bytes;
    uint32_t body_bytes;
    uint32_t older_at;
    uint32_t newer_at; /* set when that one comes */
    uint16_t head_bytes;
    uint8_t sender_bytes;
    uint8_t endpoint;
    uint8_t repeat;
};

_Static_assert(CFG_NOTIFICATION_RING_BYTES >= sizeof(struct header) + NOTIFICATIONS_SENDER_BYTES +
                                                  NOTIFICATIONS_HEAD_BYTES + 256,
               "CFG_NOTIFICATION_RING_BYTES: too small for the head of one notification");

#define ENDPOINT(path, receiver) \
    { SLICE(path), SLICE(receiver), SLICE(path "\",receiver=\"" receiver) }

static const struct {
    struct slice path;
    struct slice receiver;
    struct slice labels;
} endpoints[NOTIFICATIONS_ENDPOINTS] = {
    [NOTIFICATIONS_WEBHOOK] = ENDPOINT("/webhook", "webhook"),
    [NOTIFICATIONS_SLACK] = ENDPOINT("/slack", "slack"),
    [NOTIFICATIONS_PAGERDUTY] = ENDPOINT("/pagerduty", "pagerduty"),
    [NOTIFICATIONS_ENQUEUE] = ENDPOINT("/v2/enqueue", "pagerduty"),
};

struct slice notifications_path(enum notifications_endpoint endpoint) {
    return endpoints[endpoint].path;
}

struct slice notifications_receiver(enum notifications_endpoint endpoint) {
    return endpoints[endpoint].receiver;
}

struct slice notifications_labels(enum notifications_endpoint endpoint) {
    return endpoints[endpoint].labels;
}

void notifications_init(struct notifications *n) {
    n->number = 0;
    n->count = 0;
    n->oldest_at = 0;
    n->newest_at = 0;
    n->end = 0;
    memset(n->taken_total, 0, sizeof n->taken_total);
    memset(n->repeats_total, 0, sizeof n->repeats_total);
    n->stats = (struct table_stats){.name = LABEL_VALUE("notification_bytes"),
                                    .limit = CFG_NOTIFICATION_RING_BYTES};
}

static struct header header_at(const struct notifications *n, uint32_t at) {
    struct header h;
    memcpy(&h, n->ring + at, sizeof h);
    return h;
}

static uint32_t record_bytes(const struct header *h) {
    return (uint32_t)sizeof *h + h->sender_bytes + h->head_bytes + h->body_bytes;
}

/* ---- making room ------------------------------------------------------------------------- */

static void drop_oldest(struct notifications *n) {
    const struct header h = header_at(n, n->oldest_at);
    table_stats_set_used(&n->stats, n->stats.used - record_bytes(&h));
    n->oldest_at = h.newer_at;
    if (--n->count == 0) {
        n->end = 0;
    }
}

/* Where a record of so many bytes, at most the whole ring, can stand. Drops old ones for it. */
static uint32_t make_room(struct notifications *n, uint32_t bytes) {
    for (;;) {
        if (n->count == 0) {
            return 0;
        }
        if (n->end > n->oldest_at) {
            if (sizeof n->ring - n->end >= bytes) {
                return n->end;
            }
            if (n->oldest_at >= bytes) {
                return 0;
            }
        } else if (n->oldest_at - n->end >= bytes) {
            return n->end;
        }
        drop_oldest(n);
    }
}

/* The whole lines of a request's head that are kept. */
static struct slice cut_head(struct slice head) {
    if (head.len > NOTIFICATIONS_HEAD_BYTES) {
        head.len = NOTIFICATIONS_HEAD_BYTES;
        while (head.len > 0 && head.bytes[head.len - 1] != '\n') {
            head.len--;
        }
    }
    return head;
}

/* A body of at most `room` bytes, cut between two characters. */
static struct slice cut_body(struct slice body, uint32_t room) {
    if (body.len > room) {
        body.len = room;
        body.len = slice_utf8_error(body);
    }
    return body;
}

static uint32_t put(struct notifications *n, uint32_t at, const void *bytes, uint32_t len) {
    memcpy(n->ring + at, bytes, len);
    return at + len;
}

void notifications_add(struct notifications *n, const struct notification *arrived) {
    const struct slice head = cut_head(arrived->head);
    struct header h = {
        .unix_ms = arrived->unix_ms,
        .uptime_s = arrived->uptime_s,
        .sent_bytes = arrived->body.len,
        .head_bytes = (uint16_t)head.len,
        .sender_bytes = (uint8_t)(arrived->sender.len < NOTIFICATIONS_SENDER_BYTES
                                      ? arrived->sender.len
                                      : NOTIFICATIONS_SENDER_BYTES),
        .endpoint = arrived->endpoint,
        .repeat = arrived->repeat,
    };
    const struct slice body = cut_body(arrived->body, (uint32_t)sizeof n->ring - record_bytes(&h));
    h.body_bytes = body.len;
    const uint32_t start = make_room(n, record_bytes(&h));
    h.number = ++n->number;
    h.older_at = n->newest_at;
    if (n->count > 0) {
        struct header newest = header_at(n, n->newest_at);
        newest.newer_at = start;
        put(n, n->newest_at, &newest, sizeof newest);
    } else {
        n->oldest_at = start;
    }
    uint32_t at = put(n, start, &h, sizeof h);
    at = put(n, at, arrived->sender.bytes, h.sender_bytes);
    at = put(n, at, head.bytes, head.len);
    n->end = put(n, at, body.bytes, body.len);
    n->newest_at = start;
    n->count++;
    table_stats_set_used(&n->stats, n->stats.used + record_bytes(&h));
    n->taken_total[arrived->endpoint]++;
    n->repeats_total[arrived->endpoint] += arrived->repeat;
}

/* ---- reading ----------------------------------------------------------------------------- */

static struct notifications_place place_at(const struct notifications *n, uint32_t at) {
    return (struct notifications_place){header_at(n, at).number, at};
}

struct notifications_place notifications_newest(const struct notifications *n) {
    return n->count > 0 ? place_at(n, n->newest_at) : (struct notifications_place){0, 0};
}

struct notifications_place notifications_oldest(const struct notifications *n) {
    return n->count > 0 ? place_at(n, n->oldest_at) : (struct notifications_place){0, 0};
}

static bool is_kept(const struct notifications *n, uint64_t number) {
    return n->number - number < n->count;
}

bool notifications_get(const struct notifications *n, struct notifications_place place,
                       struct notification *out) {
    if (!is_kept(n, place.number)) {
        return false;
    }
    const struct header h = header_at(n, place.at);
    const char *bytes = n->ring + place.at + sizeof h;
    *out = (struct notification){
        .number = h.number,
        .sent_bytes = h.sent_bytes,
        .unix_ms = h.unix_ms,
        .uptime_s = h.uptime_s,
        .endpoint = h.endpoint,
        .repeat = h.repeat != 0,
        .sender = {bytes, h.sender_bytes},
        .head = {bytes + h.sender_bytes, h.head_bytes},
        .body = {bytes + h.sender_bytes + h.head_bytes, h.body_bytes},
    };
    return true;
}

struct notifications_place notifications_older(const struct notifications *n,
                                               struct notifications_place place) {
    if (!is_kept(n, place.number) || place.at == n->oldest_at) {
        return (struct notifications_place){0, 0};
    }
    return place_at(n, header_at(n, place.at).older_at);
}

struct notifications_place notifications_newer(const struct notifications *n,
                                               struct notifications_place place) {
    if (!is_kept(n, place.number) || place.at == n->newest_at) {
        return (struct notifications_place){0, 0};
    }
    return place_at(n, header_at(n, place.at).newer_at);
}
