/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * alertmanager.c: see alertmanager.h.
 */
#include "webhook/alertmanager.h"

#include "metrics/label_set.h"

/* What is read of one alert. */
struct reading {
    uint32_t labels_max; /* how much of `text` the labels may take, in bytes */
    bool firing;
    struct slice starts_at; /* as it is spelt: only whether it differs matters */
    struct slice labels;    /* in `text` */
    char text[CFG_ALERT_TEXT_BYTES];
};

bool alertmanager_is_payload(const struct json *j) {
    return json_equals(j, json_member(j, JSON_ROOT, SLICE("version")), SLICE("4")) &&
           json_type(j, json_member(j, JSON_ROOT, SLICE("alerts"))) == JSON_ARRAY;
}

/* ---- problems ---------------------------------------------------------------------------- */

/* No index: a member of the payload itself. */
#define NO_INDEX UINT32_MAX

/* Puts before what is wrong where it is. Returns false. */
static bool at_member(struct problem *p, uint32_t index, const char *member) {
    char bytes[48];
    struct text where = text_over(bytes, sizeof bytes);
    if (index != NO_INDEX) {
        text_format(&where, "alerts[%u].", (unsigned)index);
    }
    text_format(&where, "%s: ", member);
    return problem_prepend(p, text_slice(&where));
}

static bool malformed(struct problem *p, uint32_t index, const char *member, const char *what) {
    problem_set(p, PROBLEM_MALFORMED, what);
    return at_member(p, index, member);
}

/* ---- one alert --------------------------------------------------------------------------- */

static bool too_large(struct problem *p, uint32_t index, const char *member, uint32_t max) {
    problem_format(p, PROBLEM_TOO_LARGE,
                   "alertname, fingerprint and receiver together take more than the %u bytes that "
                   "there are for an alert",
                   (unsigned)max);
    return at_member(p, index, member);
}

/* Appends a label; its value is a JSON string, or JSON_NONE for none. */
static bool add_label(const struct json *j, uint32_t index, const char *member, const char *name,
                      uint32_t value, struct text *out, struct problem *p) {
    char bytes[CFG_ALERT_TEXT_BYTES];
    struct text text = text_over(bytes, sizeof bytes);
    uint32_t bad_byte;
    if (value == JSON_NONE) {
        return true; /* to Prometheus an empty label is none */
    }
    if (json_type(j, value) != JSON_STRING) {
        return malformed(p, index, member, "expected a string");
    }
    json_string(j, value, &text);
    if (text.len == 0) {
        return true;
    }
    if (!text.overflow && !label_set_value_ok(text_slice(&text), &bad_byte)) {
        return malformed(p, index, member, "NUL in it, which no scraper reads");
    }
    text_puts(out, out->len > 0 ? "," : "");
    text_puts(out, name);
    text_puts(out, "=\"");
    text_put_label_value(out, text_slice(&text));
    text_put_char(out, '"');
    return (!text.overflow && !out->overflow) || too_large(p, index, member, out->capacity);
}

static bool read_status(const struct json *j, uint32_t index, uint32_t alert,
                        struct reading *reading, struct problem *p) {
    const uint32_t status = json_member(j, alert, SLICE("status"));
    reading->firing = json_equals(j, status, SLICE("firing"));
    return reading->firing || json_equals(j, status, SLICE("resolved")) ||
           malformed(p, index, "status", "expected \"firing\" or \"resolved\"");
}

static bool read_alert(const struct json *j, uint32_t index, uint32_t alert, uint32_t receiver,
                       struct reading *reading, struct problem *p) {
    struct text out = text_over(reading->text, reading->labels_max);
    const uint32_t labels = json_member(j, alert, SLICE("labels"));
    const uint32_t fingerprint = json_member(j, alert, SLICE("fingerprint"));
    const uint32_t starts_at = json_member(j, alert, SLICE("startsAt"));
    if (json_type(j, labels) != JSON_OBJECT) {
        return malformed(p, index, "labels", "expected an object");
    }
    if (fingerprint == JSON_NONE || json_equals(j, fingerprint, SLICE(""))) {
        return malformed(p, index, "fingerprint", "expected a string that is not empty");
    }
    if (!read_status(j, index, alert, reading, p) ||
        !add_label(j, index, "labels.alertname", "alertname",
                   json_member(j, labels, SLICE("alertname")), &out, p) ||
        !add_label(j, index, "fingerprint", "fingerprint", fingerprint, &out, p) ||
        !add_label(j, NO_INDEX, "receiver", "receiver", receiver, &out, p)) {
        return false;
    }
    reading->starts_at = starts_at != JSON_NONE ? json_raw(j, starts_at) : SLICE("");
    reading->labels = text_slice(&out);
    return true;
}

/* ---- all of them ------------------------------------------------------------------------- */

static bool plan(struct alerts *a, const struct json *j, uint32_t labels_max, struct problem *p) {
    struct reading reading = {.labels_max = labels_max};
    const uint32_t alerts = json_member(j, JSON_ROOT, SLICE("alerts"));
    const uint32_t receiver = json_member(j, JSON_ROOT, SLICE("receiver"));
    uint32_t index = 0;
    for (uint32_t i = json_first(j, alerts); i != JSON_NONE; i = json_next(j, alerts, i)) {
        if (!read_alert(j, index++, i, receiver, &reading, p)) {
            return false;
        }
        alerts_plan(a, reading.labels, reading.firing, reading.starts_at);
    }
    return true;
}

static bool changes_fit(const struct alerts *a, const struct alertmanager_listener *listener,
                        struct problem *p) {
    if (listener == NULL || alerts_plan_changes(a) <= listener->changes_max) {
        return true;
    }
    return problem_format(
        p, PROBLEM_FULL,
        "%u alerts change state, each is an event, and the table of events has room for %u",
        (unsigned)alerts_plan_changes(a), (unsigned)listener->changes_max);
}

static void tell(const struct alertmanager_listener *listener, struct slice labels, bool firing) {
    if (listener != NULL) {
        listener->changed(listener->context, labels, firing);
    }
}

/* Every alert was read before, so none is wrong now. */
static void apply(struct alerts *a, const struct json *j, uint32_t labels_max,
                  const struct alertmanager_listener *listener) {
    struct reading reading = {.labels_max = labels_max};
    struct problem none;
    const uint32_t alerts = json_member(j, JSON_ROOT, SLICE("alerts"));
    const uint32_t receiver = json_member(j, JSON_ROOT, SLICE("receiver"));
    uint32_t slot = 0;
    while (alerts_next_resolved(a, &slot, reading.text, &reading.labels)) {
        tell(listener, reading.labels, false);
    }
    for (uint32_t i = json_first(j, alerts); i != JSON_NONE; i = json_next(j, alerts, i)) {
        if (read_alert(j, 0, i, receiver, &reading, &none) && reading.firing &&
            alerts_fire(a, reading.labels, reading.starts_at)) {
            tell(listener, reading.labels, true);
        }
    }
}

bool alertmanager_apply(struct alerts *a, const struct json *j,
                        const struct alertmanager_listener *listener, uint32_t *changes_count,
                        struct problem *p) {
    const uint32_t labels_max = listener != NULL && listener->labels_max < CFG_ALERT_TEXT_BYTES
                                    ? listener->labels_max
                                    : CFG_ALERT_TEXT_BYTES;
    const bool fits =
        plan(a, j, labels_max, p) && alerts_plan_fits(a, p) && changes_fit(a, listener, p);
    *changes_count = alerts_plan_changes(a);
    if (fits && *changes_count > 0) {
        apply(a, j, labels_max, listener);
    }
    alerts_plan_end(a);
    return fits;
}
