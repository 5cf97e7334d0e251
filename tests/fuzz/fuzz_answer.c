// SPDX-License-Identifier: GPL-3.0-or-later
// DNS answers: the names in them, and the copy without ECH keys: it says the same of everything else.
#include "check.h"
#include "filterd/wire/dns.h"
#include "filterd/wire/dns_ech.h"

static void same_names(const struct hostnames *a, const struct hostnames *b)
{
	CHECK(a->count == b->count && a->overflow == b->overflow);
	for (size_t i = 0; i < a->count; i++)
		CHECK(slice_equal(name_slice(&a->at[i]), name_slice(&b->at[i])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[65536];
	struct dns_query q, after;
	size_t need, len = 0;
	struct slice bytes = slice_of(data, size);
	enum scan got = dns_answer_read(&q, bytes);
	CHECK(got != SCAN_MORE && (got != SCAN_FOUND || q.names.count > 0));
	for (size_t i = 0; i < q.names.count; i++)
		check_name(&q.names.at[i]);
	CHECK(!dns_answer_likely(bytes) || (got != SCAN_BAD && !dns_query_likely(bytes)));
	enum scan stream = dns_answer_stream_read(&after, bytes, &need);
	CHECK(stream == SCAN_MORE ? need > size : need <= size);
	if (dns_ech_strip(bytes, out, sizeof out, &len) != DNS_ECH_STRIPPED)
		return 0;
	CHECK(len < size && len >= DNS_HEADER_LEN);
	size_t again;
	CHECK(dns_ech_strip(slice_of(out, len), out, 0, &again) == DNS_ECH_NONE);
	CHECK(dns_answer_read(&after, slice_of(out, len)) == got);
	CHECK(after.type == q.type && after.has_edns == q.has_edns);
	if (got != SCAN_BAD)
		same_names(&q.names, &after.names);
	return 0;
}
