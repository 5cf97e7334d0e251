// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/lifetimes.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { DAY_S = 86400 };

// An order says `Violent extremism`, and a list parted by blanks can't.
static char plain(uint8_t c)
{
	return (char)(c == ' ' || c == '\t' || c == '_' ? '-' : tolower(c));
}

static bool is_category(const char *plain_name, struct slice category)
{
	if (strlen(plain_name) != category.len)
		return false;
	for (size_t i = 0; i < category.len; i++)
		if (plain(category.at[i]) != plain_name[i])
			return false;
	return true;
}

static uint32_t find(const struct lifetimes_categories *c, struct slice category)
{
	uint32_t i = 0;
	while (i < c->count && !is_category(c->at[i].category, category))
		i++;
	return i;
}

static int days_read(const char *text, uint32_t *ret)
{
	char *end;
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	unsigned long days = strtoul(text, &end, 10);
	if (errno || *end || days < 1 || days > LIFETIMES_DAYS_MAX)
		return -EINVAL;
	*ret = (uint32_t)days;
	return 0;
}

int lifetimes_add(struct lifetimes_categories *c, const char *word)
{
	const char *colon = strrchr(word, ':');
	size_t len = colon ? (size_t)(colon - word) : 0;
	uint32_t days;
	if (len == 0 || len >= LIFETIMES_CATEGORY_MAX || days_read(colon + 1, &days) < 0)
		return -EINVAL;
	if (find(c, slice_of(word, len)) < c->count)
		return -EEXIST;
	if (c->count == LIFETIMES_CATEGORIES_MAX)
		return -ENOSPC;
	for (size_t i = 0; i < len; i++)
		c->at[c->count].category[i] = plain((uint8_t)word[i]);
	c->at[c->count].category[len] = '\0';
	c->at[c->count++].days = days;
	return 0;
}

const char *lifetimes_word(const struct lifetimes_categories *c, uint32_t i,
			   char out[LIFETIMES_WORD_MAX])
{
	snprintf(out, LIFETIMES_WORD_MAX, "%s:%u", c->at[i].category, c->at[i].days);
	return out;
}

int64_t lifetimes_max_s(const struct lifetimes *l, struct slice category)
{
	uint32_t i = l && category.len ? find(&l->categories, category) : UINT32_MAX;
	uint32_t days = l && l->max_days ? l->max_days : LIFETIMES_DAYS;
	if (l && i < l->categories.count)
		days = l->categories.at[i].days;
	return (int64_t)days * DAY_S;
}
