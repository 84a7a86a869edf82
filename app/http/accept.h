/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * accept.h: content negotiation between the two exposition formats (RFC 9110 section 12.5.1).
 */
#ifndef PINGSHOT_ACCEPT_H
#define PINGSHOT_ACCEPT_H

#include "text.h"

/* True when an Accept header prefers application/openmetrics-text, in a version that is served
 * (1.0.0, 0.0.1 or none given), to text/plain. Without a header, or in a tie, text/plain it is. */
bool accept_prefers_openmetrics(struct slice accept);

#endif
