/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * board_api.h: all that a board provides and port/cortex-m calls. board/README.md says how to
 * add a board. Called from the main loop only, except board_interrupt and, from a fault handler,
 * board_reset. Nothing here waits for a device longer than a few microseconds.
 */
#ifndef PINGSHOT_BOARD_API_H
#define PINGSHOT_BOARD_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netif; /* lwIP's; only netif_<mac>.c looks into it */

/* Sets up clocks, pins and the UART. First of all, once. Returns the frequency of the processor
 * clock, which SysTick counts, in Hz. */
uint32_t board_init(void);

/* ---- Ethernet ------------------------------------------------------------------------------ */

/* lwIP's netif_init_fn of the board's MAC: returns an err_t. netif->hwaddr holds a random local
 * address; a MAC that has one of its own puts that there. The link is reported down until
 * board_poll finds it up. */
int8_t board_netif_init(struct netif *netif);

/* Once a turn of the main loop: hands the frames that came to lwIP, a bounded number of them, and
 * reports changes of the link. It stays a function of its own in an image that is optimised as a
 * whole: the tests stop the processor where it begins. */
void board_poll(void) __attribute__((noinline, used));

/* True when board_poll has something to do; the processor then does not sleep. Called with
 * interrupts masked: one that comes behind it ends the sleep. */
bool board_pending(void);

/* A word for a label's value, of at most so many bytes. As many can be read there, whatever its
 * length. */
#define BOARD_WORD_BYTES 24
struct board_word {
    const char *bytes;
    uint32_t len;
};

/* One of a literal; too long a one is an array of negative size. */
#define BOARD_WORD(literal)                                                               \
    {                                                                                     \
        literal "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",                       \
            sizeof literal - sizeof(char[sizeof literal > BOARD_WORD_BYTES + 1 ? -1 : 1]) \
    }

/* Fills in error counter number `index` of the MAC, called as the data sheet calls it, and returns
 * true; false beyond the last. */
bool board_counter(uint32_t index, struct board_word *name, uint32_t *total);

/* External interrupt `irq` (0: the first behind the core's own). It only notes what happened and
 * silences its source; the work is board_poll's. Returns true for a watchdog's warning: then where
 * the program hangs is recorded before the watchdog resets. */
bool board_interrupt(uint32_t irq);

/* ---- console, entropy ---------------------------------------------------------------------- */

/* Gives the UART at most `n` bytes and returns how many it had room for. */
size_t board_log_write(const char *bytes, size_t n);

/* Fills `n` bytes, at most 64, from the board's source of entropy. False when there is none, or it
 * does not work: they are then as they were, and a seed may lie in RAM (port/cortex-m/seed.h). */
bool board_entropy(void *bytes, size_t n);

/* ---- reset --------------------------------------------------------------------------------- */

enum board_reset_cause {
    BOARD_RESET_UNKNOWN, /* the chip does not tell */
    BOARD_RESET_POWER_ON,
    BOARD_RESET_PIN,
    BOARD_RESET_WATCHDOG,
    BOARD_RESET_SOFTWARE,
};

/* Why the chip says that it started. Once. */
enum board_reset_cause board_reset_cause(void);

/* Resets the chip; RAM keeps what it holds. */
_Noreturn void board_reset(void);

/* Restarts the watchdog's count; the first call starts it. Without a kick for BOARD_WATCHDOG_MS
 * the watchdog resets the chip. It may warn at half of that (board_interrupt, or an NMI); on some
 * chips a program that was warned goes no further. */
void board_watchdog_kick(void);

/* A turn of the main loop in which each TLS session has a handshake takes about a second at 25 MHz,
 * and an emulator on a busy machine may stand still for another two. */
#define BOARD_WATCHDOG_MS 8000u

#endif
