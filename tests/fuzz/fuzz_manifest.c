// SPDX-License-Identifier: GPL-3.0-or-later
// What is read as a manifest comes back byte for byte, and can say only one thing.
#include "check.h"
#include "filterd/daemon/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manifest m;
	char wrong[MANIFEST_WRONG_MAX] = "", again[MANIFEST_MAX];
	int result = manifest_parse(&m, slice_of(data, size), wrong);
	CHECK((result < 0) == (wrong[0] != '\0'));
	if (result < 0)
		return 0;
	CHECK(m.command < MANIFEST_COMMANDS && m.serial > 0);
	CHECK(slice_equal(slice_of(again, manifest_write(&m, again)), slice_of(data, size)));
	return 0;
}
