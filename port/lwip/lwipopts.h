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

/* Largest segment of TCP, in bytes: what a connection's windows are multiples of. Up to the largest
 * MTU less 40, less where memory is short; at least 536, which every host takes. */
#ifndef CFG_NET_MSS
#define CFG_NET_MSS (CFG_NET_MTU_MAX - 40)
#endif

/* Bytes in front of each frame, 0 or 2: with 2 its IP header is aligned, and a MAC whose FIFO has a
 * frame's length there needs no shifting. */
#ifndef CFG_NET_ETH_PAD_BYTES
#define CFG_NET_ETH_PAD_BYTES 0
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

/* What may be under way towards us on one connection, in bytes: uploads. At least a segment, and
 * with a small heap more than CFG_HTTP_RX_BYTES; what frames and heap have no room for is better
 * left with the clients. */
#ifndef CFG_NET_WINDOW_BYTES
#define CFG_NET_WINDOW_BYTES 65535
#endif

/* Slabs of 64 KiB for the heap in net_heap.c, or 0 for lwIP's own heap of CFG_NET_HEAP_BYTES.
 * Three hold CFG_NET_SEND_BYTES of a connection in segments of 1,460 or 8,960 bytes with their
 * headers, so clients that stop reading cannot exhaust it. */
#ifndef CFG_NET_HEAP_SLABS
#define CFG_NET_HEAP_SLABS (CFG_CONNECTIONS_MAX * 3 + 16)
#endif

/* Hosts on the link whose MAC addresses are remembered, for IPv4 and for IPv6 each: the scrapers,
 * and some who come and go. 4..127; 40 and about 100 bytes. */
#ifndef CFG_NET_NEIGHBORS
#define CFG_NET_NEIGHBORS (CFG_SCRAPERS_MAX + 6 > 10 ? CFG_SCRAPERS_MAX + 6 : 10)
#endif

/* More that wait for the turn of their handshake, while there are no sessions or no memory for them.
 * 1..65534. */
#ifndef CFG_TLS_WAITING_MAX
#define CFG_TLS_WAITING_MAX 16
#endif

/* All of wolfSSL's memory, in bytes. A session at rest takes about 3 KB, in the handshake 12 KB, and
 * both a record received and one that waits for TCP up to 17 KB: with 48 KiB for each none can
 * disturb another. */
#ifndef CFG_TLS_MEM_BYTES
#define CFG_TLS_MEM_BYTES (CFG_TLS_SESSIONS_MAX * 48 * 1024 + 64 * 1024)
#endif

/* 1: fragments of IP are put together, and made. TCP needs neither (its segments fit), nor does any
 * service here: only large pings do. 3.5 KB of flash. */
#ifndef CFG_NET_FRAGMENTS
#define CFG_NET_FRAGMENTS 1
#endif

/* 1: for few frames and little flash. Segments of TCP out of order are not kept, the peer sends them
 * again; what TCP sends is copied first and summed up then; a neighbour is asked from time to time
 * whether it is there although TCP knows; and routers' advertisements give addresses and routes, but
 * no MTU and no times. 3 KB. */
#ifndef CFG_NET_SMALL
#define CFG_NET_SMALL 0
#endif

/* What one handshake takes of it at its peak, in bytes: a new connection waits while less is free. */
#ifndef CFG_TLS_MEM_RESERVE_BYTES
#define CFG_TLS_MEM_RESERVE_BYTES (12 * 1024)
#endif

/* Longest plaintext of a TLS record that a client may send, in bytes: 512..16384. Most send 16384
 * as soon as they have as much. It lies in wolfSSL's memory in one piece; while that has no room the
 * record waits. */
#ifndef CFG_TLS_RECEIVE_RECORD_BYTES
#define CFG_TLS_RECEIVE_RECORD_BYTES 16384
#endif

/* Plaintext of one TLS record sent, in bytes: 512..16384. It lies in wolfSSL's memory while it is
 * made. How many of a session's records can be on their way and be told exactly: 2..65535; 8 bytes
 * each. */
#ifndef CFG_TLS_SEND_RECORD_BYTES
#define CFG_TLS_SEND_RECORD_BYTES 16384
#endif
#ifndef CFG_TLS_SEND_RECORDS
#define CFG_TLS_SEND_RECORDS 32
#endif

/* ---- system --------------------------------------------------------------------------------- */

/* One loop, no threads, no locks: nothing of lwIP is called from an interrupt. */
#define NO_SYS 1               /* was 0 */
#define SYS_LIGHTWEIGHT_PROT 0 /* was 1 */

/* Both need threads. */
#define LWIP_SOCKET 0  /* was 1 */
#define LWIP_NETCONN 0 /* was 1 */

/* One Ethernet. Then an IPv6 link-local address needs no zone to be told from another. */
#define LWIP_SINGLE_NETIF 1 /* was 0 */

/* Handlers run the same over TCP and TLS, which is in altcp_tls_wolfssl. */
#define LWIP_ALTCP 1     /* was 0 */
#define LWIP_ALTCP_TLS 1 /* was 0 */

/* ---- memory: all static --------------------------------------------------------------------- */

/* Pointers inside lwIP's structures. */
#define MEM_ALIGNMENT __SIZEOF_POINTER__ /* was 1 */

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
#define MEMP_NUM_TCP_PCB_LISTEN 2                                          /* was 8 */

/* TCP's own, and a second layer for each TLS connection and listener. */
#define MEMP_NUM_ALTCP_PCB /* was MEMP_NUM_TCP_PCB */ \
    (MEMP_NUM_TCP_PCB + CFG_TLS_SESSIONS_MAX + CFG_TLS_WAITING_MAX + 2 * MEMP_NUM_TCP_PCB_LISTEN)

/* For a new connection's first window: altcp_tls_turns.c. */
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1 /* was 0 */

/* As many as every connection may queue: none starves because others do not read. */
#define MEMP_NUM_TCP_SEG ((CFG_CONNECTIONS_MAX + 1) * TCP_SND_QUEUELEN) /* was 16 */

/* Descriptors of memory that is sent without a copy: only benchmarks do that, from 16 connections
 * on a host and from one on a board. */
#define MEMP_NUM_PBUF ((CFG_NET_HEAP_SLABS > 0 ? 8 : 1) * TCP_SND_QUEUELEN) /* was 16 */

/* DHCP, SNTP, mDNS. */
#define MEMP_NUM_UDP_PCB 3 /* was 4 */

/* lwIP's own; SNTP's next request, its answer that does not come, and a second try; mDNS's probes, what it delays
 * for each IP version, and truncated questions that wait for their rest; and a look at handshakes that
 * wait. */
#define MEMP_NUM_SYS_TIMEOUT /* was LWIP_NUM_SYS_TIMEOUT_INTERNAL */ \
    (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 3 + 1 + 2 * 5 + MDNS_MAX_STORED_PKTS + 1)

/* Frames as they arrive. */
#define PBUF_POOL_SIZE CFG_NET_FRAMES         /* was 16 */
#define PBUF_POOL_BUFSIZE CFG_NET_FRAME_BYTES /* was one TCP_MSS and its headers */

#define ETH_PAD_SIZE CFG_NET_ETH_PAD_BYTES /* was 0 */

/* ---- IP ------------------------------------------------------------------------------------- */

#define IP_DEFAULT_TTL 64 /* was 255; the value recommended today */

/* Let a hand-made fragmented ping through, and no more: on a host 32 KiB at MTU 1500. Fragments
 * that wait for others take a quarter of the frames at most, for each IP version. Those that go
 * out are handed to the device one by one. */
#define IP_REASSEMBLY CFG_NET_FRAGMENTS                                        /* was 1 */
#define IP_FRAG CFG_NET_FRAGMENTS                                              /* was 1 */
#define LWIP_IPV6_REASS CFG_NET_FRAGMENTS                                      /* was 1 */
#define LWIP_IPV6_FRAG CFG_NET_FRAGMENTS                                       /* was 1 */
#define MEMP_NUM_REASSDATA 2                                                   /* was 5 */
#define MEMP_NUM_FRAG_PBUF 4                                                   /* was 15 */
#define IP_REASS_MAX_PBUFS (CFG_NET_FRAMES / 4 < 24 ? CFG_NET_FRAMES / 4 : 24) /* was 10 */

/* Addresses of the link. When more hosts come than are remembered each answer has to ask for its
 * host's address anew: both segments that it begins with wait for that (RFC 1122 section 2.3.2.2
 * asks for one), or TCP would repeat the first of them a second later. No host takes the place of
 * another's. */
#define ARP_TABLE_SIZE CFG_NET_NEIGHBORS                    /* was 10 */
#define ARP_QUEUEING 1                                      /* was 0 */
#define ARP_QUEUE_LEN 2                                     /* was 3 */
#define MEMP_NUM_ARP_QUEUE (ARP_TABLE_SIZE * ARP_QUEUE_LEN) /* was 30 */

/* mDNS is multicast: the group of all hosts, and its own. */
#define LWIP_IGMP 1           /* was 0 */
#define MEMP_NUM_IGMP_GROUP 2 /* was 8 */

#define LWIP_DHCP 1 /* was 0 */

/* Probing an offered address takes seconds in which the board answers nobody; the DHCP server has
 * probed it already. */
#define LWIP_DHCP_DOES_ACD_CHECK 0 /* was LWIP_DHCP */

/* Says its name to the DHCP server. */
#define LWIP_NETIF_HOSTNAME 1 /* was 0 */

/* net_services and mDNS follow the link and its addresses. */
#define LWIP_NETIF_EXT_STATUS_CALLBACK 1 /* was 0 */

/* ---- IPv6 ----------------------------------------------------------------------------------- */

/* A link-local address made of the MAC address, and one for each of two prefixes that routers
 * advertise (SLAAC, RFC 4862); DHCPv6 is not used. */
#define LWIP_IPV6 1               /* was 0 */
#define LWIP_IPV6_NUM_ADDRESSES 3 /* was 3 */

/* The solicited-node group of each address, and mDNS's. */
#define MEMP_NUM_MLD6_GROUP (LWIP_IPV6_NUM_ADDRESSES + 1) /* was 4 */

#define LWIP_ND6_NUM_NEIGHBORS CFG_NET_NEIGHBORS    /* was 10 */
#define LWIP_ND6_NUM_DESTINATIONS CFG_NET_NEIGHBORS /* was 10 */
#define LWIP_ND6_NUM_PREFIXES 2                     /* was 5: as many as addresses for them */
#define LWIP_ND6_NUM_ROUTERS 2                      /* was 3 */

/* While a neighbour's MAC address is asked for, its newest packet waits (RFC 4861 section 7.2.2
 * asks for no more); TCP repeats the others. */
#define LWIP_ND6_QUEUEING 0 /* was LWIP_IPV6 */

#define LWIP_ND6_TCP_REACHABILITY_HINTS (!CFG_NET_SMALL) /* was 1 */
#define LWIP_ND6_ALLOW_RA_UPDATES (!CFG_NET_SMALL)       /* was 1 */

/* What reassembly keeps of a fragment is larger than its header where pointers are. */
#define IPV6_FRAG_COPYHEADER (__SIZEOF_POINTER__ > 4) /* was 0 */

/* ---- time and name (net_services) ----------------------------------------------------------- */

/* The time is net_clock's. Two servers: when one does not answer the other is asked. An answer
 * must come from the server asked and return the time stamp sent to it, whose bits below a
 * millisecond are random. */
#define SNTP_MAX_SERVERS 2          /* was LWIP_DHCP_MAX_NTP_SERVERS */
#define LWIP_DHCP_GET_NTP_SRV 1     /* was 0 */
#define LWIP_DHCP_MAX_NTP_SERVERS 2 /* was 1 */
#define SNTP_CHECK_RESPONSE 2       /* was 0 */
#define SNTP_COMP_ROUNDTRIP 1       /* was 0 */
#define SNTP_SET_SYSTEM_TIME_NTP(seconds, fraction) \
    net_clock_set_ntp(seconds, fraction) /* was SNTP_SET_SYSTEM_TIME, which is empty */
#define SNTP_GET_SYSTEM_TIME_NTP(seconds, fraction) \
    net_clock_get_ntp(&(seconds), &(fraction)) /* was SNTP_GET_SYSTEM_TIME, which is zero */
#include "net_clock.h"

/* Answers for its name and its service, and asks for nothing. */
#define LWIP_MDNS_RESPONDER 1 /* was 0 */
#define LWIP_MDNS_SEARCH 0    /* was 1 */
#define MDNS_MAX_SERVICES 1   /* was 1 */

/* mDNS keeps its state in the netif. */
#define LWIP_NUM_NETIF_CLIENT_DATA 1 /* was 0 */

/* Parts of truncated questions that are kept, half a second at most. Without them an answer says
 * what the asker knows already. */
#define MDNS_MAX_STORED_PKTS 2 /* was 4 */

/* All records with three IPv6 addresses and a name of 16 bytes: an announcement that does not fit
 * is not sent at all. */
#define MDNS_OUTPUT_PACKET_SIZE 768 /* was 512 */

/* ---- TCP ------------------------------------------------------------------------------------ */

/* What is really used follows the interface's MTU and the peer. */
#define TCP_MSS CFG_NET_MSS /* was 536 */

/* 536 bytes and their headers fit the smallest MTU there may be. */
#define TCP_CALCULATE_EFF_SEND_MSS (CFG_NET_MSS > 536) /* was 1 */

/* Uploads: what may be under way towards us. Below 64 KiB it needs no scaling, and on a LAN's
 * round trip of 0.2 ms it is more than a gigabit a second. */
#define TCP_WND (CFG_NET_WINDOW_BYTES / TCP_MSS * TCP_MSS) /* was 4 * TCP_MSS */

/* Lets the peer's own window exceed 64 KiB, so that a scrape's whole page can be in flight. */
#define LWIP_WND_SCALE (CFG_NET_SEND_BYTES > 0xffff) /* was 0 */
#define TCP_RCV_SCALE 0                              /* was 0 */

#define TCP_SND_BUF CFG_NET_SEND_BYTES /* was 2 * TCP_MSS */

#define TCP_SND_QUEUELEN CFG_NET_SEND_SEGMENTS /* was 4 * TCP_SND_BUF / TCP_MSS */

/* The sum of what is copied into a segment is made in the same go, where a processor has that in
 * assembly: net_checksum.h. */
#if defined(__ARM_ARCH) && __ARM_ARCH_PROFILE == 'M'
#define LWIP_CHECKSUM_ON_COPY 1 /* was 0 */
#endif

/* For sockets, which are not here; but its default does not pass lwIP's own check above 64 KiB. */
#define TCP_SNDLOWAT (2 * TCP_MSS + 1) /* was half of TCP_SND_BUF */

/* Out-of-order segments of one connection: more than a window of them is never useful, and the
 * frames they hold are missing elsewhere. */
#define TCP_QUEUE_OOSEQ (!CFG_NET_SMALL) /* was 1 */
#define TCP_OOSEQ_MAX_PBUFS 32           /* was 0, no limit */

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

/* Initial sequence numbers by RFC 6528; LWIP_RAND is in arch/cc.h. */
#define LWIP_HOOK_TCP_ISN net_isn    /* was none: a counter */
#define LWIP_HOOK_FILENAME "hooks.h" /* was none */

/* ---- TLS (altcp_tls_opts.h) ------------------------------------------------------------------ */

#define ALTCP_TLS_SESSIONS_MAX CFG_TLS_SESSIONS_MAX            /* was 8 */
#define ALTCP_TLS_WAITING_MAX CFG_TLS_WAITING_MAX              /* was as many as sessions */
#define ALTCP_TLS_MEM_BYTES CFG_TLS_MEM_BYTES                  /* was 12 KiB a session */
#define ALTCP_TLS_MEM_RESERVE_BYTES CFG_TLS_MEM_RESERVE_BYTES  /* was 8192 */
#define ALTCP_TLS_RECORD_BYTES CFG_TLS_SEND_RECORD_BYTES       /* was 16384 */
#define ALTCP_TLS_RX_RECORD_BYTES CFG_TLS_RECEIVE_RECORD_BYTES /* was 16384 */
/* What the application does not take at once lies in the heap: of a small one a record's worth. No
 * more in one piece than the application keeps in one block: net_server.h. */
#define ALTCP_TLS_RX_UNTAKEN_BYTES (CFG_NET_HEAP_SLABS > 0 ? 16384 : 2048) /* was 16384 */
#define ALTCP_TLS_RX_PBUF_BYTES (CFG_NET_HEAP_SLABS > 0 ? 2048 : 256)      /* was 2048 */
#define ALTCP_TLS_TX_RECORDS CFG_TLS_SEND_RECORDS                          /* was 32 */

/* ---- checks and counters -------------------------------------------------------------------- */

/* Counts the use of each pool, and frames that were dropped, which a board's driver counts itself;
 * what nobody reads is off. The heap of net_heap.c counts for itself. */
#define LWIP_STATS 1                /* was 1 */
#define MEMP_STATS 1                /* was 1 */
#define LINK_STATS (!CFG_NET_SMALL) /* was 1 */
#define TCP_STATS (!CFG_NET_SMALL)  /* was LWIP_TCP */
#define ETHARP_STATS 0              /* was LWIP_ARP */
#define IP_STATS 0                  /* was 1 */
#define IPFRAG_STATS 0              /* was IP_REASSEMBLY || IP_FRAG */
#define ICMP_STATS 0                /* was 1 */
#define IGMP_STATS 0                /* was LWIP_IGMP */
#define UDP_STATS 0                 /* was LWIP_UDP */
#define IP6_STATS 0                 /* was LWIP_IPV6 */
#define ICMP6_STATS 0               /* was LWIP_IPV6 && LWIP_ICMP6 */
#define IP6_FRAG_STATS 0            /* was LWIP_IPV6 && (LWIP_IPV6_FRAG || LWIP_IPV6_REASS) */
#define MLD6_STATS 0                /* was LWIP_IPV6 && LWIP_IPV6_MLD */
#define ND6_STATS 0                 /* was LWIP_IPV6 */

/* ---- rules that lwIP does not check itself -------------------------------------------------- */

#if CFG_NET_MTU_MAX < 576 || CFG_NET_MTU_MAX > 9000
#error "CFG_NET_MTU_MAX: set 576 to 9000"
#endif
#if CFG_NET_NEIGHBORS < 4 || CFG_NET_NEIGHBORS > 127
#error "CFG_NET_NEIGHBORS: set 4 to 127"
#endif
#if CFG_NET_HEAP_SLABS == 0 && !defined(CFG_NET_HEAP_BYTES)
#error "CFG_NET_HEAP_BYTES: set the size of lwIP's heap, or CFG_NET_HEAP_SLABS to 1 or more"
#endif
#if CFG_NET_MSS < 536 || CFG_NET_MSS > CFG_NET_MTU_MAX - 40
#error "CFG_NET_MSS: set 536 to CFG_NET_MTU_MAX - 40"
#endif
#if CFG_NET_ETH_PAD_BYTES != 0 && CFG_NET_ETH_PAD_BYTES != 2
#error "CFG_NET_ETH_PAD_BYTES: set 0 or 2"
#endif
#if CFG_NET_FRAME_BYTES < 128
#error "CFG_NET_FRAME_BYTES: at least 128, all headers of a frame lie in its first piece"
#endif

#endif
