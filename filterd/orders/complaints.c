// SPDX-License-Identifier: GPL-3.0-or-later
// Sentences are cut at their room, and cleaned: values of a hostile list are quoted in them.
#include "filterd/orders/complaints.h"

#include <stdarg.h>
#include <stdio.h>

static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void complaint_text(char out[COMPLAINT_LEN_MAX], const char *file, unsigned line, const char *why)
{
	if (line)
		snprintf(out, COMPLAINT_LEN_MAX, "%.250s:%u: %s", file, line, why);
	else
		snprintf(out, COMPLAINT_LEN_MAX, "%.250s: %s", file, why);
	clean(out);
}

void complain(struct complaints *c, const char *file, unsigned line, const char *format, ...)
{
	char sentence[COMPLAINT_LEN_MAX / 2], whole[COMPLAINT_LEN_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	complaint_text(whole, file, line, sentence);
	complain_whole(c, whole);
}

void complain_whole(struct complaints *c, const char *sentence)
{
	if (c->count < COMPLAINTS_MAX) {
		snprintf(c->at[c->count], COMPLAINT_LEN_MAX, "%s", sentence);
		clean(c->at[c->count]);
	}
	c->count++;
}
