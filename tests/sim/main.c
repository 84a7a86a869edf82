/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * main.c: the simulator: a board and its clients in one process, on simulated time and a simulated
 * wire, as a number, the seed, decides.
 *
 * What runs is the real thing: on the board's side app/, net_server, lwIP and TLS, as server.so; on
 * the clients' side lwIPs of their own, as peer.so. So both ends are real TCP. Simulated are time
 * and chance (world.h), the wire and its faults, the machines and their resets (host.h), clients
 * who follow Prometheus's rules of what is stored (scraper.c, poster.c), and what befalls them all
 * (faults.c). ledger.h is the judge: it knows what was posted, answered and stored, and what passed
 * on the wire, and asks the server nothing but its count of ambiguous events.
 *
 * What a run proves, for its seeds: every event that was acknowledged is stored once by every
 * scraper that was known and came back in time; what was refused is nowhere; nothing is invented; a
 * post retried with its key is one event; all of that across warm resets at any moment. An event
 * may be stored twice only if its first acknowledgement was lost, as the wire saw, and the server
 * counted it (the DESIGN note in events/delivery.h); with timestamps, not even then, while it is
 * young, unless an older event of its labels went out without one. Memory lost in a cold reset is lost.
 *
 * What it does not: drivers, Ethernet and IPv6 (the wire carries IPv4 packets), the compiler for a
 * board, and what no acknowledgement shows, as when a scraper dies after its TCP has acknowledged a
 * page and before it reads it. Scrapers here read what their TCP takes, or stop reading so early
 * that the window keeps the end of the page out.
 *
 *     sim DIRECTORY [SEEDS=n [FIRST=k] | SEED=k [TRACE=1]] [SERVER=file]
 */
#include "scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_MAX 64u

static struct scene scene;
static struct cast cast;

struct options {
    const char *directory; /* that holds the machines */
    const char *server;    /* in place of the roomy server: a mutant */
    uint64_t first;
    uint64_t seeds;
    bool single;
    bool trace;
};

static const char *value_of(const char *argument, const char *name) {
    const size_t n = strlen(name);
    return strncmp(argument, name, n) == 0 && argument[n] == '=' ? argument + n + 1 : NULL;
}

static bool read_options(struct options *o, int argc, char **argv) {
    *o = (struct options){.seeds = 2000, .first = 1};
    for (int i = 1; i < argc; i++) {
        const char *value;
        if ((value = value_of(argv[i], "SEEDS")) != NULL) {
            o->seeds = strtoull(value, NULL, 0);
        } else if ((value = value_of(argv[i], "SEED")) != NULL) {
            o->first = strtoull(value, NULL, 0);
            o->single = true;
            o->seeds = 1;
        } else if ((value = value_of(argv[i], "FIRST")) != NULL) {
            o->first = strtoull(value, NULL, 0);
        } else if ((value = value_of(argv[i], "TRACE")) != NULL) {
            o->trace = strcmp(value, "1") == 0;
        } else if ((value = value_of(argv[i], "SERVER")) != NULL) {
            o->server = value;
        } else if (o->directory == NULL && strchr(argv[i], '=') == NULL) {
            o->directory = argv[i];
        } else {
            fprintf(stderr,
                    "sim: %s: no such option; there are SEEDS= FIRST= SEED= TRACE= SERVER=\n",
                    argv[i]);
            return false;
        }
    }
    if (o->directory == NULL || o->seeds == 0) {
        fprintf(stderr, "sim: needs the directory of server-roomy.so, and at least one seed\n");
        return false;
    }
    return true;
}

/* ---- the machines -------------------------------------------------------------------------- */

static bool load(struct instance *i, const struct options *o, const char *name,
                 const char *symbol) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", o->directory, name);
    return instance_load(i, path, symbol);
}

static bool load_cast(const struct options *o) {
    static const uint8_t seed[SIM_SEED_BYTES] = {1};
    bool ok = o->server != NULL ? instance_load(&cast.server[0], o->server, "sim_server")
                                : load(&cast.server[0], o, "server-roomy.so", "sim_server");
    ok = ok && load(&cast.server[1], o, "server-tiny.so", "sim_server");
    for (uint32_t i = 0; ok && i < SCENE_PEERS_MAX; i++) {
        ok = load(&cast.peers[i], o, "peer.so", "sim_peer");
    }
    if (!ok) {
        return false;
    }
    for (uint32_t i = 0; i < 2; i++) {
        const struct sim_server *tried = cast.server[i].symbol;
        tried->shrink_block();
        instance_reset(&cast.server[i]);
    }
    const struct sim_server *server = cast.server[0].symbol;
    ok = server->certify(seed, &cast.certificate);
    instance_reset(&cast.server[0]);
    return ok;
}

/* ---- one seed ------------------------------------------------------------------------------- */

/* Printed at once, so that lines of several workers do not mix. */
static void complain(void) {
    char line[800];
    int n = snprintf(line, sizeof line,
                     "sim: seed %" PRIu64 ": %s; again: make sim SEED=%" PRIu64 " TRACE=1\n",
                     scene.world.seed, scene.world.why, scene.world.seed);
    fflush(stdout);
    if (write(STDOUT_FILENO, line, (size_t)n) < 0) {
        abort();
    }
}

static void add(struct world_counts *sum, const struct world_counts *one) {
    sum->seeds += one->seeds;
    sum->events += one->events;
    sum->deliveries += one->deliveries;
    sum->faults += one->faults;
    sum->lost += one->lost;
    sum->duplicated += one->duplicated;
    sum->ambiguous += one->ambiguous;
}

struct result {
    struct world_counts counts;
    uint64_t failed;
    uint64_t trace_hash; /* of all seeds: the same whenever they are the same */
};

static void play(const struct options *o, uint64_t seed, struct result *result) {
    scene_play(&scene, &cast, seed, o->trace);
    if (scene.world.failed) {
        complain();
        result->failed++;
    }
    add(&result->counts, &scene.world.counts);
    result->trace_hash ^= scene.world.trace_hash;
}

/* ---- many ------------------------------------------------------------------------------------ */

/* What each worker plays at the moment, for the case that it crashes; shared with all of them. */
static uint64_t *playing;

/* Each worker plays every n-th seed, and tells its result through a pipe. */
static void work(const struct options *o, uint64_t worker, uint64_t workers, int to) {
    struct result result = {0};
    for (uint64_t i = worker; i < o->seeds; i += workers) {
        playing[worker] = o->first + i;
        play(o, o->first + i, &result);
    }
    fflush(stdout);
    _exit(write(to, &result, sizeof result) == sizeof result ? 0 : 1);
}

static bool gather(struct result *sum, int from) {
    struct result one;
    if (read(from, &one, sizeof one) != sizeof one) {
        return false; /* it crashed */
    }
    add(&sum->counts, &one.counts);
    sum->failed += one.failed;
    sum->trace_hash ^= one.trace_hash;
    return true;
}

static bool run_all(const struct options *o, struct result *sum) {
    if (o->single) {
        play(o, o->first, sum); /* in this process, for a debugger */
        return true;
    }
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const uint64_t most = (uint64_t)cores < WORKERS_MAX ? (uint64_t)cores : WORKERS_MAX;
    const uint64_t workers = o->seeds < most ? o->seeds : most;
    int pipes[WORKERS_MAX][2];
    bool ok = true;
    uint64_t started = 0;
    playing = mmap(NULL, WORKERS_MAX * sizeof playing[0], PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (playing == MAP_FAILED) {
        return false;
    }
    for (; started < workers; started++) {
        if (pipe(pipes[started]) != 0) {
            return false;
        }
        pid_t pid = fork();
        if (pid == 0) {
            work(o, started, workers, pipes[started][1]);
        }
        close(pipes[started][1]);
        ok = ok && pid > 0;
    }
    for (uint64_t i = 0; i < started; i++) {
        if (!gather(sum, pipes[i][0])) {
            printf("sim: seed %" PRIu64 ": crashes; again: make sim SEED=%" PRIu64 " TRACE=1\n",
                   playing[i], playing[i]);
            ok = false;
        }
        close(pipes[i][0]);
    }
    while (wait(NULL) > 0) {
    }
    return ok;
}

int main(int argc, char **argv) {
    struct options options;
    struct result sum = {0};
    if (!read_options(&options, argc, argv) || !load_cast(&options)) {
        return 2;
    }
    if (!run_all(&options, &sum)) {
        sum.failed++;
    }
    printf("sim: traces %016" PRIx64 "\n", sum.trace_hash);
    printf("sim: %" PRIu64 " seeds, %" PRIu64 " events, %" PRIu64 " deliveries, %" PRIu64
           " faults, lost %" PRIu64 ", duplicated %" PRIu64 ", ambiguous %" PRIu64 "\n",
           sum.counts.seeds, sum.counts.events, sum.counts.deliveries, sum.counts.faults,
           sum.counts.lost, sum.counts.duplicated, sum.counts.ambiguous);
    return sum.failed > 0 ? 1 : 0;
}
