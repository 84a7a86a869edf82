/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * text.c: see text.h.
 */
#include "text.h"

#include "apart.h"

/* ---- slices ----------------------------------------------------------------------------- */

bool slice_equals(struct slice a, struct slice b) {
    return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Where both have the same case, as mostly, words are the same. */
bool text_same_nocase(const char *a, const char *b, uint32_t len) {
    uint32_t i = 0;
    for (uint32_t one, other; len - i >= sizeof one; i += (uint32_t)sizeof one) {
        memcpy(&one, a + i, sizeof one);
        memcpy(&other, b + i, sizeof other);
        if (one != other) {
            break;
        }
    }
    for (; i < len; i++) {
        if (a[i] != b[i] && lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

bool slice_starts_with(struct slice s, struct slice prefix) {
    return s.len >= prefix.len && memcmp(s.bytes, prefix.bytes, prefix.len) == 0;
}

struct slice slice_trim(struct slice s) {
    while (s.len > 0 && (s.bytes[0] == ' ' || s.bytes[0] == '\t')) {
        s.bytes++;
        s.len--;
    }
    while (s.len > 0 && (s.bytes[s.len - 1] == ' ' || s.bytes[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

struct slice slice_cut(struct slice *rest, char separator) {
    struct slice head = *rest;
    const char *at = head.len > 0 ? memchr(head.bytes, separator, head.len) : NULL;
    if (at == NULL) {
        *rest = (struct slice){head.bytes + head.len, 0};
        return head;
    }
    head.len = (uint32_t)(at - head.bytes);
    *rest = (struct slice){at + 1, rest->len - head.len - 1};
    return head;
}

bool slice_to_u32(struct slice s, uint32_t max, uint32_t *value) {
    uint64_t sum = 0;
    if (s.len == 0) {
        return false;
    }
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.bytes[i] < '0' || s.bytes[i] > '9') {
            return false;
        }
        sum = sum * 10u + (uint64_t)(s.bytes[i] - '0');
        if (sum > max) {
            return false;
        }
    }
    *value = (uint32_t)sum;
    return true;
}

int text_hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of the UTF-8 sequence at `bytes`, of which `room` are there, or 0 when it is broken. */
static uint32_t utf8_sequence(const uint8_t *bytes, uint32_t room) {
    uint8_t lead = bytes[0];
    uint8_t low = 0x80;  /* bounds of the second byte: they exclude overlong forms, surrogates */
    uint8_t high = 0xbf; /* and what is above U+10FFFF (RFC 3629 section 4) */
    uint32_t len;
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        len = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        len = 3;
        low = lead == 0xe0 ? 0xa0 : 0x80;
        high = lead == 0xed ? 0x9f : 0xbf;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        len = 4;
        low = lead == 0xf0 ? 0x90 : 0x80;
        high = lead == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (room < len || bytes[1] < low || bytes[1] > high) {
        return 0;
    }
    for (uint32_t i = 2; i < len; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

/* A word with the same byte everywhere. */
#define EVERY(byte) (SIZE_MAX / 255u * (byte))

/* A word at a time: taking 0x20 from a byte below it borrows, as does taking 1 from one that an
 * exclusive or has made 0. A borrow may spoil the byte above, but then this word is taken byte by
 * byte anyway. */
uint32_t text_plain_run(const char *bytes, uint32_t len) {
    uint32_t n = 0;
    for (; len - n >= sizeof(size_t); n += (uint32_t)sizeof(size_t)) {
        size_t word;
        memcpy(&word, bytes + n, sizeof word);
        const size_t hits = (word - EVERY(0x20u)) | ((word ^ EVERY(0x22u)) - EVERY(1u)) |
                            ((word ^ EVERY(0x5cu)) - EVERY(1u)) |
                            ((word ^ EVERY(0x7fu)) - EVERY(1u)) | word;
        if ((hits & EVERY(0x80u)) != 0) {
            break;
        }
    }
    while (n < len && (uint8_t)bytes[n] >= 0x20 && (uint8_t)bytes[n] < 0x7f && bytes[n] != '"' &&
           bytes[n] != '\\') {
        n++;
    }
    return n;
}

uint32_t slice_utf8_error(struct slice s) {
    const uint8_t *bytes = (const uint8_t *)s.bytes;
    uint32_t i = text_plain_run(s.bytes, s.len); /* of most all */
    while (i < s.len) {
        uint32_t len = utf8_sequence(bytes + i, s.len - i);
        if (len == 0) {
            return i;
        }
        i += len;
    }
    return s.len;
}

/* ---- building text ---------------------------------------------------------------------- */

SHARED struct text text_over(char *bytes, uint32_t capacity) {
    return (struct text){bytes, 0, capacity, false};
}

void text_puts(struct text *t, const char *string) {
    text_put(t, string, (uint32_t)strlen(string));
}

/* With leading zeros to `count` digits. */
static void write_digits(char *at, uint32_t count, uint32_t value) {
    for (; count > 0; value /= 10u) {
        at[--count] = (char)('0' + value % 10u);
    }
}

#define BILLION 1000000000u
#define BILLION_DIGITS 9u

/* Two digits of a number below 100. */
static inline char *put_pair(char *at, uint32_t value) {
    const uint32_t tens = value * 205u >> 11;
    at[0] = (char)('0' + tens);
    at[1] = (char)('0' + value - 10u * tens);
    return at + 2;
}

/* Those below 100. */
static inline char *put_short(char *at, uint32_t value) {
    if (value >= 10u) {
        return put_pair(at, value);
    }
    *at = (char)('0' + value);
    return at + 1;
}

/* Most have up to four digits. */
uint32_t text_write_u32(char *at, uint32_t value) {
    if (value < 100u) {
        return (uint32_t)(put_short(at, value) - at);
    }
    if (value < 10000u) {
        const uint32_t hundreds = value / 100u;
        return (uint32_t)(put_pair(put_short(at, hundreds), value - 100u * hundreds) - at);
    }
    uint32_t len = 5;
    for (uint32_t rest = value; rest >= 100000u; rest /= 10u) {
        len++;
    }
    write_digits(at, len, value);
    return len;
}

/* Most numbers fit 32 bits, where a division costs a board a fraction of a 64-bit one. */
uint32_t text_write_u64(char *at, uint64_t value) {
    uint32_t parts[2]; /* the last digits first */
    uint32_t parts_count = 0;
    for (; value > UINT32_MAX; value /= BILLION) {
        parts[parts_count++] = (uint32_t)(value % BILLION);
    }
    uint32_t len = text_write_u32(at, (uint32_t)value);
    for (; parts_count > 0; len += BILLION_DIGITS) {
        write_digits(at + len, BILLION_DIGITS, parts[--parts_count]);
    }
    return len;
}

void text_put_u64(struct text *t, uint64_t value) {
    text_put_digits(t, value, 1);
}

void text_put_digits(struct text *t, uint64_t value, unsigned digits) {
    char bytes[TEXT_U64_BYTES];
    const uint32_t len = text_write_u64(bytes, value);
    uint32_t zeros = digits > len ? digits - len : 0;
    if (zeros + len > text_room(t)) {
        t->overflow = true;
        return;
    }
    for (; zeros > 0; zeros--) {
        text_put_char(t, '0');
    }
    text_put(t, bytes, len);
}

void text_put_hex(struct text *t, uint32_t value, unsigned digits) {
    char bytes[8];
    for (unsigned i = digits; i-- > 0; value >>= 4) {
        bytes[i] = "0123456789abcdef"[value & 15u];
    }
    text_put(t, bytes, digits);
}

/* What a terminal obeys instead of showing it: C0 and C1 control characters and DEL, the line and
 * paragraph separators and changes of direction (U+2028 to U+202E, U+2066 to U+2069). */
static bool is_control(const uint8_t *bytes, uint32_t len) {
    switch (len) {
    case 1:
        return bytes[0] < 0x20 || bytes[0] == 0x7f;
    case 2:
        return bytes[0] == 0xc2 && bytes[1] < 0xa0;
    case 3:
        return bytes[0] == 0xe2 && ((bytes[1] == 0x80 && bytes[2] >= 0xa8 && bytes[2] <= 0xae) ||
                                    (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9));
    default:
        return false;
    }
}

uint32_t text_control_bytes(struct slice s) {
    const uint8_t *bytes = (const uint8_t *)s.bytes;
    const uint32_t len = s.len == 0 ? 0 : utf8_sequence(bytes, s.len);
    return is_control(bytes, len) ? len : 0;
}

void text_put_printable(struct text *t, struct slice s, uint32_t max_bytes) {
    uint32_t i = text_plain_run(s.bytes, s.len < max_bytes ? s.len : max_bytes);
    text_put(t, s.bytes, i);
    while (i < s.len) {
        uint32_t len = utf8_sequence((const uint8_t *)s.bytes + i, s.len - i);
        if (i + (len ? len : 1) > max_bytes) {
            text_puts(t, "...");
            return;
        }
        if (len == 0 || is_control((const uint8_t *)s.bytes + i, len)) {
            text_put_char(t, '?');
            i += len ? len : 1;
        } else {
            text_put(t, s.bytes + i, len);
            i += len;
        }
    }
}

void text_vformat(struct text *t, const char *format, va_list arguments) {
    struct slice outside;
    while (*format != '\0') {
        const char *run = format;
        while (*format != '\0' && *format != '%') {
            format++;
        }
        text_put(t, run, (uint32_t)(format - run));
        if (*format == '\0') {
            return;
        }
        switch (format[1]) {
        case 's':
            text_puts(t, va_arg(arguments, const char *));
            format += 2;
            break;
        case '%':
            text_put_char(t, '%');
            format += 2;
            break;
        case '.':
            outside.len = (uint32_t)va_arg(arguments, int);
            outside.bytes = va_arg(arguments, const char *);
            text_put_printable(t, outside, TEXT_FORMAT_SLICE_BYTES);
            format += 4;
            break;
        case '0':
            text_put_digits(t, va_arg(arguments, unsigned), (unsigned)(format[2] - '0'));
            format += 4;
            break;
        case 'l':
            text_put_u64(t, va_arg(arguments, unsigned long long));
            format += 4;
            break;
        default:
            text_put_u64(t, va_arg(arguments, unsigned));
            format += 2;
            break;
        }
    }
}

void text_format(struct text *t, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    text_vformat(t, format, arguments);
    va_end(arguments);
}

void text_prepend(struct text *t, struct slice s) {
    uint32_t put = s.len < t->capacity ? s.len : t->capacity;
    uint32_t kept = t->len < t->capacity - put ? t->len : t->capacity - put;
    t->overflow = t->overflow || put < s.len || kept < t->len;
    memmove(t->bytes + put, t->bytes, kept);
    memcpy(t->bytes, s.bytes, put);
    t->len = put + kept;
}

void text_put_label_value(struct text *t, struct slice value) {
    uint32_t start = 0;
    for (uint32_t i = text_plain_run(value.bytes, value.len); i < value.len; i++) {
        char c = value.bytes[i];
        if (c == '\\' || c == '"' || c == '\n') {
            text_put(t, value.bytes + start, i - start);
            text_put_char(t, '\\');
            text_put_char(t, c == '\n' ? 'n' : c);
            start = i + 1;
        }
    }
    text_put(t, value.bytes + start, value.len - start);
}

void text_put_json(struct text *t, struct slice s) {
    for (uint32_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.bytes[i];
        if (c == '"' || c == '\\') {
            text_put_char(t, '\\');
            text_put_char(t, (char)c);
        } else if (c < 0x20) {
            text_puts(t, "\\u");
            text_put_hex(t, c, 4);
        } else {
            text_put_char(t, (char)c);
        }
    }
}
