// SPDX-License-Identifier: GPL-3.0-or-later
// What comes before TLS in a stream.
#include "check.h"
#include "filterd/wire/prelude.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prelude p;
	enum scan scan = prelude_read(&p, slice_of(data, size));
	CHECK(p.end <= size);
	CHECK(scan != SCAN_FOUND || (p.names.count > 0 && p.end > 0));
	CHECK(scan != SCAN_MORE || (p.need > size && size < PRELUDE_MAX));
	return 0;
}
