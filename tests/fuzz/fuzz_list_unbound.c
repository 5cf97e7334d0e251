// SPDX-License-Identifier: GPL-3.0-or-later
// Configuration of Unbound.
#include "list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_list(&list_unbound, data, size);
}
