/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * slack.c: see slack.h.
 */
#include "webhook/slack.h"

#define BLOCKS_MAX 50u
#define ATTACHMENTS_MAX 100u

void slack_refuse_text(struct problem *p) {
    problem_prepend(p, SLICE("invalid_payload: "));
}

/* An array of at most `max` objects; `what` names one of them. */
static bool check_objects(const struct json *j, uint32_t array, const char *word,
                          const char *word_for_many, uint32_t max, struct problem *p) {
    if (json_type(j, array) != JSON_ARRAY) {
        return problem_format(p, PROBLEM_MALFORMED, "%s: expected an array of objects", word);
    }
    uint32_t count = 0;
    for (uint32_t i = json_first(j, array); i != JSON_NONE; i = json_next(j, array, i)) {
        if (json_type(j, i) != JSON_OBJECT) {
            return problem_format(p, PROBLEM_MALFORMED, "%s: element %u is no object", word,
                                  (unsigned)count);
        }
        count++;
    }
    if (count > max) {
        return problem_format(p, PROBLEM_MALFORMED, "%s: %u, and a message may have %u",
                              word_for_many, (unsigned)count, (unsigned)max);
    }
    return true;
}

static bool check_blocks(const struct json *j, uint32_t blocks, struct problem *p) {
    if (!check_objects(j, blocks, "invalid_blocks", "invalid_blocks", BLOCKS_MAX, p)) {
        return false;
    }
    for (uint32_t i = json_first(j, blocks); i != JSON_NONE; i = json_next(j, blocks, i)) {
        const uint32_t type = json_member(j, i, SLICE("type"));
        if (json_type(j, type) != JSON_STRING) {
            return problem_set(p, PROBLEM_MALFORMED,
                               "invalid_blocks: a block without a type, which is a string");
        }
    }
    return true;
}

static bool has_elements(const struct json *j, uint32_t array) {
    return array != JSON_NONE && json_first(j, array) != JSON_NONE;
}

bool slack_check(const struct json *j, struct problem *p) {
    if (json_type(j, JSON_ROOT) != JSON_OBJECT) {
        return problem_set(p, PROBLEM_MALFORMED, "invalid_payload: expected an object");
    }
    const uint32_t text = json_given(j, JSON_ROOT, SLICE("text"));
    const uint32_t blocks = json_given(j, JSON_ROOT, SLICE("blocks"));
    const uint32_t attachments = json_given(j, JSON_ROOT, SLICE("attachments"));
    if (text != JSON_NONE && json_type(j, text) != JSON_STRING) {
        return problem_set(p, PROBLEM_MALFORMED, "invalid_payload: text: expected a string");
    }
    if ((blocks != JSON_NONE && !check_blocks(j, blocks, p)) ||
        (attachments != JSON_NONE && !check_objects(j, attachments, "invalid_attachments",
                                                    "too_many_attachments", ATTACHMENTS_MAX, p))) {
        return false;
    }
    if ((text != JSON_NONE && !json_equals(j, text, SLICE(""))) || has_elements(j, blocks) ||
        has_elements(j, attachments)) {
        return true;
    }
    return problem_set(p, PROBLEM_MALFORMED,
                       "no_text: expected a text that is not empty, blocks or attachments");
}
