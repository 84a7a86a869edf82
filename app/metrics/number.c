/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * number.c: see number.h.
 *
 * Printing scales the double, and the ends of the interval that rounds to it, by the power of ten
 * that makes this interval one to ten units wide, and takes the roundest integer inside
 * (R. Giulietti, "The Schubfach way to render doubles"). Reading scales the first 19 digits the
 * same way (after D. Lemire, "Number parsing at a gigabyte per second"); when they lie too close
 * to half way between two doubles to tell, integers of as many words as it takes decide.
 */
#include "metrics/number.h"

#include <float.h>

#include "metrics/power_of_ten.h"

_Static_assert(sizeof(double) == 8 && DBL_MANT_DIG == 53, "number.c needs IEEE 754 doubles");

/* A double is c * 2^q; these are the fields of its 64 bits. */
#define FRACTION_BITS 52u
#define HIDDEN_BIT (UINT64_C(1) << FRACTION_BITS)
#define FRACTION_MASK (HIDDEN_BIT - 1u)
#define SIGN_BIT (UINT64_C(1) << 63)
#define INFINITY_BITS (UINT64_C(0x7ff) << FRACTION_BITS)
#define NAN_BITS (INFINITY_BITS | (HIDDEN_BIT >> 1))
#define EXPONENT_BIAS 1075 /* q of a normal double is its exponent field less this */

static uint32_t leading_zeros(uint64_t v) {
    return (uint32_t)__builtin_clzll(v);
}

static uint64_t double_bits(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static double double_from(uint64_t bits) {
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* ---- printing --------------------------------------------------------------------------- */

/* digits * 10^exponent */
struct decimal {
    uint64_t digits;
    int32_t exponent;
};

/* floor(g * m / 2^128), with its lowest bit set as well when that is not exact (rounding to
 * odd), so that it compares with integers as the exact product does. The power of ten `g` is
 * rounded up in its last bit, so an integer comes out with a fraction of up to 2^-64 more than
 * nothing. Whatever else a double can give is at least 2^-61.5 below the next integer, and, where
 * the bit decides anything, 2^-63 or more above the last: checked for every exponent. */
static uint64_t scale(struct wide g, uint64_t m) {
    struct wide product = power_of_ten_multiply(g.high, m);
    uint64_t carried = power_of_ten_multiply(g.low, m).high;
    product.low += carried;
    product.high += product.low < carried;
    return product.high | (product.low > 1u);
}

/* The shortest decimal that rounds to c * 2^q, of these the closest; it may end in zeros.
 * `narrow_below`: the next smaller double is only half as far away as the next larger. */
static struct decimal shortest(uint64_t c, int32_t q, bool narrow_below) {
    /* 10^k is the largest power of ten that is not wider than the interval: the interval then
     * holds a multiple of 10^k, and at most one of 10^(k+1). k = floor(log10(width)). */
    int32_t k = power_of_ten_floor(q, 315653, narrow_below ? -131008 : 0, 20);
    struct wide g = power_of_ten(-k);
    if (!power_of_ten_is_exact(-k)) {
        g.low++;
        g.high += g.low == 0;
    }
    /* From here on everything is in quarters of 10^k, so that the ends are integers before
     * they are scaled. An end itself rounds to c when c is even. */
    uint32_t shift = (uint32_t)(q + power_of_ten_log2(-k) + 1);
    uint64_t odd = c & 1u;
    uint64_t scaled = (4u * c) << shift;
    uint32_t half = 2u << shift;
    uint64_t lower = scale(g, scaled - (narrow_below ? half / 2u : half)) + odd;
    uint64_t value = scale(g, scaled);
    uint64_t upper = scale(g, scaled + half) - odd;

    uint64_t units = value / 4u;
    uint64_t tens = units / 10u;
    bool below = lower <= 40u * tens;
    bool above = 40u * tens + 40u <= upper;
    if (below != above) {
        return (struct decimal){tens + above, k + 1};
    }
    below = lower <= 4u * units;
    above = 4u * units + 4u <= upper;
    if (below != above) {
        return (struct decimal){units + above, k};
    }
    uint64_t middle = 4u * units + 2u;
    bool up = value > middle || (value == middle && (units & 1u) != 0);
    return (struct decimal){units + up, k};
}

static struct decimal without_zeros(struct decimal d) {
    if (d.digits % 100000000u == 0) {
        d.digits /= 100000000u;
        d.exponent += 8;
    }
    if (d.digits % 10000u == 0) {
        d.digits /= 10000u;
        d.exponent += 4;
    }
    while (d.digits % 10u == 0) {
        d.digits /= 10u;
        d.exponent++;
    }
    return d;
}

static uint32_t digit_count(uint32_t v) {
    uint32_t below = (32u - (uint32_t)__builtin_clz(v | 1u)) * 1233u >> 12; /* log10(2) */
    return below + (v >= power_of_ten_fives[below] << below) + (v == 0);
}

/* Writes the `n` digits of `v`, with zeros in front if it has fewer. Two at a time: half the divisions
 * that wait for each other. */
static void write_digits(char *out, uint32_t n, uint32_t v) {
    while (n >= 2) {
        n -= 2;
        const uint32_t pair = v % 100u;
        v /= 100u;
        out[n] = (char)('0' + pair / 10u);
        out[n + 1] = (char)('0' + pair % 10u);
    }
    if (n != 0) {
        out[0] = (char)('0' + v);
    }
}

/* Writes an integer below 4 * 10^17 and returns its length. */
static uint32_t write_integer(char *out, uint64_t v) {
    uint32_t front = (uint32_t)v;
    uint32_t len = 0;
    if (v >= 100000000u) {
        front = (uint32_t)(v / 100000000u);
    }
    len = digit_count(front);
    write_digits(out, len, front);
    if (v >= 100000000u) {
        write_digits(out + len, 8, (uint32_t)(v - (uint64_t)front * 100000000u));
        len += 8;
    }
    return len;
}

/* Writes an exponent as Go does: a sign and two digits at least. */
static uint32_t write_exponent(char *out, int32_t exponent) {
    uint32_t magnitude = (uint32_t)(exponent < 0 ? -exponent : exponent);
    uint32_t len = magnitude < 100u ? 2 : 3;
    out[0] = 'e';
    out[1] = exponent < 0 ? '-' : '+';
    write_digits(out + 2, len, magnitude);
    return 2 + len;
}

static uint32_t write_decimal(char *out, struct decimal d) {
    char digits[20] = {0};
    int32_t len = (int32_t)write_integer(digits, d.digits);
    int32_t point = len + d.exponent; /* how many digits are before the point */
    if (point > 21 || point < -5) {
        uint32_t n = 1;
        out[0] = digits[0];
        if (len > 1) {
            out[1] = '.';
            memcpy(out + 2, digits + 1, (size_t)len - 1);
            n = (uint32_t)len + 1;
        }
        return n + write_exponent(out + n, point - 1);
    }
    if (point <= 0) {
        struct slice zeros = SLICE("0.00000");
        memcpy(out, zeros.bytes, zeros.len);
        memcpy(out + 2 - point, digits, (size_t)len);
        return (uint32_t)(2 - point + len);
    }
    if (point < len) {
        memcpy(out, digits, (size_t)point);
        out[point] = '.';
        memcpy(out + point + 1, digits + point, (size_t)(len - point));
        return (uint32_t)len + 1;
    }
    memcpy(out, digits, (size_t)len);
    memset(out + len, '0', (size_t)(point - len));
    return (uint32_t)point;
}

static uint32_t write_special(char *out, uint64_t bits) {
    struct slice name = bits & SIGN_BIT ? SLICE("-Inf") : SLICE("+Inf");
    if ((bits & FRACTION_MASK) != 0) {
        name = SLICE("NaN");
    }
    memcpy(out, name.bytes, name.len);
    return name.len;
}

uint32_t number_format(char out[NUMBER_TEXT_BYTES], double v) {
    uint64_t bits = double_bits(v);
    uint64_t c = bits & FRACTION_MASK;
    uint32_t field = (uint32_t)(bits >> FRACTION_BITS) & 0x7ffu;
    uint32_t sign = (uint32_t)(bits >> 63);
    if (field == 0x7ffu) {
        return write_special(out, bits);
    }
    out[0] = '-';
    out += sign;
    if (field == 0) {
        if (c == 0) {
            *out = '0';
            return sign + 1;
        }
        field = 1;
    } else {
        c |= HIDDEN_BIT;
    }
    int32_t q = (int32_t)field - EXPONENT_BIAS;
    /* An integer below 2^53 is its own shortest decimal: the doubles around it are at most one
     * apart, so only it is within half of that. */
    if (q <= 0 && q >= -(int32_t)FRACTION_BITS && (c & ((UINT64_C(1) << -q) - 1u)) == 0) {
        return sign + write_integer(out, c >> -q);
    }
    struct decimal d = shortest(c, q, c == HIDDEN_BIT && field > 1);
    return sign + write_decimal(out, without_zeros(d));
}

/* ---- reading: integers of many words ---------------------------------------------------- */

/* Half way between two doubles has at most 767 significant digits, so of more than DIGITS_MAX
 * only this matters: whether anything but zeros follows. */
#define DIGITS_MAX 768u
#define SIGNIFICAND_DIGITS 19u

/* The longest that is compared is (2^54 - 1) * 5^1092, of 2590 bits. */
#define BIG_WORDS 84u

struct big {
    uint32_t len;
    uint32_t words[BIG_WORDS]; /* the lowest first */
};

static void big_push(struct big *b, uint32_t word) {
    if (word != 0 && b->len < BIG_WORDS) {
        b->words[b->len++] = word;
    }
}

static void big_multiply_add(struct big *b, uint32_t factor, uint32_t addend) {
    uint64_t carry = addend;
    for (uint32_t i = 0; i < b->len; i++) {
        carry += (uint64_t)b->words[i] * factor;
        b->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    big_push(b, (uint32_t)carry);
}

static void big_multiply_power_of_five(struct big *b, uint32_t exponent) {
    for (; exponent >= 13; exponent -= 13) {
        big_multiply_add(b, (uint32_t)power_of_ten_fives[13], 0);
    }
    big_multiply_add(b, (uint32_t)power_of_ten_fives[exponent], 0);
}

static void big_shift_left(struct big *b, uint32_t bits) {
    uint32_t words = bits / 32;
    big_multiply_add(b, UINT32_C(1) << bits % 32, 0);
    if (words > BIG_WORDS - b->len) {
        words = BIG_WORDS - b->len;
    }
    memmove(b->words + words, b->words, b->len * sizeof b->words[0]);
    memset(b->words, 0, words * sizeof b->words[0]);
    b->len += words;
}

/* Negative, 0, positive: a below, equal to, above b. */
static int big_compare(const struct big *a, const struct big *b) {
    if (a->len != b->len) {
        return a->len < b->len ? -1 : 1;
    }
    for (uint32_t i = a->len; i-- > 0;) {
        if (a->words[i] != b->words[i]) {
            return a->words[i] < b->words[i] ? -1 : 1;
        }
    }
    return 0;
}

/* ---- reading ---------------------------------------------------------------------------- */

/* What stands before the exponent, and where. */
struct reading {
    const char *at; /* next byte */
    const char *end;
    const char *first;    /* the first digit that is not a leading zero */
    uint64_t significand; /* the first SIGNIFICAND_DIGITS digits from there */
    uint32_t digit_count; /* all the digits from there */
    int64_t exponent;     /* of the significand */
    bool cut;             /* a digit beyond the significand is not zero */
};

static bool at_digit(const struct reading *r) {
    return r->at < r->end && (uint8_t)(*r->at - '0') < 10u;
}

/* Takes a run of digits; returns how many. */
static uint32_t take_digits(struct reading *r) {
    const char *start = r->at;
    if (r->digit_count == 0) {
        while (r->at < r->end && *r->at == '0') {
            r->at++;
        }
        r->first = r->at;
    }
    for (; at_digit(r) && r->digit_count < SIGNIFICAND_DIGITS; r->at++, r->digit_count++) {
        r->significand = r->significand * 10u + (uint64_t)(*r->at - '0');
    }
    for (; at_digit(r); r->at++, r->digit_count++) {
        r->cut |= *r->at != '0';
        r->exponent++;
    }
    return (uint32_t)(r->at - start);
}

static bool take_mantissa(struct reading *r) {
    uint32_t digits = take_digits(r);
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        uint32_t fraction = take_digits(r);
        r->exponent -= fraction;
        digits += fraction;
    }
    return digits > 0;
}

static bool take_sign(struct reading *r) {
    if (r->at < r->end && (*r->at == '-' || *r->at == '+')) {
        return *r->at++ == '-';
    }
    return false;
}

static bool take_exponent(struct reading *r) {
    if (r->at == r->end) {
        return true;
    }
    if ((*r->at | 0x20) != 'e') {
        return false;
    }
    r->at++;
    bool negative = take_sign(r);
    int64_t exponent = 0;
    if (!at_digit(r)) {
        return false;
    }
    for (; at_digit(r); r->at++) {
        /* Far beyond what 2^32 digits before it could make up for. */
        if (exponent < INT64_C(1000000000000)) {
            exponent = exponent * 10 + (*r->at - '0');
        }
    }
    r->exponent += negative ? -exponent : exponent;
    return r->at == r->end;
}

/* (high + low / 2^64) * 2^exponent, the highest bit of `high` set. `more`: the value is larger than
 * `high` alone, be it by less than `low` can show. */
struct scaled {
    uint64_t high;
    uint64_t low;
    int32_t exponent;
    bool more;
};

/* significand * 10^e, of which `low` is up to 2 units too small unless the power is exact. */
static struct scaled scale_significand(uint64_t significand, int32_t e) {
    uint32_t zeros = leading_zeros(significand);
    significand <<= zeros;
    struct wide g = power_of_ten(e);
    struct wide product = power_of_ten_multiply(g.high, significand);
    struct wide below = power_of_ten_multiply(g.low, significand);
    product.low += below.high;
    product.high += product.low < below.high;
    struct scaled s = {product.high, product.low, power_of_ten_log2(e) + 1 - (int32_t)zeros, true};
    if (s.high >> 63 == 0) {
        s.high = s.high << 1 | s.low >> 63;
        s.low = s.low << 1 | below.low >> 63;
        s.exponent--;
        below.low <<= 1;
    }
    if (power_of_ten_is_exact(e)) {
        s.more = (s.low | below.low) != 0;
    }
    return s;
}

/* The bits of the double that is nearest to the value, or with `down` the next at or below it;
 * infinity's when it is beyond the largest. */
static uint64_t round_scaled(struct scaled s, bool down) {
    int32_t field = s.exponent + 63 + 1023;
    uint32_t shift = 11;
    if (field >= 0x7ff) {
        return INFINITY_BITS;
    }
    if (field < 1) {
        /* Below the normal doubles: fewer bits. */
        if (field < -52) {
            return 0;
        }
        shift = (uint32_t)(12 - field);
        field = 1;
    }
    uint64_t c = shift < 64 ? s.high >> shift : 0;
    if (!down) {
        uint64_t half = UINT64_C(1) << (shift - 1);
        uint64_t rest = s.high & (half | (half - 1));
        c += rest > half || (rest == half && (s.more || (c & 1u) != 0));
    }
    /* The hidden bit adds one to the field; so does a carry out of the fraction. */
    return ((uint64_t)(field - 1) << FRACTION_BITS) + c;
}

/* The next digit at or after `*at`, which may stand on the decimal point. */
static uint32_t next_digit(const char **at) {
    if (**at == '.') {
        ++*at;
    }
    return (uint32_t)(*(*at)++ - '0');
}

/* The digits as an integer. Returns the power of ten that it was cut by: a digit 1 at its end then
 * stands for the rest, or nothing when that was zeros. */
static uint32_t read_big(struct big *b, const struct reading *r) {
    const char *at = r->first;
    uint32_t left = r->digit_count;
    uint32_t end = left > DIGITS_MAX ? left - DIGITS_MAX : 0;
    b->len = 0;
    while (left > end) {
        uint32_t part = 0;
        uint32_t factor = 1;
        for (; factor < 1000000000u && left > end; factor *= 10u, left--) {
            part = part * 10u + next_digit(&at);
        }
        big_multiply_add(b, factor, part);
    }
    while (left > 0 && next_digit(&at) == 0) {
        left--;
    }
    if (left > 0) {
        big_multiply_add(b, 10, 1);
        return end - 1;
    }
    return end;
}

/* Decides between two neighbours: `below` are the bits of the double at or below the value. */
static uint64_t round_exactly(const struct reading *r, uint64_t below) {
    struct big value;
    struct big half;
    uint32_t field = (uint32_t)(below >> FRACTION_BITS);
    uint64_t c = (below & FRACTION_MASK) | (field > 0 ? HIDDEN_BIT : 0);
    /* Compares digits * 10^e with (2c + 1) * 2^q: powers of two and of five go to the side
     * where they are positive. */
    int32_t q = (int32_t)(field > 0 ? field : 1u) - EXPONENT_BIAS - 1;
    int64_t beyond = 0; /* digits that are not in the significand */
    if (r->digit_count > SIGNIFICAND_DIGITS) {
        beyond = r->digit_count - SIGNIFICAND_DIGITS;
    }
    int32_t e = (int32_t)(r->exponent - beyond + read_big(&value, r));
    half.len = 0;
    big_push(&half, (uint32_t)(2u * c + 1u));
    big_push(&half, (uint32_t)(c >> 31));
    if (e >= 0) {
        big_multiply_power_of_five(&value, (uint32_t)e);
    } else {
        big_multiply_power_of_five(&half, (uint32_t)-e);
    }
    if (q > e) {
        big_shift_left(&half, (uint32_t)(q - e));
    } else {
        big_shift_left(&value, (uint32_t)(e - q));
    }
    int order = big_compare(&value, &half);
    return below + (order > 0 || (order == 0 && (c & 1u) != 0));
}

/* True when what `low` may lack cannot reach `high`. */
static bool is_certain(struct scaled s) {
    return s.low <= UINT64_MAX - 4u;
}

/* The bits of the double nearest to what was read, without its sign. */
static uint64_t nearest(const struct reading *r) {
    if (r->significand == 0 || r->exponent < -342) {
        return 0; /* less than 2^64 * 10^-343: half of the smallest double is more */
    }
    if (r->exponent > 308) {
        return INFINITY_BITS;
    }
    int32_t e = (int32_t)r->exponent;
    struct scaled s = scale_significand(r->significand, e);
    uint64_t bits = round_scaled(s, false);
    if (r->cut) {
        /* The value is between this significand and the next. */
        struct scaled next = scale_significand(r->significand + 1u, e);
        s.more = true;
        bits = round_scaled(s, false);
        if (is_certain(s) && is_certain(next) && round_scaled(next, false) == bits) {
            return bits;
        }
    } else if (power_of_ten_is_exact(e) || is_certain(s)) {
        return bits;
    }
    uint64_t below = round_scaled(s, true);
    return below < INFINITY_BITS ? round_exactly(r, below) : below;
}

/* An integer, as most are, is a double as it is. Few digits and a small power of ten: both are exact
 * doubles, and the processor rounds their product or quotient once. Not where it computes with more
 * precision than a double's, nor where doubles are software, which is no faster than the general
 * way. */
static bool read_exactly(const struct reading *r, double *v) {
    if (r->exponent == 0 && r->significand <= UINT32_MAX && !r->cut) {
        *v = (double)(uint32_t)r->significand;
        return true;
    }
#if FLT_EVAL_METHOD == 0 && !defined(__SOFTFP__)
    if (r->significand >> 53 != 0 || r->cut || r->exponent > 22 || r->exponent < -22) {
        return false;
    }
    *v = (double)r->significand;
    if (r->exponent != 0) {
        uint32_t e = (uint32_t)(r->exponent < 0 ? -r->exponent : r->exponent);
        double power = (double)power_of_ten_fives[e] * (double)(UINT32_C(1) << e);
        *v = r->exponent < 0 ? *v / power : *v * power;
    }
    return true;
#else
    return false;
#endif
}

/* Infinity and NaN by name; `has_sign`: after a sign. */
static bool read_name(struct slice name, bool has_sign, uint64_t *bits) {
    if (slice_equals_nocase(name, SLICE("inf")) || slice_equals_nocase(name, SLICE("infinity"))) {
        *bits = INFINITY_BITS;
        return true;
    }
    *bits = NAN_BITS;
    return !has_sign && slice_equals_nocase(name, SLICE("nan"));
}

bool number_parse(struct slice s, double *v) {
    if (s.len == 0) {
        return false;
    }
    struct reading r = {.at = s.bytes, .end = s.bytes + s.len};
    uint64_t sign = take_sign(&r) ? SIGN_BIT : 0;
    const char *start = r.at;
    uint64_t bits;
    double exact;
    if (!take_mantissa(&r)) {
        struct slice name = {start, (uint32_t)(r.end - start)};
        if (!read_name(name, start != s.bytes, &bits)) {
            return false;
        }
        *v = double_from(bits | sign);
        return true;
    }
    if (!take_exponent(&r)) {
        return false;
    }
    if (read_exactly(&r, &exact)) {
        *v = sign != 0 ? -exact : exact;
        return true;
    }
    bits = nearest(&r);
    if (bits == INFINITY_BITS) {
        return false;
    }
    *v = double_from(bits | sign);
    return true;
}

uint32_t number_thousandths(double v) {
    const uint64_t bits = double_bits(v);
    const uint64_t significand = (bits & FRACTION_MASK) | HIDDEN_BIT;
    const uint32_t shift = EXPONENT_BIAS - (uint32_t)(bits >> FRACTION_BITS); /* 31..62 */
    return (uint32_t)((significand * 1000u + (UINT64_C(1) << (shift - 1u))) >> shift);
}
