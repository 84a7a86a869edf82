/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * prober.c: at the end of a world one more client sends many requests in one go, deeper than any
 * buffer of the server: each is answered, or the connection ends. Nothing may stall for good.
 */
#include "scene.h"

#include <string.h>

#define REQUESTS 60u
#define PATIENCE (60 * SIM_S)

static const char request[] = "GET /ping HTTP/1.1\r\nHost: board\r\n\r\n";

static void began(void *owner) {
    (void)owner;
}

static void answered(void *owner, const struct client_answer *answer) {
    struct prober *p = owner;
    p->answered_count++;
    p->ended = p->ended || p->answered_count == REQUESTS;
    if (answer->status != 200 && answer->status != 503) {
        world_fail(&p->scene->world, "GET /ping is answered with %d", answer->status);
    }
}

static void failed(void *owner) {
    struct prober *p = owner;
    p->ended = true;
}

static const struct client_calls calls = {.began = began, .answered = answered, .failed = failed};

void prober_run(struct prober *p, struct scene *scene) {
    struct world *w = &scene->world;
    const sim_us until = w->now + PATIENCE;
    *p = (struct prober){.scene = scene};
    client_init(&p->client, scene->posters[0].host, false, &calls, p);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        if (!client_ask(&p->client, request, (uint32_t)strlen(request))) {
            client_abort(&p->client);
            return;
        }
    }
    while (!p->ended && !w->failed && w->now < until) {
        world_run(w, w->now + SIM_S);
    }
    if (!p->ended) {
        world_fail(w, "a pipeline of %u requests stalls after %u answers", REQUESTS,
                   p->answered_count);
    }
    client_abort(&p->client);
}
