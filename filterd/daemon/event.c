// SPDX-License-Identifier: GPL-3.0-or-later
// What of a verdict must outlive the packet.
#include "filterd/daemon/event.h"

bool event_from_verdict(struct event *ret, const struct verdict *verdict,
			const struct ruleset *ruleset, uint64_t serial, int64_t now_ns)
{
	const struct hostname *hostname = verdict->hostname;
	bool told = verdict->reason == REASON_ORDER || verdict->reason == REASON_MONITOR;
	if (!told || !hostname)
		return false;
	*ret = (struct event){
		.now_ns = now_ns,
		.ruleset = ruleset,
		.serial = serial,
		.order = verdict->judged.order,
		.protocol = hostname->protocol,
		.kind = verdict->kind,
		.transport = hostname->transport,
		.classified = hostname->classified,
		.name_offset = verdict->judged.name_offset,
		.client = hostname->client,
		.server = hostname->server,
		.client_port = hostname->client_port,
		.server_port = hostname->server_port,
		.name = hostname->name,
	};
	ret->matches_count = verdict->judged.matches_count;
	ret->matches_overflow = verdict->judged.matches_overflow;
	memcpy(ret->matches, verdict->judged.matches, ret->matches_count * sizeof ret->matches[0]);
	return true;
}
