// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/image_walk.h"

#include "filterd/base/rd.h"

enum { SET_BYTES_MAX = 5 };

// The name of the heap's entry at `at`: its length, the number of its set, and its bytes. Empty if there is none.
static struct slice name_at(const struct image_view *v, uint32_t at)
{
	struct rd r = rd_of(v->heap);
	rd_seek(&r, at);
	uint8_t len = rd_u8(&r);
	for (int i = 0; i < SET_BYTES_MAX && rd_u8(&r) & 0x80; i++)
		;
	struct slice name = rd_bytes(&r, len);
	return rd_ok(&r) ? name : slice_of(NULL, 0);
}

bool image_walk_next(struct image_walk *w, struct slice *ret)
{
	for (; w->bucket < w->view->bucket_count; w->bucket++, w->slot = 0) {
		const struct image_bucket *b = &w->view->buckets[w->bucket];
		while (w->slot < b->used && w->slot < IMAGE_SLOTS) {
			*ret = name_at(w->view, le32toh(b->at[w->slot++]));
			if (ret->len)
				return true;
		}
	}
	return false;
}
