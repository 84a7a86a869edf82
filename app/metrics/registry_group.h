/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_group.h: keeps together what belongs together in a histogram or summary. OpenMetrics
 * 1.0 ("MetricFamily", "Histogram") wants the samples of one metric in a row and its buckets in
 * ascending order; the text format does not, so bodies come in any order.
 */
#ifndef PINGSHOT_METRICS_REGISTRY_GROUP_H
#define PINGSHOT_METRICS_REGISTRY_GROUP_H

#include "metrics/registry.h"

/* The series of `family` that a new one comes behind, or REGISTRY_NONE: it comes first. `rest` is
 * the identity of the new one behind the family's name. O(1) as long as a body brings each metric's samples in a row, or all of one name
 * after all of another; a bucket that comes late searches its family. */
uint32_t registry_group_place(const struct registry *r, uint32_t family, struct slice rest);

#endif
