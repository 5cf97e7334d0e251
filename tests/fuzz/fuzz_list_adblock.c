// SPDX-License-Identifier: GPL-3.0-or-later
// Filter lists of Adblock Plus, uBlock Origin and AdGuard.
#include "list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_list(&list_adblock, data, size);
}
