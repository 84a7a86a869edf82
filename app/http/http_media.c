/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_media.c: see http_media.h.
 */
#include "http/http_media.h"

static const struct {
    struct slice name;
    uint8_t media_type;
} media_types_known[] = {
    {SLICE("application/json"), HTTP_MEDIA_JSON},
    {SLICE("application/x-www-form-urlencoded"), HTTP_MEDIA_FORM},
    {SLICE("text/plain"), HTTP_MEDIA_TEXT},
    {SLICE("application/openmetrics-text"), HTTP_MEDIA_OPENMETRICS},
};

#define KNOWN_COUNT (sizeof media_types_known / sizeof media_types_known[0])

uint8_t http_media_type_of(struct slice content_type) {
    const struct slice name = slice_trim(slice_cut(&content_type, ';'));
    for (uint32_t i = 0; i < KNOWN_COUNT; i++) {
        if (slice_equals_nocase(name, media_types_known[i].name)) {
            return media_types_known[i].media_type;
        }
    }
    return 0;
}

void http_media_put_names(struct text *t, uint8_t media_types) {
    const char *separator = "";
    for (uint32_t i = 0; i < KNOWN_COUNT; i++) {
        if ((media_types & media_types_known[i].media_type) != 0) {
            text_puts(t, separator);
            text_put_slice(t, media_types_known[i].name);
            separator = " or ";
        }
    }
}
