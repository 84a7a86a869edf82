/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lwipopts.h: lwIP's options. Every option that differs from lwIP's own default (lwip/opt.h) is
 * here, with that default behind it as "was" and the reason above. The sizes derive from
 * app/config.h and from the few CFG_NET_* below, which a target's limits.h may override.
 */
#ifndef PINGSHOT_LWIPOPTS_H
#define PINGSHOT_LWIPOPTS_H

#include "config.h"

/* ---- what a target may choose --------------------------------------------------------------- */

/* Largest MTU an interface may have, in bytes. 576..9000. */
#ifndef CFG_NET_MTU_MAX
#define CFG_NET_MTU_MAX 9000
#endif

/* Bytes of one connection that may be sent and not yet acknowledged. Copies of them lie in the
 * heap below until they are. 2 segments .. 1 MiB. */
#ifndef CFG_NET_SEND_BYTES
#define CFG_NET_SEND_BYTES (128 * 1024)
#endif

/* Frames that can be kept at once while they arrive, of CFG_NET_FRAME_BYTES each (a longer frame
 * takes several). One is enough in the common case, since a frame is used up before the next is
 * read; the rest is for data out of order and for connections whose reader waits. */
#ifndef CFG_NET_FRAMES
#define CFG_NET_FRAMES (64 + CFG_CONNECTIONS_MAX * 6)
#endif
#ifndef CFG_NET_FRAME_BYTES
#define CFG_NET_FRAME_BYTES 1536
#endif

/* Connections beyond those of the application: half open, closing, or in TIME_WAIT. lwIP gives up
 * the oldest in TIME_WAIT when it needs one. */
#ifndef CFG_NET_SPARE_CONNECTIONS
#define CFG_NET_SPARE_CONNECTIONS (16 + CFG_CONNECTIONS_MAX)
#endif

/* Segments (and pieces of segments) that a connection may queue. CFG_NET_SEND_BYTES in segments of
 * 1,460 bytes is 90; with smaller segments this is the limit. At least twice the segments of
 * CFG_NET_SEND_BYTES, lwIP checks it. */
#ifndef CFG_NET_SEND_SEGMENTS
#define CFG_NET_SEND_SEGMENTS 128
#endif

/* What may be under way towards us on one connection, in bytes: uploads. At least 2 segments. */
#ifndef CFG_NET_WINDOW_BYTES
#define CFG_NET_WINDOW_BYTES 65535
#endif

/* Slabs of 64 KiB for the heap in net_heap.c, or 0 for lwIP's own heap of CFG_NET_HEAP_BYTES.
 * Three hold CFG_NET_SEND_BYTES of a connection in segments of 1,460 or 8,960 bytes with their
 * headers, so clients that stop reading cannot exhaust it. */
#ifndef CFG_NET_HEAP_SLABS
#define CFG_NET_HEAP_SLABS (CFG_CONNECTIONS_MAX * 3 + 16)
#endif

/* TLS connections at once, those in the handshake included: as many as the application has, and
 * some that have yet to show that they are worth a place there. 1..65534. */
#ifndef CFG_TLS_SESSIONS_MAX
#define CFG_TLS_SESSIONS_MAX (CFG_CONNECTIONS_MAX + 16)
#endif

/* All of wolfSSL's memory, in bytes. A session at rest takes about 3 KB, in the handshake 12 KB, and
 * both a record received and one that waits for TCP up to 17 KB: with 48 KiB for each none can
 * disturb another. */
#ifndef CFG_TLS_MEM_BYTES
#define CFG_TLS_MEM_BYTES (CFG_TLS_SESSIONS_MAX * 48 * 1024 + 64 * 1024)
#endif

/* ---- system --------------------------------------------------------------------------------- */

/* One loop, no threads, no locks: nothing of lwIP is called from an interrupt. */
#define NO_SYS 1               /* was 0 */
#define SYS_LIGHTWEIGHT_PROT 0 /* was 1 */

/* Both need threads. */
#define LWIP_SOCKET 0  /* was 1 */
#define LWIP_NETCONN 0 /* was 1 */

/* Handlers run the same over TCP and TLS, which is in altcp_tls_wolfssl. */
#define LWIP_ALTCP 1     /* was 0 */
#define LWIP_ALTCP_TLS 1 /* was 0 */

/* ---- memory: all static --------------------------------------------------------------------- */

/* Pointers inside lwIP's structures. */
#define MEM_ALIGNMENT 8 /* was 1 */

/* lwIP's heap searches its blocks one by one, which shows as soon as some hundred segments wait
 * for acknowledgement. net_heap.c takes one step, and memory that was never needed is never
 * touched. */
#if CFG_NET_HEAP_SLABS > 0
#define MEM_CUSTOM_ALLOCATOR 1 /* was 0 */
#define MEM_CUSTOM_MALLOC net_heap_alloc
#define MEM_CUSTOM_CALLOC net_heap_calloc
#define MEM_CUSTOM_FREE net_heap_free
#include "net_heap.h"
#else
#define MEM_SIZE CFG_NET_HEAP_BYTES /* was 1600 */
#endif

#define MEMP_NUM_TCP_PCB (CFG_CONNECTIONS_MAX + CFG_NET_SPARE_CONNECTIONS) /* was 5 */
#define MEMP_NUM_TCP_PCB_LISTEN 4                                          /* was 8 */

/* TCP's own, and a second layer for each TLS session and listener. */
#define MEMP_NUM_ALTCP_PCB /* was MEMP_NUM_TCP_PCB */ \
    (MEMP_NUM_TCP_PCB + CFG_TLS_SESSIONS_MAX + 2 * MEMP_NUM_TCP_PCB_LISTEN)

/* As many as every connection may queue: none starves because others do not read. */
#define MEMP_NUM_TCP_SEG ((CFG_CONNECTIONS_MAX + 1) * TCP_SND_QUEUELEN) /* was 16 */

/* Descriptors of memory that is sent without a copy: only benchmarks and services do that. */
#define MEMP_NUM_PBUF (16 * TCP_SND_QUEUELEN / 2) /* was 16 */

/* DHCP; one more for tests and services. */
#define MEMP_NUM_UDP_PCB 2 /* was 4 */

/* Frames as they arrive. */
#define PBUF_POOL_SIZE CFG_NET_FRAMES         /* was 16 */
#define PBUF_POOL_BUFSIZE CFG_NET_FRAME_BYTES /* was one TCP_MSS and its headers */

/* ---- IP ------------------------------------------------------------------------------------- */

#define IP_DEFAULT_TTL 64 /* was 255; the value recommended today */

/* Let a hand-made fragmented ping through, and no more. */
#define MEMP_NUM_REASSDATA 2  /* was 5 */
#define MEMP_NUM_FRAG_PBUF 16 /* was 15 */
#define IP_REASS_MAX_PBUFS 24 /* was 10: a ping of 32 KiB at MTU 1500 */

#define LWIP_DHCP 1 /* was 0 */

/* Probing an offered address takes seconds in which the board answers nobody; the DHCP server has
 * probed it already. */
#define LWIP_DHCP_DOES_ACD_CHECK 0 /* was LWIP_DHCP */

/* Says its name to the DHCP server. */
#define LWIP_NETIF_HOSTNAME 1 /* was 0 */

/* The port reports an address that DHCP brought. */
#define LWIP_NETIF_STATUS_CALLBACK 1 /* was 0 */

/* ---- TCP ------------------------------------------------------------------------------------ */

/* The most for the largest MTU. What is really used follows the interface's MTU and the peer
 * (TCP_CALCULATE_EFF_SEND_MSS is on). */
#define TCP_MSS (CFG_NET_MTU_MAX - 40) /* was 536 */

/* Uploads: what may be under way towards us. Below 64 KiB it needs no scaling, and on a LAN's
 * round trip of 0.2 ms it is more than a gigabit a second. */
#define TCP_WND (CFG_NET_WINDOW_BYTES / TCP_MSS * TCP_MSS) /* was 4 * TCP_MSS */

/* Lets the peer's own window exceed 64 KiB, so that a scrape's whole page can be in flight. */
#define LWIP_WND_SCALE 1 /* was 0 */
#define TCP_RCV_SCALE 0  /* was 0 */

#define TCP_SND_BUF CFG_NET_SEND_BYTES /* was 2 * TCP_MSS */

#define TCP_SND_QUEUELEN CFG_NET_SEND_SEGMENTS /* was 4 * TCP_SND_BUF / TCP_MSS */

/* For sockets, which are not here; but its default does not pass lwIP's own check above 64 KiB. */
#define TCP_SNDLOWAT (2 * TCP_MSS + 1) /* was half of TCP_SND_BUF */

/* Out-of-order segments of one connection: more than a window of them is never useful, and the
 * frames they hold are missing elsewhere. */
#define TCP_OOSEQ_MAX_PBUFS 32 /* was 0, no limit */

/* New connections that the application has not seen yet. Bounds what a flood of SYNs can take. */
#define TCP_LISTEN_BACKLOG 1 /* was 0 */
#define TCP_DEFAULT_LISTEN_BACKLOG \
    (CFG_NET_SPARE_CONNECTIONS < 255 ? CFG_NET_SPARE_CONNECTIONS : 255) /* was 255 */

/* First retransmission of a SYN or of a connection's first data: RFC 6298 section 2.1. */
#define LWIP_TCP_RTO_TIME 1000 /* was 3000 */

/* TIME_WAIT lasts 2 MSL. A minute of LANs is plenty; what a client opens anew within it is served
 * at once (tcp_reopen.c), and a full pool gives up the oldest, so it may be this long. */
#define TCP_MSL 30000UL /* was 60000 */

/* ---- randomness ----------------------------------------------------------------------------- */

/* Initial sequence numbers by RFC 6528 (lwIP's addon); LWIP_RAND is in arch/cc.h. */
#define LWIP_HOOK_TCP_ISN lwip_hook_tcp_isn /* was none: a counter */
#define LWIP_HOOK_FILENAME "hooks.h"        /* was none */

/* The addon's MD5 is in lwIP's folder of PPP. PPP stays off; the Makefile compiles this one file
 * of it. */
#define LWIP_INCLUDED_POLARSSL_MD5 1 /* was 0 */

/* ---- TLS (altcp_tls_opts.h) ------------------------------------------------------------------ */

#define ALTCP_TLS_SESSIONS_MAX CFG_TLS_SESSIONS_MAX /* was 8 */
#define ALTCP_TLS_MEM_BYTES CFG_TLS_MEM_BYTES       /* was 12 KiB a session */
#define ALTCP_TLS_MEM_RESERVE_BYTES (12 * 1024)     /* was 8192 */

/* ---- checks and counters -------------------------------------------------------------------- */

/* Counts link, IP, TCP errors and the use of each pool; printed by nobody here. The heap counts
 * for itself. */
#define LWIP_STATS 1 /* was 1 */
#define MEMP_STATS 1 /* was 1 */

/* ---- rules that lwIP does not check itself -------------------------------------------------- */

#if CFG_NET_MTU_MAX < 576 || CFG_NET_MTU_MAX > 9000
#error "CFG_NET_MTU_MAX: set 576 to 9000"
#endif
#if CFG_NET_HEAP_SLABS == 0 && !defined(CFG_NET_HEAP_BYTES)
#error "CFG_NET_HEAP_BYTES: set the size of lwIP's heap, or CFG_NET_HEAP_SLABS to 1 or more"
#endif
#if CFG_NET_FRAME_BYTES < 128
#error "CFG_NET_FRAME_BYTES: at least 128, all headers of a frame lie in its first piece"
#endif

#endif
