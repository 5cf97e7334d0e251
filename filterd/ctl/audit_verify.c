// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl audit verify: whether the audit trail is whole (daemon/audit_chain.h), and holds a head that was
// kept elsewhere.
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/ctl/audit.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/show.h"
#include "filterd/daemon/audit_chain.h"

enum { EXIT_FOUND = 1, FINDINGS_SHOWN = 100 };

struct head {
	uint64_t seq; // 0: none was given
	char hash[DIGEST_TEXT_MAX];
	bool seen;
};

struct verification {
	struct audit_chain chain;
	struct head head;
	uint64_t entries, found;
	bool unended, failed;
	json_t *findings;
};

static void find(struct verification *v, const char *wrong)
{
	v->found++;
	if (json_array_size(v->findings) < FINDINGS_SHOWN)
		json_array_append_new(v->findings, json_string(wrong));
}

static void verify_line(void *arg, struct slice line, bool ended)
{
	struct verification *v = arg;
	char wrong[AUDIT_WRONG_MAX];
	int result = audit_chain_add(&v->chain, line, wrong);
	v->unended = !ended;
	if (result == -ENOMSG)
		return;
	v->failed |= result == -ENOMEM;
	v->entries++;
	if (result == -EILSEQ)
		find(v, wrong);
	if (v->chain.seq == v->head.seq && strcmp(v->chain.hash, v->head.hash) == 0)
		v->head.seen = true;
}

static void verify_end(struct verification *v)
{
	char wrong[AUDIT_WRONG_MAX];
	if (!audit_chain_whole(&v->chain, wrong))
		find(v, wrong);
	else if (v->unended)
		find(v, "the last line has no line feed: its end was cut off, or it is being "
			"written now");
	if (v->head.seq == 0 || v->head.seen)
		return;
	snprintf(wrong, sizeof wrong,
		 v->chain.seq < v->head.seq
			 ? "the trail ends with entry %" PRIu64 ", but entry %" PRIu64
			   " was written: the end is missing"
			 : "the trail goes on to entry %" PRIu64 ", but its entry %" PRIu64
			   " is not the one that was written",
		 v->chain.seq, v->head.seq);
	find(v, wrong);
}

// "SEQ:HASH"
static bool head_read(struct head *ret, const char *text)
{
	char *colon;
	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	ret->seq = strtoull(text, &colon, 10);
	if (errno || *colon != ':' || strlen(colon + 1) != DIGEST_TEXT_MAX - 1 ||
	    strspn(colon + 1, "0123456789abcdef") != DIGEST_TEXT_MAX - 1)
		return false;
	memcpy(ret->hash, colon + 1, DIGEST_TEXT_MAX);
	return ret->seq > 0;
}

// What the daemon remembers. The exit status.
static int head_ask(struct head *ret, const char *control)
{
	char text[128];
	json_t *status = daemon_ask(control, "status");
	const json_t *audit = json_object_get(status, "audit");
	int result = daemon_refused(status);
	snprintf(text, sizeof text, "%lld:%s", (long long)show_number(audit, "seq"),
		 show_text(audit, "hash"));
	if (result == EXIT_OK && show_number(audit, "seq") > 0 && !head_read(ret, text)) {
		fprintf(stderr, "filterctl: the daemon at %s says nothing of its audit trail\n",
			control);
		result = EXIT_ERROR;
	}
	json_decref(status);
	return result;
}

static void print(const struct verification *v, const char *file)
{
	const json_t *one;
	size_t i;
	json_array_foreach(v->findings, i, one)
	{
		printf("%s: %s\n", file, json_string_value(one));
	}
	if (v->found > json_array_size(v->findings))
		printf("and %" PRIu64 " more\n", v->found - json_array_size(v->findings));
	if (v->found == 0)
		printf("%s is whole: %" PRIu64 " entries, head %" PRIu64 ":%s\n", file, v->entries,
		       v->chain.seq, v->chain.hash);
	if (v->found == 0 && v->head.seq == 0)
		printf("Whether its end is missing can't be told without --head or --control.\n");
}

static void print_json(const struct verification *v)
{
	json_t *json = json_pack("{s:b, s:I, s:I, s:s, s:b, s:O}", "whole", v->found == 0,
				 "entries", (json_int_t)v->entries, "seq", (json_int_t)v->chain.seq,
				 "hash", v->chain.hash, "head-checked", v->head.seq != 0,
				 "findings", v->findings);
	show_json(json);
	json_decref(json);
}

static int verify(struct verification *v, const char *file, bool json)
{
	v->findings = json_array();
	audit_chain_init(&v->chain, false);
	if (audit_lines(file, verify_line, v) != 0)
		return EXIT_ERROR;
	if (v->failed || !v->findings) {
		fprintf(stderr, "filterctl: no memory\n");
		return EXIT_ERROR;
	}
	verify_end(v);
	if (json)
		print_json(v);
	else
		print(v, file);
	return v->found ? EXIT_FOUND : EXIT_OK;
}

int audit_verify(int argc, char **argv)
{
	static const struct option rows[] = {{"file", required_argument, NULL, 'f'},
					     {"json", no_argument, NULL, 'j'},
					     {"head", required_argument, NULL, 'h'},
					     {"control", required_argument, NULL, 'c'},
					     {0}};
	static struct verification v;
	const char *file = AUDIT_FILE, *control = NULL;
	bool json = false;
	for (int c; (c = getopt_long(argc, argv, "", rows, NULL)) != -1;) {
		if (c == 'f')
			file = optarg;
		else if (c == 'j')
			json = true;
		else if (c == 'c')
			control = optarg;
		else if (c != 'h' || !head_read(&v.head, optarg))
			return command_usage(&command_audit);
	}
	if (optind != argc || (control && v.head.seq))
		return command_usage(&command_audit);
	int status = control ? head_ask(&v.head, control) : EXIT_OK;
	if (status == EXIT_OK)
		status = verify(&v, file, json);
	json_decref(v.findings);
	return status;
}
