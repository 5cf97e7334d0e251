// SPDX-License-Identifier: GPL-3.0-or-later
// The daemon's status and metrics as the control socket gives them.
#pragma once
#include <jansson.h>

struct view;

json_t *
status_json(const struct view *view); // version, uptime, orders, workers; NULL if out of memory
json_t *status_metrics_json(const struct view *view); // {"metrics": Prometheus text}
