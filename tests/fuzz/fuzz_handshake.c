// SPDX-License-Identifier: GPL-3.0-or-later
// A TLS handshake without records. It must be read as in one record that holds it all.
#include "check.h"
#include "filterd/wire/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t stream[5 + UINT16_MAX];
	struct tls_hello bare, inside, part;
	enum scan got = tls_handshake_read(&bare, slice_of(data, size));
	CHECK(bare.end <= size && bare.names.count <= HOSTNAMES_MAX);
	CHECK(got != SCAN_MORE || bare.need > size);
	CHECK(got != SCAN_FOUND || (bare.names.count > 0 && bare.started && bare.end > 0));
	for (size_t i = 0; i < bare.names.count; i++)
		check_name(&bare.names.at[i]);

	enum scan before = tls_handshake_read(&part, slice_of(data, size / 2));
	CHECK(before == SCAN_MORE || before == got);
	CHECK(before != SCAN_MORE || got == SCAN_MORE || got == SCAN_BAD || size >= part.need ||
	      !bare.started);
	if (size == 0 || size > UINT16_MAX)
		return 0;

	memcpy(stream, (const uint8_t[]){22, 3, 1, (uint8_t)(size >> 8), (uint8_t)size}, 5);
	memcpy(stream + 5, data, size);
	enum scan recorded = tls_hello_read(&inside, slice_of(stream, 5 + size));
	bool more_behind = bare.end > 0 && bare.end < size;
	CHECK(recorded == (more_behind ? SCAN_BAD : got));
	CHECK(inside.names.count == bare.names.count && inside.started == bare.started);
	return 0;
}
