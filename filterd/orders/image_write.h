// SPDX-License-Identifier: GPL-3.0-or-later
// An image while it is written: where its sections go, and all of it but the tables of names. Internal to compiling.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "filterd/orders/image.h"

struct image_tables;
struct order_sections;
struct sets;

// The lengths of the sections but for those of the tables, which are the caller's.
void image_write_lens(uint64_t lens[IMAGE_SECTIONS], const struct sets *sets,
		      const struct order_sections *s);

// Where each section goes. Returns the length of the whole image.
size_t image_write_layout(struct image_header *h, const uint64_t lens[IMAGE_SECTIONS]);

// Points the tables at their sections of the image that begins with this header, behind what the heap holds already.
void image_write_tables(struct image_tables *t, uint8_t *image, const struct image_header *h,
			size_t heap_len);

// All but the tables, which are full; the header last, with its checksum. Bytes between the sections are zero already.
// How many names some order lists, or -ENOMEM.
int64_t image_write_rest(uint8_t *image, struct image_header *h, const struct image_tables *t,
			 const struct sets *sets, const struct order_sections *s);
