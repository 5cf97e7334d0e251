// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to traffic that can't be judged, be it that a cap was reached or that it can't be read:
// the one place that decides it.
#pragma once
#include <stdbool.h>

#include "filterd/engine/verdict.h"

enum undecided_policy { UNDECIDED_PASS, UNDECIDED_DROP };

// Fills *ret with the verdict for a packet of `protocol` that is undecided for `reason`, by
// `policies` (one per protocol; the last for HOSTNAME_UNKNOWN). True if it is to be dropped.
bool policy_undecided(const enum undecided_policy policies[HOSTNAME_PROTOCOLS + 1],
		      enum hostname_protocol protocol, enum verdict_reason reason,
		      struct verdict *ret);
