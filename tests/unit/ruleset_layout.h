// SPDX-License-Identifier: GPL-3.0-or-later
// A ruleset whose image is of an older layout (image.h), for tests.
#pragma once
#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "filterd/base/name.h"
#include "filterd/base/suffix_hash.h"
#include "filterd/orders/image.h"
#include "tests/unit/ruleset_text.h"

// Makes of an image of today what that version would have written: TAILS has the hashes as they are.
static inline void ruleset_layout_age(struct compiled *c, uint32_t version,
				      const char *const *names)
{
	struct image_header *h = (void *)c->image;
	uint64_t *tails = (void *)(c->image + le64toh(h->sections[IMAGE_TAILS].at));
	uint64_t seed = le64toh(h->seed);
	uint32_t words = (uint32_t)(le64toh(h->sections[IMAGE_TAILS].len) / 8);
	memset(tails, 0, words * sizeof *tails);
	for (; *names; names++) {
		struct slice name = slice_text(*names);
		uint64_t hash = version == 4 ? name_tail_hash(name, seed)
					     : name_tail_note(name, seed);
		tails[suffix_hash_filter_word(hash, words)] |=
			htole64(suffix_hash_filter_bits(hash));
	}
	h->version = htole32(version);
	h->checksum = htole64(image_checksum(c->image, c->len));
}

// `names` are all that the orders list, NULL behind them. Ends the program if it can't be made.
static inline struct ruleset *ruleset_of_layout(uint32_t version, const char *text,
						const char *const *names)
{
	struct compiled compiled = ruleset_compile(text, NULL);
	ruleset_layout_age(&compiled, version, names);
	return ruleset_of_compiled(&compiled);
}
