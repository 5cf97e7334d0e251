// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/image_write.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/orders/image_tables.h"
#include "filterd/orders/order_sections.h"
#include "filterd/orders/sets.h"

void image_write_lens(uint64_t lens[IMAGE_SECTIONS], const struct sets *sets,
		      const struct order_sections *s)
{
	lens[IMAGE_SETS] = ((uint64_t)sets->count + 1) * sizeof(struct image_set);
	lens[IMAGE_MEMBERS] = (uint64_t)sets_members(sets) * 4;
	lens[IMAGE_ORDERS] = s->orders.len;
	lens[IMAGE_OVERRIDES] = s->overrides.len;
	lens[IMAGE_POINTS4] = s->points4.len;
	lens[IMAGE_POINTS6] = s->points6.len;
	lens[IMAGE_TEXT] = s->text.len;
}

size_t image_write_layout(struct image_header *h, const uint64_t lens[IMAGE_SECTIONS])
{
	uint64_t at = sizeof *h;
	for (int i = 0; i < IMAGE_SECTIONS; i++) {
		h->sections[i].at = htole64(at);
		h->sections[i].len = htole64(lens[i]);
		at += (lens[i] + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN;
	}
	h->len = htole64(at);
	return at;
}

static void *section(uint8_t *image, const struct image_header *h, enum image_section_number number)
{
	return image + le64toh(h->sections[number].at);
}

void image_write_tables(struct image_tables *t, uint8_t *image, const struct image_header *h,
			size_t heap_len)
{
	t->tails = section(image, h, IMAGE_TAILS);
	t->filter = section(image, h, IMAGE_FILTER);
	t->buckets = section(image, h, IMAGE_BUCKETS);
	t->tail_count = (uint32_t)(le64toh(h->sections[IMAGE_TAILS].len) / 8);
	t->filter_count = (uint32_t)(le64toh(h->sections[IMAGE_FILTER].len) / 8);
	t->bucket_count = le32toh(h->buckets);
	t->heap = wr_init(section(image, h, IMAGE_HEAP), le64toh(h->sections[IMAGE_HEAP].len));
	wr_room(&t->heap, heap_len);
}

static void copy_section(uint8_t *image, const struct image_header *h,
			 enum image_section_number number, const struct blob *b)
{
	if (b->len)
		memcpy(section(image, h, number), b->bytes, b->len);
}

static int write_order_names(uint8_t *image, const struct image_header *h, const struct sets *sets)
{
	struct image_order *orders = section(image, h, IMAGE_ORDERS);
	size_t count = le64toh(h->sections[IMAGE_ORDERS].len) / sizeof *orders;
	uint64_t *names = calloc(count + 1, sizeof *names);
	if (!names)
		return -ENOMEM;
	sets_add_order_names(sets, names);
	for (size_t i = 0; i < count; i++)
		orders[i].names = htole64(names[i]);
	free(names);
	return 0;
}

int64_t image_write_rest(uint8_t *image, struct image_header *h, const struct image_tables *t,
			 const struct sets *sets, const struct order_sections *s)
{
	uint64_t names = sets_names(sets);
	sets_write(sets, section(image, h, IMAGE_SETS), section(image, h, IMAGE_MEMBERS));
	copy_section(image, h, IMAGE_ORDERS, &s->orders);
	copy_section(image, h, IMAGE_OVERRIDES, &s->overrides);
	copy_section(image, h, IMAGE_POINTS4, &s->points4);
	copy_section(image, h, IMAGE_POINTS6, &s->points6);
	copy_section(image, h, IMAGE_TEXT, &s->text);
	if (write_order_names(image, h, sets) < 0)
		return -ENOMEM;
	memcpy(h->magic, IMAGE_MAGIC, IMAGE_MAGIC_LEN);
	h->version = htole32(IMAGE_VERSION);
	h->header_len = htole32(sizeof *h);
	h->seed = htole64(t->seed);
	h->names = htole64(names);
	h->entries = htole64(t->entries);
	h->labels[0] = htole64(t->labels[0]);
	h->labels[1] = htole64(t->labels[1]);
	h->longest = htole32(t->longest);
	memcpy(image, h, sizeof *h);
	h->checksum = htole64(image_checksum(image, le64toh(h->len)));
	memcpy(image, h, sizeof *h);
	return (int64_t)names;
}
