/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * altcp_tls_turns.c: whose turn it is to shake hands: the rules are in altcp_tls_wolfssl.h. Not the
 * handshake itself, that is in altcp_tls_conn.c.
 */
#include "altcp_tls_conn.h"

#include "lwip/priv/tcp_priv.h"
#include "lwip/timeouts.h"

#define HANDSHAKE_POLLS ALTCP_TLS_POLLS(ALTCP_TLS_HANDSHAKE_MS)
#define TURN_POLLS ALTCP_TLS_POLLS(ALTCP_TLS_TURN_MS)

_Static_assert(ALTCP_TLS_HANDSHAKE_MS >= 1000 && ALTCP_TLS_HANDSHAKE_MS <= 60000,
               "ALTCP_TLS_HANDSHAKE_MS: set 1000 to 60000");
_Static_assert(ALTCP_TLS_TURN_MS >= 500 && ALTCP_TLS_TURN_MS <= ALTCP_TLS_HANDSHAKE_MS,
               "ALTCP_TLS_TURN_MS: set 500 to ALTCP_TLS_HANDSHAKE_MS");
_Static_assert(ALTCP_TLS_MEM_BYTES >= ALTCP_TLS_MEM_RESERVE_BYTES,
               "ALTCP_TLS_MEM_BYTES: at least ALTCP_TLS_MEM_RESERVE_BYTES, or none has a turn");

static struct altcp_tls_conn *first; /* of those that wait, in the order of arrival */
static u32_t in_turn_count;          /* handshakes that may go on */
static bool look_is_due;
static void (*give_up_one)(void *arg, bool urgent);
static void *give_up_arg;

static u32_t free_bytes(void) {
    struct altcp_tls_mem_stats mem;
    altcp_tls_mem_get_stats(&mem);
    return mem.limit_bytes - mem.used_bytes;
}

/* Whether so many more could have their turn. Those that have it may still take all that they were
 * promised: most goes to what a handshake does last. */
static bool is_room_for(u32_t count) {
    return altcp_tls_conn_stats.sessions_used + count <= ALTCP_TLS_SESSIONS_MAX &&
           free_bytes() / ALTCP_TLS_MEM_RESERVE_BYTES >= in_turn_count + count;
}

bool altcp_tls_turns_has_memory(void) {
    return free_bytes() >= ALTCP_TLS_MEM_RESERVE_BYTES;
}

/* ---- TCP's window ------------------------------------------------------------------------- */

/* Before SYN and ACK are sent: what its client has to say stays with the client. */
static err_t on_syn(u8_t id, struct tcp_pcb_listen *listener, struct tcp_pcb *pcb) {
    (void)id;
    if (first != NULL || !is_room_for(listener->accepts_pending)) {
        pcb->rcv_wnd = 0;
        pcb->rcv_ann_wnd = 0;
    }
    return ERR_OK;
}

void altcp_tls_turns_listen(struct altcp_pcb *inner) {
    static const struct tcp_ext_arg_callbacks callbacks = {.passive_open = on_syn};
    struct tcp_pcb *tcp = altcp_tls_conn_tcp(inner);
    if (tcp != NULL) {
        tcp_ext_arg_set_callbacks(tcp, 0, &callbacks);
    }
}

static void open_window(struct altcp_pcb *inner) {
    struct tcp_pcb *tcp = altcp_tls_conn_tcp(inner);
    if (tcp != NULL && tcp->rcv_wnd == 0) {
        tcp_recved(tcp, TCP_WND);
    }
}

/* ---- turns -------------------------------------------------------------------------------- */

static void note_high_water(u32_t *high_water, u32_t used) {
    if (used > *high_water) {
        *high_water = used;
    }
}

static void give_turn(struct altcp_tls_conn *c) {
    struct altcp_tls_stats *stats = &altcp_tls_conn_stats;
    note_high_water(&stats->sessions_high_water, ++stats->sessions_used);
    in_turn_count++;
    c->waits = false;
    c->polls = 0;
    if (c->rx == NULL) {
        open_window(c->inner);
    }
}

static bool is_without_sessions(void) {
    return altcp_tls_conn_stats.sessions_used == ALTCP_TLS_SESSIONS_MAX;
}

/* Somebody has to go for the first of those that wait: there is no session left, or no handshake
 * whose end would give memory back. */
static void ask_to_give_up(void) {
    if (give_up_one != NULL && (is_without_sessions() || in_turn_count == 0)) {
        give_up_one(give_up_arg, first->polls >= TURN_POLLS);
    }
}

static void look(void *arg) {
    (void)arg;
    look_is_due = false;
    while (first != NULL && is_room_for(1)) {
        struct altcp_tls_conn *c = first;
        first = c->next;
        altcp_tls_conn_stats.waiting_used--;
        give_turn(c);
        altcp_tls_conn_go_on(c);
    }
    if (first != NULL) {
        ask_to_give_up();
    }
}

void altcp_tls_turns_look(void) {
    if (first != NULL && !look_is_due) {
        look_is_due = true;
        sys_timeout(0, look, NULL);
    }
}

void altcp_tls_turns_join(struct altcp_tls_conn *c) {
    struct altcp_tls_stats *stats = &altcp_tls_conn_stats;
    if (first == NULL && is_room_for(1)) {
        give_turn(c);
        return;
    }
    struct altcp_tls_conn **last = &first;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = c;
    c->next = NULL;
    c->waits = true;
    note_high_water(&stats->waiting_high_water, ++stats->waiting_used);
    altcp_tls_turns_look();
}

static void leave_queue(struct altcp_tls_conn *c) {
    struct altcp_tls_conn **link = &first;
    while (*link != c) {
        link = &(*link)->next;
    }
    *link = c->next;
    altcp_tls_conn_stats.waiting_used--;
}

void altcp_tls_turns_established(struct altcp_tls_conn *c) {
    in_turn_count--;
    c->established = true;
    c->polls = 0;
    altcp_tls_turns_look();
}

void altcp_tls_turns_leave(struct altcp_tls_conn *c) {
    if (c->waits) {
        leave_queue(c);
        return;
    }
    if (!c->established) {
        in_turn_count--;
    }
    altcp_tls_conn_stats.sessions_used--;
    altcp_tls_turns_look();
}

bool altcp_tls_turns_is_late(const struct altcp_tls_conn *c) {
    return c->polls >= HANDSHAKE_POLLS || (first != NULL && !c->waits && c->polls >= TURN_POLLS);
}

/* ---- the application ----------------------------------------------------------------------- */

void altcp_tls_wolfssl_on_shortage(void (*give_up)(void *arg, bool urgent), void *arg) {
    give_up_one = give_up;
    give_up_arg = arg;
}

bool altcp_tls_wolfssl_is_short(void) {
    return is_without_sessions() || (first != NULL && in_turn_count == 0 && !is_room_for(1));
}
