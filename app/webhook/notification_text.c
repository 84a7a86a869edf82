/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * notification_text.c: see notification_text.h.
 */
#include "webhook/notification_text.h"

#include "date.h"

/* What is shown of one line of a head, in bytes. */
#define HEAD_LINE_BYTES_MAX 200u

enum stage {
    STAGE_ABOUT,
    STAGE_HEAD,
    STAGE_BODY,
    STAGE_CUT,
    STAGE_END,
};

static void put_about(const struct notification *n, struct text *out) {
    const enum notifications_endpoint endpoint = (enum notifications_endpoint)n->endpoint;
    text_format(out, "notification %llu: ", (unsigned long long)n->number);
    if (n->unix_ms != NOTIFICATIONS_TIME_UNKNOWN) {
        date_put_rfc3339(out, n->unix_ms);
    } else {
        text_format(out, "up %u s", (unsigned)n->uptime_s);
    }
    text_format(out, " %.*s (%.*s), %u bytes from %.*s%s%s\n",
                TEXT_SLICE(notifications_path(endpoint)),
                TEXT_SLICE(notifications_receiver(endpoint)), (unsigned)n->sent_bytes,
                TEXT_SLICE(n->sender), n->repeat ? ", a repeat" : "",
                n->body.len < n->sent_bytes ? ", kept cut" : "");
}

/* Who reads a console, or its log, need not learn what a client proves its identity with. */
static bool is_credential(struct slice name) {
    static const struct slice names[] = {SLICE("authorization"), SLICE("proxy-authorization"),
                                         SLICE("cookie")};
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_equals_nocase(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* One line of the head, without its line end. */
static void put_head_line(struct slice line, struct text *out) {
    struct slice rest = line;
    const struct slice name = slice_cut(&rest, ':');
    if (is_credential(name)) {
        text_put_slice(out, name);
        text_puts(out, ": (not shown)");
    } else {
        text_put_printable(out, line, HEAD_LINE_BYTES_MAX);
    }
    text_put_char(out, '\n');
}

/* Lines of the head, the empty one at its end included. True when all are written. */
static bool put_head(struct notification_text *t, struct slice head, struct text *out) {
    while (t->head_at < head.len) {
        if (text_room(out) < NOTIFICATION_TEXT_LINE_BYTES) {
            return false;
        }
        struct slice rest = {head.bytes + t->head_at, head.len - t->head_at};
        struct slice line = slice_cut(&rest, '\n');
        t->head_at = (uint16_t)(head.len - rest.len);
        if (line.len > 0 && line.bytes[line.len - 1] == '\r') {
            line.len--;
        }
        put_head_line(line, out);
    }
    return true;
}

static void put_cut(const struct notification *n, struct text *out) {
    text_format(out, "... cut: %u of %u bytes are kept\n", (unsigned)n->body.len,
                (unsigned)n->sent_bytes);
}

static enum notification_text_result put_lost(struct notification_text *t, struct text *out) {
    if (t->stage != STAGE_ABOUT) {
        text_puts(out, "\n... newer notifications have overwritten the rest\n");
    }
    return NOTIFICATION_TEXT_LOST;
}

/* Writes what the stage has, and goes on to the next. False when there is not enough room. */
static bool put_stage(struct notification_text *t, const struct notification *n,
                      enum json_print_for reader, struct text *out) {
    switch ((enum stage)t->stage) {
    case STAGE_ABOUT:
        put_about(n, out);
        t->stage = reader == JSON_PRINT_TERMINAL ? STAGE_HEAD : STAGE_BODY;
        return true;
    case STAGE_HEAD:
        if (!put_head(t, n->head, out)) {
            return false;
        }
        t->stage = STAGE_BODY;
        return true;
    case STAGE_BODY:
        if (!json_print_pull(&t->json, n->body, reader, out)) {
            return false;
        }
        t->stage = n->body.len < n->sent_bytes ? STAGE_CUT : STAGE_END;
        return true;
    case STAGE_CUT:
        put_cut(n, out);
        t->stage = STAGE_END;
        return true;
    case STAGE_END:
        break;
    }
    return false;
}

enum notification_text_result notification_text_pull(struct notification_text *t,
                                                     const struct notifications *n,
                                                     enum json_print_for reader, struct text *out) {
    struct notification notification;
    const bool kept = notifications_get(n, t->place, &notification);
    while (text_room(out) >= NOTIFICATION_TEXT_LINE_BYTES) {
        if (t->stage == STAGE_END) {
            text_put_char(out, '\n');
            return NOTIFICATION_TEXT_DONE;
        }
        if (!kept) {
            return put_lost(t, out);
        }
        if (!put_stage(t, &notification, reader, out)) {
            return NOTIFICATION_TEXT_MORE;
        }
    }
    return NOTIFICATION_TEXT_MORE;
}
