/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fake_transport.c: see fake_transport.h. It also holds its user to the contract: no call after
 * the end, no write of more than there is room for.
 */
#include "fake_transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct fake_transport *fake_of(struct transport *t) {
    return (struct fake_transport *)t;
}

static bool meets_fault(struct fake_transport *f, enum fake_fault fault, uint32_t call) {
    bool met = f->fault == fault && f->fault_call == call;
    f->fault_met = f->fault_met || met;
    return met;
}

static uint32_t room(const struct fake_transport *f) {
    uint32_t unacked_bytes = f->written_bytes - f->acked_bytes;
    return unacked_bytes < f->window_bytes ? f->window_bytes - unacked_bytes : 0;
}

static uint32_t fake_writable(struct transport *t) {
    struct fake_transport *f = fake_of(t);
    assert_false(f->shut_down || f->aborted);
    if (f->dead) {
        return 0;
    }
    f->writables_count++;
    if (meets_fault(f, FAKE_SHORT_ROOM, f->writables_count) && f->fault_room_bytes < room(f)) {
        return f->fault_room_bytes;
    }
    return room(f);
}

static int32_t fake_write(struct transport *t, const void *bytes, uint32_t n, bool more) {
    struct fake_transport *f = fake_of(t);
    assert_false(f->shut_down || f->aborted);
    if (f->dead) {
        return -1;
    }
    assert_in_range(n, 1, room(f));
    f->writes_count++;
    if (meets_fault(f, FAKE_TAKES_NOTHING, f->writes_count)) {
        return 0;
    }
    if (meets_fault(f, FAKE_DEAD, f->writes_count)) {
        f->dead = true;
        return -1;
    }
    assert_in_range(n, 1, FAKE_TRANSPORT_BYTES - f->written_bytes);
    f->askew_count += ((uintptr_t)bytes - f->written_bytes) % 4 != 0;
    memcpy(f->written + f->written_bytes, bytes, n);
    f->written_bytes += n;
    f->more = more;
    return (int32_t)n;
}

static void fake_shutdown(struct transport *t) {
    struct fake_transport *f = fake_of(t);
    assert_false(f->shut_down || f->aborted);
    f->shut_down = true;
}

static void fake_abort(struct transport *t) {
    struct fake_transport *f = fake_of(t);
    assert_false(f->aborted);
    f->aborted = true;
}

static bool fake_is_short(struct transport *t) {
    return fake_of(t)->is_short;
}

static const struct transport_ops ops = {
    .writable = fake_writable,
    .write = fake_write,
    .shutdown = fake_shutdown,
    .abort = fake_abort,
    .is_short = fake_is_short,
};

void fake_transport_init(struct fake_transport *t, uint32_t window_bytes) {
    memset(t, 0, offsetof(struct fake_transport, written));
    t->transport.ops = &ops;
    t->window_bytes = window_bytes;
}
