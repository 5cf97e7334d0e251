// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/show.h"

#include <stdio.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/orders/text.h"

enum { MILLISECONDS = 3, TIMES = 4 };

json_int_t show_number(const json_t *of, const char *key)
{
	return json_integer_value(json_object_get(of, key));
}

const char *show_string(const json_t *string)
{
	const char *text = json_string_value(string);
	return text && *text && text_valid(slice_text(text)) ? text : "-";
}

const char *show_text(const json_t *of, const char *key)
{
	return show_string(json_object_get(of, key));
}

// "2019-03-15T20:00:00.123456+0000" with as many digits of the fraction, if there is one.
static const char *cut(const char *text, size_t digits)
{
	static char out[TIMES][CLOCK_TEXT_MAX];
	static unsigned next;
	size_t whole = strcspn(text, ".Z+"), fraction = 0;
	if (text[whole] == '.')
		fraction = 1 + strspn(text + whole + 1, "0123456789");
	const char *zone = text + whole + fraction;
	if (strcmp(zone, "+0000") == 0 || strcmp(zone, "+00:00") == 0)
		zone = "Z";
	if (fraction > digits + 1)
		fraction = digits ? digits + 1 : 0;
	char *to = out[next++ % TIMES];
	snprintf(to, CLOCK_TEXT_MAX, "%.*s%s", (int)(whole + fraction), text, zone);
	return to;
}

const char *show_time(const json_t *of, const char *key)
{
	return cut(show_text(of, key), MILLISECONDS);
}

const char *show_seconds(const json_t *of, const char *key)
{
	return cut(show_text(of, key), 0);
}

void show_json(const json_t *answer)
{
	json_dumpf(answer, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
}
