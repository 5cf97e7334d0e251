// SPDX-License-Identifier: GPL-3.0-or-later
// The file is only ever appended to. After anything that went wrong its end is read anew before the next
// entry, because nobody knows what of the last one is there.
#include "filterd/daemon/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/disk.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/logsocket.h"

// How much of the end of the file is read: many entries, and more than two may have between them.
enum { TAIL_MAX = 2 * AUDIT_TORN_MAX };

// A head that somebody else remembers.
struct known {
	uint64_t seq;
	const char *hash;
	bool differs; // the trail has another entry in its place, or none
};

struct audit {
	char path[PATH_MAX];
	int fd;
	off_t size;   // of the file as it was left
	bool stale;   // something went wrong since then
	bool unended; // the last line has no line feed
	struct audit_chain chain;
	char *line; // that audit_prepare() made; or NULL
	struct logsocket *syslog;
	bool syslog_failing; // told once
};

// The last bytes of the file into `tail`. Length or -errno.
static ssize_t tail_read(struct audit *a, uint8_t tail[TAIL_MAX])
{
	struct stat st;
	if (fstat(a->fd, &st) < 0)
		return -errno;
	off_t from = st.st_size > TAIL_MAX ? st.st_size - TAIL_MAX : 0;
	size_t len = 0, wanted = (size_t)(st.st_size - from);
	while (len < wanted) {
		ssize_t got = pread(a->fd, tail + len, wanted - len, from + (off_t)len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		len += (size_t)got;
	}
	a->size = st.st_size;
	return (ssize_t)len;
}

static void known_compare(struct known *k, const struct audit_chain *c)
{
	if (c->seq == k->seq && strcmp(c->hash, k->hash) != 0)
		k->differs = true;
}

// Puts the chain where the file ends. `whole`: the tail is all of the file.
static void tail_walk(struct audit *a, struct slice tail, bool whole, struct known *known)
{
	char wrong[AUDIT_WRONG_MAX];
	const uint8_t *at = tail.at, *end = tail.at + tail.len;
	bool broken = false;
	audit_chain_init(&a->chain, !whole);
	a->unended = false;
	if (!whole) { // not from the middle of a line on
		at = memchr(at, '\n', tail.len);
		at = at ? at + 1 : end;
	}
	while (at < end) {
		const uint8_t *feed = memchr(at, '\n', (size_t)(end - at));
		a->unended = !feed;
		struct slice line = slice_of(at, (size_t)((feed ? feed : end) - at));
		int result = audit_chain_add(&a->chain, line, wrong);
		broken |= result == -EILSEQ;
		if (result != -ENOMSG)
			known_compare(known, &a->chain);
		at = feed ? feed + 1 : end;
	}
	known->differs |= a->chain.seq < known->seq;
	if (broken)
		log_err("%s was changed: filterctl audit verify says where", a->path);
}

static int tail_check(struct audit *a, struct known *known)
{
	uint8_t *tail = malloc(TAIL_MAX);
	ssize_t len = tail ? tail_read(a, tail) : -ENOMEM;
	if (len >= 0)
		tail_walk(a, slice_of(tail, (size_t)len), a->size == len, known);
	free(tail);
	if (len < 0)
		return (int)len;
	if ((a->chain.anywhere && a->size > 0) || a->chain.torn_len == AUDIT_TORN_MAX)
		return -EBADMSG;
	a->stale = false;
	return 0;
}

static void tell_syslog(struct audit *a, struct slice line)
{
	int err = logsocket_send(a->syslog, LOG_AUTHPRIV | LOG_NOTICE, "@cee: ", line);
	if (err && !a->syslog_failing)
		log_warn("entry %" PRIu64 " of the audit trail did not reach syslog: %s",
			 a->chain.seq, strerror(-err));
	a->syslog_failing = err != 0;
}

// Appends a line that is complete, with a line feed in front of it where the last one lacks its own.
static int line_write(struct audit *a, const char *text)
{
	char out[AUDIT_LINE_MAX + 3], wrong[AUDIT_WRONG_MAX];
	int len = snprintf(out, sizeof out, "%s%s\n", a->unended ? "\n" : "", text);
	int err = disk_write(a->fd, slice_of(out, (size_t)len));
	if (err) {
		a->stale = true;
		return err;
	}
	a->unended = false;
	a->size += len;
	a->stale = audit_chain_add(&a->chain, slice_text(text), wrong) != 0;
	tell_syslog(a, slice_text(text));
	return 0;
}

// The line of an entry, to be freed; NULL if out of memory.
static char *line_text(const struct audit *a, json_t *entry)
{
	char now[CLOCK_TEXT_MAX];
	json_t *whole = json_pack("{s:I, s:s, s:s}", "seq", (json_int_t)a->chain.seq + 1, "time",
				  clock_text_us(clock_now_ns(), now), "prev", a->chain.hash);
	char *text = NULL;
	if (whole && json_object_update_missing(whole, entry) == 0)
		text = json_dumps(whole, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(whole);
	return text;
}

// Takes half of the orders out of an entry that is too long. False if there are none left.
static bool orders_shorten(json_t *entry)
{
	json_t *orders = json_object_get(entry, "orders"),
	       *out = json_object_get(entry, "orders-left-out");
	size_t count = json_array_size(orders), left = count / 2;
	while (json_array_size(orders) > left)
		json_array_remove(orders, json_array_size(orders) - 1);
	json_object_set_new(entry, "orders-left-out",
			    json_integer(json_integer_value(out) + (json_int_t)(count - left)));
	return count > 0;
}

static void line_drop(struct audit *a)
{
	free(a->line);
	a->line = NULL;
}

static int line_make(struct audit *a, json_t *entry)
{
	line_drop(a);
	char *text = line_text(a, entry);
	while (text && strlen(text) > AUDIT_LINE_MAX) {
		free(text);
		if (!orders_shorten(entry))
			return -E2BIG;
		text = line_text(a, entry);
	}
	a->line = text;
	return text ? 0 : -ENOMEM;
}

static int entry_write(struct audit *a, json_t *entry)
{
	int err = line_make(a, entry);
	if (!err)
		err = line_write(a, a->line);
	line_drop(a);
	return err;
}

static int entry_write_new(struct audit *a, json_t *entry)
{
	int err = entry ? entry_write(a, entry) : -ENOMEM;
	json_decref(entry);
	return err;
}

// Vouches for the half lines at the end.
static int torn_write(struct audit *a)
{
	uint8_t digest[DIGEST_LEN];
	char text[DIGEST_TEXT_MAX];
	int err = digest_of(slice_of(a->chain.torn, a->chain.torn_len), digest);
	if (err)
		return err;
	log_warn("%s ends with half an entry, as after a power cut: it stays there, and the next "
		 "entry says so",
		 a->path);
	return entry_write_new(a, json_pack("{s:s, s:I, s:s}", "command", AUDIT_TORN, "bytes",
					    (json_int_t)a->chain.torn_len, "sha256",
					    digest_text(digest, text)));
}

static int gap_write(struct audit *a, const struct known *known)
{
	log_err("%s does not have entry %" PRIu64
		" any more as it was written: somebody changed it or cut it off",
		a->path, known->seq);
	return entry_write_new(a, json_pack("{s:s, s:I, s:s}", "command", "gap", "known-seq",
					    (json_int_t)known->seq, "known-hash", known->hash));
}

// Reads the end anew, and notes in the trail what is wrong with it.
static int refresh(struct audit *a, struct known *known)
{
	int err = tail_check(a, known);
	if (!err && a->chain.torn_line)
		err = torn_write(a);
	if (!err && known->differs)
		err = gap_write(a, known);
	return err;
}

// Somebody else may have written in the meantime: another daemon that takes over from this one, or one who
// should not.
static int catch_up(struct audit *a)
{
	char hash[DIGEST_TEXT_MAX];
	struct known known = {.seq = a->chain.seq, .hash = hash};
	struct stat st;
	memcpy(hash, a->chain.hash, sizeof hash);
	if (fstat(a->fd, &st) < 0)
		return -errno;
	if (a->stale || st.st_size != a->size)
		return refresh(a, &known);
	return a->chain.torn_line ? torn_write(a) : 0;
}

int audit_append(struct audit *a, json_t *entry)
{
	int err = entry ? catch_up(a) : -ENOMEM;
	if (!err)
		err = entry_write(a, entry);
	json_decref(entry);
	return err;
}

int audit_prepare(struct audit *a, json_t *entry, uint64_t *ret_seq, char ret_hash[DIGEST_TEXT_MAX])
{
	uint8_t digest[DIGEST_LEN];
	int err = entry ? catch_up(a) : -ENOMEM;
	if (!err)
		err = line_make(a, entry);
	if (!err)
		err = digest_of(slice_text(a->line), digest);
	json_decref(entry);
	if (err) {
		line_drop(a);
		return err;
	}
	*ret_seq = a->chain.seq + 1;
	digest_text(digest, ret_hash);
	return 0;
}

int audit_write(struct audit *a)
{
	struct stat st;
	int err = fstat(a->fd, &st) < 0 ? -errno : 0;
	if (!err && (a->stale || st.st_size != a->size))
		err = -ESTALE;
	if (!err)
		err = line_write(a, a->line);
	line_drop(a);
	return err;
}

void audit_head(const struct audit *a, uint64_t *ret_seq, char ret_hash[DIGEST_TEXT_MAX])
{
	*ret_seq = a->chain.seq;
	memcpy(ret_hash, a->chain.hash, DIGEST_TEXT_MAX);
}

bool audit_remembers(struct audit *a, uint64_t seq, const char *hash)
{
	struct known known = {.seq = seq, .hash = hash};
	int err = refresh(a, &known);
	if (err)
		log_err("%s: %s", a->path, strerror(-err));
	return !known.differs;
}

// A new file has to outlast a power cut.
static int file_open(const char *path)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	int err = disk_sync_folder_of(path);
	if (!err)
		return fd;
	close(fd);
	return err;
}

struct audit *audit_open(const char *path, const char *syslog, char error[AUDIT_ERROR_MAX])
{
	struct known none = {.hash = ""};
	struct audit *a = calloc(1, sizeof *a);
	if (!a) {
		snprintf(error, AUDIT_ERROR_MAX, "no memory for the audit trail");
		return NULL;
	}
	snprintf(a->path, sizeof a->path, "%s", path);
	a->fd = file_open(path);
	a->syslog = logsocket_new(syslog, "filterd");
	int err = a->fd < 0 ? a->fd : a->syslog ? tail_check(a, &none) : -ENOMEM;
	if (!err)
		return a;
	snprintf(error, AUDIT_ERROR_MAX, "the audit trail %.200s: %s", path,
		 err == -EBADMSG ? "its end holds no entry; move the file away to begin another"
				 : strerror(-err));
	audit_close(a);
	return NULL;
}

void audit_close(struct audit *a)
{
	if (!a)
		return;
	logsocket_free(a->syslog);
	line_drop(a);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}
