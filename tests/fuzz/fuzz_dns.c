// SPDX-License-Identifier: GPL-3.0-or-later
// DNS queries, alone and in a stream, and the answer to what was read: it must be a packet that holds.
#include "check.h"
#include "filterd/wire/reply.h"

static void answer(const struct dns_query *q, enum reply_code code)
{
	static const struct addr sinkholes[] = {{4, {192, 0, 2, 1}}, {6, {0x20, 1, 0xd, 0xb8}}};
	const struct packet to = {.src = sinkholes[0],
				  .dst = sinkholes[0],
				  .proto = PACKET_UDP,
				  .src_port = 1,
				  .dst_port = 53};
	const struct reply_dns what = {.code = code,
				       .sinkholes = sinkholes,
				       .sinkhole_count = 2,
				       .ede = REPLY_EDE_CENSORED,
				       .text = slice_text("reference")};
	uint8_t out[REPLY_MAX];
	struct packet p;
	size_t len = reply_dns(out, sizeof out, &to, q, &what);
	CHECK(len > 0 && packet_parse(&p, slice_of(out, len), 0) == PACKET_OK);
	CHECK(p.payload.len >= DNS_HEADER_LEN && p.payload.len <= 1232);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_query q;
	size_t need;
	struct slice bytes = slice_of(data, size);
	enum scan got = dns_query_read(&q, bytes);
	CHECK(got != SCAN_MORE && (got != SCAN_FOUND || q.names.count > 0));
	for (size_t i = 0; i < q.names.count; i++)
		check_name(&q.names.at[i]);
	for (enum reply_code code = REPLY_NXDOMAIN; got == SCAN_FOUND && code <= REPLY_SINKHOLE;
	     code++)
		answer(&q, code);
	CHECK(!dns_query_likely(bytes) || got == SCAN_FOUND || got == SCAN_NONE);
	got = dns_stream_read(&q, bytes, &need);
	CHECK(got == SCAN_MORE ? need > size : need <= size);
	return 0;
}
