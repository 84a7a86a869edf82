/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_altcp_tls_turns.c: handshakes that wait for each other: in order, for sessions and for
 * memory, not for ever, and not for those that stall. What TCP's window does meanwhile is in
 * test_net_tls_window.c.
 */
#include "tls_pipe.h"

#include "lwip/timeouts.h"

#define TURN_POLLS (ALTCP_TLS_TURN_MS / 500)
#define HANDSHAKE_POLLS (ALTCP_TLS_HANDSHAKE_MS / 500)

static struct pipe silent[ALTCP_TLS_SESSIONS_MAX + ALTCP_TLS_WAITING_MAX];
static uint32_t silent_count;
static void *blocks[4000];
static uint32_t asked_count;
static uint32_t asked_urgently_count;
static struct altcp_pcb *spare; /* what the application gives up when it is asked */

static struct pipe *const p = &pipes[0];

static void give_up(void *arg, bool urgent) {
    assert_ptr_equal(arg, &asked_count);
    asked_count++;
    asked_urgently_count += urgent;
    if (spare != NULL) {
        struct altcp_pcb *pcb = spare;
        spare = NULL;
        altcp_abort(pcb);
    }
}

static int start(void **state) {
    start_test(state);
    silent_count = 0;
    asked_count = 0;
    asked_urgently_count = 0;
    spare = NULL;
    altcp_tls_wolfssl_on_shortage(give_up, &asked_count);
    return 0;
}

static int end(void **state) {
    for (uint32_t i = 0; i < silent_count; i++) {
        if (silent[i].inner != NULL) {
            deliver_fin(&silent[i]);
        }
    }
    sys_check_timeouts();
    altcp_tls_wolfssl_on_shortage(NULL, NULL);
    return end_test(state);
}

/* A client that connects and says nothing. */
static struct pipe *connect_silent(void) {
    struct pipe *one = &silent[silent_count++];
    memset(one, 0, sizeof *one);
    assert_int_equal(connect_tcp(one), ERR_OK);
    return one;
}

static void take_all_sessions(void) {
    while (stats_now().sessions_used < ALTCP_TLS_SESSIONS_MAX) {
        connect_silent();
    }
}

/* One client's handshake as far as it gets. */
static bool goes_on(struct pipe *client) {
    bool done = false;
    for (int turn = 0; turn < 8 && !done; turn++) {
        done = client_steps(client);
        deliver_all(client, 0xffff);
        acknowledge_all(client);
    }
    return done;
}

static void connect_client(struct pipe *client, bool tls13) {
    assert_int_equal(connect_tcp(client), ERR_OK);
    client_start(client, tls13);
}

static void poll_times(struct pipe *who, uint32_t times) {
    for (uint32_t i = 0; i < times; i++) {
        poll_once(who);
        sys_check_timeouts();
    }
}

static uint32_t timeouts(void) {
    return stats_now().failures_total[ALTCP_TLS_TIMEOUT] -
           stats_before.failures_total[ALTCP_TLS_TIMEOUT];
}

/* ---- sessions ----------------------------------------------------------------------------- */

static void who_says_nothing_takes_no_memory(void **state) {
    (void)state;
    take_all_sessions();
    assert_int_equal(memory_used(), memory_at_rest_bytes);
    assert_int_equal(stats_now().sessions_high_water, ALTCP_TLS_SESSIONS_MAX);
}

static void they_wait_in_the_order_of_arrival(void **state) {
    (void)state;
    take_all_sessions();
    assert_true(altcp_tls_wolfssl_is_short());
    connect_client(&pipes[0], true);
    connect_client(&pipes[1], false);
    assert_int_equal(stats_now().waiting_used, 2);
    assert_false(goes_on(&pipes[1])); /* it sends first and is second all the same */
    assert_false(goes_on(&pipes[0]));
    assert_int_equal(pipes[0].written_bytes + pipes[1].written_bytes, 0);
    for (int i = 0; i < 2; i++) {
        deliver_fin(&silent[i]);
        sys_check_timeouts();
        assert_int_equal(stats_now().waiting_used, 1 - i);
        assert_true(goes_on(&pipes[i])); /* with what it sent while it waited */
        assert_int_equal(accepts, i + 1);
    }
    assert_int_equal(stats_now().sessions_refused_total, stats_before.sessions_refused_total);
}

static void a_place_too_few_to_wait_in(void **state) {
    (void)state;
    take_all_sessions();
    for (uint32_t i = 0; i < ALTCP_TLS_WAITING_MAX; i++) {
        connect_silent();
    }
    assert_int_equal(stats_now().waiting_used, ALTCP_TLS_WAITING_MAX);
    assert_int_equal(connect_tcp(p), ERR_MEM);
    assert_int_equal(stats_now().waiting_refused_total, stats_before.waiting_refused_total + 1);
    assert_int_equal(stats_now().waiting_high_water, ALTCP_TLS_WAITING_MAX);
}

static void nobody_waits_for_ever(void **state) {
    (void)state;
    take_all_sessions();
    connect_client(p, true);
    poll_times(p, HANDSHAKE_POLLS - 1);
    assert_non_null(p->inner);
    poll_times(p, 1);
    assert_true(p->aborted);
    assert_int_equal(stats_now().sessions_refused_total, stats_before.sessions_refused_total + 1);
    assert_int_equal(timeouts(), 0);
    assert_false(stats_now().waiting_used > 0);
}

/* Whoever leaves while it waits, from the front, the middle or the end. */
static void who_leaves_is_left_out(void **state) {
    (void)state;
    for (uint32_t leaves = 0; leaves < 3; leaves++) {
        start(NULL);
        take_all_sessions();
        const uint32_t first = silent_count;
        for (uint32_t i = 0; i < 3; i++) {
            connect_silent();
        }
        if (leaves == 1) {
            struct altcp_pcb *inner = silent[first + 1].inner;
            silent[first + 1].inner = NULL;
            inner->err(inner->arg, ERR_RST);
            altcp_free(inner);
        } else {
            deliver_fin(&silent[first + leaves]);
        }
        assert_int_equal(stats_now().waiting_used, 2);
        assert_int_equal(stats_now().failures_total[ALTCP_TLS_LEFT],
                         stats_before.failures_total[ALTCP_TLS_LEFT] + 1);
        deliver_fin(&silent[0]);
        deliver_fin(&silent[1]);
        sys_check_timeouts();
        assert_int_equal(stats_now().waiting_used, 0);
        assert_int_equal(stats_now().sessions_used, ALTCP_TLS_SESSIONS_MAX);
        end(NULL);
    }
}

/* ---- those that stall --------------------------------------------------------------------- */

/* Each keeps its turn no longer than ALTCP_TLS_TURN_MS: one that says nothing, and one that stops
 * within its first message. */
static void a_stalled_turn_ends_while_others_wait(void **state) {
    (void)state;
    for (uint32_t said_bytes = 0; said_bytes <= 100; said_bytes += 100) {
        start(NULL);
        connect_client(p, true);
        client_steps(p);
        if (said_bytes > 0) {
            deliver(p, said_bytes);
        }
        take_all_sessions();
        poll_times(p, TURN_POLLS + 1);
        assert_non_null(p->inner); /* nobody waits */
        connect_client(&pipes[1], true);
        poll_times(p, 1);
        assert_null(p->inner);
        assert_int_equal(timeouts(), 1);
        assert_true(goes_on(&pipes[1]));
        end(NULL);
    }
}

static void others_are_not_hurried_before_their_time(void **state) {
    (void)state;
    take_all_sessions();
    connect_client(p, true);
    poll_times(&silent[3], TURN_POLLS - 1);
    assert_non_null(silent[3].inner);
    poll_times(&silent[3], 1);
    assert_null(silent[3].inner);
    assert_int_equal(timeouts(), 1);
    assert_true(goes_on(p));
}

/* ---- memory ------------------------------------------------------------------------------- */

/* There is memory for one handshake: the second begins when the first is done. */
static void they_wait_for_memory(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        start(NULL);
        client_start(&pipes[0], tls13);
        client_start(&pipes[1], tls13);
        client_steps(&pipes[0]); /* clients share the pool */
        client_steps(&pipes[1]);
        uint32_t count = take_memory(blocks, 4000, ALTCP_TLS_MEM_RESERVE_BYTES * 2 - 1);
        assert_int_equal(connect_tcp(&pipes[0]), ERR_OK);
        assert_int_equal(connect_tcp(&pipes[1]), ERR_OK);
        assert_int_equal(stats_now().waiting_used, 1); /* the memory is promised */
        deliver_all(&pipes[1], 0xffff);
        deliver_all(&pipes[0], 0xffff);
        assert_int_equal(pipes[1].written_bytes, 0);
        assert_true(pipes[0].written_bytes > 0);
        assert_int_equal(asked_count, 0); /* the first one's end will do */
        give_memory(blocks, count);
        assert_true(goes_on(&pipes[0]));
        sys_check_timeouts();
        assert_true(goes_on(&pipes[1]));
        assert_int_equal(accepts, 2);
        assert_int_equal(stats_now().handshakes_total, stats_before.handshakes_total + 2);
        end(NULL);
    }
}

/* Most of a handshake's memory goes to what it does last: one that has begun is still owed it. */
static void a_begun_handshake_keeps_its_promise(void **state) {
    (void)state;
    client_start(&pipes[0], true);
    client_start(&pipes[1], true);
    client_steps(&pipes[0]);
    client_steps(&pipes[1]);
    assert_int_equal(connect_tcp(&pipes[0]), ERR_OK);
    deliver_all(&pipes[0], 0xffff);
    assert_true(pipes[0].written_bytes > 0);
    uint32_t count = take_memory(blocks, 4000, ALTCP_TLS_MEM_RESERVE_BYTES * 2 - 1);
    assert_int_equal(connect_tcp(&pipes[1]), ERR_OK);
    assert_int_equal(stats_now().waiting_used, 1);
    assert_false(altcp_tls_wolfssl_is_short()); /* the first one's end will do */
    give_memory(blocks, count);
    assert_true(goes_on(&pipes[0]));
    assert_int_equal(stats_now().waiting_used, 1);
    assert_false(altcp_tls_wolfssl_is_short()); /* the second one has its turn a moment later */
    sys_check_timeouts();
    assert_true(goes_on(&pipes[1]));
}

/* A turn given, the memory gone since: the first message waits, and not for ever. */
static void a_promise_that_cannot_be_kept(void **state) {
    (void)state;
    for (int comes_back = 0; comes_back < 2; comes_back++) {
        start(NULL);
        connect_client(p, true);
        client_steps(p);
        uint32_t count = take_memory(blocks, 4000, ALTCP_TLS_MEM_RESERVE_BYTES - 1);
        deliver_all(p, 0xffff);
        poll_times(p, 1);
        assert_int_equal(p->written_bytes, 0);
        if (comes_back) {
            give_memory(blocks, count);
            poll_times(p, 1);
            assert_true(goes_on(p));
        } else {
            poll_times(p, ALTCP_TLS_RX_WAIT_MS / 500);
            assert_null(p->inner);
            assert_int_equal(stats_now().failures_total[ALTCP_TLS_MEMORY],
                             stats_before.failures_total[ALTCP_TLS_MEMORY] + 1);
            give_memory(blocks, count);
        }
        end(NULL);
    }
}

/* ---- the application gives one up --------------------------------------------------------- */

static void the_application_is_asked_for_a_session(void **state) {
    (void)state;
    shake_hands(p, true);
    take_all_sessions();
    connect_client(&pipes[1], true);
    assert_int_equal(asked_count, 0); /* not from within lwIP's callback */
    sys_check_timeouts();
    assert_int_equal(asked_count, 1);
    poll_times(&pipes[1], TURN_POLLS - 1);
    assert_int_equal(asked_count, TURN_POLLS);
    assert_int_equal(asked_urgently_count, 0);
    poll_times(&pipes[1], 1);
    assert_int_equal(asked_urgently_count, 1);
    spare = uppers[0].pcb;
    poll_times(&pipes[1], 1);
    assert_true(p->aborted);
    sys_check_timeouts();
    assert_true(goes_on(&pipes[1]));
}

static void the_application_is_asked_for_memory(void **state) {
    (void)state;
    shake_hands(p, true);
    client_start(&pipes[1], true);
    client_steps(&pipes[1]);
    uint32_t count = take_memory(blocks, 4000, ALTCP_TLS_MEM_RESERVE_BYTES - 1);
    assert_int_equal(connect_tcp(&pipes[1]), ERR_OK);
    spare = uppers[0].pcb;
    sys_check_timeouts();
    assert_int_equal(asked_count, 1);
    assert_true(p->aborted);
    sys_check_timeouts();
    assert_int_equal(stats_now().waiting_used, 0);
    give_memory(blocks, count);
    assert_true(goes_on(&pipes[1]));
}

int main(void) {
#define TURNS_TEST(function) cmocka_unit_test_setup_teardown(function, start, end)
    const struct CMUnitTest tests[] = {
        TURNS_TEST(who_says_nothing_takes_no_memory),
        TURNS_TEST(they_wait_in_the_order_of_arrival),
        TURNS_TEST(a_place_too_few_to_wait_in),
        TURNS_TEST(nobody_waits_for_ever),
        TURNS_TEST(who_leaves_is_left_out),
        TURNS_TEST(a_stalled_turn_ends_while_others_wait),
        TURNS_TEST(others_are_not_hurried_before_their_time),
        TURNS_TEST(they_wait_for_memory),
        TURNS_TEST(a_begun_handshake_keeps_its_promise),
        TURNS_TEST(a_promise_that_cannot_be_kept),
        TURNS_TEST(the_application_is_asked_for_a_session),
        TURNS_TEST(the_application_is_asked_for_memory),
    };
    return cmocka_run_group_tests(tests, start_world, end_world);
}
