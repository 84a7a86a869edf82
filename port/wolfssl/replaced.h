/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * replaced.h: functions of wolfSSL that boards have smaller ones of: read before every file of it on
 * a board, it makes the linker take ours where it meets both. Where they are, and why, says each file.
 */
#ifndef PINGSHOT_REPLACED_H
#define PINGSHOT_REPLACED_H

/* port/cortex-m/tls_choice.c */
#pragma weak MatchSuite_ex
#pragma weak SendCertificateRequest
#pragma weak wolfSSL_set_options

#endif
