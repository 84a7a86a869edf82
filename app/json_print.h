/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * json_print.h: a JSON text laid out with four spaces a level, pulled piece by piece: what stands
 * between the tokens is made anew, every token is copied as it is spelt. It keeps a few bytes of
 * its place and needs no tokens; whether the text is JSON is json.h's job, and was asked before.
 */
#ifndef PINGSHOT_JSON_PRINT_H
#define PINGSHOT_JSON_PRINT_H

#include "config.h"
#include "text.h"

/* The most that one step appends, in bytes: a line feed, the deepest indentation and a token's
 * first bytes. With this much room every call gets on. */
#define JSON_PRINT_STEP_BYTES (4u * CFG_JSON_DEPTH_MAX + 8u)

enum json_print_for {
    JSON_PRINT_PLAIN,    /* strings as they were sent */
    JSON_PRINT_TERMINAL, /* what a terminal would obey (DEL, C1 controls, line and paragraph
                            separators, changes of direction) as \u escapes: the same JSON value */
};

/* A place in a text. All zero: at its beginning. */
struct json_print {
    uint32_t at;    /* next byte of the text; beyond its end: all is written */
    uint16_t depth; /* arrays and objects that are open */
    bool in_string;
    bool opened; /* the last token opened an array or an object */
};

/* Appends what fits, ending with a line feed. `text` is the same at every call: a text that
 * json_parse takes, or the beginning of one. True when all is written. */
bool json_print_pull(struct json_print *p, struct slice text, enum json_print_for reader,
                     struct text *out);

#endif
