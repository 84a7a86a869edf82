/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fuzz_http.c: libFuzzer against the whole app, over fake transports. The input is a character of
 * options, then what the clients send, as readable as HTTP is, and what else happens: a '~', a
 * letter and a number, which is one character counted from '0' on.
 *
 *     c     client 0 to 9 connects if it is not, and the bytes that follow are its own
 *     w a   it takes so much unacknowledged; its TCP acknowledges so much (9: all)
 *     d     there is room to write again
 *     f x   it sends FIN; it is gone
 *     m r k a write soon finds no memory, little room, the connection dead
 *     t g   time passes; the wall clock is set (0: not known)
 *     u     the client sends a '~'
 *
 * Any other letter is where what is sent is cut. Options, from '0' on: modulo 3 what becomes of
 * duplicate events; bit 4: timestamps; 8: a trusted proxy; 16: at the end all clients go quiet and
 * every deadline passes, else they are lost at once.
 *
 * Findings, beside what the sanitizers and fake_transport.c find: a connection that outlives its
 * deadlines, anything not free when the clients are gone, a last scrape that goes wrong.
 */
#include "app_rig.h"

#define INPUT_BYTES_MAX 20000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whose turn it is. */
static struct client *now;

/* What was acknowledged is forgotten, so that the fake never fills up. */
static void forget_acknowledged(struct client *c) {
    struct fake_transport *t = &c->wire;
    if (t->acked_bytes > 0) {
        t->written_bytes -= t->acked_bytes;
        memmove(t->written, t->written + t->acked_bytes, t->written_bytes);
        t->acked_bytes = 0;
    }
}

/* One turn of the main loop, which slept for `ms`. */
static void pass(uint32_t ms) {
    rig_now_ms += ms;
    rig_unix_ms += rig_unix_ms >= 0 ? ms : 0;
    app_poll(&rig_app, rig_now_ms);
    for (size_t i = 0; i < RIG_CLIENTS; i++) {
        rig_settle(&rig_clients[i]);
        rig_offer(&rig_clients[i]);
    }
}

static void acknowledge(struct client *c, uint32_t n) {
    uint32_t owed_bytes = c->wire.written_bytes - c->wire.acked_bytes;
    n = n < owed_bytes ? n : owed_bytes;
    if (c->http != NULL && n > 0) {
        rig_acknowledge(c, n);
        forget_acknowledged(c);
    }
}

static void set_fault(enum fake_fault fault, uint32_t value) {
    now->wire.fault = fault;
    now->wire.fault_room_bytes = value * 100;
    now->wire.fault_call = 1 + value % 4 +
                           (fault == FAKE_SHORT_ROOM ? now->wire.writables_count //
                                                     : now->wire.writes_count);
}

static void choose_client(uint32_t number) {
    char address[16];
    now = &rig_clients[number % RIG_CLIENTS];
    if (now->http == NULL) {
        (void)snprintf(address, sizeof address, "10.0.0.%u", (unsigned)(number % 256));
        (void)rig_connect_from(now, address, RIG_WINDOW_BYTES);
    }
}

static void happen(char letter, uint32_t value) {
    static const uint32_t times_ms[] = {1, 50, 100, 1000, 5000, 10000, 31000, 181000, 700000, 0};
    switch (letter) {
    case 'c':
        choose_client(value);
        break;
    case 'w':
        now->wire.window_bytes = value < 9 ? value * value * 40 : RIG_WINDOW_BYTES;
        break;
    case 'a':
        acknowledge(now, value < 9 ? 1 + value * value * 20 : UINT32_MAX);
        break;
    case 'd':
        rig_drain(now);
        break;
    case 'f':
        rig_finish(now);
        break;
    case 'x':
        rig_lose(now);
        break;
    case 'm':
        set_fault(FAKE_TAKES_NOTHING, value);
        break;
    case 'r':
        set_fault(FAKE_SHORT_ROOM, value);
        break;
    case 'k':
        set_fault(FAKE_DEAD, value);
        break;
    case 't':
        pass(times_ms[value % 10]);
        break;
    case 'g':
        rig_unix_ms = value == 0 ? -1 : (int64_t)(value % 200) * INT64_C(1000000000000);
        break;
    default:
        break;
    }
}

/* A segment arrives. */
static void deliver(const uint8_t *bytes, size_t n) {
    if (now->http != NULL && !now->peer_closed && n > 0) {
        rig_send(now, (const char *)bytes, n);
    }
}

static void play(const uint8_t *data, size_t size) {
    static const uint8_t tilde[] = "~";
    size_t at = 0;
    while (at < size) {
        const uint8_t *mark = memchr(data + at, '~', size - at);
        size_t end = mark != NULL ? (size_t)(mark - data) : size;
        deliver(data + at, end - at);
        at = end;
        if (size - at < 3) {
            break;
        }
        if (data[at + 1] == 'u') {
            deliver(tilde, 1);
        }
        happen((char)data[at + 1], (uint8_t)(data[at + 2] - '0'));
        at += 3;
    }
}

/* Nobody does anything any more: all deadlines pass, and leave nothing. */
static void be_quiet(void) {
    for (size_t i = 0; i < RIG_CLIENTS; i++) {
        rig_clients[i].wire.window_bytes = 0;
        rig_clients[i].unsent_bytes = 0;
    }
    for (int i = 0; i < 150; i++) {
        pass(10000);
    }
    for (size_t i = 0; i < RIG_CLIENTS; i++) {
        assert_null(rig_clients[i].http);
    }
}

static void lose_all(void) {
    for (size_t i = 0; i < RIG_CLIENTS; i++) {
        rig_lose(&rig_clients[i]);
    }
}

/* Whatever was done to it, it can be scraped when it has forgotten the scrapers. */
static void check_alive(void) {
    pass(1000000);
    rig_ask(rig_connect(0), SCRAPE, 200);
    assert_true(rig_body_has("\nping_request_count"));
    rig_lose(&rig_clients[0]);
    rig_check_free();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > INPUT_BYTES_MAX) {
        return -1;
    }
    unsigned options = (unsigned)(data[0] - '0');
    rig_now_ms = UINT32_MAX - 4000;
    rig_unix_ms = INT64_C(784111777000);
    rig_config = (struct app_config){
        .hash_key = {1, 2, 3, 4, 5, 6, 7, 8},
        .target = "test",
        .duplicates = (enum delivery_duplicates)(options % 3),
        .explicit_timestamps = options & 4,
        .trust_proxy = options & 8,
    };
    rig_restart();
    choose_client(0);
    play(data + 1, size - 1);
    if (options & 16) {
        be_quiet();
    } else {
        lose_all();
    }
    rig_check_free();
    check_alive();
    return 0;
}
