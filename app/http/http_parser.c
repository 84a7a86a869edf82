/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_parser.c: see http_parser.h. A line is looked at when all of it is there.
 */
#include "http/http_parser.h"

_Static_assert(CFG_HTTP_RX_BYTES <= 65535, "CFG_HTTP_RX_BYTES: at most 65535, parts are 16 bit");

/* The longest request line is what config.h says, or what leaves room for two line ends in the
 * head. */
#define REQUEST_LINE_BYTES                                          \
    ((uint32_t)CFG_HTTP_REQUEST_LINE_BYTES < CFG_HTTP_RX_BYTES - 4u \
         ? (uint32_t)CFG_HTTP_REQUEST_LINE_BYTES                    \
         : CFG_HTTP_RX_BYTES - 4u)

struct refusal {
    enum http_status *status;
    struct problem *problem;
};

void http_parser_init(struct http_parser *p) {
    memset(p, 0, sizeof *p);
}

/* ---- characters ------------------------------------------------------------------------- */

/* RFC 9110 section 5.6.2: tchar. One bit each for the characters from 0 to 127. */
static bool is_token_char(char c) {
    static const uint32_t set[4] = {0, 0x03ff6cfau, 0xc7fffffeu, 0x57ffffffu};
    uint8_t u = (uint8_t)c;
    return u < 128 && (set[u >> 5] >> (u & 31) & 1u) != 0;
}

static bool is_token(struct slice s) {
    for (uint32_t i = 0; i < s.len; i++) {
        if (!is_token_char(s.bytes[i])) {
            return false;
        }
    }
    return s.len > 0;
}

/* Control characters other than the tab have no place in a head (RFC 9110 section 5.5). */
static bool has_control(struct slice s) {
    uint32_t i = 0;
    uint32_t word;
    /* What is below 0x20 borrows when that is taken from it, and so does what an exclusive or has
     * made 0; what borrows by mistake is looked at again. */
    for (; s.len - i >= sizeof word; i += (uint32_t)sizeof word) {
        memcpy(&word, s.bytes + i, sizeof word);
        if ((((word - 0x20202020u) | ((word ^ 0x7f7f7f7fu) - 0x01010101u)) & ~word & 0x80808080u) !=
            0) {
            break;
        }
    }
    for (; i < s.len; i++) {
        uint8_t u = (uint8_t)s.bytes[i];
        if ((u < 0x20 && u != '\t') || u == 0x7f) {
            return true;
        }
    }
    return false;
}

/* ---- refusals --------------------------------------------------------------------------- */

static bool refuse(struct refusal r, enum http_status status, const char *line) {
    *r.status = status;
    return problem_set(r.problem, PROBLEM_MALFORMED, line);
}

/* "header line 3: <what>" */
static bool refuse_field(const struct http_parser *p, struct refusal r, const char *what) {
    *r.status = HTTP_BAD_REQUEST;
    return problem_format(r.problem, PROBLEM_MALFORMED, "header line %u: %s", p->line - 1u, what);
}

/* ---- request line ----------------------------------------------------------------------- */

static uint8_t method_of(struct slice s) {
    static const struct {
        struct slice name;
        uint8_t method;
    } methods[] = {
        {{"GET", 3}, HTTP_METHOD_GET},
        {{"POST", 4}, HTTP_METHOD_POST},
        {{"HEAD", 4}, HTTP_METHOD_HEAD},
        {{"DELETE", 6}, HTTP_METHOD_DELETE},
    };
    for (uint32_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (slice_equals(s, methods[i].name)) {
            return methods[i].method;
        }
    }
    return HTTP_METHOD_OTHER;
}

static bool parse_version(struct http_parser *p, struct slice s, struct refusal r) {
    if (s.len != 8 || !slice_starts_with(s, SLICE("HTTP/")) || s.bytes[6] != '.' ||
        s.bytes[5] < '0' || s.bytes[5] > '9' || s.bytes[7] < '0' || s.bytes[7] > '9') {
        return refuse(r, HTTP_BAD_REQUEST,
                      "request line: must be a method, a target and HTTP/1.1, one blank between");
    }
    if (s.bytes[5] != '1') {
        return refuse(r, HTTP_VERSION_NOT_SUPPORTED,
                      "request line: this server speaks HTTP/1.1 and HTTP/1.0");
    }
    p->head.minor_version = (uint8_t)(s.bytes[7] - '0');
    p->head.keep_alive = p->head.minor_version >= 1;
    return true;
}

/* Origin form, or absolute form, which a server has to take as well (RFC 9112 section 3.2.2). */
static bool parse_target(struct http_parser *p, const char *buffer, struct slice target,
                         struct refusal r) {
    struct slice rest = target;
    if (slice_starts_with(rest, SLICE("http://")) || slice_starts_with(rest, SLICE("https://"))) {
        uint32_t i = rest.bytes[4] == 's' ? 8 : 7;
        while (i < rest.len && rest.bytes[i] != '/' && rest.bytes[i] != '?') {
            i++;
        }
        rest = (struct slice){rest.bytes + i, rest.len - i};
    } else if (rest.len == 0 || (rest.bytes[0] != '/' && !slice_equals(rest, SLICE("*")))) {
        return refuse(r, HTTP_BAD_REQUEST, "request line: the target must begin with '/'");
    }
    if (memchr(rest.bytes, '#', rest.len) != NULL) {
        return refuse(r, HTTP_BAD_REQUEST, "request line: a target has no '#' part; send %23");
    }
    struct slice path = slice_cut(&rest, '?');
    p->head.path = (struct http_part){(uint16_t)(path.bytes - buffer), (uint16_t)path.len};
    p->head.query = (struct http_part){(uint16_t)(rest.bytes - buffer), (uint16_t)rest.len};
    return true;
}

static bool parse_request_line(struct http_parser *p, const char *buffer, struct slice line,
                               struct refusal r) {
    struct slice rest = line;
    struct slice method = slice_cut(&rest, ' ');
    struct slice target = slice_cut(&rest, ' ');
    if (has_control(line) || memchr(line.bytes, '\t', line.len) != NULL || !is_token(method)) {
        return refuse(r, HTTP_BAD_REQUEST,
                      "request line: must be a method, a target and HTTP/1.1, one blank between");
    }
    if (!parse_version(p, rest, r)) {
        return false;
    }
    p->head.method = method_of(method);
    return parse_target(p, buffer, target, r);
}

/* ---- fields ----------------------------------------------------------------------------- */

/* True when the comma-separated list `value` has `token`. */
static bool list_has(struct slice value, struct slice token) {
    while (value.len > 0) {
        if (slice_equals_nocase(slice_trim(slice_cut(&value, ',')), token)) {
            return true;
        }
    }
    return false;
}

/* Repeated equal lengths are one (RFC 9110 section 8.6); anything else would let two readers
 * disagree on where the request ends. */
static bool parse_content_length(struct http_parser *p, struct slice value, struct refusal r) {
    bool last = false;
    while (!last) {
        uint32_t length;
        last = memchr(value.bytes, ',', value.len) == NULL;
        struct slice one = slice_trim(slice_cut(&value, ','));
        if (!slice_to_u32(one, UINT32_MAX, &length)) {
            bool digits = one.len > 0;
            for (uint32_t i = 0; i < one.len; i++) {
                digits = digits && one.bytes[i] >= '0' && one.bytes[i] <= '9';
            }
            if (digits) {
                return refuse(r, HTTP_CONTENT_TOO_LARGE, "Content-Length: more than 4 GiB");
            }
            return refuse_field(p, r, "Content-Length must be a decimal number of bytes");
        }
        if (p->head.has_length && length != p->head.content_length) {
            return refuse_field(p, r, "several different Content-Lengths; send one");
        }
        p->head.has_length = true;
        p->head.content_length = length;
    }
    return true;
}

static bool parse_transfer_encoding(struct http_parser *p, struct slice value, struct refusal r) {
    if (p->head.has_transfer_encoding || !slice_equals_nocase(value, SLICE("chunked"))) {
        return refuse(r, HTTP_NOT_IMPLEMENTED,
                      "Transfer-Encoding: only \"chunked\", once, is implemented");
    }
    p->head.has_transfer_encoding = true;
    p->head.chunked = true;
    return true;
}

static void parse_connection(struct http_parser *p, struct slice value) {
    if (list_has(value, SLICE("close"))) {
        p->head.keep_alive = false;
    } else if (p->head.minor_version == 0 && list_has(value, SLICE("keep-alive"))) {
        p->head.keep_alive = true;
    }
}

static bool parse_expect(struct http_parser *p, struct slice value, struct refusal r) {
    if (!slice_equals_nocase(value, SLICE("100-continue"))) {
        return refuse(r, HTTP_EXPECTATION_FAILED, "Expect: only 100-continue can be met");
    }
    p->head.expect_continue = p->head.minor_version >= 1; /* RFC 9110 section 10.1.1 */
    return true;
}

static bool parse_host(struct http_parser *p, struct slice value, struct refusal r) {
    if (p->head.has_host || memchr(value.bytes, ' ', value.len) != NULL) {
        return refuse_field(p, r, "Host must be given once, as name or name:port");
    }
    p->head.has_host = true;
    return true;
}

/* The fields that are known: those of enum http_field, and these. */
enum {
    FIELD_HOST = HTTP_FIELD_COUNT,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_CONNECTION,
    FIELD_EXPECT,
    FIELD_OTHER,
};

static const struct slice field_names[FIELD_OTHER] = {
    [HTTP_FIELD_ACCEPT] = SLICE("Accept"),
    [HTTP_FIELD_CONTENT_ENCODING] = SLICE("Content-Encoding"),
    [HTTP_FIELD_CONTENT_TYPE] = SLICE("Content-Type"),
    [HTTP_FIELD_IDEMPOTENCY_KEY] = SLICE("Idempotency-Key"),
    [HTTP_FIELD_SCRAPE_TIMEOUT] = SLICE("X-Prometheus-Scrape-Timeout-Seconds"),
    [HTTP_FIELD_USER_AGENT] = SLICE("User-Agent"),
    [HTTP_FIELD_X_FORWARDED_FOR] = SLICE("X-Forwarded-For"),
    [HTTP_FIELD_X_REAL_IP] = SLICE("X-Real-Ip"),
    [FIELD_HOST] = SLICE("Host"),
    [FIELD_CONTENT_LENGTH] = SLICE("Content-Length"),
    [FIELD_TRANSFER_ENCODING] = SLICE("Transfer-Encoding"),
    [FIELD_CONNECTION] = SLICE("Connection"),
    [FIELD_EXPECT] = SLICE("Expect"),
};

static uint32_t find_field(struct slice name) {
    uint32_t field = 0;
    while (field < FIELD_OTHER && !slice_equals_nocase(name, field_names[field])) {
        field++;
    }
    return field;
}

static void keep_field(struct http_parser *p, const char *buffer, uint32_t field,
                       struct slice value) {
    struct http_part *part = &p->head.field[field];
    const bool again = field == HTTP_FIELD_IDEMPOTENCY_KEY && part->offset != 0;
    *part = (struct http_part){(uint16_t)(value.bytes - buffer),
                               again ? (uint16_t)0 : (uint16_t)value.len};
}

static bool parse_known_field(struct http_parser *p, const char *buffer, uint32_t field,
                              struct slice value, struct refusal r) {
    switch (field) {
    case FIELD_HOST:
        return parse_host(p, value, r);
    case FIELD_CONTENT_LENGTH:
        return parse_content_length(p, value, r);
    case FIELD_TRANSFER_ENCODING:
        return parse_transfer_encoding(p, value, r);
    case FIELD_CONNECTION:
        parse_connection(p, value);
        return true;
    case FIELD_EXPECT:
        return parse_expect(p, value, r);
    case FIELD_OTHER:
        return true;
    default:
        keep_field(p, buffer, field, value);
        return true;
    }
}

static bool parse_field(struct http_parser *p, const char *buffer, struct slice line,
                        struct refusal r) {
    struct slice value = line;
    struct slice name = slice_cut(&value, ':');
    if (line.bytes[0] == ' ' || line.bytes[0] == '\t') {
        return refuse_field(p, r, "begins with a blank; folded lines are not taken");
    }
    if (name.len == line.len) {
        return refuse_field(p, r, "no colon; a header is \"name: value\"");
    }
    const uint32_t field = find_field(name);
    if (field == FIELD_OTHER && !is_token(name)) {
        return refuse_field(p, r, "the name before the colon must be letters, digits and hyphens");
    }
    if (has_control(value)) {
        return refuse_field(p, r, "control character in the value");
    }
    return parse_known_field(p, buffer, field, slice_trim(value), r);
}

/* What only the whole head shows. */
static bool check_head(const struct http_parser *p, struct refusal r) {
    const struct http_head *h = &p->head;
    if (!h->has_host && h->minor_version >= 1) {
        return refuse(r, HTTP_BAD_REQUEST, "no Host header; HTTP/1.1 needs one");
    }
    if (h->has_transfer_encoding && h->has_length) {
        return refuse(r, HTTP_BAD_REQUEST,
                      "both Content-Length and Transfer-Encoding; send one of them");
    }
    if (h->has_transfer_encoding && h->minor_version == 0) {
        return refuse(r, HTTP_BAD_REQUEST, "Transfer-Encoding needs HTTP/1.1");
    }
    return true;
}

/* ---- lines ------------------------------------------------------------------------------ */

/* What can be said of the request line before its end has come; `end` is how far it is there,
 * without its LF. */
static bool check_partial_request_line(const struct http_parser *p, const char *buffer,
                                       uint32_t end, struct refusal r) {
    uint32_t line_bytes = end - p->line_start;
    if (line_bytes == 0) {
        return true;
    }
    char first = buffer[p->line_start];
    if (first == 0x16) {
        return refuse(r, HTTP_BAD_REQUEST, "this port speaks plain HTTP, not TLS");
    }
    if (first != '\r' && !is_token_char(first)) {
        return refuse(r, HTTP_BAD_REQUEST, "request line: must begin with a method");
    }
    if (buffer[end - 1] == '\r') {
        line_bytes--;
    }
    if (line_bytes > REQUEST_LINE_BYTES || end >= CFG_HTTP_RX_BYTES) {
        *r.status = HTTP_URI_TOO_LONG;
        return problem_format(r.problem, PROBLEM_MALFORMED, "request line: longer than %u bytes",
                              (unsigned)REQUEST_LINE_BYTES);
    }
    return true;
}

/* The same of any line. */
static bool check_partial(const struct http_parser *p, const char *buffer, uint32_t end,
                          struct refusal r) {
    if (p->line == 0) {
        return check_partial_request_line(p, buffer, end, r);
    }
    if (end >= CFG_HTTP_RX_BYTES) {
        *r.status = HTTP_HEADER_FIELDS_TOO_LARGE;
        return problem_format(r.problem, PROBLEM_MALFORMED,
                              "headers: more than %u bytes together with the request line",
                              CFG_HTTP_RX_BYTES);
    }
    return true;
}

/* The line that ends at `lf`, without its line end; false if that is not CR LF. */
static bool take_line(struct http_parser *p, const char *buffer, uint32_t lf, struct slice *line,
                      struct refusal r) {
    *line = (struct slice){buffer + p->line_start, lf - p->line_start};
    if (line->len == 0 || line->bytes[line->len - 1] != '\r') {
        return refuse(r, HTTP_BAD_REQUEST, "a line of the head ends in LF alone; send CR LF");
    }
    line->len--;
    p->line_start = lf + 1;
    p->scanned = lf + 1;
    return true;
}

static enum http_parser_result run_line(struct http_parser *p, const char *buffer,
                                        struct slice line, struct refusal r) {
    if (p->line == 0) {
        if (line.len == 0) {
            return HTTP_PARSER_MORE; /* empty lines before a request, RFC 9112 section 2.2 */
        }
        p->line = 1;
        return parse_request_line(p, buffer, line, r) ? HTTP_PARSER_MORE : HTTP_PARSER_ERROR;
    }
    if (line.len == 0) {
        return check_head(p, r) ? HTTP_PARSER_DONE : HTTP_PARSER_ERROR;
    }
    p->line++;
    return parse_field(p, buffer, line, r) ? HTTP_PARSER_MORE : HTTP_PARSER_ERROR;
}

enum http_parser_result http_parser_run(struct http_parser *p, const char *buffer, uint32_t len,
                                        uint32_t *head_bytes, enum http_status *status,
                                        struct problem *problem) {
    struct refusal r = {status, problem};
    for (;;) {
        struct slice line;
        const char *lf = memchr(buffer + p->scanned, '\n', len - p->scanned);
        uint32_t end = lf != NULL ? (uint32_t)(lf - buffer) : len;
        if (!check_partial(p, buffer, end, r)) {
            return HTTP_PARSER_ERROR;
        }
        if (lf == NULL) {
            p->scanned = len;
            return HTTP_PARSER_MORE;
        }
        if (!take_line(p, buffer, end, &line, r)) {
            return HTTP_PARSER_ERROR;
        }
        enum http_parser_result result = run_line(p, buffer, line, r);
        if (result != HTTP_PARSER_MORE) {
            *head_bytes = p->line_start;
            return result;
        }
    }
}
