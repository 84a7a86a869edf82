/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * date.h: wall time as text.
 */
#ifndef PINGSHOT_DATE_H
#define PINGSHOT_DATE_H

#include "text.h"

/* Appends seconds since 1970 as HTTP wants them: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110
 * section 5.6.7). From 1970 to 9999. */
void date_put_http(struct text *t, int64_t unix_s);

/* Appends milliseconds since 1970 as "1994-11-06T08:49:37.123Z" (RFC 3339). */
void date_put_rfc3339(struct text *t, int64_t unix_ms);

#endif
