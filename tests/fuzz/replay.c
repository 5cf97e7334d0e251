// SPDX-License-Identifier: GPL-3.0-or-later
// Stands in for libFuzzer: feeds a target every file of the folders named, so that the corpora and past
// crashes are plain tests. A folder that is missing or empty is an error, lest a test runs on nothing;
// only regression/<noun> may be missing, as long as that target has found none.
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void die(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

// The input ends where its allocation ends, so that sanitizers see a read past it.
static void feed(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END) < 0)
		die(path);
	long size = ftell(f);
	if (size < 0)
		die(path);
	rewind(f);
	uint8_t *data = malloc((size_t)size);
	if ((!data && size > 0) || fread(data, 1, (size_t)size, f) != (size_t)size)
		die(path);
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
}

static unsigned feed_folder(const char *folder)
{
	unsigned count = 0;
	DIR *dir = opendir(folder);
	if (!dir && errno == ENOENT && strstr(folder, "/regression/"))
		return 0;
	if (!dir)
		die(folder);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		feed(path);
		count++;
	}
	closedir(dir);
	if (count == 0) {
		fprintf(stderr, "%s: no files\n", folder);
		exit(1);
	}
	printf("%s: %u inputs\n", folder, count);
	return count;
}

int main(int argc, char **argv)
{
	unsigned count = 0;
	for (int i = 1; i < argc; i++)
		count += feed_folder(argv[i]);
	return count == 0;
}
