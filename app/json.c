/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * json.c: see json.h.
 *
 * One pass checks the grammar, and says where and why it is broken; it counts tokens and depth as
 * it goes. Only a text that is right and small enough is given to jsmn, which fills the tokens
 * in and takes much that is wrong. A last pass over the tokens links them.
 */
#include "json.h"

#include <stddef.h>

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS /* without them jsmn takes quadratic time */
#if JSON_NARROW
#define int short /* what jsmn counts in, and what its tokens are made of */
#endif
#include <jsmn.h>
#undef int

/* jsmn writes its tokens where ours are to be, each is then rewritten in its place. Both are an
 * enum and four numbers. */
_Static_assert(sizeof(jsmntok_t) == sizeof(struct json_token), "json.c: jsmn.h is of another kind");
_Static_assert(sizeof((jsmntok_t){0}.start) == sizeof(json_size), "json.c: jsmn counts otherwise");
_Static_assert(CFG_JSON_TOKENS_MAX <= JSON_TEXT_BYTES_MAX, "CFG_JSON_TOKENS_MAX: at most 32767");

/* ---- checking --------------------------------------------------------------------------- */

#define END_OF_TEXT (-1)

struct scan {
    const uint8_t *bytes;
    uint32_t len;
    uint32_t at;    /* next byte */
    uint32_t count; /* tokens so far */
    uint32_t depth; /* arrays and objects that are open */
    uint32_t start; /* where the outermost value starts */
    uint32_t end;   /* and where it ends */
    struct problem *problem;
    char closers[CFG_JSON_DEPTH_MAX]; /* what ends each of them */
};

static int peek(const struct scan *s) {
    return s->at < s->len ? s->bytes[s->at] : END_OF_TEXT;
}

static void skip_blanks(struct scan *s) {
    while (s->at < s->len) {
        uint8_t c = s->bytes[s->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            return;
        }
        s->at++;
    }
}

/* Says what should be at the next byte, and what is. Returns false. */
static bool expected(struct scan *s, const char *what) {
    const unsigned byte = s->at + 1u;
    const int c = peek(s);
    if (c == END_OF_TEXT) {
        return problem_format(s->problem, PROBLEM_MALFORMED,
                              "byte %u: expected %s, but the text ends", byte, what);
    }
    if (c > 0x20 && c < 0x7f) {
        return problem_format(s->problem, PROBLEM_MALFORMED, "byte %u: expected %s, found '%.*s'",
                              byte, what, 1, (const char *)s->bytes + s->at);
    }
    char hex[2];
    struct text found = text_over(hex, sizeof hex);
    text_put_hex(&found, (uint32_t)c, 2);
    return problem_format(s->problem, PROBLEM_MALFORMED, "byte %u: expected %s, found byte 0x%.*s",
                          byte, what, TEXT_SLICE(text_slice(&found)));
}

static bool too_large(struct scan *s, const char *what, uint32_t limit) {
    return problem_format(s->problem, PROBLEM_TOO_LARGE, "byte %u: %s %u", (unsigned)s->at + 1u,
                          what, (unsigned)limit);
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static bool check_digits(struct scan *s, const char *what) {
    if (!is_digit(peek(s))) {
        return expected(s, what);
    }
    while (is_digit(peek(s))) {
        s->at++;
    }
    return true;
}

/* RFC 8259 section 6. */
static bool check_number(struct scan *s) {
    if (peek(s) == '-') {
        s->at++;
    }
    if (peek(s) == '0') {
        s->at++;
        if (is_digit(peek(s))) {
            return expected(s, "no more digits after a leading 0");
        }
    } else if (!check_digits(s, "a digit after '-'")) {
        return false;
    }
    if (peek(s) == '.') {
        s->at++;
        if (!check_digits(s, "a digit after the decimal point")) {
            return false;
        }
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-') {
            s->at++;
        }
        return check_digits(s, "a digit in the exponent");
    }
    return true;
}

static bool check_literal(struct scan *s, struct slice literal) {
    for (uint32_t i = 0; i < literal.len; i++, s->at++) {
        if (peek(s) != literal.bytes[i]) {
            return expected(s, literal.bytes);
        }
    }
    return true;
}

static bool check_hex(struct scan *s, uint32_t *unit) {
    *unit = 0;
    for (uint32_t i = 0; i < 4; i++, s->at++) {
        const int digit = s->at < s->len ? text_hex_digit((char)s->bytes[s->at]) : -1;
        if (digit < 0) {
            return expected(s, "four hex digits after \\u");
        }
        *unit = *unit << 4 | (uint32_t)digit;
    }
    return true;
}

static bool is_low_surrogate(uint32_t unit) {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

static bool is_high_surrogate(uint32_t unit) {
    return unit >= 0xd800 && unit <= 0xdbff;
}

/* From the byte after \u on: one UTF-16 unit, or two that make a character. */
static bool check_unicode_escape(struct scan *s) {
    uint32_t start = s->at;
    uint32_t unit;
    if (!check_hex(s, &unit)) {
        return false;
    }
    if (is_low_surrogate(unit)) {
        s->at = start;
        return expected(s, "a high surrogate before this low one");
    }
    if (is_high_surrogate(unit)) {
        start = s->at;
        if (s->len - s->at < 2 || s->bytes[s->at] != '\\' || s->bytes[s->at + 1] != 'u') {
            return expected(s, "\\u and a low surrogate after a high one");
        }
        s->at += 2;
        if (!check_hex(s, &unit)) {
            return false;
        }
        if (!is_low_surrogate(unit)) {
            s->at = start;
            return expected(s, "a low surrogate (\\udc00 to \\udfff) after a high one");
        }
    }
    return true;
}

/* From the byte after the backslash on. */
static bool check_escape(struct scan *s) {
    switch (peek(s)) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        s->at++;
        return true;
    case 'u':
        s->at++;
        return check_unicode_escape(s);
    default:
        return expected(s, "one of \"\\/bfnrtu after a backslash");
    }
}

/* RFC 8259 section 7, from the opening quote on. */
static bool check_string(struct scan *s) {
    uint32_t start = ++s->at;
    bool ascii = true;
    for (;;) {
        s->at += text_plain_run((const char *)s->bytes + s->at, s->len - s->at);
        int c = peek(s);
        if (c == '"') {
            break;
        }
        if (c == END_OF_TEXT) {
            return expected(s, "\" at the end of the string");
        }
        if (c < 0x20) {
            return expected(s, "control characters in a string as \\u escapes");
        }
        s->at++;
        if (c != '\\') {
            ascii = false;
        } else if (!check_escape(s)) {
            return false;
        }
    }
    if (!ascii) {
        struct slice content = {(const char *)s->bytes + start, s->at - start};
        uint32_t error = slice_utf8_error(content);
        if (error < content.len) {
            s->at = start + error;
            return expected(s, "UTF-8");
        }
    }
    s->at++;
    return true;
}

static bool count_token(struct scan *s) {
    if (s->count == CFG_JSON_TOKENS_MAX) {
        return too_large(s, "more values and names of members than", CFG_JSON_TOKENS_MAX);
    }
    s->count++;
    return true;
}

/* The name of a member and its colon. */
static bool check_name(struct scan *s, const char *what) {
    skip_blanks(s);
    if (peek(s) != '"') {
        return expected(s, what);
    }
    if (!count_token(s) || !check_string(s)) {
        return false;
    }
    skip_blanks(s);
    if (peek(s) != ':') {
        return expected(s, "':' after the name");
    }
    s->at++;
    return true;
}

static bool open_container(struct scan *s, char closer) {
    if (s->depth == CFG_JSON_DEPTH_MAX) {
        return too_large(s, "arrays and objects nested deeper than", CFG_JSON_DEPTH_MAX);
    }
    s->at++;
    s->closers[s->depth++] = closer;
    return true;
}

static bool check_scalar(struct scan *s) {
    switch (peek(s)) {
    case '"':
        return check_string(s);
    case 't':
        return check_literal(s, SLICE("true"));
    case 'f':
        return check_literal(s, SLICE("false"));
    case 'n':
        return check_literal(s, SLICE("null"));
    default:
        if (peek(s) == '-' || is_digit(peek(s))) {
            return check_number(s);
        }
        return expected(s, "a value");
    }
}

/* Goes down to the first value that has none in it: a scalar, or an array or object that closes at
 * once. */
static bool check_down(struct scan *s) {
    for (;;) {
        skip_blanks(s);
        int c = peek(s);
        if (c != END_OF_TEXT && !count_token(s)) {
            return false;
        }
        if (c != '{' && c != '[') {
            return check_scalar(s);
        }
        if (!open_container(s, c == '{' ? '}' : ']')) {
            return false;
        }
        skip_blanks(s);
        if (peek(s) == s->closers[s->depth - 1]) {
            return true;
        }
        if (c == '{' && !check_name(s, "a name in double quotes, or }")) {
            return false;
        }
    }
}

/* Comes back up after a value: closes what ends there, and stops where the next value begins or
 * when nothing is open any more. */
static bool check_up(struct scan *s) {
    while (s->depth > 0) {
        char closer = s->closers[s->depth - 1];
        skip_blanks(s);
        if (peek(s) == ',') {
            s->at++;
            return closer == ']' || check_name(s, "a name in double quotes");
        }
        if (peek(s) != closer) {
            return expected(s, closer == '}' ? "',' or '}' after the member"
                                             : "',' or ']' after the element");
        }
        s->at++;
        s->depth--;
    }
    return true;
}

static bool check_text(struct scan *s) {
    if (s->len >= 3 && memcmp(s->bytes, "\xef\xbb\xbf", 3) == 0) {
        return expected(s, "no byte order mark");
    }
    skip_blanks(s);
    s->start = s->at;
    do {
        if (!check_down(s) || !check_up(s)) {
            return false;
        }
    } while (s->depth > 0);
    s->end = s->at;
    skip_blanks(s);
    return s->at == s->len || expected(s, "nothing more after the value");
}

/* ---- tokens ----------------------------------------------------------------------------- */

static enum json_type type_of(jsmntype_t type, char first) {
    switch (type) {
    case JSMN_OBJECT:
        return JSON_OBJECT;
    case JSMN_ARRAY:
        return JSON_ARRAY;
    case JSMN_STRING:
        return JSON_STRING;
    case JSMN_PRIMITIVE:
    case JSMN_UNDEFINED:
    default:
        break;
    }
    switch (first) {
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

/* Rewrites jsmn's token at `index` as ours; those after it already are. jsmn counts the value of a
 * member as a child of its name. */
static void convert(struct json *j, uint32_t index) {
    jsmntok_t from;
    memcpy(&from, &j->tokens[index], sizeof from);
    uint32_t next = index + 1;
    for (int child = 0; child < from.size && next < j->count; child++) {
        next = j->tokens[next].next;
    }
    enum json_type type = type_of(from.type, j->text.bytes[from.start]);
    j->tokens[index] = (struct json_token){
        .type = type,
        .start = (json_size)from.start,
        .end = (json_size)from.end,
        .count = type == JSON_STRING ? 0 : (json_size)from.size,
        .next = (json_size)next,
    };
}

/* jsmn takes a number or a literal only inside an array or an object. */
static void make_only_token(struct json *j, uint32_t start, uint32_t end) {
    char first = j->text.bytes[start];
    uint32_t quote = first == '"';
    j->count = 1;
    j->tokens[JSON_ROOT] = (struct json_token){
        .type = type_of(quote ? JSMN_STRING : JSMN_PRIMITIVE, first),
        .start = (json_size)(start + quote),
        .end = (json_size)(end - quote),
        .next = 1,
    };
}

static bool make_tokens(struct json *j, uint32_t count) {
    jsmn_parser parser;
    jsmn_init(&parser);
    int made = jsmn_parse(&parser, j->text.bytes, j->text.len, (jsmntok_t *)(void *)j->tokens,
                          CFG_JSON_TOKENS_MAX);
    if (made < 0 || (uint32_t)made != count) {
        return false;
    }
    j->count = count;
    for (uint32_t i = count; i-- > 0;) {
        convert(j, i);
    }
    return true;
}

bool json_parse(struct json *j, struct slice text, struct problem *p) {
    struct scan s = {.bytes = (const uint8_t *)text.bytes, .len = text.len, .problem = p};
    j->text = text;
    j->count = 0;
    if (text.len > JSON_TEXT_BYTES_MAX) {
        s.at = JSON_TEXT_BYTES_MAX;
        return too_large(&s, "the text is longer than", JSON_TEXT_BYTES_MAX);
    }
    if (!check_text(&s)) {
        return false;
    }
    if (text.bytes[s.start] != '{' && text.bytes[s.start] != '[') {
        make_only_token(j, s.start, s.end);
        return true;
    }
    if (!make_tokens(j, s.count)) {
        return problem_set(p, PROBLEM_MALFORMED,
                           "jsmn reads this JSON text in another way than its check");
    }
    return true;
}

/* ---- reading tokens --------------------------------------------------------------------- */

static struct slice content_of(const struct json *j, uint32_t token) {
    const struct json_token *t = &j->tokens[token];
    return (struct slice){j->text.bytes + t->start, t->end - t->start};
}

struct slice json_raw(const struct json *j, uint32_t token) {
    struct slice s = content_of(j, token);
    if (json_type(j, token) == JSON_STRING) {
        s.bytes--;
        s.len += 2;
    }
    return s;
}

static uint32_t unit_at(const char *hex) {
    uint32_t unit = 0;
    for (uint32_t i = 0; i < 4; i++) {
        unit = unit << 4 | (uint32_t)text_hex_digit(hex[i]);
    }
    return unit;
}

/* RFC 3629 section 3. */
static uint32_t put_utf8(char out[4], uint32_t code_point) {
    static const uint8_t lead[] = {0x00, 0x00, 0xc0, 0xe0, 0xf0};
    uint32_t len = 1;
    if (code_point > 0xffff) {
        len = 4;
    } else if (code_point > 0x7ff) {
        len = 3;
    } else if (code_point > 0x7f) {
        len = 2;
    }
    for (uint32_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    out[0] = (char)(lead[len] | code_point);
    return len;
}

/* Undoes the escape at `*at`, and steps over it. Returns the length of what it stands for. */
static uint32_t unescape(const char **at, char out[4]) {
    char c = (*at)[1];
    if (c != 'u') {
        static const char escapes[] = "bfnrt";
        static const char meanings[] = "\b\f\n\r\t";
        const char *found = memchr(escapes, c, sizeof escapes - 1);
        out[0] = found != NULL ? meanings[found - escapes] : c;
        *at += 2;
        return 1;
    }
    uint32_t code_point = unit_at(*at + 2);
    *at += 6;
    if (is_high_surrogate(code_point)) {
        code_point = 0x10000 + ((code_point & 0x3ff) << 10 | (unit_at(*at + 2) & 0x3ff));
        *at += 6;
    }
    return put_utf8(out, code_point);
}

static const char *find_backslash(const char *at, const char *end) {
    const char *found = memchr(at, '\\', (size_t)(end - at));
    return found != NULL ? found : end;
}

bool json_string(const struct json *j, uint32_t token, struct text *out) {
    if (json_type(j, token) != JSON_STRING) {
        return false;
    }
    struct slice content = content_of(j, token);
    const char *at = content.bytes;
    const char *end = content.bytes + content.len;
    while (at < end) {
        const char *run = find_backslash(at, end);
        text_put(out, at, (uint32_t)(run - at));
        at = run;
        if (at < end) {
            char character[4];
            uint32_t len = unescape(&at, character);
            text_put(out, character, len);
        }
    }
    return !out->overflow;
}

bool json_plain(const struct json *j, uint32_t token, struct slice *s) {
    if (json_type(j, token) != JSON_STRING) {
        return false;
    }
    struct slice content = content_of(j, token);
    const char *end = content.bytes + content.len;
    if (find_backslash(content.bytes, end) != end) {
        return false;
    }
    *s = content;
    return true;
}

bool json_equals(const struct json *j, uint32_t token, struct slice s) {
    if (json_type(j, token) != JSON_STRING) {
        return false;
    }
    struct slice content = content_of(j, token);
    if (content.len < s.len) {
        return false; /* an escape is always longer than what it stands for */
    }
    const char *at = content.bytes;
    const char *end = content.bytes + content.len;
    while (at < end) {
        char character[4];
        const char *run = find_backslash(at, end);
        struct slice piece = {at, (uint32_t)(run - at)};
        at = run;
        if (piece.len == 0) {
            piece = (struct slice){character, unescape(&at, character)};
        }
        if (!slice_starts_with(s, piece)) {
            return false;
        }
        s = (struct slice){s.bytes + piece.len, s.len - piece.len};
    }
    return s.len == 0;
}

uint32_t json_member(const struct json *j, uint32_t object, struct slice name) {
    uint32_t found = JSON_NONE;
    if (json_type(j, object) != JSON_OBJECT) {
        return JSON_NONE;
    }
    for (uint32_t i = json_first(j, object); i != JSON_NONE; i = json_next(j, object, i)) {
        if (json_equals(j, i, name)) {
            found = json_value(i);
        }
    }
    return found;
}

uint32_t json_given(const struct json *j, uint32_t object, struct slice name) {
    const uint32_t value = json_member(j, object, name);
    return json_type(j, value) == JSON_NULL ? JSON_NONE : value;
}
