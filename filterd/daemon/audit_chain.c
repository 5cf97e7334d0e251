// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/audit_chain.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#define NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

void audit_chain_init(struct audit_chain *c, bool anywhere)
{
	c->line = c->seq = c->torn_line = 0;
	c->torn_len = 0;
	c->anywhere = anywhere;
	memcpy(c->hash, NO_HASH, sizeof c->hash);
}

// What of an entry the chain asks for; borrowed from the JSON.
struct entry {
	uint64_t seq;
	const char *prev, *command;
	int64_t bytes;      // of a torn one
	const char *sha256; // the same
};

static json_t *entry_parse(struct slice line, struct entry *ret)
{
	if (line.len == 0 || line.len > AUDIT_LINE_MAX)
		return NULL;
	json_t *json = json_loadb((const char *)line.at, line.len, JSON_REJECT_DUPLICATES, NULL);
	json_int_t seq = json_integer_value(json_object_get(json, "seq"));
	ret->seq = (uint64_t)seq;
	ret->prev = json_string_value(json_object_get(json, "prev"));
	ret->command = json_string_value(json_object_get(json, "command"));
	ret->bytes = json_integer_value(json_object_get(json, "bytes"));
	ret->sha256 = json_string_value(json_object_get(json, "sha256"));
	if (seq > 0 && ret->prev && ret->command && json_is_string(json_object_get(json, "time")))
		return json;
	json_decref(json);
	return NULL;
}

static void torn_add(struct audit_chain *c, struct slice line)
{
	if (!c->torn_line)
		c->torn_line = c->line;
	if (line.len >= AUDIT_TORN_MAX - c->torn_len) { // more than any entry vouches for
		c->torn_len = AUDIT_TORN_MAX;
		return;
	}
	if (line.len)
		memcpy(c->torn + c->torn_len, line.at, line.len);
	c->torn_len += line.len;
	c->torn[c->torn_len++] = '\n';
}

static bool vouches(const struct audit_chain *c, const struct entry *e)
{
	uint8_t digest[DIGEST_LEN];
	char text[DIGEST_TEXT_MAX];
	return strcmp(e->command, AUDIT_TORN) == 0 && c->torn_len < AUDIT_TORN_MAX &&
	       e->bytes == (int64_t)c->torn_len && e->sha256 &&
	       digest_of(slice_of(c->torn, c->torn_len), digest) == 0 &&
	       strcmp(e->sha256, digest_text(digest, text)) == 0;
}

// Whether `e` is what comes next. The most telling of what is wrong is said.
static bool follows(const struct audit_chain *c, const struct entry *e, char wrong[AUDIT_WRONG_MAX])
{
	uint64_t line = c->line;
	bool linked = strcmp(e->prev, c->hash) == 0, torn = strcmp(e->command, AUDIT_TORN) == 0;
	if (c->torn_line && !vouches(c, e))
		snprintf(wrong, AUDIT_WRONG_MAX,
			 "line %" PRIu64 " is no entry, and line %" PRIu64 " does not vouch for it",
			 c->torn_line, line);
	else if (torn && !c->torn_line)
		snprintf(wrong, AUDIT_WRONG_MAX,
			 "line %" PRIu64
			 " vouches for half a line, but there is none before it: it was taken out",
			 line);
	else if (!linked && c->seq == 0)
		snprintf(wrong, AUDIT_WRONG_MAX,
			 "line %" PRIu64 " is entry %" PRIu64
			 ", but nothing is before it: lines were taken out",
			 line, e->seq);
	else if (!linked && e->seq == c->seq + 1)
		snprintf(wrong, AUDIT_WRONG_MAX,
			 "line %" PRIu64 " (entry %" PRIu64
			 ") was written after another entry %" PRIu64
			 " than the one before it: that one was changed, or this one was put in",
			 line, e->seq, c->seq);
	else if (e->seq != c->seq + 1)
		snprintf(wrong, AUDIT_WRONG_MAX,
			 "line %" PRIu64 " is entry %" PRIu64 ", but %" PRIu64
			 " should be here: lines were taken out, put in or moved",
			 line, e->seq, c->seq + 1);
	else
		return true;
	return false;
}

int audit_chain_add(struct audit_chain *c, struct slice line, char wrong[AUDIT_WRONG_MAX])
{
	struct entry e;
	uint8_t digest[DIGEST_LEN];
	c->line++;
	json_t *json = entry_parse(line, &e);
	if (!json) {
		torn_add(c, line);
		return -ENOMSG;
	}
	int result = digest_of(line, digest);
	if (!result && !c->anywhere && !follows(c, &e, wrong))
		result = -EILSEQ;
	if (result != -ENOMEM) {
		c->anywhere = false;
		c->torn_line = 0;
		c->torn_len = 0;
		c->seq = e.seq;
		digest_text(digest, c->hash);
	}
	json_decref(json);
	return result;
}

bool audit_chain_whole(const struct audit_chain *c, char wrong[AUDIT_WRONG_MAX])
{
	if (!c->torn_line)
		return true;
	snprintf(wrong, AUDIT_WRONG_MAX,
		 "line %" PRIu64 " is no entry, and no later one vouches for it", c->torn_line);
	return false;
}
