/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * poster.c: who posts events: one at a time or several in one burst, over connections kept or not,
 * again later when refused, and again with the same key when there was no answer.
 */
#include "scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TRIES_MAX 12u

static void due(void *arg, uint64_t ticket);
static void send_all(void *arg, uint64_t ticket);

bool poster_is_idle(const struct poster *p) {
    return p->posts_count == 0;
}

/* ---- after an answer, or none ---------------------------------------------------------------- */

/* This post is over: the others move up. */
static void finish(struct poster *p, uint32_t i) {
    p->posts_count--;
    memmove(&p->posts[i], &p->posts[i + 1], (p->posts_count - i) * sizeof p->posts[0]);
}

/* With a key, and while the server surely knows it. */
static bool may_retry(const struct poster *p, const struct post *post) {
    return p->retries &&
           p->scene->keys_count - post->key < p->scene->server->keys_max - POSTER_BURST_MAX / 2;
}

/* There will be no answer to those not answered. */
static void give_up_answers(struct poster *p) {
    struct world *w = &p->scene->world;
    p->ticket++;
    client_abort(&p->client);
    for (uint32_t i = p->posts_count; i-- > 0;) {
        struct post *post = &p->posts[i];
        const bool sent = p->sent_count > i;
        post->event->maybe = post->event->maybe || sent;
        if ((sent && !may_retry(p, post)) || post->tries >= TRIES_MAX) {
            world_note(w, "g=%u bit %u: no answer", post->event->group, post->event->bit);
            finish(p, i);
        }
    }
    p->sent_count = 0;
    if (p->posts_count > 0) {
        world_plan(w, world_between(w, 100, 1500) * SIM_MS, send_all, p, p->ticket);
    }
}

static void time_out(void *arg, uint64_t ticket) {
    struct poster *p = arg;
    if (ticket == p->ticket && p->posts_count > 0) {
        give_up_answers(p);
    }
}

static void failed(void *owner) {
    struct poster *p = owner;
    if (p->posts_count > 0) {
        give_up_answers(p);
    }
}

static void began(void *owner) {
    (void)owner;
}

/* "event 17 queued for 2 scrapers" */
static void accepted(struct poster *p, struct ledger_event *e, const char *line) {
    uint64_t number;
    uint32_t count = 0;
    if (sscanf(line, "event %" SCNu64 " queued for %u scraper", &number, &count) < 1 ||
        (count == 0 && strstr(line, "for the first scraper") == NULL)) {
        world_fail(&p->scene->world, "an event is answered with: %.80s", line);
        return;
    }
    world_note(&p->scene->world, "g=%u bit %u is event %" PRIu64 " for %u", e->group, e->bit,
               number, count);
    ledger_acked(&p->scene->ledger, e, number, count);
}

/* The oldest post that was sent is answered. */
static void answered(void *owner, const struct client_answer *answer) {
    struct poster *p = owner;
    struct world *w = &p->scene->world;
    if (p->sent_count == 0) {
        world_fail(w, "an answer to nothing: %d %.60s", answer->status, answer->body);
        return;
    }
    struct post *post = &p->posts[0];
    p->sent_count--;
    if (answer->status == 200) {
        /* By now its key may have been forgotten for newer ones: then a retry was a new event. */
        post->event->repeats_max += p->scene->keys_count - post->key >= p->scene->server->keys_max;
        accepted(p, post->event, answer->body);
    } else if (answer->status == 503 || answer->status == 409 || answer->status == 408) {
        world_note(w, "g=%u bit %u: %d %s", post->event->group, post->event->bit, answer->status,
                   answer->body);
        if (post->tries < TRIES_MAX) { /* later, behind the others */
            const struct post again = *post;
            finish(p, 0);
            p->posts[p->posts_count++] = again;
            post = NULL;
        }
    } else {
        world_fail(w, "an event is refused: %d %.80s", answer->status, answer->body);
    }
    if (post != NULL) {
        finish(p, 0);
    }
    if (p->sent_count == 0) {
        p->ticket++;
        if (!p->keeps) {
            client_end(&p->client);
        }
        if (p->posts_count > 0) {
            world_plan(w, world_between(w, 100, 1500) * SIM_MS, send_all, p, p->ticket);
        }
    }
}

static const struct client_calls calls = {.began = began, .answered = answered, .failed = failed};

/* ---- posting --------------------------------------------------------------------------------- */

static bool send_one(struct poster *p, struct post *post) {
    char request[300];
    char key[60] = "";
    const struct ledger_event *e = post->event;
    if (p->retries) {
        snprintf(key, sizeof key, "Idempotency-Key: \"%u-%u\"\r\n", e->group, e->bit);
    }
    int n = snprintf(request, sizeof request,
                     "POST /event?g=%u&value=%" PRIu64 " HTTP/1.1\r\nHost: board\r\n%s"
                     "Content-Length: 0\r\n\r\n",
                     e->group, (uint64_t)1 << e->bit, key);
    if (!client_ask(&p->client, request, (uint32_t)n)) {
        return false;
    }
    ledger_sent(&p->scene->ledger, post->event);
    post->key = post->tries == 0 ? p->scene->keys_count++ : post->key;
    post->tries++;
    return true;
}

/* All posts that there are, in one go. */
static void send_all(void *arg, uint64_t ticket) {
    struct poster *p = arg;
    struct world *w = &p->scene->world;
    if (ticket != p->ticket || !p->host->up) {
        return;
    }
    p->ticket++;
    while (p->sent_count < p->posts_count && send_one(p, &p->posts[p->sent_count])) {
        p->sent_count++;
    }
    if (p->sent_count == 0) {
        world_plan(w, SIM_S, send_all, p, p->ticket);
    } else {
        world_plan(w, p->patience, time_out, p, p->ticket);
    }
}

static struct ledger_event *new_event(struct poster *p) {
    struct scene *scene = p->scene;
    uint32_t group = world_below(&scene->world, scene->groups_count) * SCENE_POSTERS_MAX +
                     (uint32_t)(p - scene->posters);
    return ledger_event_new(&scene->ledger, group);
}

static void due(void *arg, uint64_t ticket) {
    struct poster *p = arg;
    struct world *w = &p->scene->world;
    (void)ticket;
    if (p->stops) {
        return;
    }
    world_plan(w, p->interval / 2 + world_below(w, (uint32_t)p->interval), due, p, 0);
    if (!poster_is_idle(p) || !p->host->up) {
        return;
    }
    uint32_t count = world_between(w, 1, p->burst_max);
    while (p->posts_count < count) {
        struct ledger_event *e = new_event(p);
        if (e == NULL) {
            break;
        }
        p->posts[p->posts_count++] = (struct post){.event = e};
    }
    send_all(p, p->ticket);
}

/* ---- the poster ------------------------------------------------------------------------------ */

void poster_start(struct poster *p) {
    struct world *w = &p->scene->world;
    client_init(&p->client, p->host, p->tls, &calls, p);
    world_plan(w, world_below(w, (uint32_t)p->interval), due, p, 0);
}

void poster_drop(struct poster *p) {
    p->ticket++;
    for (uint32_t i = 0; i < p->posts_count; i++) {
        p->posts[i].event->maybe = true; /* nobody remembers whether it was sent */
    }
    p->posts_count = 0;
    p->sent_count = 0;
}
