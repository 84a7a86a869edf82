/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_status.c: see http_status.h.
 */
#include "http/http_status.h"

static const char *const names[HTTP_STATUS_COUNT] = {
    [HTTP_OK] = "200 OK",
    [HTTP_ACCEPTED] = "202 Accepted",
    [HTTP_NO_CONTENT] = "204 No Content",
    [HTTP_BAD_REQUEST] = "400 Bad Request",
    [HTTP_NOT_FOUND] = "404 Not Found",
    [HTTP_METHOD_NOT_ALLOWED] = "405 Method Not Allowed",
    [HTTP_REQUEST_TIMEOUT] = "408 Request Timeout",
    [HTTP_CONFLICT] = "409 Conflict",
    [HTTP_CONTENT_TOO_LARGE] = "413 Content Too Large",
    [HTTP_URI_TOO_LONG] = "414 URI Too Long",
    [HTTP_UNSUPPORTED_MEDIA_TYPE] = "415 Unsupported Media Type",
    [HTTP_EXPECTATION_FAILED] = "417 Expectation Failed",
    [HTTP_UNPROCESSABLE_CONTENT] = "422 Unprocessable Content",
    [HTTP_HEADER_FIELDS_TOO_LARGE] = "431 Request Header Fields Too Large",
    [HTTP_NOT_IMPLEMENTED] = "501 Not Implemented",
    [HTTP_SERVICE_UNAVAILABLE] = "503 Service Unavailable",
    [HTTP_VERSION_NOT_SUPPORTED] = "505 HTTP Version Not Supported",
};

const char *http_status_name(enum http_status status) {
    return names[status];
}

enum http_status http_status_of_problem(enum problem_kind kind) {
    static const uint8_t statuses[] = {
        [PROBLEM_NONE] = HTTP_BAD_REQUEST,
        [PROBLEM_MALFORMED] = HTTP_BAD_REQUEST,
        [PROBLEM_UNKNOWN] = HTTP_NOT_FOUND,
        [PROBLEM_CONFLICT] = HTTP_CONFLICT,
        [PROBLEM_TOO_LARGE] = HTTP_CONTENT_TOO_LARGE,
        [PROBLEM_REUSED] = HTTP_UNPROCESSABLE_CONTENT,
        [PROBLEM_FULL] = HTTP_SERVICE_UNAVAILABLE,
        [PROBLEM_BUSY] = HTTP_SERVICE_UNAVAILABLE,
    };
    return (enum http_status)statuses[kind];
}
