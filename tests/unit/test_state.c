/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_state.c: what outlives a reset, as a whole: whose a region is, what a start makes of it, and
 * whole requests that are cut at every store. What each part keeps is in the tests of the parts.
 */
#include "app_rig.h"
#include "every_store.h"
#include "metrics/exposition_writer.h"
#include "state_order.h"

#define FACTS_BYTES 8192u

static const uint8_t other_key[HASH_KEY_BYTES] = {8, 7, 6, 5, 4, 3, 2, 1};
static const struct delivery_options options = {.scraper_timeout_ms = 600000};

/* ---- facts: what somebody outside can find out ------------------------------------------- */

static struct text facts_over(char *bytes) {
    return text_over(bytes, FACTS_BYTES - 1); /* and a NUL */
}

/* The events that wait for a scraper; they are delivered to it. */
static void put_events(struct state *s, const char *name, struct text *t) {
    struct scraper_identity who;
    struct delivery_cursor cursor;
    struct problem p;
    const struct delivery_now now = {rig_now_ms, rig_unix_ms};
    const struct slice text = {name, (uint32_t)strlen(name)};
    assert_true(scrapers_identify(&who, text, SLICE("10.0.0.9"), SLICE(""), true, &p));
    assert_true(delivery_begin(&s->delivery, &who, 10000, rig_now_ms, now, &cursor, &p));
    text_puts(t, name);
    text_put_char(t, '\n');
    if (cursor.handle != 0) {
        assert_true(delivery_pull(&s->delivery, &cursor, false, t));
        assert_true(delivery_commit(&s->delivery, cursor.handle, rig_now_ms));
    }
}

/* Whether a request with this key was done. */
static void put_key(const struct state *s, struct slice name, struct text *t) {
    struct hash_digest key;
    struct problem p;
    assert_true(idempotency_read_key(&s->idempotency, name, &key, &p));
    if (idempotency_find(&s->idempotency, key) != NULL) {
        text_put_slice(t, name);
    }
}

/* Starts on `s` and puts down what is there: the page of what requests made, what waits for each
 * scraper, and the keys. */
static void put_facts(struct state *s, char *bytes) {
    struct exposition_writer writer;
    struct state_found found;
    struct text t = facts_over(bytes);
    state_open(s, &options, other_key, rig_now_ms, &found);
    assert_int_equal(found.kind, STATE_OURS);
    exposition_writer_init(&writer, &s->registry, EXPOSITION_TEXT);
    assert_true(exposition_writer_pull(&writer, &s->registry, &t));
    put_events(s, "a", &t);
    put_events(s, "b", &t);
    put_key(s, SLICE("k"), &t);
    put_key(s, SLICE("j"), &t);
    assert_false(t.overflow);
    bytes[t.len] = '\0';
}

static void facts_now(char *bytes) {
    static struct state copy;
    memcpy(&copy, &rig_state, sizeof copy);
    put_facts(&copy, bytes);
}

/* ---- the header -------------------------------------------------------------------------- */

static struct state_found found_at_start;

static void note_found(const struct state_found *found) {
    found_at_start = *found;
}

static void found_is(const char *expected) {
    char bytes[200];
    struct text t = text_over(bytes, sizeof bytes - 1);
    state_put_found(&found_at_start, &t);
    bytes[t.len] = '\0';
    assert_string_equal(bytes, expected);
}

static void start_again(void) {
    struct problem p;
    rig_config.found = note_found;
    assert_true(app_init(&rig_app, &rig_config, &rig_state, &p));
}

static void memory_with_nothing_of_ours(void **state) {
    (void)state;
    memset(&rig_state, 0xa5, sizeof rig_state);
    start_again();
    found_is("state: empty");
    memset(&rig_state, 0, sizeof rig_state);
    start_again();
    found_is("state: empty");
    memset(&rig_state, 0xff, sizeof rig_state);
    start_again();
    found_is("state: empty");
    start_again();
    found_is("state: 0 series, 0 events for 0 scrapers, restored");
}

static void seal(void) {
    struct state_header *h = &rig_state.header;
    h->check = 0;
    assert_int_equal(state_look(h), STATE_NONE);
    h->check = state_check(h->magic, h, offsetof(struct state_header, check));
}

static void what_is_of_another_pingshot_is_not_believed(void **state) {
    (void)state;
    rig_ask(rig_connect(0), EVENT("n=1"), 200);
    rig_state.header.version++;
    seal();
    start_again();
    found_is("state: empty; what was kept is of another version");
    rig_state.header.layout++;
    seal();
    start_again();
    found_is("state: empty; what was kept is of other capacities");
    rig_state.header.hash_key[3] ^= 1;
    start_again();
    found_is("state: empty; what was kept is damaged");
    start_again();
    found_is("state: 0 series, 0 events for 0 scrapers, restored");
}

static void any_change_of_the_header_is_found(void **state) {
    const struct state_header good = rig_state.header;
    (void)state;
    assert_int_equal(state_look(&good), STATE_OURS);
    for (uint32_t bit = 0; bit < 8 * sizeof good; bit++) {
        struct state_header h = good;
        ((uint8_t *)&h)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(state_look(&h), bit < 8 * sizeof h.magic ? STATE_NONE : STATE_DAMAGED);
    }
}

/* ---- what a start says ------------------------------------------------------------------- */

#define CREATE "# TYPE jobs gauge\njobs{of=\"x\"} 1\njobs{of=\"y\"} 2\n"

static void fill(void) {
    struct client *c = rig_connect(0);
    rig_post(c, "/create", "text/plain", CREATE, 200, NULL);
    rig_ask(c, GET("/metrics?scraper=a"), 200);
    rig_ask(c, GET("/metrics?scraper=b"), 200);
    rig_ask(c, EVENT("n=1"), 200);
    rig_ask(c, EVENT("n=2"), 200);
    rig_finish(c);
}

static void a_start_says_what_it_found(void **state) {
    (void)state;
    fill();
    rig_puts(rig_connect(1), GET("/metrics?scraper=a"));
    start_again();
    found_is("state: 2 series, 2 events for 2 scrapers, restored; 2 events in flight");
    start_again();
    found_is("state: 2 series, 2 events for 2 scrapers, restored");
    rig_state.delivery.events.slots[rig_state.delivery.events.oldest].value += 1;
    start_again();
    found_is("state: 2 series, 1 event for 2 scrapers, restored; left out as damaged: 1 event");
}

static void counters_of_its_own_start_at_zero(void **state) {
    (void)state;
    fill();
    rig_ask(rig_connect(1), GET("/ping"), 200);
    rig_ask(rig_connect(2), GET("/metrics"), 200);
    assert_true(rig_body_has("ping_request_count{path=\"\",receiver=\"\"} 1\n"));
    start_again();
    rig_clients[1].http = rig_clients[2].http = NULL;
    rig_ask(rig_connect(1), GET("/metrics"), 200);
    assert_true(rig_body_has("ping_request_count{path=\"\",receiver=\"\"} 0\n"));
    assert_true(rig_body_has("jobs{of=\"x\"} 1\n"));
    assert_true(rig_body_has("events_to_metrics_event_count 2\n"));
}

/* ---- cut at every store ------------------------------------------------------------------ */

struct request {
    const char *bytes;
    const char *body;     /* of text/plain, to post to `bytes`; NULL: they are the whole request */
    uint32_t cuts_before; /* that showed what was there before, and after */
    uint32_t cuts_after;
    char before[FACTS_BYTES];
    char after[FACTS_BYTES];
};

static void ask(void *region, void *context) {
    const struct request *r = context;
    struct client *c = &rig_clients[1];
    rig_app.state = region;
    if (r->body != NULL) {
        rig_post(c, r->bytes, "text/plain", r->body, 200, NULL);
    } else {
        rig_puts(c, r->bytes);
        rig_acknowledge_all(c);
    }
    rig_app.state = &rig_state;
}

static void expect_before_or_after(void *copy, uint32_t number, void *context) {
    struct request *r = context;
    static char facts[FACTS_BYTES];
    (void)number;
    put_facts(copy, facts);
    if (strcmp(facts, r->before) == 0) {
        r->cuts_before++;
        return;
    }
    assert_string_equal(facts, r->after);
    r->cuts_after++;
}

static void cut_request(struct request *r) {
    static struct state undone;
    static struct app app_undone;
    static struct client client_undone;
    const struct every_store run = {ask, expect_before_or_after, r};
    (void)rig_connect(1);
    facts_now(r->before);
    /* What it makes of it, uncut, and back again. */
    memcpy(&undone, &rig_state, sizeof undone);
    memcpy(&app_undone, &rig_app, sizeof app_undone);
    memcpy(&client_undone, &rig_clients[1], sizeof client_undone);
    ask(&rig_state, r);
    facts_now(r->after);
    memcpy(&rig_state, &undone, sizeof undone);
    memcpy(&rig_app, &app_undone, sizeof app_undone);
    memcpy(&rig_clients[1], &client_undone, sizeof client_undone);
    r->cuts_before = r->cuts_after = 0;
    every_store_run(&run, &rig_state, sizeof rig_state);
    assert_true(r->cuts_after > 0);
    rig_finish(&rig_clients[1]);
}

#define KEY(key) "Idempotency-Key: " key "\r\n"

static void a_request_is_there_or_not(void **state) {
    static struct request requests[] = {
        {.bytes = EVENT("n=3&value=7")},
        {.bytes = "/create", .body = "# TYPE t counter\nt{a=\"1\"} 1\nt{a=\"2\"} 2\n"},
        {.bytes = "/update", .body = "jobs{of=\"x\"} 5\njobs{of=\"y\"} 6\n"},
        {.bytes = POST("/event?n=4", KEY("k") "\r\n")},
        {.bytes = POST("/create", KEY("j") "Content-Type: text/plain\r\nContent-Length: 19\r\n\r\n"
                                           "# TYPE u gauge\nu 1\n")},
        {.bytes = GET("/metrics?scraper=a")},
        {.bytes = GET("/metrics?scraper=b")},
        {.bytes = "DELETE /metrics/jobs HTTP/1.1\r\nHost: a\r\n\r\n"},
        {.bytes = "/create", .body = CREATE},
    };
    (void)state;
    fill();
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        cut_request(&requests[i]);
        assert_string_not_equal(requests[i].before, requests[i].after);
        assert_true(requests[i].cuts_before > 0);
    }
}

/* ---- a start that is cut ----------------------------------------------------------------- */

struct start {
    char facts[FACTS_BYTES];
    uint32_t made; /* cuts at which there was a whole state */
};

static void start(void *region, void *context) {
    struct state_found found;
    (void)context;
    state_open(region, &options, other_key, rig_now_ms, &found);
}

static void expect_the_same(void *copy, uint32_t number, void *context) {
    static char facts[FACTS_BYTES];
    const struct start *expected = context;
    (void)number;
    put_facts(copy, facts);
    assert_string_equal(facts, expected->facts);
}

static void a_start_can_be_cut(void **state) {
    static struct start expected;
    const struct every_store run = {start, expect_the_same, &expected};
    (void)state;
    fill();
    /* Something of everything is under way. */
    rig_puts(rig_connect(1), GET("/metrics?scraper=a"));
    rig_puts(rig_connect(2), POST("/create", "Content-Type: text/plain\r\nContent-Length: 99\r\n"
                                             "\r\n# TYPE open gauge\nopen 1\n"));
    facts_now(expected.facts);
    assert_non_null(strstr(expected.facts, "jobs{of=\"y\"} 2\n"));
    assert_null(strstr(expected.facts, "open"));
    every_store_run(&run, &rig_state, sizeof rig_state);
}

/* Until the last store makes it a state it is none, so the next start makes it anew. */
static void expect_none_or_whole(void *copy, uint32_t number, void *context) {
    struct start *s = context;
    const struct state *region = copy;
    const enum state_kind kind = state_look(&region->header);
    (void)number;
    if (kind == STATE_OURS) {
        s->made++;
    } else {
        struct state_found found;
        assert_true(kind == STATE_NONE || kind == STATE_DAMAGED);
        assert_int_equal(s->made, 0);
        state_open(copy, &options, other_key, rig_now_ms, &found);
        assert_int_equal(found.kind, kind);
    }
    static char facts[FACTS_BYTES];
    put_facts(copy, facts);
    assert_string_equal(facts, "a\nb\n");
}

static void making_one_can_be_cut(void **state) {
    static const uint8_t rubbish[] = {0, 0xa5, 0xff};
    static struct start made;
    const struct every_store run = {start, expect_none_or_whole, &made};
    (void)state;
    for (size_t i = 0; i < sizeof rubbish; i++) {
        memset(&rig_state, rubbish[i], sizeof rig_state);
        made.made = 0;
        every_store_run(&run, &rig_state, sizeof rig_state);
        assert_in_range(made.made, 1, 2);
    }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup(f, rig_setup)
    const struct CMUnitTest tests[] = {
        TEST(memory_with_nothing_of_ours),
        TEST(what_is_of_another_pingshot_is_not_believed),
        TEST(any_change_of_the_header_is_found),
        TEST(a_start_says_what_it_found),
        TEST(counters_of_its_own_start_at_zero),
        TEST(a_request_is_there_or_not),
        TEST(a_start_can_be_cut),
        TEST(making_one_can_be_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
