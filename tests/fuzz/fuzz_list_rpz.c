// SPDX-License-Identifier: GPL-3.0-or-later
// Response policy zones, and with them the syntax of master files.
#include "list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_list(&list_rpz, data, size);
}
