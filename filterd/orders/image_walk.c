// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/image_walk.h"

bool image_walk_next(struct image_walk *w, struct image_entry *ret)
{
	for (; w->bucket < w->view->bucket_count; w->bucket++, w->slot = 0) {
		const struct image_bucket *b = &w->view->buckets[w->bucket];
		while (w->slot < b->used && w->slot < IMAGE_SLOTS)
			if (image_entry_read(w->view->heap, le32toh(b->at[w->slot++]), ret) &&
			    ret->set < w->view->set_count)
				return true;
	}
	return false;
}
