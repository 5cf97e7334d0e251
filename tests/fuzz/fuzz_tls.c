// SPDX-License-Identifier: GPL-3.0-or-later
// TLS streams of clients and servers. What was read of a prefix must agree with what is read of more.
#include "check.h"
#include "filterd/wire/tls.h"

static void check_hello(const struct tls_hello *h, enum scan got, size_t len)
{
	CHECK(h->end <= len && h->names.count <= HOSTNAMES_MAX);
	CHECK(got == SCAN_MORE ? h->need > len && h->need < len + 0x1000000 + 100 : true);
	CHECK(got != SCAN_FOUND || (h->names.count > 0 && h->started && h->end > 0));
	CHECK(got != SCAN_BAD || h->started);
	for (size_t i = 0; i < h->names.count; i++)
		check_name(&h->names.at[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_hello whole, part;
	enum scan got = tls_hello_read(&whole, slice_of(data, size));
	check_hello(&whole, got, size);

	// Complete or hopeless at a prefix: more bytes change nothing. Complete only later: MORE before.
	size_t len = size ? data[size - 1] * size / 256 : 0;
	enum scan before = tls_hello_read(&part, slice_of(data, len));
	check_hello(&part, before, len);
	CHECK(before == SCAN_MORE || before == got);
	CHECK(before != SCAN_MORE || got == SCAN_MORE || size >= part.need || got != SCAN_FOUND);
	CHECK(part.names.count <= whole.names.count);

	enum tls_server server = tls_server_read(slice_of(data, size));
	CHECK(server != TLS_SERVER_MORE || size < TLS_SERVER_HEAD);
	return 0;
}
