// SPDX-License-Identifier: GPL-3.0-or-later
// Doubling, as everywhere.
#include "filterd/orders/blob.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

void blob_done(struct blob *b)
{
	free(b->bytes);
	*b = (struct blob){0};
}

static void grow(struct blob *b, size_t len)
{
	size_t room = b->room ? b->room : 256;
	while (room - b->len < len)
		room *= 2;
	uint8_t *bytes = realloc(b->bytes, room);
	if (!bytes) {
		b->failed = true;
		return;
	}
	b->bytes = bytes;
	b->room = room;
}

void blob_add(struct blob *b, const void *bytes, size_t len)
{
	if (b->failed || len == 0)
		return;
	if (b->room - b->len < len)
		grow(b, len);
	if (b->failed)
		return;
	memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

void blob_u32(struct blob *b, uint32_t v)
{
	uint32_t le = htole32(v);
	blob_add(b, &le, sizeof le);
}
