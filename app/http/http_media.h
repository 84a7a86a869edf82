/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_media.h: the media types that bodies of requests have (RFC 9110 section 8.3).
 */
#ifndef PINGSHOT_HTTP_MEDIA_H
#define PINGSHOT_HTTP_MEDIA_H

#include "text.h"

enum http_media_type {
    HTTP_MEDIA_FORM = 1u << 0,        /* application/x-www-form-urlencoded */
    HTTP_MEDIA_TEXT = 1u << 1,        /* text/plain */
    HTTP_MEDIA_OPENMETRICS = 1u << 2, /* application/openmetrics-text */
    HTTP_MEDIA_JSON = 1u << 3,        /* application/json */
    HTTP_MEDIA_ANY = 1u << 7,         /* whatever it says, or nothing */
};

/* The one that a Content-Type names, its parameters aside: one bit of the above, or 0. */
uint8_t http_media_type_of(struct slice content_type);

/* Appends the names of `media_types`, some of these bits: "text/plain or application/json". */
void http_media_put_names(struct text *t, uint8_t media_types);

#endif
