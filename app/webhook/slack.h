/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * slack.h: whether Slack's incoming webhooks would take a message, and what they say if not: the
 * word that Slack answers for its kind, then a colon and where and what. Slack's own rules are in
 * its documents "Sending messages using incoming webhooks" and "Reference: message payloads".
 */
#ifndef PINGSHOT_SLACK_H
#define PINGSHOT_SLACK_H

#include "json.h"

/* True for a message: an object with a text, blocks or attachments. False fills `*p` with
 * PROBLEM_MALFORMED: no_text, invalid_payload, invalid_blocks, invalid_attachments or
 * too_many_attachments. */
bool slack_check(const struct json *j, struct problem *p);

/* The same for a text that is no JSON, which `*p` says: puts Slack's word before it. */
void slack_refuse_text(struct problem *p);

#endif
