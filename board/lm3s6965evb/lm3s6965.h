/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lm3s6965.h: the registers of the Stellaris LM3S6965 that this board uses, by the names and in
 * the order of its data sheet (chapters System Control, Watchdog Timer, GPIOs, UARTs, Ethernet
 * Controller).
 */
#ifndef PINGSHOT_LM3S6965_H
#define PINGSHOT_LM3S6965_H

#include <stdint.h>

/* What board_init sets. */
#define LM3S_CPU_HZ 50000000u

/* A unit test puts models of the devices behind these two. */
#ifndef LM3S_READ
#define LM3S_READ(address) (*(volatile uint32_t *)(address))
#define LM3S_WRITE(address, value) (LM3S_READ(address) = (value))
#endif
#define LM3S_SET(address, bits) LM3S_WRITE(address, LM3S_READ(address) | (bits))

/* ---- System Control, 0x400fe000 -------------------------------------------------------------- */

#define SYSCTL_DID0 0x400fe000u
#define SYSCTL_LDOPCTL 0x400fe034u
#define SYSCTL_RIS 0x400fe050u
#define SYSCTL_RESC 0x400fe05cu
#define SYSCTL_RCC 0x400fe060u
#define SYSCTL_RCGC0 0x400fe100u
#define SYSCTL_RCGC1 0x400fe104u
#define SYSCTL_RCGC2 0x400fe108u
#define SYSCTL_USER_REG0 0x400fe1e0u /* the first three bytes of a MAC address */
#define SYSCTL_USER_REG1 0x400fe1e4u /* and the others; all ones: none */

#define DID0_REVISION_MASK 0xffffu
#define DID0_REVISION_A2 0x0002u

#define LDOPCTL_2_75V 0x1bu

#define RIS_PLLLRIS (1u << 6)

#define RESC_EXT (1u << 0) /* the RST pin */
#define RESC_POR (1u << 1)
#define RESC_BOR (1u << 2)
#define RESC_WDT (1u << 3)
#define RESC_SW (1u << 4)

#define RCC_MOSCDIS (1u << 0)
#define RCC_OSCSRC_MASK (3u << 4) /* 0: the main oscillator */
#define RCC_XTAL_MASK (15u << 6)
#define RCC_XTAL_8MHZ (14u << 6)
#define RCC_BYPASS (1u << 11)
#define RCC_PWRDN (1u << 13)
#define RCC_USESYSDIV (1u << 22)
#define RCC_SYSDIV_MASK (15u << 23)
#define RCC_SYSDIV_4 (3u << 23) /* the PLL's 200 MHz by 4 */

#define RCGC0_WDT (1u << 3)
#define RCGC1_UART0 (1u << 0)
#define RCGC2_GPIOA (1u << 0)
#define RCGC2_GPIOF (1u << 5)
#define RCGC2_EMAC0 (1u << 28)
#define RCGC2_EPHY0 (1u << 30)

/* ---- Watchdog Timer, 0x40000000 -------------------------------------------------------------- */

#define WDTLOAD 0x40000000u
#define WDTCTL 0x40000008u
#define WDTICR 0x4000000cu

#define WDTCTL_INTEN (1u << 0)
#define WDTCTL_RESEN (1u << 1)

/* ---- GPIO ports A and F ------------------------------------------------------------------- */

#define GPIOA_AFSEL 0x40004420u
#define GPIOA_DEN 0x4000451cu
#define GPIOF_AFSEL 0x40025420u
#define GPIOF_DEN 0x4002551cu

#define GPIOA_U0RX (1u << 0)
#define GPIOA_U0TX (1u << 1)
#define GPIOF_LED1 (1u << 2) /* of the Ethernet controller */
#define GPIOF_LED0 (1u << 3)

/* ---- UART0, 0x4000c000 ------------------------------------------------------------------------ */

#define UARTDR 0x4000c000u
#define UARTFR 0x4000c018u
#define UARTIBRD 0x4000c024u
#define UARTFBRD 0x4000c028u
#define UARTLCRH 0x4000c02cu
#define UARTCTL 0x4000c030u

#define UARTFR_TXFF (1u << 5)
#define UARTLCRH_FEN (1u << 4)
#define UARTLCRH_WLEN_8 (3u << 5)
#define UARTCTL_UARTEN (1u << 0)
#define UARTCTL_TXE (1u << 8)

/* ---- Ethernet Controller, 0x40048000 --------------------------------------------------------- */

#define MACRIS 0x40048000u  /* read */
#define MACIACK 0x40048000u /* write */
#define MACIM 0x40048004u
#define MACRCTL 0x40048008u
#define MACTCTL 0x4004800cu
#define MACDATA 0x40048010u
#define MACIA0 0x40048014u
#define MACIA1 0x40048018u
#define MACMCTL 0x40048020u
#define MACMDV 0x40048024u
#define MACMRXD 0x40048030u
#define MACNP 0x40048034u
#define MACTR 0x40048038u

/* In MACRIS, MACIACK and MACIM alike */
#define MAC_RXINT (1u << 0)
#define MAC_TXER (1u << 1)
#define MAC_TXEMP (1u << 2)
#define MAC_FOV (1u << 3)
#define MAC_RXER (1u << 4)

#define MACRCTL_RXEN (1u << 0)
#define MACRCTL_AMUL (1u << 1)
#define MACRCTL_BADCRC (1u << 3) /* rejects them */
#define MACRCTL_RSTFIFO (1u << 4)

#define MACTCTL_TXEN (1u << 0)
#define MACTCTL_PADEN (1u << 1)
#define MACTCTL_CRC (1u << 2)
#define MACTCTL_DUPLEX (1u << 4)

#define MACMCTL_START (1u << 0)
#define MACMCTL_REGADR(n) ((n) << 3)

#define MACNP_NPR 0x3fu
#define MACTR_NEWTX (1u << 0)

/* MII management registers of the PHY */
#define PHY_MR1 1u   /* status */
#define PHY_MR18 18u /* diagnostic */
#define PHY_MR1_LINK (1u << 2)
#define PHY_MR18_DPLX (1u << 11)

/* ---- interrupts (of the core's, by the names of the Armv7-M manual) --------------------------- */

#define NVIC_ISER(n) (0xe000e100u + 4u * (n))
#define NVIC_ICER(n) (0xe000e180u + 4u * (n))
#define AIRCR 0xe000ed0cu
#define AIRCR_SYSRESETREQ 0x05fa0004u /* with the key that a write needs */

#define IRQ_WATCHDOG 18u
#define IRQ_ETHERNET 42u

#endif
