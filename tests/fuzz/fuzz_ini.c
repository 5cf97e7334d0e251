// SPDX-License-Identifier: GPL-3.0-or-later
// INI text: whatever it is, strings end, lines count up, and an error has a sentence.
#include "filterd/base/ini.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *arg, const struct ini_where *where, const char *section, const char *key,
		const char *value, char error[INI_ERROR_MAX])
{
	unsigned *line = arg;
	if (where->line <= *line || strlen(section) > INI_SECTION_MAX || section[0] == '\0' ||
	    strlen(key) + strlen(value) > INI_LINE_MAX)
		abort();
	*line = where->line;
	error[0] = '\0';
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned line = 0;
	char error[INI_ERROR_MAX] = "";
	int result = ini_text("f", (const char *)data, size, take, &line, error);
	if ((result < 0) != (error[0] != '\0'))
		abort();
	return 0;
}
