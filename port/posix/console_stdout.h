/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * console_stdout.h: stdout as the console's device. A reader that is slow, or stopped, makes the
 * console wait, never the loop.
 */
#ifndef PINGSHOT_CONSOLE_STDOUT_H
#define PINGSHOT_CONSOLE_STDOUT_H

/* Before the process ends: gives a slow reader up to a second to take what waits. */
void console_stdout_finish(void);

#endif
