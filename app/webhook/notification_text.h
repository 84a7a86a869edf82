/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * notification_text.h: a kept notification as text, pulled piece by piece: a line that says what it
 * is, for the console the head of its request, then its body, laid out with four spaces.
 *
 *     notification 17: 2026-11-22T19:17:00.123Z /webhook (webhook), 1789 bytes from 192.168.76.1
 *     POST /webhook HTTP/1.1
 *     Content-Type: application/json
 *
 *     {
 *         "receiver": "lab",
 *     ...
 */
#ifndef PINGSHOT_NOTIFICATION_TEXT_H
#define PINGSHOT_NOTIFICATION_TEXT_H

#include "json_print.h"
#include "webhook/notifications.h"

/* The longest line beside the body's, in bytes. With this much room every call gets on. */
#define NOTIFICATION_TEXT_LINE_BYTES 256u

_Static_assert(NOTIFICATION_TEXT_LINE_BYTES <= CFG_LINE_BYTES &&
                   JSON_PRINT_STEP_BYTES <= CFG_LINE_BYTES,
               "CFG_LINE_BYTES: too small for a notification; or make CFG_JSON_DEPTH_MAX smaller");

/* A place in one notification's text. Set `place`, the rest to zero. */
struct notification_text {
    struct notifications_place place;
    struct json_print json;
    uint16_t head_at;
    uint8_t stage; /* enum in notification_text.c */
};

enum notification_text_result {
    NOTIFICATION_TEXT_MORE, /* call again with more room */
    NOTIFICATION_TEXT_DONE,
    NOTIFICATION_TEXT_LOST, /* it was overwritten meanwhile; the text says so, if it had begun */
};

/* Appends what fits. For JSON_PRINT_TERMINAL with the head of its request, in which the values of
 * credentials are not shown, and with nothing in it that a terminal would obey; for JSON_PRINT_PLAIN
 * without. */
enum notification_text_result notification_text_pull(struct notification_text *t,
                                                     const struct notifications *n,
                                                     enum json_print_for reader, struct text *out);

#endif
