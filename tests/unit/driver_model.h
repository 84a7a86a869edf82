/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * driver_model.h: what the models of Ethernet controllers share: cmocka, and the frames that went to
 * the wire. A model has besides model_power_on, model_interrupts (whether its interrupt line is
 * high), model_enabled_events (the events that raise it), model_receive and model_wire_takes.
 */
#ifndef PINGSHOT_TESTS_DRIVER_MODEL_H
#define PINGSHOT_TESTS_DRIVER_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#define MODEL_HEADER_BYTES 14u
#define MODEL_FRAME_BYTES 1518u /* the longest one's */
#define MODEL_SENT_MAX 64u

struct model_frame {
    uint32_t length;
    uint8_t bytes[MODEL_FRAME_BYTES];
};

#endif
