// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/signing.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "filterd/base/clock.h"
#include "filterd/base/ini.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/save.h"
#include "filterd/daemon/manifest.h"

enum { HOURS = 24, HOUR_S = 3600 };

void signing_init(struct signing *s)
{
	*s = (struct signing){.hours = HOURS};
}

static bool number_read(const char *text, uint64_t max, uint64_t *ret)
{
	char *end;
	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return !errno && !*end && *ret > 0 && *ret <= max;
}

static bool signature_add(struct signing *s, const char *path)
{
	if (s->signature_count == SIGNING_SIGNATURES_MAX)
		return false;
	s->signatures[s->signature_count++] = path;
	return true;
}

bool signing_option(struct signing *s, int option)
{
	uint64_t hours;
	switch (option) {
	case 'P':
		s->prepare = optarg;
		return true;
	case 'N':
		return number_read(optarg, MANIFEST_SERIAL_MAX, &s->serial);
	case 'H':
		if (!number_read(optarg, 24 * 90, &hours))
			return false;
		s->hours = (unsigned)hours;
		return true;
	case 'M':
		s->manifest = optarg;
		return true;
	case 'S':
		return signature_add(s, optarg);
	case 'B':
		return s->break_glass = true;
	default:
		return false;
	}
}

bool signing_good(const struct signing *s)
{
	const char *wrong = NULL;
	if (s->prepare && (s->manifest || s->break_glass))
		wrong = "--prepare writes a manifest, and sends none";
	else if (s->manifest && s->break_glass)
		wrong = "--break-glass is for what has no signatures";
	else if (!s->manifest && s->signature_count)
		wrong = "signatures are of a manifest: --manifest FILE";
	else if (s->serial && !s->prepare)
		wrong = "--serial goes into a manifest: --prepare FILE";
	if (wrong)
		fprintf(stderr, "filterctl: %s\n", wrong);
	return !wrong;
}

// --- Sending

static char *text_load(const char *path)
{
	char error[INI_ERROR_MAX], *text = NULL;
	size_t len;
	if (ini_load(path, &text, &len, error) == 0 && strlen(text) == len)
		return text;
	fprintf(stderr, "filterctl: %s\n", text ? "a NUL is in a file that should be text" : error);
	free(text);
	return NULL;
}

static bool signatures_add(const struct signing *s, json_t *request)
{
	json_t *list = json_array();
	bool good = true;
	for (unsigned i = 0; i < s->signature_count && good; i++) {
		char *text = text_load(s->signatures[i]);
		good = text && json_array_append_new(list, json_string(text)) == 0;
		free(text);
	}
	return json_object_set_new(request, "signatures", list) == 0 && good;
}

static void what_add(const struct manifest *m, json_t *request)
{
	char until[CLOCK_TEXT_MAX];
	if (m->order[0])
		json_object_set_new(request, "order", json_string(m->order));
	if (m->until_s)
		json_object_set_new(request, "until", json_string(clock_text(m->until_s, until)));
	if (m->to)
		json_object_set_new(request, "serial", json_integer((json_int_t)m->to));
	if (m->note[0])
		json_object_set_new(request, m->order[0] ? "reason" : "note", json_string(m->note));
}

json_t *signing_request(const struct signing *s, const char *command)
{
	struct manifest m;
	char wrong[MANIFEST_WRONG_MAX];
	char *text = text_load(s->manifest);
	json_t *request = NULL;
	if (!text)
		return NULL;
	if (manifest_parse(&m, slice_text(text), wrong) != 0)
		fprintf(stderr, "filterctl: %s: %s\n", s->manifest, wrong);
	else if (strcmp(manifest_command_words[m.command], command) != 0)
		fprintf(stderr, "filterctl: %s is for `filterctl %s`\n", s->manifest,
			manifest_command_words[m.command]);
	else
		request = json_pack("{s:s, s:s}", "command", command, "manifest", text);
	free(text);
	if (request)
		what_add(&m, request);
	if (!request || signatures_add(s, request))
		return request;
	json_decref(request);
	return NULL;
}

// --- Preparing

static bool text_take(char *ret, size_t size, const json_t *request, const char *key)
{
	const char *text = json_string_value(json_object_get(request, key));
	return !text || (size_t)snprintf(ret, size, "%s", text) < size;
}

static bool image_take(struct manifest *m, const char *hex)
{
	unsigned byte;
	for (int i = 0; hex && i < DIGEST_LEN; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		m->image[i] = (uint8_t)byte;
	}
	return true;
}

// False if something in the request is longer than it may be.
static bool manifest_fill(struct manifest *m, const json_t *request, const char *image)
{
	const char *command = json_string_value(json_object_get(request, "command"));
	const char *until = json_string_value(json_object_get(request, "until"));
	while (strcmp(manifest_command_words[m->command], command) != 0)
		m->command++;
	m->to = (uint64_t)json_integer_value(json_object_get(request, "serial"));
	return text_take(m->order, sizeof m->order, request, "order") &&
	       text_take(m->note, sizeof m->note, request, "reason") &&
	       (m->note[0] || text_take(m->note, sizeof m->note, request, "note")) &&
	       image_take(m, image) && (!until || clock_from_text(&m->until_s, until) == 0);
}

static int write_file(const char *path, const void *bytes, size_t len)
{
	int result = save_bytes(path, bytes, len);
	if (result < 0)
		fprintf(stderr, "filterctl: %s: %s\n", path, strerror(-result));
	return result < 0 ? EXIT_ERROR : EXIT_OK;
}

static int image_path(const char *manifest, char out[PATH_MAX])
{
	if (snprintf(out, PATH_MAX, "%s.image", manifest) < PATH_MAX)
		return EXIT_OK;
	fprintf(stderr, "filterctl: %s: %s\n", manifest, strerror(ENAMETOOLONG));
	return EXIT_ERROR;
}

int signing_image_save(const struct signing *s, int memfd, char ret_digest[DIGEST_TEXT_MAX])
{
	char path[PATH_MAX];
	uint8_t digest[DIGEST_LEN];
	struct stat st;
	if (image_path(s->prepare, path) != EXIT_OK || fstat(memfd, &st) < 0)
		return EXIT_ERROR;
	size_t len = (size_t)st.st_size;
	void *image = mmap(NULL, len, PROT_READ, MAP_SHARED, memfd, 0);
	if (image == MAP_FAILED || digest_of(slice_of(image, len), digest) != 0) {
		fprintf(stderr, "filterctl: no memory for the image\n");
		if (image != MAP_FAILED)
			munmap(image, len);
		return EXIT_ERROR;
	}
	digest_text(digest, ret_digest);
	int status = write_file(path, image, len);
	munmap(image, len);
	return status;
}

int signing_image_open(const struct signing *s, struct ruleset **ret)
{
	char path[PATH_MAX], error[RULESET_ERROR_MAX] = "no memory";
	if (image_path(s->manifest, path) != EXIT_OK)
		return EXIT_ERROR;
	if (ruleset_open_file(ret, path, error) == 0)
		return EXIT_OK;
	fprintf(stderr, "filterctl: %s\n", error);
	return EXIT_ERROR;
}

int signing_prepare(const struct signing *s, const json_t *request, uint64_t serial,
		    const char *image)
{
	int64_t now_s = clock_now_ns() / CLOCK_SECOND_NS;
	struct manifest m = {.serial = s->serial ? s->serial : serial,
			     .not_before_s = now_s,
			     .not_after_s = now_s + (int64_t)s->hours * HOUR_S};
	char text[MANIFEST_MAX];
	if (m.serial == 0) {
		fprintf(stderr,
			"filterctl: the daemon does not say which serial comes next, so it is "
			"older than filterctl: try again after `filterctl upgrade`, or state one "
			"above that of `filterctl status` with --serial\n");
		return EXIT_ERROR;
	}
	size_t len = manifest_fill(&m, request, image) ? manifest_write(&m, text) : 0;
	if (len == 0) {
		fprintf(stderr,
			"filterctl: the order or the note is too long for a manifest, or holds "
			"control characters\n");
		return EXIT_ERROR;
	}
	int status = write_file(s->prepare, text, len);
	if (status == EXIT_OK)
		printf("%.*s\nWritten to %s. Who agrees signs it: minisign -Sm %s\nThen: filterctl "
		       "%s "
		       "--manifest %s --signature %s.minisig\n",
		       (int)len, text, s->prepare, s->prepare, manifest_command_words[m.command],
		       s->prepare, s->prepare);
	return status;
}
