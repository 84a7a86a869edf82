/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * text.h: slices of bytes that belong to somebody else, and text built in a caller's buffer.
 * There is no printf on a board; this is all that pingshot needs of one.
 */
#ifndef PINGSHOT_TEXT_H
#define PINGSHOT_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Bytes owned by somebody else. Not NUL-terminated. */
struct slice {
    const char *bytes;
    uint32_t len;
};

/* A slice of a string literal. */
#define SLICE(literal) ((struct slice){(literal), (uint32_t)(sizeof(literal) - 1)})

bool slice_equals(struct slice a, struct slice b);

/* Whether `len` bytes are the same at `a` and at `b`, without regard to the case of ASCII letters. */
bool text_same_nocase(const char *a, const char *b, uint32_t len);

/* As HTTP field names and tokens are compared (RFC 9110 section 5.1). */
static inline bool slice_equals_nocase(struct slice a, struct slice b) {
    return a.len == b.len && text_same_nocase(a.bytes, b.bytes, a.len);
}

bool slice_starts_with(struct slice s, struct slice prefix);

/* The slice without blanks and tabs at both ends (OWS, RFC 9110 section 5.6.3). */
struct slice slice_trim(struct slice s);

/* Cuts `*rest` at the first `separator`: returns what is before it and leaves in `*rest` what is
 * after. Without one, returns all and leaves `*rest` empty. */
struct slice slice_cut(struct slice *rest, char separator);

/* Reads an unsigned decimal of digits only. False on anything else, or when above `max`. */
bool slice_to_u32(struct slice s, uint32_t max, uint32_t *value);

/* The value of a hexadecimal digit of either case, or -1. */
int text_hex_digit(char c);

/* How many of the bytes, from the first on, are ASCII that stands for itself in a JSON string and on
 * a terminal: no control character, no double quote, no backslash. */
uint32_t text_plain_run(const char *bytes, uint32_t len);

/* Where the first byte stands that is not part of well-formed UTF-8 (RFC 3629: no surrogates, no
 * overlong forms, at most U+10FFFF), or s.len when all is. */
uint32_t slice_utf8_error(struct slice s);

/* Text under construction. Bytes past `capacity` are dropped and `overflow` says so; what is
 * there stays valid, and `len` never exceeds `capacity`. */
struct text {
    char *bytes;
    uint32_t len;
    uint32_t capacity;
    bool overflow;
};

struct text text_over(char *bytes, uint32_t capacity);

static inline struct slice text_slice(const struct text *t) {
    return (struct slice){t->bytes, t->len};
}

static inline uint32_t text_room(const struct text *t) {
    return t->capacity - t->len;
}

static inline void text_put(struct text *t, const char *bytes, uint32_t n) {
    if (n > t->capacity - t->len) {
        t->overflow = true;
        n = t->capacity - t->len;
    }
    memcpy(t->bytes + t->len, bytes, n);
    t->len += n;
}

static inline void text_put_slice(struct text *t, struct slice s) {
    text_put(t, s.bytes, s.len);
}

static inline void text_put_char(struct text *t, char c) {
    if (t->len == t->capacity) {
        t->overflow = true;
        return;
    }
    t->bytes[t->len++] = c;
}

/* Appends a NUL-terminated string. */
void text_puts(struct text *t, const char *string);

/* The most digits that a number has. */
#define TEXT_U64_BYTES 20u

/* Writes `value` in decimal at `at`, where there is room for TEXT_U64_BYTES. Returns its length in
 * bytes. */
uint32_t text_write_u32(char *at, uint32_t value);
uint32_t text_write_u64(char *at, uint64_t value);

void text_put_u64(struct text *t, uint64_t value);

/* Appends `value` in decimal with leading zeros to at least `digits` (at most 20); all of it or,
 * with `overflow`, nothing. */
void text_put_digits(struct text *t, uint64_t value, unsigned digits);

/* The length of the character that `s` begins with if a terminal would obey it instead of showing
 * it: a control character (C0, DEL, C1), a line or paragraph separator, a change of direction. 0
 * for any other, and for what is no UTF-8. */
uint32_t text_control_bytes(struct slice s);

/* Appends what came from outside so that it can stand in one line of an error or a log: such
 * characters and bytes that are not UTF-8 become '?', and beyond `max_bytes` it is cut and "..."
 * says so. */
void text_put_printable(struct text *t, struct slice s, uint32_t max_bytes);

/* Appends the lowest `digits` hexadecimal digits of `value`, at most 8. */
void text_put_hex(struct text *t, uint32_t value, unsigned digits);

/* The longest slice that text_format puts, in bytes: of a longer one the beginning. */
#define TEXT_FORMAT_SLICE_BYTES 72u

/* A slice among the arguments of text_format, for its %.*s. */
#define TEXT_SLICE(slice) (int)(slice).len, (slice).bytes

/* Appends `format`, in which these stand for the next argument, and compilers check it as printf's:
 *
 *     %s            a NUL-terminated string, as it is
 *     %.*s          TEXT_SLICE(s): what came from outside, as text_put_printable puts it
 *     %u, %llu      a number; %02u: with leading zeros to at least 2 digits (1 to 9)
 *     %%            a percent sign
 */
__attribute__((format(printf, 2, 3))) void text_format(struct text *t, const char *format, ...);
__attribute__((format(printf, 2, 0))) void text_vformat(struct text *t, const char *format,
                                                        va_list arguments);

/* Puts `s` before what is there; what then has no room is dropped from the end. */
void text_prepend(struct text *t, struct slice s);

/* Appends a label value as exposition text escapes it: backslash, double quote and line feed. */
void text_put_label_value(struct text *t, struct slice value);

/* Appends a JSON string's content (RFC 8259 section 7), without its quotes. */
void text_put_json(struct text *t, struct slice s);

#endif
