/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ledger.h: what was posted, what each scraper has stored, and the judgement over both: the
 * promise of exactly once, as someone outside sees it. Nothing here asks the server.
 *
 * Each event has its own bit as value within a group of events with the same labels, so that a
 * sample tells which events it stands for, also when the server adds up duplicates.
 */
#ifndef PINGSHOT_SIM_LEDGER_H
#define PINGSHOT_SIM_LEDGER_H

#include "host.h"

#define LEDGER_EVENTS_MAX 512u
#define LEDGER_GROUPS_MAX 64u
#define LEDGER_GROUP_BITS 48u
#define LEDGER_SCRAPERS_MAX 12u
#define LEDGER_SCRAPES_MAX 4096u

/* Prometheuses that are one scraper to the server, each with a database of its own. */
#define LEDGER_LANES_MAX 2u

enum ledger_status {
    LEDGER_UNKNOWN, /* some try was never answered: it may be there, once */
    LEDGER_ACKED,
    LEDGER_REFUSED, /* every try was refused, or never left */
};

/* One scraper's side of an event. */
struct ledger_side {
    bool must;        /* it is owed */
    uint32_t stored;  /* in so many bodies, leaving out repeats that Prometheus drops as known */
    uint32_t excused; /* of those: stored, and the acknowledgement never arrived in time */
    uint32_t last_scrape; /* that it was stored from; LEDGER_SCRAPES_MAX: none */
    int64_t stamped_ms;   /* its timestamp when it was last stored; 0: none */
    uint32_t database;    /* that it was stored in: its generation and lane */
};

struct ledger_event {
    uint32_t group;
    uint32_t bit;
    enum ledger_status status;
    bool maybe;         /* a try of it was not answered (yet) */
    bool held;          /* for the first scraper that comes */
    uint64_t number;    /* that the server gave it */
    uint32_t due_count; /* scrapers that the server says it is for */
    sim_us first_sent;
    sim_us answered;
    uint32_t repeats_max; /* cold resets while it was posted: a retry after one is a new event */
    struct ledger_side sides[LEDGER_SCRAPERS_MAX];
};

/* A scrape whose body was stored. */
struct ledger_scrape {
    struct wire_receipt receipt;
    sim_us in_time_until; /* the acknowledgement must have arrived */
};

/* A scraper, by what the server tells it apart by. */
struct ledger_scraper {
    bool used;
    sim_us first_asked; /* its first request; 0: none yet */
    sim_us known_since; /* surely known to the server since; 0: not */
    sim_us seen;        /* surely seen by it then */
    bool vanished;
    uint32_t generation; /* of its databases: a lost one is a new one */
    struct {
        bool any;
        int64_t last_ms; /* Prometheus takes no older sample of a series */
    } series[LEDGER_LANES_MAX][LEDGER_GROUPS_MAX];
};

struct ledger {
    struct world *world;
    struct wire *wire;
    enum sim_duplicates duplicates;
    bool timestamps;
    bool clocks_right; /* all of the time: then what is stored is judged by Prometheus's rules */
    sim_us scraper_timeout;
    sim_us last_cold;     /* 0: none */
    sim_us last_forgiven; /* what was held may have gone with it */
    uint64_t told;        /* ambiguous events, as the server counts them */
    uint64_t repeated;    /* events that came again into the same database, and are not one there */
    uint32_t events_count;
    uint32_t scrapes_count;
    uint32_t bits_used[LEDGER_GROUPS_MAX];
    struct ledger_event events[LEDGER_EVENTS_MAX];
    struct ledger_event *by_bit[LEDGER_GROUPS_MAX][LEDGER_GROUP_BITS];
    struct ledger_scraper scrapers[LEDGER_SCRAPERS_MAX];
    struct ledger_scrape scrapes[LEDGER_SCRAPES_MAX];
};

/* ---- posting ------------------------------------------------------------------------------ */

/* A new event in `group`, or NULL when the ledger is full. */
struct ledger_event *ledger_event_new(struct ledger *l, uint32_t group);

/* It is about to be sent. */
void ledger_sent(struct ledger *l, struct ledger_event *e);

/* The server answered "event `number` queued for `due_count` scrapers". */
void ledger_acked(struct ledger *l, struct ledger_event *e, uint64_t number, uint32_t due_count);

/* ---- scraping ----------------------------------------------------------------------------- */

/* A scraper sends a request. */
void ledger_asked(struct ledger *l, uint32_t scraper);

/* The server has begun to answer with 200 what was asked at `asked`. */
void ledger_known(struct ledger *l, uint32_t scraper, sim_us asked);

/* A page that one lane of a scraper has read as a whole, and in time. */
struct ledger_page {
    uint32_t scraper;
    uint32_t lane;
    const char *text;
    int64_t scraped_ms;           /* the time of samples that have none */
    uint32_t address;             /* the acknowledgement comes from there, */
    struct sim_position position; /* is for all before that, */
    sim_us in_time_until;         /* and must arrive before that */
};

/* It is stored as Prometheus would. */
void ledger_store(struct ledger *l, const struct ledger_page *page);

/* It never comes back, as far as the server can tell. */
void ledger_vanished(struct ledger *l, uint32_t scraper);

/* It has a new, empty database. */
void ledger_new_database(struct ledger *l, uint32_t scraper);

/* ---- judging ------------------------------------------------------------------------------ */

/* The server has lost its memory. */
void ledger_cold_reset(struct ledger *l);

/* So many events the server has counted as ambiguous since it last lost its memory. */
void ledger_told(struct ledger *l, uint64_t ambiguous);

/* Nothing is owed any more. */
bool ledger_settled(const struct ledger *l);

/* The judgement at the end, into the world's counts. */
void ledger_judge(struct ledger *l);

#endif
