/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * json.h: strict JSON (RFC 8259): a text becomes a flat array of tokens in the caller's struct,
 * in document order, walked by index. Nothing is copied: the text must outlive its tokens.
 * Not its job: what the members mean, and writing JSON (text_put_json).
 */
#ifndef PINGSHOT_JSON_H
#define PINGSHOT_JSON_H

#include "config.h"
#include "problem.h"
#include "text.h"

enum json_type {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING, /* a value, or the name of a member */
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_ABSENT, /* JSON_NONE's */
};

/* An offset or a number of things in a text: half as wide where no text can be so long. */
#if CFG_HTTP_BODY_BYTES <= INT16_MAX && CFG_HTTP_RX_BYTES <= INT16_MAX
#define JSON_NARROW 1
#define JSON_TEXT_BYTES_MAX INT16_MAX
typedef uint16_t json_size;
#else
#define JSON_NARROW 0
#define JSON_TEXT_BYTES_MAX INT32_MAX
typedef uint32_t json_size;
#endif

/* A value, or the name of an object's member; the member's value is the token after its name. */
struct json_token {
    enum json_type type;
    json_size start; /* offset of its first byte in the text; a string's quotes are outside */
    json_size end;   /* offset of the byte after its last */
    json_size count; /* members of an object, elements of an array, 0 for the rest */
    json_size next;  /* index of the token after this one and all that belongs to it: for a name,
                      * after its value */
};

struct json {
    struct slice text;
    uint32_t count; /* tokens in use, 0 after a failed parse */
    struct json_token tokens[CFG_JSON_TOKENS_MAX];
};

/* Index of the outermost value. */
#define JSON_ROOT 0u

/* No such token. */
#define JSON_NONE UINT32_MAX

/* Checks the whole text and makes its tokens, in time linear in its length. Any value may
 * stand at the top, and names may repeat. False fills `*p`: PROBLEM_MALFORMED with the byte
 * (counted from 1) and what was expected there, or PROBLEM_TOO_LARGE beyond CFG_JSON_TOKENS_MAX,
 * CFG_JSON_DEPTH_MAX or JSON_TEXT_BYTES_MAX. A byte order mark is refused (section 8.1), and so is an
 * escaped surrogate without its pair (section 8.2): a string is always well-formed UTF-8. */
bool json_parse(struct json *j, struct slice text, struct problem *p);

static inline enum json_type json_type(const struct json *j, uint32_t token) {
    return token == JSON_NONE ? JSON_ABSENT : j->tokens[token].type;
}

/* The first element of an array, or the name of an object's first member, or JSON_NONE for an
 * empty one and for any other value. With json_next it walks one level, in document order:
 *
 *     for (uint32_t i = json_first(j, object); i != JSON_NONE; i = json_next(j, object, i)) {
 *         if (json_equals(j, i, SLICE("name"))) {
 *             use(json_value(i));
 */
static inline uint32_t json_first(const struct json *j, uint32_t container) {
    return j->tokens[container].count > 0 ? container + 1 : JSON_NONE;
}

/* The element, or the name of the member, after `token` in its `container`, or JSON_NONE. */
static inline uint32_t json_next(const struct json *j, uint32_t container, uint32_t token) {
    uint32_t next = j->tokens[token].next;
    return next < j->tokens[container].next ? next : JSON_NONE;
}

/* The value of the member whose name is the token `name`. */
static inline uint32_t json_value(uint32_t name) {
    return name + 1;
}

/* The value of the member `name` of `object`, or JSON_NONE when it has none or is no object.
 * The last one when the name repeats, as most readers of JSON take it. */
uint32_t json_member(const struct json *j, uint32_t object, struct slice name);

/* The same, and JSON_NONE when the value is null. */
uint32_t json_given(const struct json *j, uint32_t object, struct slice name);

/* The token as it is spelt in the text: a number keeps its digits, a string its quotes and
 * escapes, an array or an object all that is in it. */
struct slice json_raw(const struct json *j, uint32_t token);

/* Appends a string, its escapes undone, as UTF-8; \u0000 is a byte of value 0. False when the
 * token is no string (nothing is appended) or when `out` overflowed. */
bool json_string(const struct json *j, uint32_t token, struct text *out);

/* The content of a string that has no escapes, in place and without a copy. False when the
 * token is no string or has escapes: then json_string. */
bool json_plain(const struct json *j, uint32_t token, struct slice *s);

/* True when the token is a string that is `s` once its escapes are undone. */
bool json_equals(const struct json *j, uint32_t token, struct slice s);

#endif
