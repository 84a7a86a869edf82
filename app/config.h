/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * config.h: every capacity and time limit of pingshot, in one place.
 *
 * A target overrides what it wants in its own limits.h (port/posix/limits.h for the host,
 * board/<name>/limits.h for a board), which the Makefile has the compiler read before everything
 * else: as a file on a search path it would hide the C library's <limits.h>. What it leaves alone
 * has the default below, which suits a microcontroller with 256 KiB of RAM. Each entry says its unit, its range and what a step costs.
 * The checks at the end refuse what cannot work and say what to change.
 */
#ifndef PINGSHOT_CONFIG_H
#define PINGSHOT_CONFIG_H

/* ---- metrics ---------------------------------------------------------------------------- */

/* Metric families, pingshot's own registry-backed ones included. 4..65000; 31 bytes each. */
#ifndef CFG_FAMILIES_MAX
#define CFG_FAMILIES_MAX 128
#endif

/* Series (sample lines) over all families. 8..65000; 27 bytes each, hash table included, 30 of
 * 2,048 or more. */
#ifndef CFG_SERIES_MAX
#define CFG_SERIES_MAX 1024
#endif

/* Longest text of a value that is kept, in bytes: what is longer is formatted at each scrape. 8..25,
 * the longest there is; CFG_SERIES_MAX bytes for each. Most counters have 1 to 8 digits; times in
 * seconds and averages have up to 17. */
#ifndef CFG_REGISTRY_VALUE_BYTES
#define CFG_REGISTRY_VALUE_BYTES 10
#endif

/* Arena for the text of series and of HELP/TYPE lines, in bytes. A series takes its line from the
 * end of its family's name up to the value, plus CFG_REGISTRY_VALUE_BYTES + 5, rounded up to four.
 * A family takes its TYPE line, its help and its label names, plus 12. 1024..2^31. */
#ifndef CFG_REGISTRY_TEXT_BYTES
#define CFG_REGISTRY_TEXT_BYTES (CFG_SERIES_MAX * 64)
#endif

/* POST /create and /update requests that can be under way at once. 1..254; CFG_SERIES_MAX/8
 * bytes each. */
#ifndef CFG_REGISTRY_TRANSACTIONS_MAX
#define CFG_REGISTRY_TRANSACTIONS_MAX 4
#endif

/* Labels of one series or event. 4..255; 16 bytes of stack each while one is parsed. */
#ifndef CFG_LABELS_MAX
#define CFG_LABELS_MAX 32
#endif

/* Longest exposition line taken or produced, in bytes, newline included. 128..65535; bounds the
 * stack of the parsers, and must fit in CFG_HTTP_RX_BYTES and in the TCP send buffer. */
#ifndef CFG_LINE_BYTES
#define CFG_LINE_BYTES 1024
#endif

/* ---- events ----------------------------------------------------------------------------- */

/* One-shot events that wait for a scraper. 1..65534; CFG_EVENT_TEXT_BYTES + 94 bytes each. */
#ifndef CFG_EVENTS_MAX
#define CFG_EVENTS_MAX 256
#endif

/* Labels of one event as exposition text, in bytes. 16..CFG_LINE_BYTES/2. */
#ifndef CFG_EVENT_TEXT_BYTES
#define CFG_EVENT_TEXT_BYTES 128
#endif

/* Scrapers that are told apart. 1..32 (a bit each in a 32-bit mask); 120 bytes each. */
#ifndef CFG_SCRAPERS_MAX
#define CFG_SCRAPERS_MAX 8
#endif

/* Scrapes that carry events and are not acknowledged yet. 1..255; CFG_EVENTS_MAX/4 + 16 bytes each.
 * A scrape beyond them carries no events; they wait for the next one. */
#ifndef CFG_SCRAPES_IN_FLIGHT_MAX
#define CFG_SCRAPES_IN_FLIGHT_MAX CFG_SCRAPERS_MAX
#endif

/* A scraper not seen for this long is forgotten, in ms. The default of --scraper-timeout. */
#ifndef CFG_SCRAPER_TIMEOUT_MS
#define CFG_SCRAPER_TIMEOUT_MS (10u * 60u * 1000u)
#endif

/* How long a scraper that announces no timeout is given to acknowledge a scrape, in ms.
 * Prometheus's own default. */
#ifndef CFG_SCRAPE_TIMEOUT_MS
#define CFG_SCRAPE_TIMEOUT_MS 10000u
#endif

/* An event older than this is exposed without its timestamp, in ms: a sample that is too old can
 * fail a whole scrape. Prometheus's look-back, which is also how long it takes to forget. */
#ifndef CFG_EVENT_TIMESTAMP_AGE_MS
#define CFG_EVENT_TIMESTAMP_AGE_MS (5u * 60u * 1000u)
#endif

/* ---- webhooks --------------------------------------------------------------------------- */

/* Ring of the newest notifications, in bytes: each takes its body, the head of its request (up to
 * 512) and about 70. 1024..2^30; a larger one is kept cut. */
#ifndef CFG_NOTIFICATION_RING_BYTES
#define CFG_NOTIFICATION_RING_BYTES 8192
#endif

/* Alerts that fire at once. 1..65534; CFG_ALERT_TEXT_BYTES + 12 bytes each. */
#ifndef CFG_ALERTS_MAX
#define CFG_ALERTS_MAX 32
#endif

/* Labels of pingshot_alert (alertname, fingerprint and receiver) as exposition text, in bytes.
 * 64..CFG_LINE_BYTES/2. An alert that is to be an event as well must, with its status, fit in
 * CFG_EVENT_TEXT_BYTES: 18 bytes more. */
#ifndef CFG_ALERT_TEXT_BYTES
#define CFG_ALERT_TEXT_BYTES 128
#endif

/* What is printed to the console at a time, in bytes. 512..65536, at least
 * 4 * CFG_JSON_DEPTH_MAX + 264. */
#ifndef CFG_PRINT_BYTES
#define CFG_PRINT_BYTES 512
#endif

/* ---- HTTP ------------------------------------------------------------------------------- */

/* Connections at once. 2..65534; CFG_HTTP_RX_BYTES + CFG_HTTP_REPLY_BYTES + about 400 bytes
 * each, and what lwIP needs for it. */
#ifndef CFG_CONNECTIONS_MAX
#define CFG_CONNECTIONS_MAX 16
#endif

/* TLS connections at once, those in the handshake included: by default as many as there are
 * connections, and some that have yet to show that they are worth a place there. 1..65534. */
#ifndef CFG_TLS_SESSIONS_MAX
#define CFG_TLS_SESSIONS_MAX (CFG_CONNECTIONS_MAX + 16)
#endif

/* Receive buffer of a connection, in bytes: a request's head, then body bytes that wait for the
 * rest of their line. 512..65535. Browsers send heads of up to 800 bytes. */
#ifndef CFG_HTTP_RX_BYTES
#define CFG_HTTP_RX_BYTES 2048
#endif

/* Requests with an Idempotency-Key that are remembered: a retry that comes after that many others
 * with keys is done again. 1..4096, searched in order; 28 bytes each, kept over a reset. */
#ifndef CFG_IDEMPOTENCY_KEYS
#define CFG_IDEMPOTENCY_KEYS 64
#endif

/* Counters of responses, one for each handler and status code that occurred. 8..1024; 8 bytes each.
 * When they are used up, what occurs for the first time is counted together. */
#ifndef CFG_HTTP_COUNTERS_MAX
#define CFG_HTTP_COUNTERS_MAX 96
#endif

/* Longest request line (method, target, version), in bytes: longer is 414. */
#ifndef CFG_HTTP_REQUEST_LINE_BYTES
#define CFG_HTTP_REQUEST_LINE_BYTES (CFG_HTTP_RX_BYTES / 2)
#endif

/* Short replies (errors, the answer to an event) are kept per connection until TCP takes them,
 * in bytes. 128..4096. */
#ifndef CFG_HTTP_REPLY_BYTES
#define CFG_HTTP_REPLY_BYTES 256
#endif

/* Bodies that must be whole before they are read (JSON): their size limit and how many can be
 * under way at once beside those that fit a receive buffer. */
#ifndef CFG_HTTP_BODY_BYTES
#define CFG_HTTP_BODY_BYTES 8192
#endif
#ifndef CFG_HTTP_BODY_BUFFERS
#define CFG_HTTP_BODY_BUFFERS 2
#endif

/* Tokens of one JSON text: its values, and the names of its members. 8..16777216; 20 bytes each,
 * or 10 where no body can be longer than 32,767 bytes.
 * A member with a string or a number for value is two. */
#ifndef CFG_JSON_TOKENS_MAX
#define CFG_JSON_TOKENS_MAX 512
#endif

/* How deep the arrays and objects of a JSON text may nest. 2..255; a byte of stack and 4 more
 * each while one is parsed. */
#ifndef CFG_JSON_DEPTH_MAX
#define CFG_JSON_DEPTH_MAX 16
#endif

/* What one write to the transport renders at most, in bytes; one buffer for all connections.
 * 1024..65535, at least CFG_LINE_BYTES + 512. */
#ifndef CFG_HTTP_TX_BYTES
#define CFG_HTTP_TX_BYTES 4096
#endif

/* Room that the next write waits for while acknowledgements are due, in bytes: few large writes
 * cost less than many small ones. 1..CFG_HTTP_TX_BYTES, and no more than a TLS record has
 * (CFG_TLS_SEND_RECORD_BYTES), or each record would wait for the one before to be acknowledged. */
#ifndef CFG_HTTP_TX_ROOM_BYTES
#define CFG_HTTP_TX_ROOM_BYTES (CFG_HTTP_TX_BYTES / 2)
#endif

/* Time to send a request's head, from its first byte, in ms; then 408. A body has this long again
 * at any moment, and every CFG_HTTP_MIN_BYTES_PER_S that come win it one second back. */
#ifndef CFG_HTTP_REQUEST_TIMEOUT_MS
#define CFG_HTTP_REQUEST_TIMEOUT_MS 10000u
#endif
#ifndef CFG_HTTP_MIN_BYTES_PER_S
#define CFG_HTTP_MIN_BYTES_PER_S 1024u
#endif

/* A client that acknowledges nothing of a response for this long, or for longer less than
 * CFG_HTTP_MIN_BYTES_PER_S, is cut off, in ms. */
#ifndef CFG_HTTP_STALL_TIMEOUT_MS
#define CFG_HTTP_STALL_TIMEOUT_MS 30000u
#endif

/* A kept-alive connection without a request is closed after this, in ms. Longer than any usual
 * scrape interval: VictoriaMetrics loses a scrape to each connection closed between two. A
 * scraper's own is kept for the scraper timeout when that is longer. */
#ifndef CFG_HTTP_IDLE_TIMEOUT_MS
#define CFG_HTTP_IDLE_TIMEOUT_MS 180000u
#endif

/* After the last byte and FIN, how long the client may take to acknowledge and close, in ms. */
#ifndef CFG_HTTP_LINGER_MS
#define CFG_HTTP_LINGER_MS 5000u
#endif

/* ---- checks ----------------------------------------------------------------------------- */

#if CFG_SCRAPERS_MAX < 1 || CFG_SCRAPERS_MAX > 32
#error "CFG_SCRAPERS_MAX: set 1 to 32, an event has one bit for each scraper in a 32-bit mask"
#endif
#if CFG_FAMILIES_MAX < 4 || CFG_FAMILIES_MAX > 65000
#error "CFG_FAMILIES_MAX: set 4 to 65000"
#endif
#if CFG_SERIES_MAX < 8 || CFG_SERIES_MAX > 65000
#error "CFG_SERIES_MAX: set 8 to 65000"
#endif
#if CFG_SERIES_MAX + CFG_FAMILIES_MAX > 65000
#error "CFG_SERIES_MAX: set less, it and CFG_FAMILIES_MAX may be 65000 together"
#endif
#if CFG_EVENTS_MAX < 1 || CFG_EVENTS_MAX > 65534
#error "CFG_EVENTS_MAX: set 1 to 65534"
#endif
#if CFG_REGISTRY_TRANSACTIONS_MAX < 1 || CFG_REGISTRY_TRANSACTIONS_MAX > 254
#error "CFG_REGISTRY_TRANSACTIONS_MAX: set 1 to 254"
#endif
#if CFG_SCRAPES_IN_FLIGHT_MAX < 1 || CFG_SCRAPES_IN_FLIGHT_MAX > 255
#error "CFG_SCRAPES_IN_FLIGHT_MAX: set 1 to 255"
#endif
#if CFG_LABELS_MAX < 4 || CFG_LABELS_MAX > 255
#error "CFG_LABELS_MAX: set 4 to 255"
#endif
#if CFG_EVENT_TEXT_BYTES * 2 > CFG_LINE_BYTES
#error "CFG_EVENT_TEXT_BYTES: at most half of CFG_LINE_BYTES, an event must fit in a line"
#endif
#if CFG_HTTP_COUNTERS_MAX < 8 || CFG_HTTP_COUNTERS_MAX > 1024
#error "CFG_HTTP_COUNTERS_MAX: set 8 to 1024"
#endif
#if CFG_IDEMPOTENCY_KEYS < 1 || CFG_IDEMPOTENCY_KEYS > 4096
#error "CFG_IDEMPOTENCY_KEYS: set 1 to 4096"
#endif
#if CFG_LINE_BYTES + 256 > CFG_HTTP_RX_BYTES
#error "CFG_HTTP_RX_BYTES: at least CFG_LINE_BYTES + 256, a line of a body shares it with the head"
#endif
#if CFG_HTTP_TX_BYTES < CFG_LINE_BYTES + 512
#error "CFG_HTTP_TX_BYTES: at least CFG_LINE_BYTES + 512, a head and one line must fit"
#endif
#if CFG_JSON_TOKENS_MAX < 8 || CFG_JSON_TOKENS_MAX > 16777216
#error "CFG_JSON_TOKENS_MAX: set 8 to 16777216"
#endif
#if CFG_JSON_DEPTH_MAX < 2 || CFG_JSON_DEPTH_MAX > 255
#error "CFG_JSON_DEPTH_MAX: set 2 to 255"
#endif
#if CFG_NOTIFICATION_RING_BYTES < 1024 || CFG_NOTIFICATION_RING_BYTES > 1073741824
#error "CFG_NOTIFICATION_RING_BYTES: set 1024 to 2^30"
#endif
#if CFG_ALERTS_MAX < 1 || CFG_ALERTS_MAX > 65534
#error "CFG_ALERTS_MAX: set 1 to 65534"
#endif
#if CFG_ALERT_TEXT_BYTES < 64 || CFG_ALERT_TEXT_BYTES * 2 > CFG_LINE_BYTES
#error "CFG_ALERT_TEXT_BYTES: set 64 to half of CFG_LINE_BYTES, an alert must fit in a line"
#endif
#if CFG_PRINT_BYTES < 512 || CFG_PRINT_BYTES > 65536
#error "CFG_PRINT_BYTES: set 512 to 65536"
#endif
#if CFG_CONNECTIONS_MAX < 2 || CFG_CONNECTIONS_MAX > 65534
#error "CFG_CONNECTIONS_MAX: set 2 to 65534"
#endif

#endif
