// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/tails.h"

#include "filterd/base/name.h"
#include "filterd/base/suffix_hash.h"

enum { SEED = 0 }; // who makes names that collide gains a second look at them

void tails_add(struct tails *t, const struct name *name)
{
	uint64_t hash = name_tail_hash(name_slice(name), SEED);
	t->words[suffix_hash_filter_word(hash, TAILS_WORDS)] |= suffix_hash_filter_bits(hash);
}

void tails_add_all(struct tails *t)
{
	t->all = true;
}

static bool has(const struct tails *t, struct slice name)
{
	uint64_t hash = name_tail_hash(name, SEED), bits = suffix_hash_filter_bits(hash);
	return (t->words[suffix_hash_filter_word(hash, TAILS_WORDS)] & bits) == bits;
}

bool tails_may_have(const struct tails *t, const struct name *name)
{
	const char *dot = memrchr(name->text, '.', name->len);
	if (t->all || !dot)
		return true;
	return has(t, name_slice(name)) || has(t, slice_text(dot + 1));
}
