// SPDX-License-Identifier: GPL-3.0-or-later
// Each line has one vote. A majority rather than the first line: a stray line is refused by its
// number and must not turn the whole file into something else.
#include "filterd/orders/list_format.h"

#include "filterd/orders/words.h"

// From what can be mistaken least to what is anything.
const struct list_format *const list_formats[] = {
	&list_hosts, &list_dnsmasq, &list_unbound, &list_rpz, &list_adblock, &list_domains, NULL,
};

enum { FORMATS = sizeof list_formats / sizeof list_formats[0] - 1 };

const struct list_format *list_format_named(const char *name, size_t len)
{
	for (int i = 0; i < FORMATS; i++)
		if (strlen(list_formats[i]->name) == len &&
		    memcmp(list_formats[i]->name, name, len) == 0)
			return list_formats[i];
	return NULL;
}

static void vote(struct slice line, unsigned votes[FORMATS])
{
	line = words_trim(line);
	if (line.len == 0 || line.at[0] == '#' || line.at[0] == ';')
		return;
	for (int i = 0; i < FORMATS; i++) {
		if (list_formats[i]->looks(line)) {
			votes[i]++;
			return;
		}
	}
}

bool list_format_is_own(const struct addr *a)
{
	static const struct prefix own[] = {
		{{4, {10}}, 8},        {{4, {172, 16}}, 12}, {{4, {192, 168}}, 16},
		{{4, {169, 254}}, 16}, {{6, {0xfc}}, 7},     {{6, {0xfe, 0x80}}, 10},
	};
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (prefix_contains(&own[i], a))
			return true;
	return false;
}

const struct list_format *list_format_detect(struct slice lines,
					     const struct list_format *ret_two[2])
{
	unsigned votes[FORMATS] = {0};
	int best = FORMATS - 1;
	while (lines.len > 0)
		vote(words_line(&lines), votes);
	for (int i = 0; i < FORMATS; i++)
		if (votes[i] > votes[best])
			best = i;
	for (int i = 0; i < FORMATS; i++) {
		if (i == best || votes[i] == 0 || votes[i] < votes[best])
			continue;
		ret_two[0] = list_formats[i < best ? i : best];
		ret_two[1] = list_formats[i < best ? best : i];
		return NULL;
	}
	return list_formats[best];
}
