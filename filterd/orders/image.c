// SPDX-License-Identifier: GPL-3.0-or-later
// The hashes of an image but for that of names; the one file of this layer that knows which they are.
#include "filterd/orders/image.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t image_hash(uint64_t seed, const void *bytes, size_t len)
{
	return XXH3_64bits_withSeed(bytes, len, seed);
}

uint64_t image_checksum(const void *image, size_t len)
{
	size_t skip = offsetof(struct image_header, len);
	return XXH3_64bits((const uint8_t *)image + skip, len - skip);
}
