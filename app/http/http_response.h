/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_response.h: the sending half of a connection: head, framing, and pulling the body from
 * its source as the transport drains (RFC 9112 sections 4 to 7).
 */
#ifndef PINGSHOT_HTTP_RESPONSE_H
#define PINGSHOT_HTTP_RESPONSE_H

#include "http/http_conn.h"

/* Longest head of a response, in bytes. */
#define HTTP_RESPONSE_HEAD_BYTES 384u

/* Sends as much of the response as the transport takes. True when all of it is with the
 * transport; false: call again after drained, acknowledged or some time. */
bool http_response_pump(struct http_conn *c);

/* Tells a client that waits for it to send the body (RFC 9110 section 10.1.1). False when the
 * transport did not take it. */
bool http_response_continue(struct http_conn *c);

#endif
