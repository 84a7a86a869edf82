/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_status.h: the status codes that pingshot answers with (RFC 9110 section 15, RFC 6585).
 */
#ifndef PINGSHOT_HTTP_STATUS_H
#define PINGSHOT_HTTP_STATUS_H

#include "problem.h"
#include "text.h"

/* In ascending order; used as an index of counters. */
enum http_status {
    HTTP_OK,                      /* 200 */
    HTTP_ACCEPTED,                /* 202 */
    HTTP_NO_CONTENT,              /* 204 */
    HTTP_BAD_REQUEST,             /* 400 */
    HTTP_NOT_FOUND,               /* 404 */
    HTTP_METHOD_NOT_ALLOWED,      /* 405 */
    HTTP_REQUEST_TIMEOUT,         /* 408 */
    HTTP_CONFLICT,                /* 409 */
    HTTP_CONTENT_TOO_LARGE,       /* 413 */
    HTTP_URI_TOO_LONG,            /* 414 */
    HTTP_UNSUPPORTED_MEDIA_TYPE,  /* 415 */
    HTTP_EXPECTATION_FAILED,      /* 417 */
    HTTP_UNPROCESSABLE_CONTENT,   /* 422 */
    HTTP_HEADER_FIELDS_TOO_LARGE, /* 431 */
    HTTP_NOT_IMPLEMENTED,         /* 501 */
    HTTP_SERVICE_UNAVAILABLE,     /* 503 */
    HTTP_VERSION_NOT_SUPPORTED,   /* 505 */
    HTTP_STATUS_COUNT
};

#define HTTP_STATUS_DIGITS 3u

/* "200 OK": a status code of HTTP_STATUS_DIGITS and its reason phrase. */
const char *http_status_name(enum http_status status);

/* The status that answers a problem. */
enum http_status http_status_of_problem(enum problem_kind kind);

#endif
