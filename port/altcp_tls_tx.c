/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * altcp_tls_tx.c: the sending half of a TLS connection: plaintext into records, records to TCP,
 * acknowledged ciphertext back into acknowledged plaintext. A write is one record, so it is taken
 * whole or not at all. wolfSSL is never told to wait: a write that it has to repeat with the same
 * bytes would be the application's burden.
 */
#include "altcp_tls_conn.h"

#include "lwip/tcp.h"

#include <string.h>

/* The most that a record adds to its plaintext: header 5, explicit nonce 8 (TLS 1.2 with GCM),
 * tag 16, and what hides the type in TLS 1.3 in place of the nonce. RFC 5288, RFC 8446. */
#define RECORD_OVERHEAD_BYTES 29u

/* The most that wolfSSL takes of the pool for a record beside its plaintext: the record's overhead, and
 * what it adds for headers of DTLS and to align. */
#define POOL_OVERHEAD_BYTES 80u

/* Below this a smaller write to TCP is not tried when memory is short. */
#define TCP_WRITE_BYTES_MIN 256u

_Static_assert(ALTCP_TLS_RECORD_BYTES >= 512 && ALTCP_TLS_RECORD_BYTES <= 16384,
               "ALTCP_TLS_RECORD_BYTES: set 512 to 16384");
_Static_assert(ALTCP_TLS_TX_RECORDS >= 2 && ALTCP_TLS_TX_RECORDS <= 65535,
               "ALTCP_TLS_TX_RECORDS: set 2 to 65535");

/* ---- ciphertext to TCP ------------------------------------------------------------------- */

/* Gives TCP as much as it takes now and returns how much that was; negative when it takes nothing
 * any more. */
static s32_t give_tcp(struct altcp_pcb *inner, const u8_t *bytes, u32_t count) {
    u32_t given = 0;
    u32_t step = 0xffff;
    while (given < count) {
        u32_t n = LWIP_MIN(LWIP_MIN(count - given, step), (u32_t)altcp_sndbuf(inner));
        if (n == 0) {
            break;
        }
        err_t err = altcp_write(inner, bytes + given, (u16_t)n, TCP_WRITE_FLAG_COPY);
        if (err == ERR_OK) {
            given += n;
        } else if (err != ERR_MEM) {
            return -1;
        } else if (n <= TCP_WRITE_BYTES_MIN) {
            break;
        } else {
            step = n / 2;
        }
    }
    return (s32_t)given;
}

static u8_t *bytes_of(struct altcp_tls_waiting *w) {
    return (u8_t *)(w + 1);
}

static bool wait_for_room(struct altcp_tls_conn *c, const u8_t *bytes, u32_t count) {
    struct altcp_tls_waiting *w = altcp_tls_mem_alloc(sizeof *w + count);
    if (w == NULL) {
        return false;
    }
    *w = (struct altcp_tls_waiting){.count = count};
    memcpy(bytes_of(w), bytes, count);
    struct altcp_tls_waiting **last = &c->tx_waiting;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = w;
    return true;
}

int altcp_tls_tx_send(WOLFSSL *ssl, char *bytes, int count, void *context) {
    struct altcp_tls_conn *c = context;
    const u8_t *from = (const u8_t *)bytes;
    s32_t given = 0;
    (void)ssl;
    if (c->inner == NULL) {
        return WOLFSSL_CBIO_ERR_CONN_CLOSE;
    }
    if (c->tx_waiting == NULL) {
        given = give_tcp(c->inner, from, (u32_t)count);
    }
    if (given < 0 || (given < count && !wait_for_room(c, from + given, (u32_t)(count - given)))) {
        return WOLFSSL_CBIO_ERR_GENERAL;
    }
    c->tx_made_bytes += (u32_t)count;
    return count;
}

static bool flush_waiting(struct altcp_tls_conn *c) {
    while (c->tx_waiting != NULL) {
        struct altcp_tls_waiting *w = c->tx_waiting;
        s32_t given = give_tcp(c->inner, bytes_of(w) + w->first, w->count - w->first);
        if (given < 0) {
            return false;
        }
        w->first += (u32_t)given;
        if (w->first < w->count) {
            break;
        }
        c->tx_waiting = w->next;
        altcp_tls_mem_free(w);
    }
    return true;
}

bool altcp_tls_tx_flush(struct altcp_tls_conn *c) {
    if (!flush_waiting(c)) {
        return false;
    }
    if (c->tx_shut && c->tx_waiting == NULL && !c->fin_sent) {
        c->fin_sent = altcp_shutdown(c->inner, 0, 1) == ERR_OK;
    }
    return true;
}

void altcp_tls_tx_notify(struct altcp_tls_conn *c) {
    if (c->established && !c->notify_sent) {
        c->notify_sent = true;
        wolfSSL_shutdown(c->ssl); /* without memory for it the FIN has to do */
    }
}

/* Of wolfSSL's internal headers. */
int SendAlert(WOLFSSL *ssl, int severity, int type);

void altcp_tls_tx_alert(struct altcp_tls_conn *c, int description) {
    SendAlert(c->ssl, alert_fatal, description); /* without memory for it the FIN has to do */
}

void altcp_tls_tx_drop(struct altcp_tls_conn *c) {
    while (c->tx_waiting != NULL) {
        struct altcp_tls_waiting *w = c->tx_waiting;
        c->tx_waiting = w->next;
        altcp_tls_mem_free(w);
    }
}

/* ---- plaintext to records, and back ------------------------------------------------------ */

static struct altcp_tls_record *record_at(struct altcp_tls_conn *c, u32_t index) {
    return &c->records[(c->record_first + index) % ALTCP_TLS_TX_RECORDS];
}

/* Notes where the record just made ends. With all places taken it joins the one before: its
 * bytes may be reported later than they could be, never earlier. */
static void note_record(struct altcp_tls_conn *c, u32_t plain_bytes) {
    if (c->record_count < ALTCP_TLS_TX_RECORDS) {
        c->record_count++;
        record_at(c, c->record_count - 1u)->plain_bytes = 0;
    }
    struct altcp_tls_record *last = record_at(c, c->record_count - 1u);
    last->end = c->tx_made_bytes;
    last->plain_bytes += plain_bytes;
}

u32_t altcp_tls_tx_acked(struct altcp_tls_conn *c, u32_t count) {
    u32_t plain_bytes = 0;
    c->tx_acked_bytes += count;
    while (c->record_count > 0 && (s32_t)(c->tx_acked_bytes - record_at(c, 0)->end) >= 0) {
        plain_bytes += record_at(c, 0)->plain_bytes;
        c->record_first = (u16_t)((c->record_first + 1u) % ALTCP_TLS_TX_RECORDS);
        c->record_count--;
    }
    return plain_bytes;
}

/* ---- functions of the pcb ---------------------------------------------------------------- */

/* What TCP can be given now: bytes, and as many segments' descriptors as they need. */
static u32_t tcp_room(struct altcp_pcb *inner) {
    u32_t bytes = altcp_sndbuf(inner);
    u32_t queued = altcp_sndqueuelen(inner);
    if (queued + 2u > TCP_SND_QUEUELEN) {
        return 0;
    }
    return LWIP_MIN(bytes, (TCP_SND_QUEUELEN - queued - 1u) * altcp_mss(inner));
}

static u32_t less(u32_t room, u32_t overhead) {
    return room > overhead ? room - overhead : 0;
}

/* The plaintext that can be written now. When the pool has no room, as while another connection
 * shakes hands, there is none. */
static u32_t plain_room(const struct altcp_tls_conn *c) {
    if (!c->established || c->notify_sent || c->tx_waiting != NULL || c->inner == NULL) {
        return 0;
    }
    u32_t room = less(tcp_room(c->inner), RECORD_OVERHEAD_BYTES);
    room = LWIP_MIN(room, less(altcp_tls_mem_room_bytes(), POOL_OVERHEAD_BYTES));
    return LWIP_MIN(room, ALTCP_TLS_RECORD_BYTES);
}

u16_t altcp_tls_tx_sndbuf(struct altcp_pcb *pcb) {
    struct altcp_tls_conn *c = pcb->state;
    u32_t room = c == NULL ? 0 : plain_room(c);
    if (c != NULL && room == 0) {
        c->tx_starved = true;
    }
    return (u16_t)room;
}

u16_t altcp_tls_tx_mss(struct altcp_pcb *pcb) {
    u16_t mss = altcp_mss(pcb->inner_conn);
    return (u16_t)(mss > RECORD_OVERHEAD_BYTES ? mss - RECORD_OVERHEAD_BYTES : mss);
}

err_t altcp_tls_tx_write(struct altcp_pcb *pcb, const void *bytes, u16_t count, u8_t flags) {
    struct altcp_tls_conn *c = pcb->state;
    (void)flags; /* the bytes are encrypted into memory of our own in any case */
    if (c == NULL || !c->established || c->notify_sent || c->broken) {
        return ERR_CONN;
    }
    if (count == 0) {
        return ERR_OK;
    }
    if (count > plain_room(c)) {
        c->tx_starved = true;
        return ERR_MEM;
    }
    if (wolfSSL_write(c->ssl, bytes, count) != count) {
        c->broken = true; /* part of it may be out, so there is no going on */
        return ERR_CLSD;
    }
    note_record(c, count);
    return ERR_OK;
}
