/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_status.c: see http_status.h.
 */
#include "http/http_status.h"

#define LINE(text) SLICE("HTTP/1.1 " text "\r\n")

static const struct slice lines[HTTP_STATUS_COUNT] = {
    [HTTP_OK] = LINE("200 OK"),
    [HTTP_ACCEPTED] = LINE("202 Accepted"),
    [HTTP_NO_CONTENT] = LINE("204 No Content"),
    [HTTP_BAD_REQUEST] = LINE("400 Bad Request"),
    [HTTP_NOT_FOUND] = LINE("404 Not Found"),
    [HTTP_METHOD_NOT_ALLOWED] = LINE("405 Method Not Allowed"),
    [HTTP_REQUEST_TIMEOUT] = LINE("408 Request Timeout"),
    [HTTP_CONFLICT] = LINE("409 Conflict"),
    [HTTP_CONTENT_TOO_LARGE] = LINE("413 Content Too Large"),
    [HTTP_URI_TOO_LONG] = LINE("414 URI Too Long"),
    [HTTP_UNSUPPORTED_MEDIA_TYPE] = LINE("415 Unsupported Media Type"),
    [HTTP_EXPECTATION_FAILED] = LINE("417 Expectation Failed"),
    [HTTP_UNPROCESSABLE_CONTENT] = LINE("422 Unprocessable Content"),
    [HTTP_HEADER_FIELDS_TOO_LARGE] = LINE("431 Request Header Fields Too Large"),
    [HTTP_NOT_IMPLEMENTED] = LINE("501 Not Implemented"),
    [HTTP_SERVICE_UNAVAILABLE] = LINE("503 Service Unavailable"),
    [HTTP_VERSION_NOT_SUPPORTED] = LINE("505 HTTP Version Not Supported"),
};

struct slice http_status_line(enum http_status status) {
    return lines[status];
}

struct slice http_status_code(enum http_status status) {
    return (struct slice){lines[status].bytes + sizeof "HTTP/1.1 " - 1, 3};
}

enum http_status http_status_of_problem(enum problem_kind kind) {
    switch (kind) {
    case PROBLEM_UNKNOWN:
        return HTTP_NOT_FOUND;
    case PROBLEM_CONFLICT:
        return HTTP_CONFLICT;
    case PROBLEM_TOO_LARGE:
        return HTTP_CONTENT_TOO_LARGE;
    case PROBLEM_REUSED:
        return HTTP_UNPROCESSABLE_CONTENT;
    case PROBLEM_FULL:
    case PROBLEM_BUSY:
        return HTTP_SERVICE_UNAVAILABLE;
    case PROBLEM_NONE:
    case PROBLEM_MALFORMED:
        break;
    }
    return HTTP_BAD_REQUEST;
}
