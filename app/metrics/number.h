/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * number.h: a double as text and back, exact both ways, with integer arithmetic and under a
 * kilobyte of tables. Not its job: numbers of other formats (JSON's grammar is json.h's).
 */
#ifndef PINGSHOT_NUMBER_H
#define PINGSHOT_NUMBER_H

#include "text.h"

/* Longest text of a double, as in -0.0000012345678901234567. No NUL is added. */
#define NUMBER_TEXT_BYTES 25u

/* Writes the shortest decimal that reads back to the same double (of the shortest, the closest
 * to `v`), as the exposition formats spell it. Plain digits from 1e-6 up to below 1e21, beyond
 * that 1e+21 or 1.5e-07; -0 keeps its sign; NaN, +Inf, -Inf. Returns the length, 1 or more.
 * `out` may be written up to NUMBER_TEXT_BYTES. */
uint32_t number_format(char out[NUMBER_TEXT_BYTES], double v);

/* Reads what Prometheus reads as a value: a decimal with optional sign, fraction and exponent
 * (`5.` and `.5` too), `Inf` and `Infinity` with optional sign, `NaN` without, in any case.
 * The nearest double, a tie to the even one, however many digits there are. False, and `*v`
 * untouched, for anything else (empty, blanks, hex, underscores) and for what is beyond the
 * largest double; what is below the smallest becomes 0 with its sign. */
bool number_parse(struct slice s, double *v);

/* The whole number nearest to 1000 * v, for v from 0.001 to 4,000,000; without a product of doubles,
 * which takes a kilobyte of code where the processor has none. */
uint32_t number_thousandths(double v);

#endif
