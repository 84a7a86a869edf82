/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cc.h: what lwIP asks of a compiler and a processor. GCC and clang, any byte order, no operating
 * system needed: lwIP neither prints nor reads ctype tables here.
 */
#ifndef PINGSHOT_LWIP_CC_H
#define PINGSHOT_LWIP_CC_H

#include "net_checksum.h"

#include <stdint.h>

/* lwIP guesses that ssize_t is an int unless it sees SSIZE_MAX, which a strict C library hides.
 * As C11 allows the same typedef twice, this one does not collide with a library's. */
#ifndef SSIZE_MAX
#define SSIZE_MAX INTPTR_MAX
typedef __PTRDIFF_TYPE__ ssize_t;
#endif

/* lwIP's own header guesses little endian unless it is told. */
#ifndef BYTE_ORDER
#define LITTLE_ENDIAN __ORDER_LITTLE_ENDIAN__
#define BIG_ENDIAN __ORDER_BIG_ENDIAN__
#define BYTE_ORDER __BYTE_ORDER__
#endif

/* One instruction each; lwIP's own are functions. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)
#endif

/* The C library of a board has no character tables, and lwIP needs none. */
#define LWIP_NO_CTYPE_H 1
#define LWIP_NO_UNISTD_H 1

/* No debug output is compiled in, and so no printf. */
#define LWIP_PLATFORM_DIAG(message) \
    do {                            \
    } while (0)

/* An assertion of lwIP that fails is a bug of ours or of lwIP's, never bad input: it goes to the
 * target's own handler, which does not come back. A board has no room for its words: the fault
 * record has the address of the instruction, which names the line. */
#ifdef __thumb__
#define LWIP_PLATFORM_ASSERT(message)                        \
    do {                                                     \
        __asm volatile("udf %0" ::"i"(CC_ASSERTION_FAILED)); \
        __builtin_unreachable();                             \
    } while (0)
#define CC_ASSERTION_FAILED 0x5a /* of the instruction UDF: see faults.c */
#else
#define LWIP_PLATFORM_ASSERT(message) net_stack_assert_failed((message), __FILE__, __LINE__)
_Noreturn void net_stack_assert_failed(const char *message, const char *file, int line);
#endif

/* The one seeded source: local ports, DHCP transaction numbers. */
#define LWIP_RAND() net_stack_random_u32()

uint32_t net_stack_random_u32(void);

/* RFC 1071 sum: see net_checksum.h. */
#define LWIP_CHKSUM net_checksum
#if LWIP_CHECKSUM_ON_COPY
#define LWIP_CHKSUM_COPY(to, from, len) net_checksum_copy(to, from, len)
#endif

#endif
