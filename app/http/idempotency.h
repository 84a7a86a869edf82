/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * idempotency.h: the requests with an Idempotency-Key that were done last, in a ring that outlives a
 * reset: their keys, what they asked for and what became of it, so that one that comes again is
 * answered and not done again (draft-ietf-httpapi-idempotency-key-header). Reading the header of a
 * request under way and answering is keyed_request.h's job.
 *
 * - Keys and requests are kept as keyed hashes of 64 bits, not as text.
 * - A refused request takes no place: it has changed nothing, and the same key is judged anew.
 * - The ring holds CFG_IDEMPOTENCY_KEYS; each new key replaces the oldest. So a retry that comes
 *   after that many others is a new request.
 *
 * A request is entered before it is done, and confirmed after:
 *
 *     idempotency_prepare(...)      what it will be: the event's number, or the transaction
 *     delivery_post / registry_txn_commit
 *     idempotency_settle(ring, done)
 *
 * A reset between any two stores of these leaves an entry exactly if the event was posted, or the
 * transaction committed: idempotency_recover asks those tables.
 */
#ifndef PINGSHOT_HTTP_IDEMPOTENCY_H
#define PINGSHOT_HTTP_IDEMPOTENCY_H

#include "config.h"
#include "hash.h"
#include "metrics/registry.h"
#include "problem.h"
#include "table_stats.h"
#include "text.h"

/* Longest key, in bytes, without its quotes. */
#define IDEMPOTENCY_KEY_BYTES 255u

/* Entry of a request that is no transaction. */
#define IDEMPOTENCY_NO_TXN 0xffu

/* What a request was and what became of it; of the answer only what cannot be found out again. */
struct idempotency_record {
    struct hash_digest key;
    struct hash_digest request; /* of all of it that has a meaning */
    uint32_t event_number;      /* of POST /event: of its receipt, modulo 2^32 */
    uint8_t scrapers_count;     /* likewise */
    uint8_t txn;                /* of POST /create and /update: index of its transaction */
    uint16_t head;              /* of `request`, but without the body: to refuse before it comes */
};

/* 28 bytes, without padding. */
struct idempotency_entry {
    uint32_t seal; /* check word over the record, one for prepared and one for done; 0: free */
    struct idempotency_record record;
};

/* Holds no pointers. One entry more than keys: the one being prepared replaces nothing yet. */
struct idempotency {
    struct hash_key key;
    uint32_t next; /* entry of the next request, free; derived */
    uint32_t used; /* derived */
    uint32_t high_water;
    uint32_t repeats_total; /* requests answered from here, since start */
    struct idempotency_entry entries[CFG_IDEMPOTENCY_KEYS + 1];
    uint8_t tags[CFG_IDEMPOTENCY_KEYS + 1]; /* a byte of each entry's key, to look among; derived */
};

/* Empty. `key` should be unpredictable: with it nobody outside can find two requests that hash
 * alike. */
void idempotency_init(struct idempotency *ring, const uint8_t key[HASH_KEY_BYTES]);

struct idempotency_recovery {
    uint32_t keys_count;    /* that are there */
    uint32_t damaged_count; /* left out: their check words are wrong */
};

/* After a reset, in place of idempotency_init, with the same key. `events_posted` is the number of the
 * last event that exists or has existed, as delivery_recover left it; `r` the registry as the reset
 * left it: call this after delivery_recover and before registry_recover, which ends all
 * transactions. */
void idempotency_recover(struct idempotency *ring, const uint8_t key[HASH_KEY_BYTES],
                         uint64_t events_posted, const struct registry *r,
                         struct idempotency_recovery *found);

/* Reads the field's value: a string of RFC 8941 section 3.3.3, or the same without quotes if it has no
 * blank, comma, semicolon, quote or backslash; the key is what is between the quotes. False with
 * a line in `*p` for anything else. */
bool idempotency_read_key(const struct idempotency *ring, struct slice value,
                          struct hash_digest *key, struct problem *p);

/* The record of a request that was done with this key, or NULL. Valid until the next is prepared. */
const struct idempotency_record *idempotency_find(const struct idempotency *ring,
                                                  struct hash_digest key);

/* Enters a request that is about to be done; settle has to follow before anything else. */
void idempotency_prepare(struct idempotency *ring, const struct idempotency_record *record);

/* Says what became of it. Done: it replaces the oldest. Refused: as if it had not come. */
void idempotency_settle(struct idempotency *ring, bool done);

/* Its line in the table of tables. */
struct table_stats idempotency_stats(const struct idempotency *ring);

#endif
