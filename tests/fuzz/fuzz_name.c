// SPDX-License-Identifier: GPL-3.0-or-later
// Names out of text and out of wire labels. A canonical name is canonical: read again, it stays.
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct name n, again;
	if (name_from_wire(&n, slice_of(data, size)) == 0)
		check_name(&n);
	if (name_from_text(&n, slice_of(data, size)) == 0) {
		check_name(&n);
		CHECK(name_from_text(&again, name_slice(&n)) == 0);
		CHECK(slice_equal(name_slice(&n), name_slice(&again)));
	}
	return 0;
}
