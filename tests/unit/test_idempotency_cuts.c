/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_idempotency_cuts.c: a reset after every single store of a request with an Idempotency-Key.
 * Whatever was cut, the request was done exactly if its key is known afterwards, and the client that
 * repeats it gets the first answer and has been served once.
 */
#include "app_rig.h"
#include "every_store.h"

#define KEYS CFG_IDEMPOTENCY_KEYS
#define KEY(key) "Idempotency-Key: " key "\r\n"
#define KEYED_EVENT(query, key) POST("/event?" query, KEY(key) "\r\n")
#define KEYED(target, type, key, len, body) \
    POST(target, KEY(key) "Content-Type: " type "\r\nContent-Length: " len "\r\n\r\n" body)
#define COPIES_MAX 8u

/* ---- an app that starts after the reset -------------------------------------------------- */

static struct app after;
static struct state_found after_found;
static struct fake_transport after_wire;
static char answer[2048];

static void note_found(const struct state_found *found) {
    after_found = *found;
}

static void start_after(struct state *region) {
    struct app_config config = rig_config;
    struct problem p;
    config.found = note_found;
    if (!app_init(&after, &config, region, &p)) {
        fail_msg("%.*s", (int)p.line_len, p.line);
    }
}

/* Sends a request on a connection of its own; leaves the answer's body in `answer`. */
static int ask_after(const char *request) {
    const uint32_t n = (uint32_t)strlen(request);
    fake_transport_init(&after_wire, RIG_WINDOW_BYTES);
    struct http_conn *c = app_accept(&after, &after_wire.transport, SLICE("10.0.0.9"));
    assert_non_null(c);
    assert_int_equal(http_conn_received(c, request, n), n);
    http_conn_lost(c);
    after_wire.written[after_wire.written_bytes] = '\0';
    const char *body = strstr(after_wire.written, "\r\n\r\n");
    assert_non_null(body);
    assert_true(strlen(body + 4) < sizeof answer);
    memcpy(answer, body + 4, strlen(body + 4) + 1);
    return atoi(after_wire.written + 9);
}

/* ---- what is cut -------------------------------------------------------------------------- */

struct scenario {
    const char *name;
    const char *before[12]; /* requests that were answered earlier, of these with keys: */
    const char *older[KEYS];
    const char *request; /* the one that is cut */
    const char *key;     /* its key */
    int status;
    enum delivery_duplicates duplicates;
    bool timestamps;
    bool full; /* of events, before */
};

static const struct scenario scenarios[] = {
    {.name = "first key, held event",
     .request = KEYED_EVENT("type=a&value=2", "k"),
     .key = "k",
     .status = 200},
    {.name = "event to scrapers, ring not full",
     .before = {SCRAPE, KEYED_EVENT("type=a", "o1"), KEYED_EVENT("type=b", "o2")},
     .older = {"o1", "o2"},
     .request = KEYED_EVENT("type=a", "k"),
     .key = "k",
     .status = 200},
    {.name = "ring full",
     .before = {SCRAPE, KEYED_EVENT("", "o1"), KEYED_EVENT("", "o2"), KEYED_EVENT("", "o3"),
                KEYED_EVENT("", "o4")},
     .older = {"o1", "o2", "o3", "o4"},
     .request = KEYED_EVENT("type=a", "k"),
     .key = "k",
     .status = 200},
    {.name = "ring wrapped, timestamps",
     .before = {KEYED_EVENT("", "x"), KEYED_EVENT("", "o1"), KEYED_EVENT("", "o2"),
                KEYED_EVENT("", "o3"), KEYED_EVENT("", "o4"), SCRAPE},
     .older = {"o1", "o2", "o3", "o4"},
     .request = KEYED_EVENT("type=a", "k"),
     .key = "k",
     .status = 200,
     .timestamps = true},
    {.name = "event merged, last",
     .before = {KEYED_EVENT("type=a&value=1", "o1"), EVENT("type=b")},
     .older = {"o1"},
     .request = KEYED_EVENT("type=a&value=3", "k"),
     .key = "k",
     .status = 200,
     .duplicates = DELIVERY_LAST},
    {.name = "event merged, sum",
     .before = {KEYED_EVENT("type=a&value=1", "o1"), EVENT("type=b")},
     .older = {"o1"},
     .request = KEYED_EVENT("type=a&value=3", "k"),
     .key = "k",
     .status = 200,
     .duplicates = DELIVERY_SUM,
     .timestamps = true},
    {.name = "refused: no slot",
     .before = {KEYED_EVENT("", "o1"), KEYED_EVENT("", "o2"), KEYED_EVENT("", "o3"),
                KEYED_EVENT("", "o4")},
     .older = {"o1", "o2", "o3", "o4"},
     .request = KEYED_EVENT("type=a", "k"),
     .key = "k",
     .status = 503,
     .full = true},
    {.name = "refused in the body",
     .before = {KEYED("/create", "text/plain", "o1", "4", "a 1\n")},
     .older = {"o1"},
     .request =
         KEYED("/create", "text/plain", "k", "37", "# TYPE b gauge\nb{x=\"1\"} 5\nb{x=\"2\"} x\n"),
     .key = "k",
     .status = 400},
    {.name = "create",
     .before = {KEYED("/create", "text/plain", "o1", "4", "a 1\n")},
     .older = {"o1"},
     .request =
         KEYED("/create", "text/plain", "k", "37", "# TYPE b gauge\nb{x=\"1\"} 5\nb{x=\"2\"} 6\n"),
     .key = "k",
     .status = 200},
    {.name = "update, ring full",
     .before = {KEYED("/create", "text/plain", "o1", "8", "a 1\nb 2\n"), KEYED_EVENT("", "o2"),
                KEYED_EVENT("", "o3"), KEYED("/update", "text/plain", "o4", "8", "a 1\nb 1\n")},
     .older = {"o1", "o2", "o3", "o4"},
     .request = KEYED("/update", "text/plain", "k", "10", "a 10\nb 20\n"),
     .key = "k",
     .status = 200},
    {.name = "update, JSON",
     .before = {POST("/create",
                     "Content-Type: text/plain\r\nContent-Length: 8\r\n\r\n") "a 1\nb 2\n"},
     .request = KEYED("/update", "application/json", "k", "45",
                      "{\"name\":\"a\",\"metrics\":[{\"value\":9}]}         "),
     .key = "k",
     .status = 200},
    {.name = "refused at the commit",
     .before = {KEYED("/create", "text/plain", "o1", "22", "# TYPE a counter\na 1\n\n")},
     .older = {"o1"},
     .request = KEYED("/create", "text/plain", "k", "19", "b 1\n# TYPE a gauge\n"),
     .key = "k",
     .status = 409},
};

/* What a request changes; all of it is said by other records than the ring's. */
struct measure {
    uint64_t events_posted;
    uint32_t events_waiting;
    uint32_t series;
    double sum_of_events;
    double sum_of_series;
};

static struct measure measure(const struct state *s) {
    struct measure m;
    memset(&m, 0, sizeof m);
    m.events_posted = s->delivery.counts.posted;
    m.events_waiting = s->delivery.events.stats.used;
    m.series = s->registry.series_count.used;
    for (uint16_t e = s->delivery.events.oldest; e != EVENT_TABLE_NONE;
         e = s->delivery.events.slots[e].newer) {
        m.sum_of_events += s->delivery.events.slots[e].value;
    }
    for (uint32_t f = 0; f < s->registry.families_end; f++) {
        uint32_t i = s->registry.families[f].flags & REGISTRY_FAMILY_USED
                         ? s->registry.families[f].first_series
                         : REGISTRY_NONE;
        for (; i != REGISTRY_NONE; i = s->registry.series[i].next) {
            m.sum_of_series += s->registry.series[i].value;
        }
    }
    return m;
}

static bool same(const struct measure *a, const struct measure *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

static struct {
    const struct scenario *scenario;
    struct client *client;
    struct measure before;
    struct measure after;
    char answer[sizeof answer];
    bool done;         /* at an earlier cut */
    uint32_t done_cut; /* first cut at which it was */
    uint32_t keep_from;
    uint32_t kept_count;
    struct state kept[COPIES_MAX];
} now;

/* ---- what must hold ---------------------------------------------------------------------- */

static bool knows(const char *key) {
    struct hash_digest digest;
    struct problem p;
    const struct idempotency *ring = &after.state->idempotency;
    const struct slice value = {key, (uint32_t)strlen(key)};
    assert_true(idempotency_read_key(ring, value, &digest, &p));
    return idempotency_find(ring, digest) != NULL;
}

/* Nobody but the oldest has gone, and only for a new key. */
static void check_older(bool done) {
    uint32_t older = 0;
    while (older < KEYS && now.scenario->older[older] != NULL) {
        older++;
    }
    for (uint32_t i = 0; i < older; i++) {
        const bool replaced = i == 0 && older == KEYS && done;
        assert_int_equal(knows(now.scenario->older[i]), !replaced);
    }
    assert_int_equal(after.state->idempotency.used, older + done > KEYS ? KEYS : older + done);
}

/* Later requests are remembered as if there had been no reset. */
static void check_goes_on(void) {
    char request[160];
    char key[16];
    for (unsigned i = 0; i < KEYS; i++) {
        (void)snprintf(request, sizeof request,
                       KEYED("/create", "text/plain", "later-%u", "8", "later 1\n"), i);
        assert_int_equal(ask_after(request), 200);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        (void)snprintf(key, sizeof key, "later-%u", i);
        assert_true(knows(key));
    }
    assert_false(knows(now.scenario->key));
    assert_int_equal(after.state->idempotency.used, KEYS);
}

/* Starts on what a reset left. Returns whether the request had been done. */
static bool check_region(struct state *region) {
    start_after(region);
    assert_int_equal(after_found.kind, STATE_OURS);
    assert_int_equal(after_found.idempotency.damaged_count, 0);
    struct measure m = measure(region);
    const bool done = now.scenario->status == 200 && same(&m, &now.after);
    assert_true(done || same(&m, &now.before));
    assert_int_equal(knows(now.scenario->key), done);
    check_older(done);
    for (int i = 0; i < 2; i++) { /* the client that never heard of it */
        assert_int_equal(ask_after(now.scenario->request), now.scenario->status);
        assert_string_equal(answer, now.answer);
        m = measure(region);
        assert_true(same(&m, &now.after));
    }
    assert_int_equal(region->idempotency.repeats_total, now.scenario->status != 200 ? 0 : 1 + done);
    check_goes_on();
    return done;
}

static void check_cut(void *copy, uint32_t number, void *context) {
    (void)context;
    if (now.kept_count < COPIES_MAX && number >= now.keep_from) {
        memcpy(&now.kept[now.kept_count++], copy, sizeof(struct state));
    }
    const bool done = check_region(copy);
    assert_true(done || !now.done);
    if (done && !now.done) {
        now.done_cut = number;
    }
    now.done = done;
}

static void serve(void *region, void *context) {
    (void)context;
    rig_app.state = region;
    rig_puts(now.client, now.scenario->request);
    rig_app.state = &rig_state;
}

/* ---- the tests --------------------------------------------------------------------------- */

/* The state before the request; what comes of it without a reset. */
static void prepare(const struct scenario *s) {
    static struct state copy;
    memset(&now, 0, sizeof now);
    now.scenario = s;
    rig_config.duplicates = s->duplicates;
    rig_config.explicit_timestamps = s->timestamps;
    rig_restart();
    now.client = rig_connect(0);
    for (size_t i = 0; i < sizeof s->before / sizeof s->before[0] && s->before[i] != NULL; i++) {
        rig_ask(now.client, s->before[i], 200);
    }
    while (s->full && rig_state.delivery.events.stats.used < CFG_EVENTS_MAX) {
        rig_ask(now.client, EVENT("type=filler"), 200);
    }
    copy = rig_state;
    start_after(&copy);
    now.before = measure(&copy);
    assert_int_equal(ask_after(s->request), s->status);
    memcpy(now.answer, answer, sizeof now.answer);
    now.after = measure(&copy);
    assert_int_equal(same(&now.before, &now.after), s->status != 200);
}

static void end(void) {
    rig_acknowledge_all(now.client);
    rig_expect(now.client, now.scenario->status);
    rig_expect_body(now.answer);
    rig_lose(now.client);
}

static void cut_at_every_store(void **state) {
    const struct every_store run = {serve, check_cut, NULL};
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        prepare(&scenarios[i]);
        now.kept_count = COPIES_MAX; /* none */
        const uint32_t cuts = every_store_run(&run, &rig_state, sizeof rig_state);
        assert_int_equal(now.done, scenarios[i].status == 200);
        print_message("%s: %u cuts, done from %u on\n", scenarios[i].name, (unsigned)cuts,
                      (unsigned)now.done_cut);
        end();
    }
}

static void start_again(void *region, void *context) {
    static struct app app; /* its own: each cut starts `after` anew */
    struct problem p;
    (void)context;
    assert_true(app_init(&app, &rig_config, region, &p));
}

static void check_second_cut(void *copy, uint32_t number, void *context) {
    const bool *done = context;
    (void)number;
    assert_int_equal(check_region(copy), *done);
}

/* A reset while the start after a reset puts in order what it found. */
static void cut_again_at_every_store(void **state) {
    static const size_t chosen[] = {2, 9};
    (void)state;
    for (size_t i = 0; i < sizeof chosen / sizeof chosen[0]; i++) {
        const struct every_store run = {serve, check_cut, NULL};
        prepare(&scenarios[chosen[i]]);
        struct state region = rig_state;
        now.kept_count = COPIES_MAX;
        every_store_run(&run, &region, sizeof region);
        const uint32_t done_cut = now.done_cut;
        end();
        /* The cuts around the one at which it is done. */
        prepare(&scenarios[chosen[i]]);
        now.keep_from = done_cut - COPIES_MAX / 2;
        every_store_run(&run, &rig_state, sizeof rig_state);
        end();
        assert_int_equal(now.kept_count, COPIES_MAX);
        for (uint32_t k = 0; k < COPIES_MAX; k++) {
            bool done = k >= COPIES_MAX / 2;
            const struct every_store again = {start_again, check_second_cut, &done};
            every_store_run(&again, &now.kept[k], sizeof now.kept[k]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(cut_at_every_store),
        RIG_TEST(cut_again_at_every_store),
    };
    return cmocka_run_group_tests_name("idempotency_cuts", tests, NULL, NULL);
}
