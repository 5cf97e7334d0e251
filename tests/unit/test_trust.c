// SPDX-License-Identifier: GPL-3.0-or-later
// Which changes are allowed, with manifests that the real minisign(1) signs: what is signed by enough keys is, and
// anything else is refused with a sentence of its own.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/daemon/manifest.h"
#include "filterd/daemon/trust.h"

#define NOW_S INT64_C(1552680000)
enum { DAY_S = 86400, PEOPLE = 3 };

static char folder[] = "/tmp/filterd-trust-XXXXXX", keys[PEOPLE * 64];
static const char *const people[PEOPLE] = {"alice", "bob", "carol"};
static struct trust *trust; // two of three
static char error[TRUST_ERROR_MAX];

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...)
{
	char command[512];
	va_list args;
	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 1 << 14);
	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 14) - 1, f) > 0);
	fclose(f);
	return text;
}

static struct trust_options options(void)
{
	return (struct trust_options){.keys = keys,
				      .threshold = 2,
				      .lift_threshold = 1,
				      .lifetime_days = 7,
				      .break_glass = true,
				      .owner = geteuid()};
}

static int setup(void **state)
{
	(void)state;
	if (system("command -v minisign >/dev/null") != 0) {
		fprintf(stderr, "minisign is missing (see scripts/setup)\n");
		return -1;
	}
	if (!mkdtemp(folder))
		return -1;
	for (int i = 0; i < PEOPLE; i++) {
		shell("minisign -GW -p %s/%s.pub -s %s/%s.key >/dev/null", folder, people[i],
		      folder, people[i]);
		size_t used = strlen(keys);
		snprintf(keys + used, sizeof keys - used, "%s%s/%s.pub", i ? " " : "", folder,
			 people[i]);
	}
	struct trust_options o = options();
	trust = trust_new(&o, error);
	return trust ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	trust_free(trust);
	shell("rm -r %s", folder);
	return 0;
}

// A request with its manifest and the signatures of the people named: "ab" are alice and bob.
struct asked {
	struct manifest manifest;
	char text[MANIFEST_MAX + 1];
	char *signatures[8];
	struct trust_request q;
};

static void sign(struct asked *a, const char *who, const char *how)
{
	char path[128];
	snprintf(path, sizeof path, "%s/m", folder);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs(a->text, f);
	fclose(f);
	for (; *who; who++) {
		shell("minisign -S%s -m %s -s %s/%s.key -x %s/s >/dev/null", how, path, folder,
		      people[*who - 'a'], folder);
		snprintf(path, sizeof path, "%s/s", folder);
		a->signatures[a->q.signature_count++] = slurp(path);
		snprintf(path, sizeof path, "%s/m", folder);
	}
}

static void write_manifest(struct asked *a)
{
	size_t len = manifest_write(&a->manifest, a->text);
	assert_true(len > 0);
	a->text[len] = '\0';
}

static void ask(struct asked *a, enum manifest_command command)
{
	*a = (struct asked){.manifest = {.command = command,
					 .serial = 43,
					 .not_before_s = NOW_S - 60,
					 .not_after_s = NOW_S + DAY_S,
					 .note = "Ticket 4711"}};
	a->q = (struct trust_request){.command = manifest_command_words[command],
				      .note = a->manifest.note,
				      .seen = 42,
				      .now_s = NOW_S,
				      .uid = 1000,
				      .manifest = a->text,
				      .signatures = (const char *const *)a->signatures};
	if (command == MANIFEST_PUSH || command == MANIFEST_ROLLBACK) {
		memset(a->manifest.image, 0xab, DIGEST_LEN);
		a->q.image = a->manifest.image;
	} else if (command != MANIFEST_CONFIRM_CLOCK) {
		strcpy(a->manifest.order, "nz-2019-8chan");
		a->q.order = a->manifest.order;
	}
	if (command == MANIFEST_ROLLBACK)
		a->q.to = a->manifest.to = 41;
	if (command == MANIFEST_EXTEND)
		a->q.until_s = a->manifest.until_s = NOW_S + 30 * DAY_S;
	write_manifest(a);
}

static void done(struct asked *a)
{
	for (unsigned i = 0; i < a->q.signature_count; i++)
		free(a->signatures[i]);
}

static void allowed(struct asked *a, unsigned signers)
{
	struct trust_verdict verdict;
	if (trust_check(trust, &a->q, &verdict, error))
		fail_msg("%s", error);
	assert_int_equal(verdict.signer_count, signers);
	assert_int_equal(verdict.serial, signers ? 43 : 0);
	assert_int_equal(verdict.break_glass, signers == 0);
}

static void refused(struct asked *a, int err, const char *why)
{
	struct trust_verdict verdict;
	error[0] = '\0';
	assert_int_equal(trust_check(trust, &a->q, &verdict, error), err);
	if (!strstr(error, why))
		fail_msg("`%s` is not in: %s", why, error);
}

static void enough_keys_may(void **state)
{
	static const struct {
		enum manifest_command command;
		const char *who;
	} cases[] = {
		{MANIFEST_PUSH, "ab"},     {MANIFEST_PUSH, "cba"}, {MANIFEST_EXTEND, "bc"},
		{MANIFEST_ROLLBACK, "ca"}, {MANIFEST_LIFT, "b"},   {MANIFEST_CONFIRM_CLOCK, "c"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct asked a;
		ask(&a, cases[i].command);
		sign(&a, cases[i].who, "");
		allowed(&a, (unsigned)strlen(cases[i].who));
		done(&a);
	}
}

static void too_few_keys_may_not(void **state)
{
	static const struct {
		enum manifest_command command;
		const char *who, *why;
	} cases[] = {
		{MANIFEST_PUSH, "a",
		 "to push takes signatures by 2 of the 3 keys in [trust], not 1"},
		{MANIFEST_PUSH, "", "not 0"},
		{MANIFEST_EXTEND, "b", "to extend takes signatures by 2"},
		{MANIFEST_ROLLBACK, "c", "to rollback takes signatures by 2"},
		{MANIFEST_LIFT, "", "to lift takes signatures by 1 of"},
		{MANIFEST_CONFIRM_CLOCK, "", "to confirm-clock takes signatures by 1 of"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct asked a;
		ask(&a, cases[i].command);
		sign(&a, cases[i].who, "");
		refused(&a, -EACCES, cases[i].why);
		done(&a);
	}
}

static void one_key_counts_once(void **state)
{
	struct asked a;
	(void)state;
	ask(&a, MANIFEST_PUSH);
	sign(&a, "aa", "");
	refused(&a, -EACCES, "signatures 1 and 2 are by the same key");
	sign(&a, "b", "");
	refused(&a, -EACCES, "each counts once");
	done(&a);
}

static void bad_signatures_spoil_it(void **state)
{
	struct asked a;
	(void)state;
	ask(&a, MANIFEST_PUSH);
	sign(&a, "ab", "");
	shell("minisign -GWf -p %s/x.pub -s %s/x.key >/dev/null && minisign -Sm %s/m -s %s/x.key "
	      "-x %s/s",
	      folder, folder, folder, folder, folder);
	char path[128];
	snprintf(path, sizeof path, "%s/s", folder);
	a.signatures[a.q.signature_count++] = slurp(path);
	refused(&a, -EACCES, "signature 3 is by key");
	refused(&a, -EACCES, "which is none of [trust] keys");
	free(a.signatures[--a.q.signature_count]);
	sign(&a, "c", "l");
	refused(&a, -EINVAL, "signature 3 is of the legacy form");
	strcpy(a.signatures[2], "untrusted comment: x\n");
	refused(&a, -EINVAL, "signature 3 is no signature of minisign");
	done(&a);
}

static void no_byte_may_change(void **state)
{
	struct asked a;
	struct trust_verdict verdict;
	(void)state;
	ask(&a, MANIFEST_PUSH);
	sign(&a, "ab", "");
	for (char *p = a.text; *p; p++) {
		*p ^= 1;
		refused(&a, -EACCES, "is not one of this manifest: either was changed");
		*p ^= 1;
	}
	char *comment = strstr(a.signatures[1], "trusted comment: timestamp") + 20;
	*comment ^= 1;
	refused(&a, -EACCES, "signature 2, by key");
	*comment ^= 1;
	assert_int_equal(trust_check(trust, &a.q, &verdict, error), 0);
	assert_non_null(strstr(verdict.signers[0], " alice.pub"));
	assert_non_null(strstr(verdict.signers[1], " bob.pub"));
	done(&a);
}

static void nothing_else_than_was_signed(void **state)
{
	struct asked a;
	(void)state;
	ask(&a, MANIFEST_ROLLBACK);
	sign(&a, "ab", "");
	uint8_t other[DIGEST_LEN] = {0xab};
	a.q.image = other;
	refused(&a, -EACCES, "another image was signed");
	a.q.image = a.manifest.image;
	a.q.to = 40;
	refused(&a, -EACCES, "another serial to go back to was signed");
	a.q.to = 41;
	a.q.note = "Ticket 4712";
	refused(&a, -EACCES, "another note or reason was signed");
	a.q.note = NULL;
	refused(&a, -EACCES, "another note or reason was signed");
	a.q.command = "push";
	refused(&a, -EACCES, "for another command (rollback)");
	done(&a);
	ask(&a, MANIFEST_EXTEND);
	sign(&a, "ab", "");
	a.q.until_s++;
	refused(&a, -EACCES, "another time of expiry was signed");
	a.q.until_s--;
	a.q.order = "nz-2019-4chan";
	refused(&a, -EACCES, "another order was signed");
	done(&a);
}

static void serials_only_go_up(void **state)
{
	struct asked a;
	(void)state;
	ask(&a, MANIFEST_PUSH);
	sign(&a, "ab", "");
	allowed(&a, 2);
	a.q.seen = 43;
	refused(&a, -ESTALE, "serial 43 is not above the last one, 43: it was used already");
	a.q.seen = 1000;
	refused(&a, -ESTALE, "is not above the last one, 1000");
	a.q.seen = 0;
	allowed(&a, 2);
	done(&a);
	ask(&a, MANIFEST_PUSH);
	a.manifest.serial = 43 + TRUST_SERIAL_STEP_MAX;
	write_manifest(&a);
	sign(&a, "ab", "");
	refused(&a, -EINVAL, "too far above the last one, 42");
	done(&a);
}

static void only_in_its_time(void **state)
{
	struct asked a;
	(void)state;
	ask(&a, MANIFEST_LIFT);
	sign(&a, "a", "");
	a.q.now_s = NOW_S - 61;
	refused(&a, -ESTALE,
		"good only from 2019-03-15T19:59:00Z on, and it is 2019-03-15T19:58:59Z");
	a.q.now_s = NOW_S + DAY_S + 1;
	refused(&a, -ESTALE, "was good until 2019-03-16T20:00:00Z");
	a.q.now_s = NOW_S + DAY_S;
	allowed(&a, 1);
	done(&a);
	for (int i = 0; i < 2; i++) {
		ask(&a, MANIFEST_LIFT);
		a.manifest.not_after_s = a.manifest.not_before_s + (i ? 7 * DAY_S + 1 : -1);
		write_manifest(&a);
		sign(&a, "a", "");
		refused(&a, -EINVAL, "[trust] allows 7 days at most");
		done(&a);
	}
}

static void what_is_signed_must_be_a_manifest(void **state)
{
	struct asked a;
	(void)state;
	ask(&a, MANIFEST_LIFT);
	strcpy(a.text, "lift it\n");
	sign(&a, "a", "");
	refused(&a, -EINVAL, "this is no manifest");
	a.q.manifest = NULL;
	refused(&a, -EACCES, "takes a signed manifest (filterctl lift --prepare)");
	done(&a);
}

static void break_glass(void **state)
{
	struct asked a;
	(void)state;
	ask(&a, MANIFEST_PUSH);
	a.q.break_glass = true;
	refused(&a, -EPERM, "for root alone");
	a.q.uid = 0;
	allowed(&a, 0);
	struct trust_options o = options();
	o.break_glass = false;
	struct trust *saved = trust;
	trust = trust_new(&o, error);
	refused(&a, -EPERM, "does not allow break-glass");
	trust_free(trust);
	trust = saved;
}

static void without_keys_nothing_is_asked_for(void **state)
{
	struct asked a;
	struct trust_options o = options();
	struct trust_verdict verdict;
	(void)state;
	o.keys = " ";
	struct trust *saved = trust;
	trust = trust_new(&o, error);
	assert_non_null(trust);
	assert_false(trust_on(trust));
	ask(&a, MANIFEST_PUSH);
	refused(&a, -EINVAL, "no [trust] keys to check them with");
	a.q.manifest = NULL;
	a.q.break_glass = true;
	assert_int_equal(trust_check(trust, &a.q, &verdict, error), 0);
	assert_int_equal(verdict.serial, 0);
	assert_false(verdict.break_glass);
	trust_free(trust);
	trust = saved;
}

static void no_trust(const char *key_words, const char *why)
{
	struct trust_options o = options();
	o.keys = key_words;
	assert_null(trust_new(&o, error));
	if (!strstr(error, why))
		fail_msg("`%s` is not in: %s", why, error);
}

static void keys_are_checked(void **state)
{
	char text[512], key[64] = "", path[64];
	(void)state;
	snprintf(path, sizeof path, "%s/alice.pub", folder);
	char *file = slurp(path);
	assert_int_equal(sscanf(file, "%*[^\n]\n%63s", key), 1);
	free(file);
	snprintf(text, sizeof text, "%s %s/bob.pub", key, folder); // one inline, one by path
	struct trust_options o = options();
	o.keys = text;
	struct trust *t = trust_new(&o, error);
	if (!t)
		fail_msg("%s", error);
	trust_free(t);
	snprintf(text, sizeof text, "%s %s", key, path);
	no_trust(text, "is the same key as another");
	no_trust(path, "threshold asks for 2 keys, but there are only 1");
	no_trust("alice.pub", "alice.pub is no public key of minisign, nor an absolute path");
	no_trust("/nowhere/alice.pub", "/nowhere/alice.pub: No such file");
	snprintf(text, sizeof text, "%s/alice.key", folder);
	no_trust(text, "alice.key is no public key of minisign");
}

static void only_root_may_change_keys(void **state)
{
	char path[64];
	(void)state;
	snprintf(path, sizeof path, "%s/alice.pub", folder);
	chmod(path, 0664);
	no_trust(keys, "alice.pub can be changed by others than root");
	chmod(path, 0644);
	chmod(folder, 0777);
	no_trust(keys, "can be changed by others than root");
	chmod(folder, 0700);
	shell("ln -s %s %s/link", path, folder);
	chmod(path, 0646);
	char link[64];
	snprintf(link, sizeof link, "%s/link", folder);
	no_trust(link, "alice.pub can be changed by others than root");
	chmod(path, 0644);
	no_trust(folder, "is no file");
	struct trust_options o = options();
	o.config_path = link;
	struct trust *t = trust_new(&o, error);
	assert_non_null(t);
	trust_free(t);
	chmod(path, 0666);
	o.keys = strchr(keys, ' '); // without alice's
	assert_null(trust_new(&o, error));
	assert_non_null(strstr(error, "with [trust] keys: "));
	chmod(path, 0644);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 1, 1), 0);
		no_trust(keys, "alice.pub does not belong to root");
		assert_int_equal(chown(path, 0, 0), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enough_keys_may),
		cmocka_unit_test(too_few_keys_may_not),
		cmocka_unit_test(one_key_counts_once),
		cmocka_unit_test(bad_signatures_spoil_it),
		cmocka_unit_test(no_byte_may_change),
		cmocka_unit_test(nothing_else_than_was_signed),
		cmocka_unit_test(serials_only_go_up),
		cmocka_unit_test(only_in_its_time),
		cmocka_unit_test(what_is_signed_must_be_a_manifest),
		cmocka_unit_test(break_glass),
		cmocka_unit_test(without_keys_nothing_is_asked_for),
		cmocka_unit_test(keys_are_checked),
		cmocka_unit_test(only_root_may_change_keys),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
