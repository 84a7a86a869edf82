/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * pagerduty.c: see pagerduty.h.
 */
#include "webhook/pagerduty.h"

enum error {
    ERROR_ROUTING_KEY,
    ERROR_ACTION,
    ERROR_ACTION_INVALID,
    ERROR_DEDUP_KEY,
    ERROR_DEDUP_KEY_LENGTH,
    ERROR_PAYLOAD,
    ERROR_SUMMARY,
    ERROR_SOURCE,
    ERROR_SEVERITY,
    ERROR_SEVERITY_INVALID,
    ERROR_SERVICE_KEY,
    ERROR_TYPE,
    ERROR_TYPE_INVALID,
    ERROR_DESCRIPTION,
    ERROR_INCIDENT_KEY,
    ERROR_INCIDENT_KEY_LENGTH,
    ERRORS_COUNT,
};

/* What is wrong with it. */
enum fault {
    FAULT_MISSING,
    FAULT_ACTION,
    FAULT_SEVERITY,
    FAULT_LENGTH,
};

static const char *const fault_texts[] = {
    [FAULT_MISSING] = " is missing or blank",
    [FAULT_ACTION] = " is invalid (must be one of the following: 'trigger', 'acknowledge' or "
                     "'resolve')",
    [FAULT_SEVERITY] = " is invalid (must be one of the following: 'critical', 'warning', 'error' "
                       "or 'info')",
    [FAULT_LENGTH] = " is incorrect (should be at most 255 characters)",
};

static const struct {
    const char *what; /* as PagerDuty calls it there */
    uint8_t fault;    /* enum fault */
} texts[ERRORS_COUNT] = {
    [ERROR_ROUTING_KEY] = {"'routing_key'", FAULT_MISSING},
    [ERROR_ACTION] = {"'event_action'", FAULT_MISSING},
    [ERROR_ACTION_INVALID] = {"'event_action'", FAULT_ACTION},
    [ERROR_DEDUP_KEY] = {"'dedup_key'", FAULT_MISSING},
    [ERROR_DEDUP_KEY_LENGTH] = {"Length of 'dedup_key'", FAULT_LENGTH},
    [ERROR_PAYLOAD] = {"'payload'", FAULT_MISSING},
    [ERROR_SUMMARY] = {"'payload.summary'", FAULT_MISSING},
    [ERROR_SOURCE] = {"'payload.source'", FAULT_MISSING},
    [ERROR_SEVERITY] = {"'payload.severity'", FAULT_MISSING},
    [ERROR_SEVERITY_INVALID] = {"'payload.severity'", FAULT_SEVERITY},
    [ERROR_SERVICE_KEY] = {"Service key", FAULT_MISSING},
    [ERROR_TYPE] = {"Event type", FAULT_MISSING},
    [ERROR_TYPE_INVALID] = {"Event type", FAULT_ACTION},
    [ERROR_DESCRIPTION] = {"Description", FAULT_MISSING},
    [ERROR_INCIDENT_KEY] = {"Incident key", FAULT_MISSING},
    [ERROR_INCIDENT_KEY_LENGTH] = {"Length of incident key", FAULT_LENGTH},
};

/* The errors of one version's members. */
struct wording {
    struct slice key_name;
    struct slice action_name;
    uint8_t action;
    uint8_t action_invalid;
    uint8_t key;
    uint8_t key_length;
};

static const struct wording wordings[] = {
    [PAGERDUTY_V1] = {SLICE("incident_key"), SLICE("event_type"), ERROR_TYPE, ERROR_TYPE_INVALID,
                      ERROR_INCIDENT_KEY, ERROR_INCIDENT_KEY_LENGTH},
    [PAGERDUTY_V2] = {SLICE("dedup_key"), SLICE("event_action"), ERROR_ACTION, ERROR_ACTION_INVALID,
                      ERROR_DEDUP_KEY, ERROR_DEDUP_KEY_LENGTH},
};

const char *pagerduty_error_subject(uint32_t bit) {
    return texts[bit].what;
}

const char *pagerduty_error_fault(uint32_t bit) {
    return fault_texts[texts[bit].fault];
}

enum pagerduty_version pagerduty_version_of(const struct json *j) {
    return json_member(j, JSON_ROOT, SLICE("service_key")) != JSON_NONE &&
                   json_member(j, JSON_ROOT, SLICE("routing_key")) == JSON_NONE
               ? PAGERDUTY_V1
               : PAGERDUTY_V2;
}

/* A string that has more than blanks in it. */
static bool is_given(const struct json *j, uint32_t token) {
    if (json_type(j, token) != JSON_STRING) {
        return false;
    }
    struct slice content = json_raw(j, token);
    content = (struct slice){content.bytes + 1, content.len - 2};
    return slice_trim(content).len > 0;
}

static pagerduty_errors require(const struct json *j, uint32_t object, struct slice name,
                                enum error error) {
    return is_given(j, json_member(j, object, name)) ? 0 : (pagerduty_errors)1 << error;
}

static bool is_one_of(const struct json *j, uint32_t token, const struct slice *words,
                      uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (json_equals(j, token, words[i])) {
            return true;
        }
    }
    return false;
}

/* The hex digits behind \u are of a low surrogate, \udc00 to \udfff. */
static bool is_low_surrogate(const char *hex) {
    const char second = (char)(hex[1] | 0x20);
    return (hex[0] | 0x20) == 'd' && second >= 'c' && second <= 'f';
}

/* Characters of a string: a surrogate pair of escapes is one. */
static uint32_t characters(const struct json *j, uint32_t token) {
    const struct slice raw = json_raw(j, token);
    uint32_t count = 0;
    uint32_t i = 1;
    while (i + 1 < raw.len) {
        const char *at = raw.bytes + i;
        if (at[0] != '\\') {
            count += ((uint8_t)at[0] & 0xc0u) != 0x80;
            i++;
        } else if (at[1] != 'u') {
            count++;
            i += 2;
        } else {
            count += !is_low_surrogate(at + 2);
            i += 6;
        }
    }
    return count;
}

/* What is to be done, and to which alert. `*trigger`: a new one, or one more of it. */
static pagerduty_errors check_action(const struct json *j, const struct wording *w, bool *trigger,
                                     uint32_t *key) {
    static const struct slice actions[] = {SLICE("trigger"), SLICE("acknowledge"),
                                           SLICE("resolve")};
    pagerduty_errors errors = require(j, JSON_ROOT, w->action_name, (enum error)w->action);
    const uint32_t action = json_member(j, JSON_ROOT, w->action_name);
    if (errors == 0 && !is_one_of(j, action, actions, 3)) {
        errors |= (pagerduty_errors)1 << w->action_invalid;
    }
    *trigger = errors == 0 && json_equals(j, action, actions[0]);
    *key = json_member(j, JSON_ROOT, w->key_name);
    if (!is_given(j, *key)) {
        *key = JSON_NONE;
        /* Only a trigger gets a key of PagerDuty's own. */
        return *trigger ? errors : errors | (pagerduty_errors)1 << w->key;
    }
    if (characters(j, *key) > PAGERDUTY_KEY_CHARACTERS_MAX) {
        errors |= (pagerduty_errors)1 << w->key_length;
    }
    return errors;
}

static pagerduty_errors check_payload(const struct json *j) {
    static const struct slice severities[] = {SLICE("critical"), SLICE("warning"), SLICE("error"),
                                              SLICE("info")};
    const uint32_t payload = json_member(j, JSON_ROOT, SLICE("payload"));
    if (json_type(j, payload) != JSON_OBJECT) {
        return (pagerduty_errors)1 << ERROR_PAYLOAD;
    }
    pagerduty_errors errors = require(j, payload, SLICE("summary"), ERROR_SUMMARY) |
                              require(j, payload, SLICE("source"), ERROR_SOURCE);
    const pagerduty_errors severity = require(j, payload, SLICE("severity"), ERROR_SEVERITY);
    if (severity == 0 && !is_one_of(j, json_member(j, payload, SLICE("severity")), severities, 4)) {
        errors |= (pagerduty_errors)1 << ERROR_SEVERITY_INVALID;
    }
    return errors | severity;
}

pagerduty_errors pagerduty_check(const struct json *j, enum pagerduty_version version,
                                 uint32_t *key) {
    bool trigger;
    const pagerduty_errors errors = check_action(j, &wordings[version], &trigger, key);
    if (version == PAGERDUTY_V1) {
        return errors | require(j, JSON_ROOT, SLICE("service_key"), ERROR_SERVICE_KEY) |
               (trigger ? require(j, JSON_ROOT, SLICE("description"), ERROR_DESCRIPTION) : 0);
    }
    return errors | require(j, JSON_ROOT, SLICE("routing_key"), ERROR_ROUTING_KEY) |
           (trigger ? check_payload(j) : 0);
}
