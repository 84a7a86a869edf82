/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_shape.h: how OpenMetrics 1.0 shows a family. There a counter's name goes without its
 * _total and owns the names with _total and _created, so what one family may be called depends on
 * which others exist. It is decided when a name comes or goes, not at each scrape.
 */
#ifndef PINGSHOT_METRICS_REGISTRY_SHAPE_H
#define PINGSHOT_METRICS_REGISTRY_SHAPE_H

#include "metrics/registry.h"

/* Decides anew for every family that `name`, just made or removed, has to do with. */
void registry_shape_changed(struct registry *r, struct slice name);

#endif
