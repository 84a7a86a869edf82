/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * power_of_ten.c: see power_of_ten.h.
 *
 * Every 27th power is in a table, and a power of five from another makes the ones between: times
 * ten is times five as far as the digits are concerned. With 16 bits more than are asked for,
 * the product is right to the last bit for each of them.
 */
#include "metrics/power_of_ten.h"

#define POWER_FIRST POWER_OF_TEN_MIN
#define POWER_STEP POWER_OF_TEN_FIVES
#define POWER_COUNT 26

/* The first 128 bits of every POWER_STEP-th power of ten, from the highest set bit on. */
static const uint64_t power_high_low[POWER_COUNT][2] = {
    {0x8049a4ac0c5811aeu, 0x205b896d777d6278u}, /* 1e-351 */
    {0xcf42894a5dce35eau, 0x52064cac828675b9u}, /* 1e-324 */
    {0xa76c582338ed2621u, 0xaf2af2b80af6f24eu}, /* 1e-297 */
    {0x873e4f75e2224e68u, 0x5a7744a6e804a291u}, /* 1e-270 */
    {0xda7f5bf590966848u, 0xaf39a475506a899eu}, /* 1e-243 */
    {0xb080392cc4349decu, 0xbd8d794d96aacfb3u}, /* 1e-216 */
    {0x8e938662882af53eu, 0x547eb47b7282ee9cu}, /* 1e-189 */
    {0xe65829b3046b0afau, 0x0cb4a5a3112a5112u}, /* 1e-162 */
    {0xba121a4650e4ddebu, 0x92f34d62616ce413u}, /* 1e-135 */
    {0x964e858c91ba2655u, 0x3a6a07f8d510f86fu}, /* 1e-108 */
    {0xf2d56790ab41c2a2u, 0xfae27299423fb9c3u}, /* 1e-81 */
    {0xc428d05aa4751e4cu, 0xaa97e14c3c26b886u}, /* 1e-54 */
    {0x9e74d1b791e07e48u, 0x775ea264cf55347du}, /* 1e-27 */
    {0x8000000000000000u, 0x0000000000000000u}, /* 1e0 */
    {0xcecb8f27f4200f3au, 0x0000000000000000u}, /* 1e27 */
    {0xa70c3c40a64e6c51u, 0x999090b65f67d924u}, /* 1e54 */
    {0x86f0ac99b4e8dafdu, 0x69a028bb3ded71a3u}, /* 1e81 */
    {0xda01ee641a708de9u, 0xe80e6f4820cc9495u}, /* 1e108 */
    {0xb01ae745b101e9e4u, 0x5ec05dcff72e7f8fu}, /* 1e135 */
    {0x8e41ade9fbebc27du, 0x14588f13be847307u}, /* 1e162 */
    {0xe5d3ef282a242e81u, 0x8f1668c8a86da5fau}, /* 1e189 */
    {0xb9a74a0637ce2ee1u, 0x6d953e2bd7173692u}, /* 1e216 */
    {0x95f83d0a1fb69cd9u, 0x4abdaf101564f98eu}, /* 1e243 */
    {0xf24a01a73cf2dccfu, 0xbc633b39673c8cecu}, /* 1e270 */
    {0xc3b8358109e84f07u, 0x0a862f80ec4700c8u}, /* 1e297 */
    {0x9e19db92b4e31ba9u, 0x6c07a2c26a8346d1u}, /* 1e324 */
};

/* The 16 bits that follow them. */
static const uint16_t power_rest[POWER_COUNT] = {
    0xac26, 0x475f, 0x657c, 0xcc35, 0xa302, 0xfe13, 0x41b0, 0xa3b5, 0x21a0,
    0xe908, 0x3695, 0x9684, 0xca49, 0x0000, 0x0000, 0x0000, 0xdf9f, 0xd74b,
    0xc04c, 0x23bd, 0xf0b5, 0x88ef, 0x0d5a, 0x3d9c, 0x0260, 0x4944,
};

const uint64_t power_of_ten_fives[POWER_OF_TEN_FIVES] = {
    1u,
    5u,
    25u,
    125u,
    625u,
    3125u,
    15625u,
    78125u,
    390625u,
    1953125u,
    9765625u,
    48828125u,
    244140625u,
    1220703125u,
    6103515625u,
    30517578125u,
    152587890625u,
    762939453125u,
    3814697265625u,
    19073486328125u,
    95367431640625u,
    476837158203125u,
    2384185791015625u,
    11920928955078125u,
    59604644775390625u,
    298023223876953125u,
    1490116119384765625u,
};

struct wide power_of_ten(int32_t e) {
    uint32_t distance = (uint32_t)(e - POWER_FIRST);
    uint32_t entry = distance / POWER_STEP;
    uint64_t five = power_of_ten_fives[distance % POWER_STEP];
    five <<= __builtin_clzll(five);
    struct wide high = power_of_ten_multiply(power_high_low[entry][0], five);
    struct wide low = power_of_ten_multiply(power_high_low[entry][1], five);
    uint64_t rest = (five >> 16) * power_rest[entry];
    low.low += rest;
    low.high += low.low < rest;
    high.low += low.high;
    high.high += high.low < low.high;
    if (high.high >> 63 == 0) {
        high.high = high.high << 1 | high.low >> 63;
        high.low = high.low << 1 | low.low >> 63;
    }
    return high;
}
