// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/engine/verdict.h"

const char *verdict_kind_text(enum verdict_kind kind)
{
	static const char *const text[] = {
		[VERDICT_PASS] = "pass",
		[VERDICT_DROP] = "drop",
		[VERDICT_ANSWER] = "answer",
		[VERDICT_RESET] = "reset",
	};
	return text[kind];
}

const char *undecided_why_text(enum undecided_why why)
{
	static const char *const text[UNDECIDED_WHYS] = {
		[UNDECIDED_BYTES] = "bytes",   [UNDECIDED_TIME] = "time",
		[UNDECIDED_MEMORY] = "memory", [UNDECIDED_UNREADABLE] = "unreadable",
		[UNDECIDED_JOIN] = "join",
	};
	return text[why];
}

const char *verdict_reason_text(enum verdict_reason reason)
{
	static const char *const text[REASONS] = {
		[REASON_PLAIN] = "plain",
		[REASON_ORDER] = "order",
		[REASON_FLOW_BLOCKED] = "flow-blocked",
		[REASON_MONITOR] = "monitor",
		[REASON_UNDECIDED_CAP] = "undecided-cap",
		[REASON_UNDECIDED_BAD] = "undecided-bad",
		[REASON_FORGOTTEN] = "forgotten",
		[REASON_BAD_LENGTH] = "bad-length",
		[REASON_BAD_HEADER] = "bad-header",
		[REASON_BAD_CHECKSUM] = "bad-checksum",
		[REASON_SIGNATURE] = "signature",
		[REASON_CONFLICT] = "conflict",
		[REASON_OLD_TIMESTAMP] = "old-timestamp",
		[REASON_OUT_OF_WINDOW] = "out-of-window",
		[REASON_TRUNCATED] = "truncated",
		[REASON_CANARY] = "canary",
		[REASON_ECH] = "ech",
		[REASON_URGENT] = "urgent",
		[REASON_KEEPALIVE] = "keep-alive",
		[REASON_QUOTA] = "quota",
	};
	return text[reason];
}
