/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sim_api.h: what the simulator and the machines in it know of one another. A machine is a shared
 * object, server.so or peer.so, loaded once for each machine of the world, so that each has its own
 * lwIP; all that it may know of the world comes through struct sim_world.
 */
#ifndef PINGSHOT_SIM_API_H
#define PINGSHOT_SIM_API_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_SEED_BYTES 32u
#define SIM_PACKET_BYTES_MAX 1500u
#define SIM_PEM_BYTES 2048u
#define SIM_PORT 8090u
#define SIM_PORT_TLS 8443u

/* The world as one machine sees it. `host` is handed back with each call. */
struct sim_world {
    void *host;
    uint32_t (*now_ms)(void *host); /* its monotonic clock, which wraps */
    bool (*wall_ms)(void *host, int64_t *unix_ms);
    void (*send)(void *host, const void *packet, uint32_t bytes); /* one IP packet */
    void (*fatal)(void *host, const char *line);                  /* does not return */
};

/* What every machine can do. After start, which is called once in each life. */
struct sim_machine {
    bool (*receive)(const void *packet, uint32_t bytes); /* false: dropped, memory is short */
    void (*turn)(void);                                  /* one turn of its main loop */
    uint32_t (*sleep_ms)(uint32_t max_ms);               /* how long it may sleep before the next */
};

/* A key and a certificate, as PEM. */
struct sim_certificate {
    uint32_t key_len;
    uint32_t cert_len;
    uint8_t key[SIM_PEM_BYTES];
    uint8_t cert[SIM_PEM_BYTES];
};

/* ---- server.so --------------------------------------------------------------------------- */

enum sim_duplicates {
    SIM_DUPLICATES_QUEUE,
    SIM_DUPLICATES_LAST,
    SIM_DUPLICATES_SUM,
    SIM_DUPLICATES_MODES,
};

struct sim_server_config {
    struct sim_world world;
    uint8_t seed[SIM_SEED_BYTES];
    uint32_t address; /* in host order */
    uint32_t scraper_timeout_ms;
    enum sim_duplicates duplicates;
    bool timestamps;
    bool tls;
    const struct sim_certificate *certificate;
    void *state; /* what it retains: state_bytes of it, aligned for anything */
};

/* Exported by server.so as `sim_server`. */
struct sim_server {
    struct sim_machine machine;
    uint32_t state_bytes;
    uint32_t events_max;
    uint32_t keys_max; /* Idempotency-Keys that it remembers */
    bool has_tls;
    bool retains; /* its state outlives a warm reset */
    void (*start)(const struct sim_server_config *config);
    /* Events that may come twice to a scraper, as a state counts them. */
    uint64_t (*ambiguous)(const void *state);
    /* Tries lwIP's heap, or aborts; only on a machine that is started anew afterwards. */
    void (*shrink_block)(void);
    /* Makes a certificate; only on a machine that is started anew afterwards. */
    bool (*certify)(const uint8_t seed[SIM_SEED_BYTES], struct sim_certificate *made);
};

/* ---- peer.so ----------------------------------------------------------------------------- */

/* What a client's connection tells. `user` is what open was given. */
struct sim_peer_calls {
    void (*connected)(void *user);
    void (*received)(void *user, const void *bytes, uint32_t n);
    void (*closed)(void *user); /* the server's FIN, or close_notify */
    void (*lost)(void *user);   /* reset or given up by TCP; the connection is gone */
};

struct sim_peer_config {
    struct sim_world world;
    struct sim_peer_calls calls;
    uint8_t seed[SIM_SEED_BYTES];
    uint32_t address; /* in host order */
    bool tls13;       /* else TLS 1.2, for those connections that are TLS */
};

/* Where a connection stands: its local port, and the next sequence number it expects. */
struct sim_position {
    uint16_t port;
    uint32_t sequence;
};

/* Exported by peer.so as `sim_peer`. Connections are small numbers, -1 is none. */
struct sim_peer {
    struct sim_machine machine;
    void (*start)(const struct sim_peer_config *config);
    int (*open)(void *user, uint32_t address, bool tls);
    bool (*write)(int conn, const void *bytes, uint32_t n); /* all or nothing */
    /* Reads no more, so that TCP's window fills; or reads again, first what has come meanwhile. */
    void (*pause)(int conn, bool paused);
    void (*end)(int conn);   /* FIN; calls nothing any more */
    void (*abort)(int conn); /* RST; likewise */
    void (*where)(int conn, struct sim_position *position);
};

#endif
