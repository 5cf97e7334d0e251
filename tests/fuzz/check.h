// SPDX-License-Identifier: GPL-3.0-or-later
// What must hold of any name that came out of hostile bytes, and an assertion that no build leaves out.
#pragma once
#include <stdint.h>
#include <stdlib.h>

#include "filterd/base/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

// The name is canonical: its length is right, its bytes are, and it comes back from the wire the same.
static inline void check_name(const struct name *n)
{
	uint8_t wire[255], offsets[NAME_LABELS_MAX];
	uint64_t hashes[NAME_LABELS_MAX];
	struct name back;
	CHECK(n->len > 0 && n->len <= NAME_MAX_LEN && strlen(n->text) == n->len);
	for (size_t i = 0; i < n->len; i++)
		CHECK(n->text[i] > ' ' && n->text[i] < 0x7f &&
		      !(n->text[i] >= 'A' && n->text[i] <= 'Z'));
	size_t len = name_to_wire(n, wire);
	CHECK(name_from_wire(&back, slice_of(wire, len)) == 0);
	CHECK(slice_equal(name_slice(n), name_slice(&back)));
	size_t labels = name_hashes(name_slice(n), 0, offsets, hashes);
	CHECK(labels > 0 && offsets[0] == 0 && offsets[labels - 1] < n->len);
}
