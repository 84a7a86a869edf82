/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fake_transport.h: a transport (app/transport.h) that keeps what is written to it and fails when
 * told to. It is only the lower side: app_rig.h tells the connection above it what happened.
 */
#ifndef PINGSHOT_TESTS_FAKE_TRANSPORT_H
#define PINGSHOT_TESTS_FAKE_TRANSPORT_H

#include "transport.h"

#include <stdbool.h>
#include <stdint.h>

#define FAKE_TRANSPORT_BYTES 131072u

/* What goes wrong, once, at call number `fault_call` (from 1) of write, or of writable for
 * FAKE_SHORT_ROOM. */
enum fake_fault {
    FAKE_NO_FAULT,
    FAKE_TAKES_NOTHING, /* memory is short at this moment */
    FAKE_DEAD,          /* the connection is gone, and stays so */
    FAKE_SHORT_ROOM,    /* there is room for only `fault_room_bytes` */
};

struct fake_transport {
    struct transport transport; /* first: the connection knows it by this */
    uint32_t window_bytes;      /* it takes so many that are not acknowledged */
    enum fake_fault fault;
    uint32_t fault_call;
    uint32_t fault_room_bytes;
    uint32_t writes_count;    /* calls of write */
    uint32_t writables_count; /* calls of writable */
    bool fault_met;           /* it has gone wrong */
    bool more;                /* the last write taken said that another follows */
    uint32_t askew_count;     /* writes from another place in a word than where they go to */
    bool dead;                /* a write has said so */
    bool is_short;            /* of its kind there are few left */
    bool shut_down;
    bool aborted;
    uint32_t written_bytes; /* since the beginning */
    uint32_t acked_bytes;   /* of those; the test acknowledges */
    char written[FAKE_TRANSPORT_BYTES];
};

/* A new connection that takes `window_bytes` at once. */
void fake_transport_init(struct fake_transport *t, uint32_t window_bytes);

#endif
