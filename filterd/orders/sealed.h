// SPDX-License-Identifier: GPL-3.0-or-later
// An image where it lies: a memfd sealed against writing, growing and shrinking, mapped and checked. Rulesets with
// different amendments share one. Internal to rulesets.
#pragma once
#include "filterd/orders/image_view.h"
#include "filterd/orders/ruleset.h"

struct sealed {
	unsigned users;
	int memfd; // our own descriptor
	void *map;
	size_t len;
	struct image_view view;
};

// As ruleset_open_sealed(), which says what can go wrong. For one user.
int sealed_open(struct sealed **ret, int memfd, char error[RULESET_ERROR_MAX]);

// One user more; one less: the last one unmaps it. Not for several threads at a time. sealed_unref() accepts NULL.
struct sealed *sealed_ref(struct sealed *s);
void sealed_unref(struct sealed *s);

// A sealed memfd with a copy of these bytes, or of a regular file (else -EINVAL), or a negative errno.
int sealed_of_bytes(struct slice image);
int sealed_of_file(int file);
