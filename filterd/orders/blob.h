// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes that grow at their end: what a section of an image is gathered in. Running out of memory is
// remembered and asked for once, at the end.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob {
	uint8_t *bytes;
	size_t len, room;
	bool failed;
};

// All zero is an empty blob; blob_done() leaves such a one.
void blob_done(struct blob *b);

void blob_add(struct blob *b, const void *bytes, size_t len);
void blob_u32(struct blob *b, uint32_t v); // little-endian
