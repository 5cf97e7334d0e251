// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/zone_serial.h"

#include <stdio.h>

#include "filterd/orders/master.h"
#include "filterd/orders/words.h"

enum {
	LOOK_MAX =
		1
		<< 16, // bytes at the start of a zone; what export writes has its SOA behind a line for each order
	SERIAL = 2, // the place among an SOA's data: behind two names
};

static bool take_number(struct slice word, uint32_t *ret)
{
	uint64_t number = 0;
	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] < '0' || word.at[i] > '9' || number > UINT32_MAX)
			return false;
		number = number * 10 + (uint64_t)(word.at[i] - '0');
	}
	*ret = (uint32_t)number;
	return word.len > 0 && number <= UINT32_MAX;
}

static bool take_serial(const struct master *m, uint32_t *ret)
{
	struct master_record record;
	if (!master_record(m, &record) || !words_equal(record.type, "SOA"))
		return false;
	for (unsigned i = 0; i + SERIAL < m->count; i++)
		if (m->words[i].at == record.data.at)
			return take_number(m->words[i + SERIAL], ret);
	return false;
}

static bool find_serial(struct slice text, uint32_t *ret)
{
	struct master m = {0};
	const char *why;
	for (unsigned number = 1; text.len > 0; number++) {
		int result = master_line(&m, words_line(&text), number, &why);
		if (result < 0)
			return false;
		if (result > 0 && m.count > 0 && take_serial(&m, ret))
			return true;
	}
	return false;
}

uint32_t zone_serial_next(const char *path, uint32_t now_s)
{
	static uint8_t text[LOOK_MAX];
	uint32_t old;
	FILE *file = path ? fopen(path, "r") : NULL;
	if (!file)
		return now_s;
	size_t len = fread(text, 1, sizeof text, file);
	fclose(file);
	bool is_zone = find_serial(slice_of(text, len), &old);
	return is_zone && (int32_t)(now_s - old) <= 0 ? old + 1 : now_s;
}
