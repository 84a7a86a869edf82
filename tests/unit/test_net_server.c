/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_server.c: the whole app behind the real lwIP: what net_server makes of segments of any
 * size, of ends and resets at any packet, of a wire that loses or is cut, and of thousands of
 * connections.
 */
#include "net_rig.h"

#include "lwip/priv/altcp_priv.h"

/* ---- requests --------------------------------------------------------------------------- */

static void whole_requests(void **state) {
    struct peer *peer = connect_peer(0);
    (void)state;
    ask(peer, GET("/healthz"), 200);
    rig_expect_body("ok\n");
    ask(peer, GET("/metrics"), 200);
    assert_true(rig_body_has("{agent=\"unknown\",scraper=\"192.168.76.2\"} 1\n"));
    ask(peer, GET("/nowhere"), 404);
    ask(peer, POST("/echo", "Content-Length: 5\r\n\r\nhello"), 200);
    assert_int_equal(server_side(peer)->rcv_wnd, TCP_WND);
    /* A second connection works as well as the first, beside it and after it. */
    ask(connect_peer(1), GET("/healthz"), 200);
    close_peer(peer);
    step_all();
    ask(connect_peer(0), GET("/healthz"), 200);
}

static const char requests[] =
    GET("/healthz") EVENT("a=b") POST("/echo", "Content-Length: 11\r\n\r\nhello world")
        POST("/echo", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
            SCRAPE GET("/healthz");

static void expect_answers(struct peer *peer) {
    static const int statuses[] = {200, 200, 200, 200};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        expect_answer(peer, statuses[i]);
    }
    expect_answer(peer, 200);
    assert_true(rig_body_has("\nevents_to_metrics{a=\"b\"} 1\n"));
    expect_answer(peer, 200);
    rig_expect_body("ok\n");
    rig_expect_nothing(&peer->answers);
    assert_int_equal(rig_state.delivery.counts.delivered, 1);
}

/* In segments of one byte, each on its own way, and all at once. */
static void segments_of_any_size(void **state) {
    static const size_t sizes[] = {1, 2, 7, 100, sizeof requests - 1};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        rig_restart();
        struct peer *peer = connect_peer(0);
        for (size_t at = 0; at < sizeof requests - 1; at += sizes[i]) {
            size_t left = sizeof requests - 1 - at;
            send_to(peer, requests + at, left < sizes[i] ? left : sizes[i]);
            step_all();
        }
        pass(2000); /* a lone last segment is acknowledged only after a while */
        expect_answers(peer);
        assert_int_equal(server_side(peer)->rcv_wnd, TCP_WND);
        reset_peer(peer);
        step_all();
    }
}

/* Small and large packets. */
static void paths_of_any_mtu(void **state) {
    static const uint16_t mtus[] = {68, 100, 576, 1500, 9000};
    (void)state;
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        rig_restart();
        wire.netif.mtu = mtus[i];
        struct peer *peer = connect_peer(0);
        send_to(peer, requests, sizeof requests - 1);
        pass(2000); /* a lone last segment is acknowledged only after a while */
        expect_answers(peer);
        reset_peer(peer);
        step_all();
    }
}

/* In however many pieces a page is made, with a send buffer of a few segments as a board has, it
 * goes out in as few segments as it can. */
static void segments_of_a_page_are_full(void **state) {
    (void)state;
    struct peer *peer = connect_peer(0);
    for (uint32_t i = 0; i < 40; i++) {
        char request[256];
        snprintf(request, sizeof request,
                 "POST /create HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                 "Content-Length: 64\r\n\r\npages_with_many_series{number=\"%029u\"} 1",
                 i);
        ask(peer, request, 200);
    }
    pass(1000);
    server_side(peer)->snd_buf = (tcpwnd_size_t)(3 * server_side(peer)->mss);
    for (uint32_t i = 0; i < 3; i++) {
        const uint32_t before = peer->answers.wire.written_bytes;
        peer->segments = 0;
        puts_to(peer, SCRAPE);
        pass(1000);
        const uint32_t bytes = peer->answers.wire.written_bytes - before;
        const uint32_t mss = server_side(peer)->mss;
        assert_in_range(bytes, 3 * CFG_HTTP_TX_BYTES, UINT32_MAX);
        assert_int_equal(peer->segments, (bytes + mss - 1) / mss);
    }
    reset_peer(peer);
}

/* How many bytes wait at the server for the app to take them. */
static uint32_t waiting_bytes(const struct peer *peer) {
    const struct tcp_pcb *pcb = server_side(peer);
    uint32_t waiting = pcb->refused_data != NULL ? pcb->refused_data->tot_len : 0;
    for (uint32_t i = 0; i <= CFG_CONNECTIONS_MAX; i++) {
        for (const struct net_held *h = server.conns[i].held_first; h != NULL; h = h->next) {
            assert_in_range(h->end, h->start + 1, TCP_MSS);
            waiting += (uint32_t)h->end - h->start;
        }
    }
    return waiting;
}

#define PAGE_PART "{table=\"body_buffers\"} 0\n"

/* What the app has not taken stays counted against the client's window, byte for byte, and comes
 * back when it is taken; however many segments it comes in, few frames are held. */
static void window_is_what_the_app_took(void **state) {
    struct peer *peer = connect_peer(0);
    (void)state;
    peer->stalled = true;
    for (uint32_t i = 0; i < MANY_PAGES; i++) {
        puts_to(peer, GET("/metrics"));
        step_all();
    }
    const struct tcp_pcb *pcb = server_side(peer);
    assert_true(waiting_bytes(peer) > 0);
    assert_int_equal(pcb->rcv_wnd + waiting_bytes(peer), TCP_WND);
    assert_true(used_of(MEMP_PBUF_POOL) <= base_used[MEMP_PBUF_POOL] + 6);
    /* Its FIN waits behind them as well. */
    assert_int_equal(tcp_shutdown(peer->pcb, 0, 1), ERR_OK);
    step_all();
    assert_false(peer->finished);
    read_answers(peer, MANY_PAGES, PAGE_PART, 30000);
    pass(1000);
    assert_true(peer->finished);
    rig_expect_nothing(&peer->answers);
    rig_check_free();
}

/* A FIN that came with more requests than were taken yet ends the connection behind the last. */
static void closed_behind_many_requests(void **state) {
    static char many[1500 * (sizeof(GET("/healthz")) - 1)];
    struct text t = text_over(many, sizeof many);
    struct peer *peer = connect_peer(0);
    (void)state;
    while (text_room(&t) > 0) {
        text_puts(&t, GET("/healthz"));
    }
    peer->stalled = true;
    send_to(peer, many, sizeof many);
    assert_int_equal(tcp_shutdown(peer->pcb, 0, 1), ERR_OK);
    pass(1000);
    assert_true(waiting_bytes(peer) > CFG_HTTP_RX_BYTES);
    read_answers(peer, 1500, "ok\n", TCP_WND);
    pass(1000);
    assert_true(peer->finished);
    rig_check_free();
}

/* The segment that fills a hole brings all behind it at once, more than any segment holds. */
static void holes_filled_while_the_app_waits(void **state) {
    static const char request[] = GET("/metrics");
    (void)state;
    for (uint32_t segment = 1; segment < 12; segment++) {
        rig_restart();
        struct peer *peer = connect_peer(0);
        peer->stalled = true;
        for (uint32_t i = 0; i < MANY_PAGES; i++) {
            puts_to(peer, request);
            step_all();
        }
        pass(1000); /* for the last, delayed acknowledgement */
        const uint32_t waited = waiting_bytes(peer);
        uint32_t more = 0;
        for (; more < 600; more++) {
            assert_int_equal(tcp_write(peer->pcb, request, sizeof request - 1,
                                       TCP_WRITE_FLAG_COPY | TCP_WRITE_FLAG_MORE),
                             ERR_OK);
        }
        wire.lost = wire.delivered + segment;
        assert_int_equal(tcp_output(peer->pcb), ERR_OK);
        pass(6000);
        wire.lost = NEVER;
        assert_true(waiting_bytes(peer) > waited + 2 * TCP_MSS);
        assert_int_equal(server_side(peer)->rcv_wnd + waiting_bytes(peer), TCP_WND);
        read_answers(peer, MANY_PAGES + more, PAGE_PART, 30000);
        rig_expect_nothing(&peer->answers);
        reset_peer(peer);
        step_all();
    }
}

/* ---- ends ------------------------------------------------------------------------------- */

static void closed_by_the_client(void **state) {
    struct peer *peer = connect_peer(0);
    (void)state;
    close_peer(peer); /* before a request */
    step_all();
    rig_check_free();
    peer = connect_peer(0);
    puts_to(peer, "GET /heal"); /* within one */
    step_all();
    assert_int_equal(tcp_shutdown(peer->pcb, 0, 1), ERR_OK);
    step_all();
    assert_true(peer->finished);
    rig_expect_nothing(&peer->answers);
    rig_check_free();
    close_peer(peer);
    peer = connect_peer(0);
    puts_to(peer, GET("/metrics") GET("/healthz")); /* right behind some */
    assert_int_equal(tcp_shutdown(peer->pcb, 0, 1), ERR_OK);
    step_all();
    expect_answer(peer, 200);
    expect_answer(peer, 200);
    rig_expect_body("ok\n");
    assert_true(peer->finished);
    rig_check_free();
    close_peer(peer);
    peer = connect_peer(0);
    puts_to(peer, SCRAPE); /* within the answer */
    for (int i = 0; i < 3; i++) {
        assert_true(step());
    }
    assert_int_equal(tcp_shutdown(peer->pcb, 0, 1), ERR_OK);
    step_all();
    expect_answer(peer, 200);
    assert_true(peer->finished);
    rig_check_free();
}

/* Both sides have closed, and the scrape's last bytes are still on their way: it is not lost. */
static void closed_before_the_acknowledgement(void **state) {
    struct peer *peer = connect_peer(0);
    (void)state;
    ask(peer, EVENT("a=b"), 200);
    puts_to(peer, "GET /metrics HTTP/1.0\r\nUser-Agent: Prometheus/2\r\n\r\n");
    assert_int_equal(tcp_shutdown(peer->pcb, 0, 1), ERR_OK);
    step_all();
    pass(1000);
    assert_true(peer->finished);
    assert_int_equal(rig_state.delivery.counts.delivered, 1);
    rig_check_free();
}

static void closed_by_the_server(void **state) {
    struct peer *peer = connect_peer(0);
    (void)state;
    ask(peer, "GET /healthz HTTP/1.0\r\n\r\n", 200);
    assert_true(peer->finished);
    assert_int_equal(rig_app.http.connections_stats.used, 1); /* until the client closes too, */
    close_peer(peer);
    step_all();
    rig_check_free();
    peer = connect_peer(0); /* or has had the time to */
    ask(peer, "GET /healthz HTTP/1.0\r\n\r\n", 200);
    pass(CFG_HTTP_LINGER_MS + 200);
    assert_true(peer->reset);
    rig_check_free();
    peer = connect_peer(0);
    pass(CFG_HTTP_IDLE_TIMEOUT_MS + 200);
    assert_true(peer->finished);
    close_peer(peer);
    step_all();
    rig_check_free();
}

/* As TLS closes while it has no memory for its last record. */
static err_t shut_down_later(struct altcp_pcb *pcb, int shut_rx, int shut_tx) {
    (void)pcb;
    assert_false(shut_rx);
    assert_true(shut_tx);
    return ERR_OK;
}

static err_t refuse_to_close(struct altcp_pcb *pcb) {
    (void)pcb;
    return ERR_MEM;
}

/* lwIP goes on with the pcb whose callback told of the client's end: it is not aborted in there. */
static void a_close_that_is_refused(void **state) {
    (void)state;
    struct peer *peer = connect_peer(0);
    struct altcp_pcb *pcb = server.conns[0].pcb;
    struct altcp_functions refusing = *pcb->fns;
    refusing.shutdown = shut_down_later;
    refusing.close = refuse_to_close;
    pcb->fns = &refusing;
    assert_int_equal(tcp_shutdown(peer->pcb, 0, 1), ERR_OK);
    step_all();
    assert_ptr_equal(server.conns[0].pcb, pcb);
    assert_false(peer->reset);
    pass(CFG_HTTP_LINGER_MS + 200);
    assert_true(peer->reset);
    rig_check_free();
}

static void client_that_does_not_read(void **state) {
    struct peer *peer = connect_peer(0);
    (void)state;
    peer->stalled = true;
    for (uint32_t i = 0; i < MANY_PAGES; i++) {
        puts_to(peer, SCRAPE);
        step_all();
    }
    pass(CFG_SCRAPE_TIMEOUT_MS - 1000);
    assert_int_equal(rig_app.http.connections_stats.used, 1);
    pass(3000);
    rig_check_free();
}

/* ---- the wire, packet by packet --------------------------------------------------------- */

/* One client posts an event and scrapes. Each packet is numbered from the SYN on. */
static struct peer *begin_exchange(void) {
    rig_restart();
    wire.netif.mtu = 576; /* so that there are many */
    wire.delivered = 0;
    return begin_connect(0, 0);
}

static bool run_exchange_to(struct peer *peer, uint32_t packets) {
    static const char exchange[] = EVENT("a=b") SCRAPE;
    bool sent = false;
    while (wire.delivered < packets) {
        if (!sent && peer->connected) {
            send_to(peer, exchange, sizeof exchange - 1);
            sent = true;
        }
        if (!step()) {
            return false;
        }
    }
    return true;
}

/* The event is there for the next scrape, unless it was delivered or never posted. */
static void check_exactly_once(void) {
    const uint64_t due = rig_state.delivery.counts.posted - rig_state.delivery.counts.delivered;
    struct peer *peer = connect_peer(1);
    ask(peer, SCRAPE, 200);
    assert_int_equal(rig_body_has("\nevents_to_metrics{a=\"b\"} 1\n"), due);
    ask(peer, SCRAPE, 200);
    assert_false(rig_body_has("events_to_metrics{"));
    reset_peer(peer);
    step_all();
    rig_check_free();
}

/* The client resets the connection after each number of packets. */
static void reset_at_every_packet(void **state) {
    bool more = true;
    (void)state;
    for (uint32_t n = 0; more; n++) {
        struct peer *peer = begin_exchange();
        more = run_exchange_to(peer, n);
        print_message("reset after %u packets\n", n);
        reset_peer(peer);
        step_all();
        check_exactly_once();
    }
}

/* The cable is pulled after each number of packets, and the client never seen again: its place
 * comes free by itself. */
static void cut_at_every_packet(void **state) {
    bool more = true;
    (void)state;
    for (uint32_t n = 0; more; n++) {
        struct peer *peer = begin_exchange();
        more = run_exchange_to(peer, n);
        print_message("cut after %u packets\n", n);
        wire.cut = 0;
        reset_peer(peer);
        step_all();
        pass(CFG_SCRAPER_TIMEOUT_MS / 2);
        assert_int_equal(rig_state.delivery.scrapes_stats.used, 0);
        pass(CFG_SCRAPER_TIMEOUT_MS / 2 - 1000);
        wire.cut = NEVER;
        if (rig_app.http.connections_stats.used > 0) { /* only one that had all is waited for */
            assert_int_equal(rig_state.delivery.counts.delivered, 1);
        }
        pass(10000);
        wire.cut = NEVER;
        pass(CFG_HTTP_LINGER_MS + 1000);
        rig_check_free();
    }
}

/* Each packet is lost once; the exchange goes on as if it had not been. */
static void loss_of_every_packet(void **state) {
    bool more = true;
    (void)state;
    for (uint32_t n = 0; more; n++) {
        struct peer *peer = begin_exchange();
        wire.lost = n;
        print_message("packet %u lost\n", n);
        for (int i = 0; i < 100 && !peer->connected; i++) {
            pass(50);
        }
        assert_true(peer->connected);
        puts_to(peer, EVENT("a=b") SCRAPE);
        pass(5000);
        more = wire.delivered > n;
        expect_answer(peer, 200);
        expect_answer(peer, 200);
        assert_true(rig_body_has("\nevents_to_metrics{a=\"b\"} 1\n"));
        assert_int_equal(rig_state.delivery.counts.delivered, 1);
        wire.lost = NEVER;
        reset_peer(peer);
        step_all();
        check_exactly_once();
    }
}

/* ---- many ------------------------------------------------------------------------------- */

/* Connections one after the other, closed by the one side or the other, so that both have more in
 * TIME_WAIT than there are pcbs. */
static void churn(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 4000; i++) {
        struct peer *peer = connect_peer(0);
        ask(peer, i % 2 == 0 ? GET("/healthz") : "GET /healthz HTTP/1.0\r\n\r\n", 200);
        close_peer(peer);
        step_all();
        assert_int_equal(rig_app.http.connections_stats.used, 0);
        if (i % 100 == 0) {
            pass(50);
        }
    }
    assert_int_equal(rig_app.http.connections_stats.high_water, 1);
}

/* Always from the same port, while the server still waits for the connection before. */
static void churn_from_one_port(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        struct peer *peer = begin_connect(0, 40000);
        step_all();
        assert_true(peer->connected);
        ask(peer, "GET /healthz HTTP/1.0\r\n\r\n", 200);
        assert_true(peer->finished);
        close_peer(peer);
        step_all();
        assert_int_equal(rig_app.http.connections_stats.used, 0);
        pass(50);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        NET_TEST(whole_requests),
        NET_TEST(segments_of_any_size),
        NET_TEST(paths_of_any_mtu),
        NET_TEST(segments_of_a_page_are_full),
        NET_TEST(window_is_what_the_app_took),
        NET_TEST(closed_behind_many_requests),
        NET_TEST(holes_filled_while_the_app_waits),
        NET_TEST(closed_by_the_client),
        NET_TEST(closed_before_the_acknowledgement),
        NET_TEST(closed_by_the_server),
        NET_TEST(a_close_that_is_refused),
        NET_TEST(client_that_does_not_read),
        NET_TEST(reset_at_every_packet),
        NET_TEST(cut_at_every_packet),
        NET_TEST(loss_of_every_packet),
        NET_TEST(churn),
        NET_TEST(churn_from_one_port),
    };
    return cmocka_run_group_tests_name("net_server", tests, set_up_stack, NULL);
}
