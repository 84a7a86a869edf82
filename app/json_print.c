/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * json_print.c: see json_print.h.
 */
#include "json_print.h"

#define INDENT_BYTES 4u

static bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool ends_literal(char c) {
    return c == ',' || c == ']' || c == '}' || is_blank(c);
}

static void new_line(const struct json_print *p, struct text *out) {
    static const char spaces[] = "                                ";
    uint32_t left = p->depth * INDENT_BYTES;
    text_put_char(out, '\n');
    while (left > 0) {
        uint32_t n = left < sizeof spaces - 1 ? left : (uint32_t)sizeof spaces - 1;
        text_put(out, spaces, n);
        left -= n;
    }
}

/* The first token in an array or object stands on a line of its own. */
static void first_in_container(struct json_print *p, struct text *out) {
    if (p->opened) {
        p->opened = false;
        new_line(p, out);
    }
}

static void close_container(struct json_print *p, struct text *out) {
    p->depth--;
    if (!p->opened) {
        new_line(p, out);
    }
    p->opened = false;
}

/* One byte of the text outside strings. */
static void print_structure(struct json_print *p, char c, struct text *out) {
    switch (c) {
    case '{':
    case '[':
        first_in_container(p, out);
        text_put_char(out, c);
        p->depth++;
        p->opened = true;
        break;
    case '}':
    case ']':
        close_container(p, out);
        text_put_char(out, c);
        break;
    case ',':
        text_put_char(out, ',');
        new_line(p, out);
        break;
    case ':':
        text_put_slice(out, SLICE(": "));
        break;
    default: /* a string's first quote, or the first byte of a number or a literal */
        first_in_container(p, out);
        text_put_char(out, c);
        p->in_string = c == '"';
        break;
    }
}

/* ---- strings ---------------------------------------------------------------------------- */

/* The code point of a character of 1 to 3 bytes. */
static uint32_t decode(const char *bytes, uint32_t len) {
    const uint8_t *b = (const uint8_t *)bytes;
    switch (len) {
    case 1:
        return b[0];
    case 2:
        return (b[0] & 0x1fu) << 6 | (b[1] & 0x3fu);
    default:
        return (b[0] & 0xfu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
    }
}

/* What stands at the cursor within a string. There is room for JSON_PRINT_STEP_BYTES. */
static void print_string(struct json_print *p, struct slice text, enum json_print_for reader,
                         struct text *out) {
    const char *bytes = text.bytes + p->at;
    const uint32_t left = text.len - p->at;
    const uint32_t room = text_room(out);
    uint32_t n = text_plain_run(bytes, left < room ? left : room);
    if (n == 0) {
        if (reader == JSON_PRINT_TERMINAL) {
            n = text_control_bytes((struct slice){bytes, left});
        }
        if (n > 0) {
            text_puts(out, "\\u");
            text_put_hex(out, decode(bytes, n), 4);
            p->at += n;
            return;
        }
        p->in_string = bytes[0] != '"';
        n = bytes[0] == '\\' && left > 1 ? 2 : 1; /* what is escaped does not end the string */
    }
    text_put(out, bytes, n);
    p->at += n;
}

/* The rest of a number or a literal, of which the first byte is out. */
static void print_literal(struct json_print *p, struct slice text, struct text *out) {
    uint32_t n = 0;
    const uint32_t room = text_room(out);
    while (n < room && p->at + n < text.len && !ends_literal(text.bytes[p->at + n])) {
        n++;
    }
    text_put(out, text.bytes + p->at, n);
    p->at += n;
}

bool json_print_pull(struct json_print *p, struct slice text, enum json_print_for reader,
                     struct text *out) {
    while (p->at < text.len) {
        if (text_room(out) < JSON_PRINT_STEP_BYTES) {
            return false;
        }
        const char c = text.bytes[p->at];
        if (p->in_string) {
            print_string(p, text, reader, out);
        } else if (is_blank(c)) {
            p->at++;
        } else {
            p->at++;
            print_structure(p, c, out);
            if (!p->in_string && memchr("{}[],:", c, 6) == NULL) {
                print_literal(p, text, out);
            }
        }
    }
    if (p->at == text.len) {
        if (text_room(out) == 0) {
            return false;
        }
        text_put_char(out, '\n');
        p->at++;
    }
    return true;
}
