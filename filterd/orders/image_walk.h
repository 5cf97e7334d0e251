// SPDX-License-Identifier: GPL-3.0-or-later
// Every name of an image once, in no order, by way of its table: what else lies in the heap is listed by nobody.
#pragma once
#include "filterd/orders/image_view.h"

struct image_walk {
	const struct image_view *view;
	uint32_t bucket;
	unsigned slot;
};

static inline struct image_walk image_walk_of(const struct image_view *v)
{
	return (struct image_walk){.view = v};
}

// The next name, whose set is one of the image. False at the end.
bool image_walk_next(struct image_walk *w, struct image_entry *ret);
