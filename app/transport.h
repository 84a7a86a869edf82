/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport.h: the contract between a connection's HTTP (app/http/http_conn) and whatever carries
 * its bytes (port/net_server over TCP or TLS; a fake in tests). App asks, port answers. All counts
 * are plaintext bytes, over TCP and TLS alike. Everything runs on one thread; no call blocks.
 *
 * Downwards, a transport tells its http_conn (see http_conn.h): received, acknowledged, drained,
 * peer_closed, lost. It keeps what http_conn_received did not take, offers it again after every
 * other event of that connection, and tells the peer's TCP of room only for bytes taken.
 */
#ifndef PINGSHOT_TRANSPORT_H
#define PINGSHOT_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

struct transport;

struct transport_ops {
    /* How many bytes `write` would take now. 0: wait for drained. */
    uint32_t (*writable)(struct transport *t);

    /* Takes all `n` bytes (1 to what writable said) and returns n; or takes none and returns 0
     * when memory is short at this moment: call again after drained or acknowledged. Negative:
     * the connection is dead, `lost` follows. The bytes are copied: the caller may change them as
     * soon as this returns. Each byte taken is reported once by http_conn_acknowledged, when the
     * peer's TCP has acknowledged it; taken never means delivered. With `more` the caller is about
     * to write again: what does not fill a segment may wait for that, or for acknowledgements. */
    int32_t (*write)(struct transport *t, const void *bytes, uint32_t n, bool more);

    /* No more writes: what was taken goes out, then the end of the stream (FIN; over TLS
     * close_notify first). Acknowledgements go on arriving. The transport calls
     * http_conn_lost when both directions have ended, however they ended. */
    void (*shutdown)(struct transport *t);

    /* Ends the connection at once (RST). The transport does not call its http_conn again. Not from
     * within one of this connection's own events. */
    void (*abort)(struct transport *t);

    /* Connections of its kind run short, however many the app has left: clients should not keep
     * theirs. */
    bool (*is_short)(struct transport *t);
};

struct transport {
    const struct transport_ops *ops;
    bool secure; /* over TLS, which has fewer connections */
};

#endif
