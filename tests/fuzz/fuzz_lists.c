// SPDX-License-Identifier: GPL-3.0-or-later
// Lists whose format the content tells, packed with gzip or not.
#include "list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_list(NULL, data, size);
}
