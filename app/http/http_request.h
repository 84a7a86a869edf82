/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_request.h: the receiving half of a connection: the head, its route, what it may be refused
 * for, and the body on its way to the handler (RFC 9112 sections 2 to 7).
 */
#ifndef PINGSHOT_HTTP_REQUEST_H
#define PINGSHOT_HTTP_REQUEST_H

#include "http/http_conn.h"

/* Makes ready for the first or the next request; what of it is here already stands at raw_start. */
void http_request_init(struct http_conn *c);

/* Reads on in what has been received of the head, or of the body. True: the connection is in
 * another phase, or has more to read; false: nothing can be done before more comes. */
bool http_request_read_head(struct http_conn *c);
bool http_request_read_body(struct http_conn *c);

#endif
