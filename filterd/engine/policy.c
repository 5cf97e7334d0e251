// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/engine/policy.h"

bool policy_undecided(const enum undecided_policy policies[HOSTNAME_PROTOCOLS + 1],
		      enum hostname_protocol protocol, enum verdict_reason reason,
		      struct verdict *ret)
{
	bool drop = policies[protocol] == UNDECIDED_DROP;
	ret->kind = drop ? VERDICT_DROP : VERDICT_PASS;
	ret->reason = reason;
	return drop;
}
