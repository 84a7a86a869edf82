/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * label_value.h: values of labels that pingshot's own metrics have, as "events" in
 * {table="events"}: words known when it is compiled. A page is full of them, so they can be copied
 * without a look at their length.
 */
#ifndef PINGSHOT_LABEL_VALUE_H
#define PINGSHOT_LABEL_VALUE_H

#include "text.h"

/* The longest, in bytes. */
#define LABEL_VALUE_BYTES 24u

/* As many bytes can be read there, whatever its length. Not where size counts: there it has none
 * but its own. */
struct label_value {
    const char *bytes;
    uint32_t len;
};

#ifdef __OPTIMIZE_SIZE__
#define LABEL_VALUE_FILLER ""
#else
#define LABEL_VALUE_FILLER "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#endif

/* One of a string literal; too long a one is an array of negative size. */
#define LABEL_VALUE(literal)         \
    ((struct label_value){           \
        literal LABEL_VALUE_FILLER,  \
        (uint32_t)(sizeof(literal) - \
                   sizeof(char[sizeof(literal) > LABEL_VALUE_BYTES + 1 ? -1 : 1]))})

static inline struct slice label_value_slice(struct label_value v) {
    return (struct slice){v.bytes, v.len};
}

/* Copies it to where there is room for LABEL_VALUE_BYTES. Returns where it ends there. */
static inline char *label_value_put(char *to, struct label_value v) {
#ifdef __OPTIMIZE_SIZE__
    memcpy(to, v.bytes, v.len);
#else
    memcpy(to, v.bytes, LABEL_VALUE_BYTES);
#endif
    return to + v.len;
}

#endif
