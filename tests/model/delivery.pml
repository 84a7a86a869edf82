/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * delivery.pml: delivery of events (app/events/delivery.h) as a Promela model. spin searches all of
 * it: any number of scrapes, at most SCRAPES at a time; any number of events, at most EVENTS at a
 * time; any number of warm resets of the server, one between any two of its stores to what outlives
 * them, those of the recovery too. In the end all calms down and one more scrape comes.
 *
 * The wire: a frame that was sent arrives at any later moment, as often as it likes (TCP drops
 * repeats), or never; so it is lost, doubled, late, or out of order. A page is the frame with its
 * last byte, for of a page that is not whole nothing is stored.
 *
 * Checked:
 * - none is lost: no event is given up before the scraper has stored it, and in the end each event
 *   whose post was answered is stored;
 * - none comes twice, but for the ambiguous case: the page was sent whole and no acknowledgement
 *   came. The server counts those, and each time counted allows one repeat;
 * - with -DEXCLUDED nothing parts the two ends between the scraper's storing of a page and the
 *   server's hearing of it: then no event ever comes twice.
 * Each name that begins with MUTANT_ is a fault put in on purpose; spin must find it (run.sh).
 *
 * Assumed: within its timeout the scraper stores what its TCP has acknowledged; later it discards a
 * page, though its TCP may still acknowledge it. Both ends count the timeout from one moment.
 * Not here: a second scraper, for scrapers share nothing but the slots; a connection that ends
 * early, which is to delivery a timeout that comes early; several events with the same labels.
 */
#define EVENTS  2
#define SCRAPES 2

/* ---- what outlives a reset ---- */

mtype = { FREE, IN_FLIGHT, SENT, DELIVERED }; /* FREE: handle is 0; IN_FLIGHT: not sealed as more */

typedef delivery_scrape {
    mtype state = FREE;
    bool taken[EVENTS];
}

typedef event {
    bool sealed;    /* it exists */
    bool due;       /* to the scraper. Sealed and not due: held for the first one that comes */
    bool in_flight; /* to the scraper. Due and not in flight is pending */
}

event events[EVENTS];
delivery_scrape scrapes[SCRAPES];

/* How often the scraper may store the event: once, and once for each time that it was counted as
 * ambiguous, less the times that it has. More than there can be pages on their way are of no use. */
byte allowed[EVENTS] = 1;
#define ALLOWED_MAX (SCRAPES + 1)

/* ---- what does not: the server's end of a connection ---- */

bool open[SCRAPES];
bool up = true; /* false while it recovers: what could happen meanwhile can happen after it */

/* ---- the wire ---- */

bool request[SCRAPES];
bool page[SCRAPES];            /* its last byte */
bool acknowledgement[SCRAPES]; /* of that byte */

/* ---- what the world knows ---- */

bool expired[SCRAPES] = true; /* the scrape's timeout has passed */
bool answered[EVENTS];        /* the post of the event was */
bool stored[EVENTS];
bool calm;                    /* the last scrape has come: no more faults, and no more posts */

#ifdef EXCLUDED
#define undecided(s) (open[s] && acknowledgement[s])
#define arrives(s)   (page[s] && open[s] && scrapes[s].state == SENT)
#else
#define undecided(s) false
#define arrives(s)   page[s]
#endif
#define undecided_any (undecided(0) || undecided(1))

/* ---- the server: app/events/delivery.c ---- */

/* A reset, from which the connections do not come back. */
#define reset !calm && !undecided_any -> up = false; open[0] = false; open[1] = false; goto recover

/* A store to what outlives a reset. The next thing may be that reset. */
#define cut if :: reset :: true fi
#define store(place, value) place = value; cut

inline delivery_post(n) {
    answered[n] = false;
    stored[n] = false;
    allowed[n] = 1;
    store(events[n].due, true);
#ifdef MUTANT_ANSWER_BEFORE_SEAL
    answered[n] = true;
    cut;
#endif
    store(events[n].sealed, true);
    answered[n] = true
}

#ifdef MUTANT_IN_FLIGHT_TWICE
#define pending(n) (events[n].sealed && events[n].due)
#else
#define pending(n) (events[n].sealed && events[n].due && !events[n].in_flight)
#endif

inline delivery_begin(s) {
    for (e : 0 .. EVENTS - 1) {
        if
        :: pending(e) ->
            store(events[e].in_flight, true);
            store(scrapes[s].taken[e], true)
        :: else -> store(scrapes[s].taken[e], false)
        fi
    }
    store(scrapes[s].state, IN_FLIGHT)
}

/* The last byte of the page goes to TCP. */
inline send_last_byte(s) {
#ifdef MUTANT_SENT_AFTER_SENDING
    page[s] = true;
    cut;
    store(scrapes[s].state, SENT)
#else
    store(scrapes[s].state, SENT); /* delivery_sent */
    page[s] = true
#endif
#ifdef MUTANT_COMMIT_ON_SEND
    ;
    end_delivered(s)
#endif
}

/* The event leaves its slot, for it is due to nobody any more. */
inline settle(n) {
    assert(stored[n]); /* else it is given up, and lost */
    answered[n] = false; /* and that is kept */
    store(events[n].sealed, false)
}

inline settle_taken(s) {
    for (e : 0 .. EVENTS - 1) {
        if
        :: scrapes[s].taken[e] && events[e].sealed ->
            store(events[e].in_flight, false);
            settle(e)
        :: else
        fi
    }
    store(scrapes[s].state, FREE)
}

/* All of a scrape is delivered in one store; then its events are settled one by one. */
inline end_delivered(s) {
#ifndef MUTANT_SETTLE_WITHOUT_COMMIT
    store(scrapes[s].state, DELIVERED);
#endif
    settle_taken(s);
    open[s] = false
}

inline count_ambiguous(s) {
    for (e : 0 .. EVENTS - 1) {
        if
        :: scrapes[s].taken[e] && allowed[e] < ALLOWED_MAX ->
#if !defined EXCLUDED && !defined MUTANT_NEVER_TWICE
            store(allowed[e], allowed[e] + 1)
#endif
        :: else
        fi
    }
}

inline make_pending(s) {
    for (e : 0 .. EVENTS - 1) {
        if
        :: scrapes[s].taken[e] -> store(events[e].in_flight, false)
        :: else
        fi
    }
}

inline end_rolled_back(s) {
#ifdef MUTANT_COUNT_AFTER_FREE
    make_pending(s);
    if
    :: scrapes[s].state == SENT -> store(scrapes[s].state, FREE); count_ambiguous(s)
    :: else -> store(scrapes[s].state, FREE)
    fi;
#else
    if
    :: scrapes[s].state == SENT -> count_ambiguous(s)
    :: else
    fi;
    make_pending(s);
    store(scrapes[s].state, FREE);
#endif
    open[s] = false
}

inline delivery_commit(s) {
    if
#ifdef MUTANT_COMMIT_AFTER_TIMEOUT
    :: true -> end_delivered(s)
#else
    :: !expired[s] -> end_delivered(s)
    :: else -> end_rolled_back(s)
#endif
    fi
}

inline delivery_recover() {
    for (s : 0 .. SCRAPES - 1) {
        if
        :: scrapes[s].state == DELIVERED -> settle_taken(s)
#ifndef MUTANT_NO_ROLLBACK_ON_RESET
        :: scrapes[s].state == SENT ->
            count_ambiguous(s);
            store(scrapes[s].state, FREE)
        :: scrapes[s].state == IN_FLIGHT -> store(scrapes[s].state, FREE)
#endif
        :: else
        fi
    }
    for (e : 0 .. EVENTS - 1) {
#ifndef MUTANT_NO_ROLLBACK_ON_RESET
        store(events[e].in_flight, false);
#endif
        store(events[e].due, events[e].sealed) /* the scraper has come: none is held for it */
    }
}

/* A page with it is on its way: what that does to the allowance is the old event's. */
#define carried(n) (page[0] && scrapes[0].taken[n] || page[1] && scrapes[1].taken[n])

/* What may come next: for a slot of the event table, a post. For a scrape: its request, room for
 * the end of its page, the acknowledgement, delivery_poll (or delivery_rollback). */
#define vacant(n) (!events[n].sealed && !carried(n))
#define post(n) \
    :: atomic { !calm && vacant(n) && (n == 0 || !vacant(0)) -> delivery_post(n); goto done }
#define serve(s) \
    :: atomic { request[s] && !expired[s] -> \
                request[s] = false; open[s] = true; delivery_begin(s); goto done } \
    :: atomic { open[s] && scrapes[s].state == IN_FLIGHT && !expired[s] -> \
                send_last_byte(s); goto done } \
    :: atomic { open[s] && acknowledgement[s] -> \
                acknowledgement[s] = false; delivery_commit(s); goto done } \
    :: atomic { open[s] && expired[s] -> end_rolled_back(s); goto done }

active proctype server() {
    byte e, s;
end:
    do
    post(0)
    post(1)
    serve(0)
    serve(1)
    :: atomic { reset }
    od;
recover:
    atomic {
        delivery_recover();
done:
        up = true;
        e = 0;
        s = 0;
        goto end
    }
}

/* ---- the scraper, its clock, and the wire to it ---- */

/* In time the page is stored, later it is discarded. TCP acknowledges it either way. */
inline receive(s) {
    d_step {
        page[s] = false; /* TCP drops repeats */
        acknowledgement[s] = true;
        do
        :: n < EVENTS ->
            if
            :: scrapes[s].taken[n] && !expired[s] ->
                assert(allowed[n] > 0); /* else it comes twice */
                allowed[n]--;
                stored[n] = true
            :: else
            fi;
            n++
        :: else -> break
        od;
        n = 0
    }
}

#define over(s) (expired[s] && !open[s])

/* Begins a scrape; of the one before nothing is left. */
inline ask(s) {
    d_step {
        page[s] = false;
        acknowledgement[s] = false;
        expired[s] = false;
        request[s] = true
    }
}

/* One scrape after another. */
proctype scraper(byte s) {
    byte n;
end:
    do
    :: atomic { up && over(s) && (s == 0 || !over(0)) && !calm -> ask(s) }
    :: atomic { up && arrives(s) -> receive(s) }
    :: up && !expired[s] && !undecided(s) && !calm -> expired[s] = true
    od
}

/* Nothing disturbs the last scrape, and it brings what is left. */
active proctype last() {
    byte n;
    atomic { up && over(0) && over(1) -> calm = true }
    ask(0);
    timeout;
    do
    :: n < EVENTS ->
        assert(!events[n].sealed);
        assert(!answered[n] || stored[n]);
        n++
    :: else -> break
    od
}

init {
    atomic {
        run scraper(0);
        run scraper(1)
    }
}
