/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * p256.c: see p256.h. Coordinates are kept times 2^256, for Montgomery's product, and a point that
 * is computed with has three: x / z^2, y / z^3.
 */
#include "p256.h"

#include "forget.h"

#include <string.h>

#define BITS 256u
#define NUMBER_BYTES (4u * P256_WORDS)

static const struct p256_modulus p = {{0xffffffff, 0xffffffff, 0xffffffff, 0x00000000, 0x00000000,
                                       0x00000000, 0x00000001, 0xffffffff},
                                      1,
                                      {0x00000003, 0x00000000, 0xffffffff, 0xfffffffb, 0xfffffffe,
                                       0xffffffff, 0xfffffffd, 0x00000004}};

static const struct p256_modulus n = {{0xfc632551, 0xf3b9cac2, 0xa7179e84, 0xbce6faad, 0xffffffff,
                                       0xffffffff, 0x00000000, 0xffffffff},
                                      0xee00bc4f,
                                      {0xbe79eea2, 0x83244c95, 0x49bd6fa6, 0x4699799c, 0x2b6bec59,
                                       0x2845b239, 0xf3d95620, 0x66e12d94}};

/* The curve: y^2 = x^3 - 3x + b. */
static const uint32_t curve_b[P256_WORDS] = {0x29c4bddf, 0xd89cdf62, 0x78843090, 0xacf005cd,
                                             0xf7212ed6, 0xe5a220ab, 0x04874834, 0xdc30061d};

static const uint32_t zero[P256_WORDS];
static const uint32_t one[P256_WORDS] = {1};

struct jacobian {
    uint32_t x[P256_WORDS];
    uint32_t y[P256_WORDS];
    uint32_t z[P256_WORDS];
};

/* ---- numbers ------------------------------------------------------------------------------- */

static void multiply(uint32_t result[P256_WORDS], const uint32_t a[P256_WORDS],
                     const uint32_t b[P256_WORDS]) {
    p256_modular_multiply(result, a, b, &p);
}

static void square(uint32_t result[P256_WORDS], const uint32_t a[P256_WORDS]) {
    p256_modular_multiply(result, a, a, &p);
}

static void add(uint32_t result[P256_WORDS], const uint32_t a[P256_WORDS],
                const uint32_t b[P256_WORDS]) {
    p256_modular_add(result, a, b, &p);
}

static void subtract(uint32_t result[P256_WORDS], const uint32_t a[P256_WORDS],
                     const uint32_t b[P256_WORDS]) {
    p256_modular_subtract(result, a, b, &p);
}

/* To, and from, a number times 2^256. */
static void enter(uint32_t result[P256_WORDS], const uint32_t a[P256_WORDS],
                  const struct p256_modulus *modulus) {
    p256_modular_multiply(result, a, modulus->r_squared, modulus);
}

static void leave(uint32_t result[P256_WORDS], const uint32_t a[P256_WORDS],
                  const struct p256_modulus *modulus) {
    p256_modular_multiply(result, a, one, modulus);
}

/* All ones, or 0. */
static uint32_t mask_if_less(const uint32_t a[P256_WORDS], const uint32_t b[P256_WORDS]) {
    uint32_t borrow = 0;
    for (uint32_t i = 0; i < P256_WORDS; i++) {
        borrow = (uint32_t)(((uint64_t)a[i] - b[i] - borrow) >> 63);
    }
    return 0u - borrow;
}

static bool is_zero(const uint32_t a[P256_WORDS]) {
    return mask_if_less(a, one) != 0;
}

/* Where the mask has ones. */
static void replace(uint32_t number[P256_WORDS], const uint32_t by[P256_WORDS], uint32_t mask) {
    for (uint32_t i = 0; i < P256_WORDS; i++) {
        number[i] ^= (number[i] ^ by[i]) & mask;
    }
}

/* power = power^(2^squares) * by. */
static void raise_power(uint32_t power[P256_WORDS], uint32_t squares, const uint32_t by[P256_WORDS],
                        const struct p256_modulus *modulus) {
    while (squares-- > 0) {
        p256_modular_multiply(power, power, power, modulus);
    }
    p256_modular_multiply(power, power, by, modulus);
}

/* Fermat: a to the power of modulus - 2, whose bits are no secret. Where many of them are ones, 30 or
 * 32 are done at once. */
static void invert(uint32_t a[P256_WORDS], const struct p256_modulus *modulus) {
    uint32_t power[P256_WORDS];
    uint32_t ones_30[P256_WORDS]; /* a to the power of 2^30 - 1 */
    uint32_t ones_32[P256_WORDS];
    memcpy(power, a, sizeof power);
    for (uint32_t ones = 1;; ones = 2 * ones + 1) {
        memcpy(ones_30, power, sizeof ones_30);
        raise_power(power, ones, ones_30, modulus);
        if (ones == 15) {
            break;
        }
        raise_power(power, 1, a, modulus);
    }
    memcpy(ones_30, power, sizeof ones_30);
    raise_power(power, 1, a, modulus);
    raise_power(power, 1, a, modulus);
    memcpy(ones_32, power, sizeof ones_32);
    if (modulus == &p) {
        raise_power(power, 32, a, modulus);
        raise_power(power, 128, ones_32, modulus);
        raise_power(power, 32, ones_32, modulus);
        raise_power(power, 30, ones_30, modulus);
        raise_power(power, 2, a, modulus);
    } else {
        raise_power(power, 64, ones_32, modulus);
        raise_power(power, 32, ones_32, modulus);
        for (uint32_t bit = BITS / 2; bit-- > 0;) {
            const uint32_t word = modulus->words[bit / 32] - (bit < 32 ? 2u : 0u);
            p256_modular_multiply(power, power, power, modulus);
            if ((word >> bit % 32 & 1u) != 0) {
                p256_modular_multiply(power, power, a, modulus);
            }
        }
    }
    memcpy(a, power, sizeof power);
}

/* ---- points -------------------------------------------------------------------------------- */

/* With alpha = 3 (x - z^2) (x + z^2) and beta = 4xy^2: x' = alpha^2 - 2 beta,
 * y' = alpha (beta - x') - 8y^4, z' = 2yz. */
static void double_point(struct jacobian *point) {
    uint32_t alpha[P256_WORDS];
    uint32_t beta[P256_WORDS];
    uint32_t other[P256_WORDS];
    square(other, point->z);
    subtract(beta, point->x, other);
    add(other, point->x, other);
    multiply(beta, beta, other);
    add(alpha, beta, beta);
    add(alpha, alpha, beta);
    multiply(point->z, point->z, point->y);
    add(point->z, point->z, point->z);
    square(other, point->y);
    add(other, other, other); /* 2y^2 */
    multiply(beta, other, point->x);
    add(beta, beta, beta);
    square(other, other);
    add(other, other, other); /* 8y^4 */
    square(point->x, alpha);
    subtract(point->x, point->x, beta);
    subtract(point->x, point->x, beta);
    subtract(beta, beta, point->x);
    multiply(beta, beta, alpha);
    subtract(point->y, beta, other);
}

/* With u = x2 z^2 - x and v = y2 z^3 - y: x' = v^2 - u^3 - 2xu^2, y' = v (xu^2 - x') - yu^3, z' = zu.
 * The points must differ in x. */
static void add_point(struct jacobian *point, const struct p256_point *second) {
    uint32_t u[P256_WORDS];
    uint32_t v[P256_WORDS];
    uint32_t other[P256_WORDS];
    square(v, point->z);
    multiply(u, v, second->x);
    multiply(v, v, point->z);
    multiply(v, v, second->y);
    subtract(u, u, point->x);
    subtract(v, v, point->y);
    multiply(point->z, point->z, u);
    square(other, u);
    multiply(u, u, other);
    multiply(other, other, point->x);
    square(point->x, v);
    subtract(point->x, point->x, u);
    subtract(point->x, point->x, other);
    subtract(point->x, point->x, other);
    subtract(other, other, point->x);
    multiply(other, other, v);
    multiply(u, u, point->y);
    subtract(point->y, other, u);
}

static void make_affine(struct p256_point *result, const struct jacobian *point) {
    uint32_t inverse[P256_WORDS];
    uint32_t power[P256_WORDS];
    memcpy(inverse, point->z, sizeof inverse);
    invert(inverse, &p);
    square(power, inverse);
    multiply(result->x, point->x, power);
    multiply(power, power, inverse);
    multiply(result->y, point->y, power);
    leave(result->x, result->x, &p);
    leave(result->y, result->y, &p);
}

/* The one of k and n - k that is odd. Returns all ones if that is n - k, or 0. */
static uint32_t make_odd(uint32_t odd[P256_WORDS], const uint32_t k[P256_WORDS]) {
    const uint32_t is_even = (k[0] & 1u) - 1u;
    p256_modular_subtract(odd, zero, k, &n);
    replace(odd, k, ~is_even);
    return is_even;
}

/* ---- the base point times a number -----------------------------------------------------------
 *
 * An odd number is a sum of powers of two, from 0 on, each added or subtracted and none left out:
 * so no step differs from another. Bit i of half the number, and one for the highest power, says that
 * power i is added. Powers that lie SPACING apart, as a comb's teeth do, are taken together: a table
 * has the sums of the point times these, for all that may be added (bits of its index, the lowest for
 * the lowest) or subtracted of the teeth below the highest.
 *
 * A sum is never infinity, nor is twice of it what is added to that, or its opposite. But for the
 * last step the numbers are too small to meet modulo n, and one is even, the other odd. In the last
 * step only the number n - 2d could do that, d being what is subtracted there; but none subtracts
 * just that: test_p256.py goes through all d. */

#define TEETH 5u
#define SPACING 52u /* TEETH * SPACING is at least 256 */
#define TABLE_COUNT (1u << (TEETH - 1))

/* Times 2^256: multiples of the curve's base point, of 2^208 +- 2^156 +- 2^104 +- 2^52 +- 1. */
static const struct p256_point table[TABLE_COUNT] = {
    {{0x3700debb, 0x1da0be8b, 0x67a8494c, 0x085ec135, 0x700f6310, 0xdf349926, 0x8d99e2f7,
      0x0fd9de72},
     {0xb1ce6ea2, 0xd7dc0dd9, 0x68ce3053, 0x50943ff6, 0x14751358, 0xa7f86eb0, 0x913e5ff0,
      0xadf824db}},
    {{0xf05ca43e, 0xbf2ecb75, 0x65194825, 0x51e7ae1a, 0x19c329ca, 0xeeeaed36, 0xdb49650d,
      0x86cb6842},
     {0xbed840ee, 0x49a87ea7, 0x84190e55, 0x270b499e, 0xf52f7c2a, 0x15fa7ebc, 0x83c7f590,
      0x0aa28cd2}},
    {{0x55f8aef5, 0x5a453fa2, 0x049171c8, 0xe0c0aed9, 0xb79baa9c, 0x119e89c7, 0xf5452258,
      0x40ffe58e},
     {0x930d2b7d, 0x9b76119b, 0xfd510bfb, 0x7b687aa4, 0x4494f32f, 0x33a47387, 0x8ca87760,
      0x29eac9c0}},
    {{0x734a73e4, 0x50e0cf33, 0xaff6d8ae, 0x5c2c404a, 0xed7f49a0, 0x3a5faf44, 0x8e3fb03f,
      0x89037f44},
     {0xf8d8e484, 0xa00f8a82, 0x1d06ab17, 0x1fd6900b, 0x6954005a, 0x63b6e7eb, 0x0bab3d19,
      0x46d5226d}},
    {{0xe31b0ee4, 0x1cec00c0, 0x50751a7b, 0xfc0566b5, 0x55702c87, 0xcc7515c0, 0x4cc0347c,
      0x92df77c1},
     {0x44409c6f, 0x508995ce, 0x56d8565c, 0x4cacc1e2, 0x0af6588f, 0x51e85d2a, 0x999a3a2d,
      0x743289d5}},
    {{0xc3fc695e, 0x757f0f16, 0xab88cde4, 0x59343587, 0x4f9eb506, 0x0cca05aa, 0x76416de6,
      0x02784666},
     {0x039621ca, 0xce468652, 0x3421e845, 0x6b4bf630, 0x99759ea2, 0x18f3a284, 0x40bcbf1b,
      0x2ede6ad7}},
    {{0x1152eb01, 0xb31ad4e9, 0xfd4c86e1, 0x2148f275, 0x6e5d770c, 0xb7614235, 0xdde5409d,
      0xebe1aebf},
     {0x9dd5bd7e, 0xea04df74, 0x9124acb4, 0x55cbf5d1, 0x070828aa, 0x3d8a7db7, 0x1b47f285,
      0x72d4e5d1}},
    {{0x033abb7b, 0x2a9c77c5, 0x5f1d63c9, 0x61a97774, 0x8ccd54ea, 0x02715025, 0x3681f1bf,
      0xf68d0115},
     {0xdce2cfa4, 0xf145c823, 0x22d7a28d, 0xb505015d, 0xe5fedc55, 0x6a7afc66, 0x0f3b0305,
      0xef01b197}},
    {{0x3a718c5c, 0x927b57b8, 0xc2e51a9a, 0x251266f1, 0x55b0b9bd, 0x6ead7916, 0x4058fa8b,
      0xc1ab01a3},
     {0x83af6514, 0xda6f3964, 0x9b2f2fdb, 0xb3ce98cb, 0x302c566e, 0x8910c9c4, 0x691b5536,
      0x7a6224fc}},
    {{0xf57cdd12, 0xc3b83ea7, 0xf61e46ec, 0xbd9a7e4e, 0x65f44d59, 0x20f5c87d, 0xbe94eea1,
      0x336a0302},
     {0xdb3e0a57, 0xcac142de, 0xca4c1689, 0xaed0ca35, 0x273e91a0, 0xff4a0e5c, 0x7b7ac1d9,
      0xcc19daa4}},
    {{0x268bf16b, 0x242915c3, 0x8b7970ef, 0x3c13d194, 0x87c9a385, 0x6bef8604, 0x8640762d,
      0x41a512e0},
     {0x651bf858, 0xfcd6bac1, 0x40ced484, 0x17630f32, 0x985727b7, 0xc80ca773, 0x3cee12cc,
      0x48a73d78}},
    {{0x4430520a, 0xceb8a943, 0x7cc50396, 0xa5e7205a, 0x4f192b82, 0xc30154dd, 0xd14b7da5,
      0x325eb1dd},
     {0xf8c65dca, 0xfe9d4274, 0xf9f21cdb, 0xbbe37226, 0x66341917, 0x1aad0685, 0x8f8ef911,
      0x3408af88}},
    {{0x2178fb84, 0xfcee3519, 0x34ddfeb3, 0xb9769c3c, 0x2198bb35, 0xeb486d9a, 0xecd4f098,
      0x587c5a5c},
     {0x866c5e1d, 0x7d03577d, 0x1adffcb9, 0xc621a63d, 0xd3bdf8ee, 0x6a0bb656, 0x205dd861,
      0x05e50f57}},
    {{0x9ca31705, 0x09225217, 0x51b4f14f, 0xbe6eacbd, 0x46160f74, 0x6506cd33, 0xe8e3d3da,
      0xbd778d59},
     {0xdaccf7f4, 0x17658e78, 0x72fad339, 0x5db8fce9, 0xf706322a, 0xfd9df37d, 0x18aecb03,
      0xa5d47764}},
    {{0x3622e6c1, 0x491acfa0, 0xdd6e265b, 0xec3219f4, 0x1ec1513a, 0x8441a000, 0x0b3969ee,
      0x32ab1157},
     {0x90b03e53, 0x70033904, 0xaea5454f, 0x9d6e21db, 0xbb0e6267, 0x98c55b8f, 0x5b6edf30,
      0x081b053f}},
    {{0x27eafcc0, 0xbe47dd50, 0xec7e66db, 0x23df1041, 0x78a4dddd, 0x18c977ff, 0x9d2d152e,
      0xb51565d7},
     {0x78f4a4de, 0x24f6a6d5, 0x7d86b2ca, 0xbbc15b20, 0x1d3b43ca, 0xa064d39c, 0x52200839,
      0x55248667}},
};

static uint32_t added(const uint32_t k[P256_WORDS], uint32_t power) {
    const uint32_t bit = power + 1;
    if (bit == TEETH * SPACING) {
        return 1;
    }
    return bit < BITS ? k[bit / 32] >> bit % 32 & 1u : 0;
}

/* The multiple of place `place`, by reading all of them. */
static void choose(struct p256_point *chosen, const uint32_t k[P256_WORDS], uint32_t place) {
    uint32_t negative[P256_WORDS];
    const uint32_t sign = added(k, place + (TEETH - 1) * SPACING) - 1u;
    uint32_t index = 0;
    for (uint32_t tooth = 0; tooth < TEETH - 1; tooth++) {
        index |= added(k, place + tooth * SPACING) << tooth;
    }
    index = (index ^ sign) & (TABLE_COUNT - 1);
    memset(chosen, 0, sizeof *chosen);
    for (uint32_t i = 0; i < TABLE_COUNT; i++) {
        const uint32_t here = 0u - (((i ^ index) - 1u) >> 31);
        for (uint32_t word = 0; word < P256_WORDS; word++) {
            chosen->x[word] |= table[i].x[word] & here;
            chosen->y[word] |= table[i].y[word] & here;
        }
    }
    subtract(negative, zero, chosen->y);
    replace(chosen->y, negative, sign);
}

static void multiply_base(struct p256_point *result, const uint32_t k[P256_WORDS]) {
    struct jacobian sum;
    struct p256_point next;
    uint32_t odd[P256_WORDS];
    const uint32_t is_even = make_odd(odd, k);
    uint32_t place = SPACING - 1;
    choose(&next, odd, place);
    memcpy(sum.x, next.x, sizeof sum.x);
    memcpy(sum.y, next.y, sizeof sum.y);
    enter(sum.z, one, &p);
    while (place-- > 0) {
        choose(&next, odd, place);
        double_point(&sum);
        add_point(&sum, &next);
    }
    subtract(next.y, zero, sum.y);
    replace(sum.y, next.y, is_even);
    forget(odd, sizeof odd);
    make_affine(result, &sum);
}

/* ---- any point times a number ----------------------------------------------------------------
 *
 * A Montgomery ladder: of multiples q and r of a point P, r = q + P, each step makes 2q and q + r, or
 * q + r and 2r. It keeps no points, but how far to the right of P they are (Mike Hamburg, "Faster
 * Montgomery and double-add ladders for short Weierstrass curves", 2020): times z^2, where z is not
 * known; and of the line through P, q and -r the slope m, times z, and P's y, times 2z^3.
 *
 * The number is made odd, and 2^257 plus something below n: so all have as many steps. No q or r is
 * infinity then, nor is q + r: of the first bits of such a number only those of 3n - 1 could do that
 * (test_p256.py). */

struct ladder {
    uint32_t q[P256_WORDS];
    uint32_t r[P256_WORDS];
    uint32_t slope[P256_WORDS];
    uint32_t y[P256_WORDS];
};

/* q + r and 2r, whose difference is P again, or -P if q and r are swapped: that changes no x. With
 * w = y + 2mr, e = q - r, f = we, g = e^2 and h = w^2: r' = (rg)^2 + yfg, q' = h (h + 2mf),
 * m' = rg - h - mf, y' = yfgh. */
static void step(struct ladder *l) {
    uint32_t w[P256_WORDS];
    uint32_t f[P256_WORDS];
    multiply(w, l->slope, l->r);
    add(w, w, w);
    add(w, w, l->y);
    subtract(l->q, l->q, l->r);
    multiply(f, w, l->q);
    square(l->q, l->q);
    multiply(l->r, l->r, l->q);
    multiply(l->slope, l->slope, f);
    multiply(l->y, l->y, f);
    multiply(l->y, l->y, l->q);
    square(w, w);
    add(f, w, l->slope);
    add(l->q, f, l->slope);
    multiply(l->q, l->q, w);
    subtract(l->slope, l->r, f);
    square(l->r, l->r);
    add(l->r, l->r, l->y);
    multiply(l->y, l->y, w);
}

static void swap(struct ladder *l, uint32_t mask) {
    for (uint32_t i = 0; i < P256_WORDS; i++) {
        const uint32_t change = (l->q[i] ^ l->r[i]) & mask;
        l->q[i] ^= change;
        l->r[i] ^= change;
    }
}

/* 3 (x^2 - 1): above 2y it is the slope of the curve's tangent. It is never 0, for the curve has no
 * point with an x of 1 or -1. */
static void rise(uint32_t result[P256_WORDS], const struct p256_point *point) {
    uint32_t other[P256_WORDS];
    enter(other, one, &p);
    square(result, point->x);
    subtract(result, result, other);
    add(other, result, result);
    add(result, result, other);
}

static void square_of_2y(uint32_t result[P256_WORDS], const struct p256_point *point) {
    add(result, point->y, point->y);
    square(result, result);
}

/* P and 2P, for z = 2y. */
static void begin(struct ladder *l, const struct p256_point *point) {
    rise(l->slope, point);
    square_of_2y(l->y, point);
    multiply(l->q, l->y, point->x);
    square(l->r, l->slope);
    subtract(l->r, l->r, l->q);
    subtract(l->r, l->r, l->q);
    subtract(l->r, l->r, l->q); /* (m^2 - 3x) z^2 */
    square(l->y, l->y);
    memset(l->q, 0, sizeof l->q);
}

/* The x of q. z^2 is z^6 / z^4: the first is (y' / 2y)^2, the second is in qr + (mz)y' =
 * 3 (x^2 - 1) z^4, where y' is what the ladder has of y. */
static void end(uint32_t x[P256_WORDS], struct ladder *l, const struct p256_point *point) {
    multiply(l->r, l->r, l->q);
    multiply(l->slope, l->slope, l->y);
    add(l->r, l->r, l->slope);
    multiply(l->q, l->q, l->r);
    square(l->y, l->y);
    rise(l->slope, point);
    multiply(l->y, l->y, l->slope);
    invert(l->y, &p);
    multiply(l->q, l->q, l->y);
    square_of_2y(l->r, point);
    multiply(l->q, l->q, l->r);
    add(x, l->q, point->x);
    leave(x, x, &p);
}

static void climb(struct ladder *l, const uint32_t k[P256_WORDS]) {
    uint32_t bits[P256_WORDS]; /* below 2^257, which is the first bit */
    uint32_t other[P256_WORDS];
    uint32_t swapped = 0;
    make_odd(bits, k);
    enter(other, one, &n);
    p256_modular_add(other, other, other, &n);
    p256_modular_subtract(bits, bits, other, &n);
    for (uint32_t bit = BITS + 1; bit-- > 0;) {
        const uint32_t wanted = (bit < BITS ? bits[bit / 32] >> bit % 32 & 1u : 0u) - 1u;
        swap(l, swapped ^ wanted);
        swapped = wanted;
        step(l);
    }
    swap(l, swapped);
    forget(bits, sizeof bits);
}

/* ---- keys, ECDH, ECDSA --------------------------------------------------------------------- */

bool p256_is_scalar(const uint32_t k[P256_WORDS]) {
    return !is_zero(k) && mask_if_less(k, n.words) != 0;
}

bool p256_is_on_curve(const struct p256_point *point) {
    uint32_t x[P256_WORDS];
    uint32_t right[P256_WORDS];
    uint32_t left[P256_WORDS];
    enter(x, point->x, &p);
    square(right, x);
    multiply(right, right, x);
    subtract(right, right, x);
    subtract(right, right, x);
    subtract(right, right, x);
    add(right, right, curve_b);
    enter(left, point->y, &p);
    square(left, left);
    return memcmp(left, right, sizeof left) == 0 && mask_if_less(point->x, p.words) != 0 &&
           mask_if_less(point->y, p.words) != 0;
}

void p256_public_key(struct p256_point *key, const uint32_t private_key[P256_WORDS]) {
    multiply_base(key, private_key);
}

void p256_shared_secret(uint32_t secret[P256_WORDS], const uint32_t private_key[P256_WORDS],
                        const struct p256_point *peer) {
    struct p256_point point;
    struct ladder l;
    enter(point.x, peer->x, &p);
    enter(point.y, peer->y, &p);
    begin(&l, &point);
    climb(&l, private_key);
    end(secret, &l, &point);
    forget(&l, sizeof l);
}

bool p256_sign(uint32_t r[P256_WORDS], uint32_t s[P256_WORDS], const uint32_t hash[P256_WORDS],
               const uint32_t private_key[P256_WORDS], const uint32_t k[P256_WORDS]) {
    struct p256_point point;
    uint32_t inverse[P256_WORDS];
    p256_public_key(&point, k);
    p256_modular_add(r, point.x, zero, &n);
    enter(inverse, k, &n);
    invert(inverse, &n);
    enter(s, private_key, &n);
    p256_modular_multiply(s, s, r, &n);
    p256_modular_add(s, s, hash, &n);
    p256_modular_multiply(s, s, inverse, &n);
    forget(inverse, sizeof inverse);
    return !is_zero(r) && !is_zero(s);
}
