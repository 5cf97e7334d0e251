// SPDX-License-Identifier: GPL-3.0-or-later
// The audit trail: entries follow each other, whatever is done to the file shows, and what a power cut or a
// full disk leaves is kept and vouched for.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/daemon/audit.h"

static char folder[] = "/tmp/filterd-audit-XXXXXX", path[64], syslog_path[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/audit.log", folder);
	snprintf(syslog_path, sizeof syslog_path, "%s/syslog", folder);
	return 0;
}

static int forget(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static int teardown(void **state)
{
	forget(state);
	unlink(syslog_path);
	return rmdir(folder);
}

static struct audit *open_it(void)
{
	char error[AUDIT_ERROR_MAX];
	struct audit *a = audit_open(path, syslog_path, error);
	if (!a)
		fail_msg("%s", error);
	return a;
}

static void note(struct audit *a, const char *text)
{
	assert_int_equal(audit_append(a, json_pack("{s:s, s:s}", "command", "push", "note", text)),
			 0);
}

// What is in the file, to be freed.
static char *contents(size_t *ret_len)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	char *text = calloc(1, (size_t)st.st_size + 1);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_len = (size_t)st.st_size;
	return text;
}

static void put(const char *text, size_t len, int how)
{
	int fd = open(path, O_WRONLY | how);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static struct audit_chain chain;

// What is wrong with a trail, as `filterctl audit verify` finds it; NULL if nothing is.
static const char *check(const char *text, size_t len)
{
	static char wrong[AUDIT_WRONG_MAX];
	const char *end = text + len;
	bool good = true;
	audit_chain_init(&chain, false);
	while (text < end && good) {
		const char *feed = memchr(text, '\n', (size_t)(end - text));
		size_t line = (size_t)((feed ? feed : end) - text);
		good = audit_chain_add(&chain, slice_of(text, line), wrong) != -EILSEQ;
		text = feed ? feed + 1 : end;
	}
	return good && audit_chain_whole(&chain, wrong) ? NULL : wrong;
}

static const char *check_file(void)
{
	size_t len;
	char *text = contents(&len);
	const char *wrong = check(text, len);
	free(text);
	return wrong;
}

static void entries_follow_each_other(void **state)
{
	uint64_t seq;
	char hash[DIGEST_TEXT_MAX], expected[DIGEST_TEXT_MAX];
	uint8_t digest[DIGEST_LEN];
	(void)state;
	struct audit *a = open_it();
	audit_head(a, &seq, hash);
	assert_int_equal(seq, 0);
	for (int i = 0; i < 3; i++) {
		note(a, "a\nb \x7f \xc3\xa9");
		audit_close(a);
		a = open_it();
	}
	audit_head(a, &seq, hash);
	audit_close(a);
	assert_int_equal(seq, 3);
	assert_null(check_file());

	size_t len;
	char *text = contents(&len), *save = NULL;
	const char *prev = "0000000000000000000000000000000000000000000000000000000000000000";
	int lines = 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		json_t *entry = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		assert_int_equal(json_integer_value(json_object_get(entry, "seq")), ++lines);
		assert_string_equal(json_string_value(json_object_get(entry, "prev")), prev);
		assert_string_equal(json_string_value(json_object_get(entry, "note")),
				    "a\nb \x7f \xc3\xa9");
		json_decref(entry);
		digest_of(slice_text(line), digest);
		prev = digest_text(digest, expected);
	}
	assert_int_equal(lines, 3);
	assert_string_equal(hash, expected);
	free(text);
}

// A small trail in memory, to be freed.
static char *small_trail(size_t *ret_len, char ret_head[DIGEST_TEXT_MAX])
{
	uint64_t seq;
	struct audit *a = open_it();
	for (int i = 0; i < 5; i++)
		note(a, i % 2 ? "one" : "another");
	audit_head(a, &seq, ret_head);
	audit_close(a);
	return contents(ret_len);
}

static void any_changed_byte_is_found(void **state)
{
	size_t len;
	char head[DIGEST_TEXT_MAX], *text = small_trail(&len, head);
	(void)state;
	assert_null(check(text, len));
	assert_string_equal(chain.hash, head);
	size_t last = (size_t)((char *)memrchr(text, '\n', len - 1) + 1 - text);
	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ 1 << bit);
			bool found = check(text, len) != NULL;
			if (!found && (i < last || !strcmp(chain.hash, head)))
				fail_msg("bit %d of byte %zu of %zu", bit, i, len);
			text[i] = (char)(text[i] ^ 1 << bit);
		}
	}
	free(text);
}

static void any_changed_line_is_found(void **state)
{
	size_t len, lens[5];
	char head[DIGEST_TEXT_MAX], *text = small_trail(&len, head), *lines[5], changed[8192];
	(void)state;
	char *at = text;
	for (int i = 0; i < 5; i++, at += lens[i - 1]) {
		lines[i] = at;
		lens[i] = (size_t)((char *)strchr(at, '\n') + 1 - at);
	}
	// Every order of up to five of the lines, some twice or not at all: 5^5 of each length.
	for (int count = 0; count <= 5; count++) {
		int orders = 1;
		for (int i = 0; i < count; i++)
			orders *= 5;
		for (int order = 0; order < orders; order++) {
			size_t used = 0;
			bool prefix = true;
			for (int i = 0, rest = order; i < count; i++, rest /= 5) {
				memcpy(changed + used, lines[rest % 5], lens[rest % 5]);
				used += lens[rest % 5];
				prefix &= rest % 5 == i;
			}
			bool found = check(changed, used) != NULL;
			assert_int_equal(found, !prefix);
			if (prefix) // only the head tells that the end is missing
				assert_int_equal(!strcmp(chain.hash, head), count == 5);
		}
	}
	free(text);
}

static void says_which_line(void **state)
{
	size_t len;
	char head[DIGEST_TEXT_MAX], *text = small_trail(&len, head);
	(void)state;
	char *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
	size_t second_len = (size_t)(third - second);
	assert_non_null(strstr(check(second, len - (size_t)(second - text)), "line 1 is entry 2"));
	memcpy(strstr(second, "one"), "two", 3);
	assert_non_null(
		strstr(check(text, len), "line 3 (entry 3) was written after another entry 2"));
	memset(second, ' ', second_len - 1);
	assert_non_null(strstr(check(text, len), "line 2 is no entry, and line 3 does not vouch"));
	memmove(second, third, len - (size_t)(third - text));
	assert_non_null(
		strstr(check(text, len - second_len), "line 2 is entry 3, but 2 should be here"));
	free(text);
}

// Cuts the trail at each byte, as a power cut may, and goes on.
static void a_cut_is_kept_and_vouched_for(void **state)
{
	size_t len, left;
	char head[DIGEST_TEXT_MAX], *text = small_trail(&len, head);
	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		put(text, cut, O_TRUNC);
		struct audit *a = open_it();
		note(a, "after");
		audit_close(a);
		const char *wrong = check_file();
		if (wrong)
			fail_msg("cut at %zu: %s", cut, wrong);
		char *now = contents(&left);
		assert_memory_equal(now, text, cut); // nothing was taken away
		free(now);
	}
	free(text);
}

static void many_cuts_in_a_row(void **state)
{
	(void)state;
	struct audit *a = open_it();
	note(a, "first");
	audit_close(a);
	put("{\"seq\":2,", 9, O_APPEND);
	put("\n{\"seq\":2,\"time\":\"", 18, O_APPEND);
	put("\n\0\0\0\0", 5, O_APPEND);
	a = open_it();
	note(a, "second");
	audit_close(a);
	assert_null(check_file());
	assert_int_equal(chain.seq, 3); // first, torn, second

	size_t len;
	char *text = contents(&len);
	*strstr(text, "\"seq\":2,\"time\"") = '\'';
	assert_non_null(check(text, len)); // what was vouched for can't be changed either
	free(text);
}

static void a_full_disk_stops_the_change_only(void **state)
{
	struct rlimit saved, small;
	uint64_t seq;
	char hash[DIGEST_TEXT_MAX];
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &saved);
	struct audit *a = open_it();
	note(a, "first");
	audit_head(a, &seq, hash);
	size_t len;
	free(contents(&len));
	small = (struct rlimit){.rlim_cur = len + 20, .rlim_max = saved.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	for (int i = 0; i < 2; i++)
		assert_int_equal(audit_append(a, json_pack("{s:s}", "command", "push")), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &saved);
	audit_head(a, &seq, hash);
	assert_int_equal(seq, 1);
	note(a, "second");
	audit_close(a);
	assert_null(check_file());
	assert_int_equal(chain.seq, 3);
}

static bool has(const char *what)
{
	size_t len;
	char *text = contents(&len);
	bool there = strstr(text, what) != NULL;
	free(text);
	return there;
}

static void a_missing_end_is_noticed_while_running(void **state)
{
	(void)state;
	struct audit *a = open_it();
	note(a, "first");
	size_t len;
	free(contents(&len));
	note(a, "second");
	assert_int_equal(truncate(path, (off_t)len), 0);
	note(a, "third");
	audit_close(a);
	assert_true(has("\"command\":\"gap\",\"known-seq\":2"));
	assert_null(check_file()); // by itself the trail looks whole
}

static void another_writer_is_no_gap(void **state)
{
	(void)state;
	struct audit *a = open_it(), *b = open_it();
	note(a, "from a");
	note(b, "from b");
	note(a, "from a");
	audit_close(a);
	audit_close(b);
	assert_null(check_file());
	assert_int_equal(chain.seq, 3);
	assert_false(has("gap"));
}

static void remembered_heads(void **state)
{
	uint64_t seq;
	char hash[DIGEST_TEXT_MAX];
	(void)state;
	struct audit *a = open_it();
	note(a, "first");
	audit_head(a, &seq, hash);
	note(a, "second");
	assert_true(audit_remembers(a, 0, ""));
	assert_true(audit_remembers(a, seq, hash));
	assert_false(has("gap"));
	assert_false(audit_remembers(a, 9, hash));
	assert_true(has("\"command\":\"gap\",\"known-seq\":9"));
	hash[0] ^= 1;
	assert_false(audit_remembers(a, seq, hash));
	assert_true(has("\"known-seq\":1"));
	audit_close(a);
	assert_null(check_file());
}

static void the_end_is_found_in_a_long_trail(void **state)
{
	char text[6000];
	(void)state;
	struct audit *a = open_it();
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (int i = 0; i < 40; i++)
		note(a, text);
	audit_close(a);
	put("{\"se", 4, O_APPEND);
	a = open_it();
	note(a, "last");
	audit_close(a);
	assert_null(check_file());
	assert_int_equal(chain.seq, 42);
}

static void an_end_without_entries_is_refused(void **state)
{
	char error[AUDIT_ERROR_MAX], *garbage = calloc(1, 1 << 18);
	(void)state;
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	put(garbage, 1 << 18, 0);
	assert_null(audit_open(path, syslog_path, error));
	assert_non_null(strstr(error, "its end holds no entry"));
	assert_null(audit_open("/nowhere/audit.log", syslog_path, error));
	assert_non_null(strstr(error, "No such file"));
	free(garbage);
}

static void long_entries(void **state)
{
	char id[64], note_text[8000];
	json_t *orders = json_array();
	(void)state;
	struct audit *a = open_it();
	for (int i = 0; i < 2000; i++) {
		snprintf(id, sizeof id, "nz-2019-%d", i);
		json_array_append_new(orders, json_string(id));
	}
	assert_int_equal(
		audit_append(a, json_pack("{s:s, s:o}", "command", "push", "orders", orders)), 0);
	memset(note_text, 'x', sizeof note_text - 1);
	note_text[sizeof note_text - 1] = '\0';
	assert_int_equal(
		audit_append(a, json_pack("{s:s, s:s}", "command", "push", "note", note_text)),
		-E2BIG);
	note(a, "short");
	audit_close(a);
	assert_null(check_file());
	assert_int_equal(chain.seq, 2);
	size_t len;
	char *text = contents(&len);
	json_t *entry = json_loads(strtok(text, "\n"), 0, NULL);
	assert_int_equal(
		json_array_size(json_object_get(entry, "orders")) +
			(size_t)json_integer_value(json_object_get(entry, "orders-left-out")),
		2000);
	assert_true(json_array_size(json_object_get(entry, "orders")) >= 250);
	json_decref(entry);
	free(text);
}

static void syslog_gets_the_same_bytes(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char got[9000];
	(void)state;
	snprintf(at.sun_path, sizeof at.sun_path, "%s", syslog_path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	struct audit *a = open_it();
	note(a, "one");
	audit_close(a);
	ssize_t len = recv(fd, got, sizeof got - 1, 0);
	assert_true(len > 0);
	got[len] = '\0';
	assert_memory_equal(got, "<85>", 4); // authpriv.notice
	size_t file_len;
	char *text = contents(&file_len);
	text[file_len - 1] = '\0';
	assert_string_equal(strstr(got, "@cee: ") + 6, text);
	free(text);
	close(fd);
	unlink(syslog_path);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, forget)
	const struct CMUnitTest tests[] = {
		TEST(entries_follow_each_other),
		TEST(any_changed_byte_is_found),
		TEST(any_changed_line_is_found),
		TEST(says_which_line),
		TEST(a_cut_is_kept_and_vouched_for),
		TEST(many_cuts_in_a_row),
		TEST(a_full_disk_stops_the_change_only),
		TEST(a_missing_end_is_noticed_while_running),
		TEST(another_writer_is_no_gap),
		TEST(remembered_heads),
		TEST(the_end_is_found_in_a_long_trail),
		TEST(an_end_without_entries_is_refused),
		TEST(long_entries),
		TEST(syslog_gets_the_same_bytes),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
