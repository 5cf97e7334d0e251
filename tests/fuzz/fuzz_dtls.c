// SPDX-License-Identifier: GPL-3.0-or-later
// DTLS datagrams, and every fragment in one as the start of a hello. What was read of a prefix must agree
// with what is read of more.
#include "check.h"
#include "filterd/wire/dtls.h"

static void check_hello(struct slice body, size_t total)
{
	struct tls_hello whole, part;
	enum scan got = dtls_hello_read(&whole, body, total);
	CHECK(whole.started && whole.end <= body.len && whole.names.count <= HOSTNAMES_MAX);
	CHECK(got != SCAN_MORE ||
	      (body.len < total && whole.need > body.len && whole.need <= total));
	CHECK(got != SCAN_FOUND || (whole.names.count > 0 && whole.end == total));
	for (size_t i = 0; i < whole.names.count; i++)
		check_name(&whole.names.at[i]);
	enum scan before = dtls_hello_read(&part, slice_of(body.at, body.len / 2), total);
	CHECK(before == SCAN_MORE || before == got);
	CHECK(part.names.count <= whole.names.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dtls d = dtls_of(slice_of(data, size));
	struct dtls_fragment f;
	while (dtls_fragment_next(&f, &d)) {
		CHECK(f.offset <= f.total && f.data.len <= f.total - f.offset);
		CHECK(f.data.len == 0 ||
		      (f.data.at > data && f.data.at + f.data.len <= data + size));
		if (f.type == DTLS_CLIENT_HELLO && f.offset == 0)
			check_hello(f.data, f.total);
	}
	CHECK(!dtls_ok(&d) || rd_left(&d.datagram) == 0);
	if (dtls_ok(&d) && size > 0)
		CHECK(dtls_seems(slice_of(data, size)) || size < 13 || data[0] >= 25 ||
		      data[2] < 0xfc);
	return 0;
}
