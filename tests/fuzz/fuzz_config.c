// SPDX-License-Identifier: GPL-3.0-or-later
// The daemon's configuration. What is taken is within its limits, and reads the same from its own dump.
#include <stdio.h>

#include "check.h"
#include "filterd/daemon/config.h"

// `section.key=value` lines as a file.
static void from_dump(char *dump, size_t len, FILE *out)
{
	for (char *line = dump; line < dump + len;) {
		char *end = memchr(line, '\n', (size_t)(dump + len - line));
		char *dot = memchr(line, '.', (size_t)(end - line));
		CHECK(end && dot);
		fprintf(out, "[%.*s]\n%.*s\n", (int)(dot - line), line, (int)(end - dot - 1),
			dot + 1);
		line = end + 1;
	}
}

static char *dump_of(const struct config *config, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);
	CHECK(f);
	config_dump(config, f);
	fclose(f);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config, again;
	char error[INI_ERROR_MAX] = "";
	int result = config_text(&config, "f", (const char *)data, size, error);
	CHECK((result < 0) == (error[0] != '\0'));
	if (result < 0)
		return 0;
	size_t len = 0, file_len = 0, again_len = 0;
	char *dump = dump_of(&config, &len), *file = NULL;
	FILE *f = open_memstream(&file, &file_len);
	CHECK(f);
	from_dump(dump, len, f);
	fclose(f);
	CHECK(config_text(&again, "f", file, file_len, error) == 0);
	char *second = dump_of(&again, &again_len);
	CHECK(again_len == len && memcmp(dump, second, len) == 0);
	free(dump);
	free(file);
	free(second);
	return 0;
}
