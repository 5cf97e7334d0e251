// SPDX-License-Identifier: GPL-3.0-or-later
// The signatures are checked before anything of the manifest is believed, so that who holds no key learns
// nothing of serials and times from our refusals.
#include "filterd/daemon/trust.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/manifest.h"
#include "filterd/daemon/minisign.h"
#include "filterd/daemon/rootfile.h"

enum { DAY_S = 86400 };

struct trusted_key {
	struct minisign_key key;
	char name[TRUST_SIGNER_MAX];
};

struct trust {
	struct trusted_key keys[TRUST_KEYS_MAX];
	unsigned key_count;
	struct trust_options options; // without its texts
};

__attribute__((format(printf, 3, 4))) static int refuse(int err, char error[TRUST_ERROR_MAX],
							const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(error, TRUST_ERROR_MAX, format, args);
	va_end(args);
	return err;
}

// The public key that `word` is, or that stands in the file that it names.
static int key_load(const struct trust_options *o, const char *word, struct minisign_key *ret,
		    char error[TRUST_ERROR_MAX])
{
	char wrong[MINISIGN_WRONG_MAX], why[INI_ERROR_MAX], *text = NULL;
	size_t len = 0;
	if (word[0] != '/') {
		int err = minisign_key_parse(ret, slice_text(word), wrong);
		return err ? refuse(err, error, "[trust] keys: %.80s %s, nor an absolute path",
				    word, wrong)
			   : 0;
	}
	int err = rootfile_check(word, o->owner, why);
	if (!err)
		err = ini_load(word, &text, &len, why);
	if (err)
		return refuse(err, error, "[trust] keys: %.300s", why);
	err = minisign_key_parse(ret, slice_of(text, len), wrong);
	free(text);
	return err ? refuse(err, error, "[trust] keys: %.200s %s", word, wrong) : 0;
}

static int key_add(struct trust *t, const struct trust_options *o, const char *word,
		   char error[TRUST_ERROR_MAX])
{
	char id[MINISIGN_ID_TEXT_MAX];
	if (t->key_count == TRUST_KEYS_MAX)
		return refuse(-E2BIG, error, "[trust] keys: at most %d keys are read",
			      TRUST_KEYS_MAX);
	struct trusted_key *k = &t->keys[t->key_count];
	int err = key_load(o, word, &k->key, error);
	if (err)
		return err;
	minisign_id_text(k->key.id, id);
	for (struct trusted_key *other = t->keys; other < k; other++)
		if (!memcmp(other->key.id, k->key.id, sizeof k->key.id) ||
		    !memcmp(other->key.key, k->key.key, sizeof k->key.key))
			return refuse(-EEXIST, error,
				      "[trust] keys: %.200s is the same key as another (%s)", word,
				      id);
	const char *file = word[0] == '/' ? strrchr(word, '/') + 1 : "";
	snprintf(k->name, sizeof k->name, "%s%s%.70s", id, *file ? " " : "", file);
	t->key_count++;
	return 0;
}

static int keys_read(struct trust *t, const struct trust_options *o, char error[TRUST_ERROR_MAX])
{
	char word[512];
	int err = 0;
	for (const char *at = o->keys + strspn(o->keys, " \t"); *at && !err;
	     at += strspn(at, " \t")) {
		size_t len = strcspn(at, " \t");
		if (len >= sizeof word)
			return refuse(-EINVAL, error, "[trust] keys: a word is too long");
		memcpy(word, at, len);
		word[len] = '\0';
		at += len;
		err = key_add(t, o, word, error);
	}
	return err;
}

static int thresholds_check(const struct trust *t, char error[TRUST_ERROR_MAX])
{
	const struct trust_options *o = &t->options;
	if (o->threshold > t->key_count || o->lift_threshold > t->key_count)
		return refuse(-EINVAL, error,
			      "[trust] %s asks for %u keys, but there are only %u in keys",
			      o->threshold > t->key_count ? "threshold" : "lift-threshold",
			      o->threshold > t->key_count ? o->threshold : o->lift_threshold,
			      t->key_count);
	return 0;
}

struct trust_options trust_options_of(const struct config *config, const char *config_path)
{
	return (struct trust_options){
		.config_path = config_path,
		.keys = config->trust.keys,
		.threshold = config->trust.threshold,
		.lift_threshold = config->trust.lift_threshold,
		.lifetime_days = config->trust.lifetime_days,
		.break_glass = config->trust.break_glass == CONFIG_BREAK_GLASS_ROOT,
	};
}

struct trust *trust_new(const struct trust_options *options, char error[TRUST_ERROR_MAX])
{
	char why[ROOTFILE_ERROR_MAX];
	struct trust *t = calloc(1, sizeof *t);
	if (!t) {
		refuse(-ENOMEM, error, "no memory for the keys of [trust]");
		return NULL;
	}
	t->options = *options;
	int err = keys_read(t, options, error);
	t->options.keys = t->options.config_path = NULL; // borrowed
	if (!err && trust_on(t))
		err = thresholds_check(t, error);
	if (!err && trust_on(t) && options->config_path &&
	    rootfile_check(options->config_path, options->owner, why))
		err = refuse(-EPERM, error, "with [trust] keys: %.300s", why);
	if (!err)
		return t;
	trust_free(t);
	return NULL;
}

void trust_free(struct trust *t)
{
	free(t);
}

bool trust_on(const struct trust *t)
{
	return t->key_count > 0;
}

static const struct trusted_key *key_find(const struct trust *t, const uint8_t id[MINISIGN_ID_LEN])
{
	for (const struct trusted_key *k = t->keys; k < t->keys + t->key_count; k++)
		if (!memcmp(k->key.id, id, MINISIGN_ID_LEN))
			return k;
	return NULL;
}

// Signature `n` (from 1) of the manifest; its key is added to the signers.
static int signature_check(const struct trust *t, const struct trust_request *q, unsigned n,
			   struct trust_verdict *verdict, char error[TRUST_ERROR_MAX])
{
	struct minisign_signature s;
	char wrong[MINISIGN_WRONG_MAX], id[MINISIGN_ID_TEXT_MAX];
	int err = minisign_signature_parse(&s, slice_text(q->signatures[n - 1]), wrong);
	if (err)
		return refuse(err, error, "signature %u %s", n, wrong);
	const struct trusted_key *k = key_find(t, s.id);
	if (!k)
		return refuse(-EACCES, error,
			      "signature %u is by key %s, which is none of [trust] keys", n,
			      minisign_id_text(s.id, id));
	err = minisign_verify(&k->key, &s, slice_text(q->manifest));
	if (err)
		return refuse(
			err == -ENOMEM ? err : -EACCES, error,
			"signature %u, by key %s, is not one of this manifest: either was changed",
			n, k->name);
	for (unsigned i = 0; i < verdict->signer_count; i++)
		if (!strcmp(verdict->signers[i], k->name))
			return refuse(
				-EACCES, error,
				"signatures %u and %u are by the same key %s: each counts once",
				i + 1, n, k->name);
	memcpy(verdict->signers[verdict->signer_count++], k->name, TRUST_SIGNER_MAX);
	return 0;
}

static int signatures_check(const struct trust *t, const struct trust_request *q,
			    struct trust_verdict *verdict, char error[TRUST_ERROR_MAX])
{
	if (q->signature_count > TRUST_KEYS_MAX)
		return refuse(-EINVAL, error, "%u signatures are more than there may be keys",
			      q->signature_count);
	for (unsigned n = 1; n <= q->signature_count; n++) {
		int err = signature_check(t, q, n, verdict, error);
		if (err)
			return err;
	}
	// A wrong clock ends orders, too.
	bool lift = !strcmp(q->command, manifest_command_words[MANIFEST_LIFT]) ||
		    !strcmp(q->command, manifest_command_words[MANIFEST_CONFIRM_CLOCK]);
	unsigned needed = lift ? t->options.lift_threshold : t->options.threshold;
	if (verdict->signer_count >= needed)
		return 0;
	return refuse(-EACCES, error,
		      "to %s takes signatures by %u of the %u keys in [trust], not %u", q->command,
		      needed, t->key_count, verdict->signer_count);
}

// Whether what is asked for is what was signed.
static int same_check(const struct trust_request *q, const struct manifest *m,
		      char error[TRUST_ERROR_MAX])
{
	static const uint8_t no_image[DIGEST_LEN];
	const char *differs = NULL;
	if (strcmp(q->command, manifest_command_words[m->command]) != 0)
		return refuse(-EACCES, error, "the manifest is for another command (%s)",
			      manifest_command_words[m->command]);
	if (strcmp(q->order ? q->order : "", m->order) != 0)
		differs = "order";
	else if (memcmp(q->image ? q->image : no_image, m->image, DIGEST_LEN) != 0)
		differs = "image";
	else if (q->until_s != m->until_s)
		differs = "time of expiry";
	else if (q->to != m->to)
		differs = "serial to go back to";
	else if (strcmp(q->note ? q->note : "", m->note) != 0)
		differs = "note or reason";
	return differs ? refuse(-EACCES, error, "another %s was signed than is asked for", differs)
		       : 0;
}

static int serial_check(const struct trust_request *q, const struct manifest *m,
			char error[TRUST_ERROR_MAX])
{
	if (m->serial <= q->seen)
		return refuse(-ESTALE, error,
			      "the manifest's serial %" PRIu64
			      " is not above the last one, %" PRIu64
			      ": it was used already, or something else was changed first",
			      m->serial, q->seen);
	if (m->serial - q->seen > TRUST_SERIAL_STEP_MAX)
		return refuse(-EINVAL, error,
			      "the manifest's serial %" PRIu64
			      " is too far above the last one, %" PRIu64,
			      m->serial, q->seen);
	return 0;
}

static int times_check(const struct trust *t, const struct trust_request *q,
		       const struct manifest *m, char error[TRUST_ERROR_MAX])
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX], now[CLOCK_TEXT_MAX];
	clock_text(m->not_before_s, from);
	clock_text(m->not_after_s, to);
	clock_text(q->now_s, now);
	if (m->not_after_s < m->not_before_s ||
	    m->not_after_s - m->not_before_s > (int64_t)t->options.lifetime_days * DAY_S)
		return refuse(-EINVAL, error,
			      "the manifest is good from %s to %s: [trust] allows %u days at most",
			      from, to, t->options.lifetime_days);
	if (q->now_s < m->not_before_s)
		return refuse(-ESTALE, error, "the manifest is good only from %s on, and it is %s",
			      from, now);
	if (q->now_s > m->not_after_s)
		return refuse(-ESTALE, error, "the manifest was good until %s, and it is %s", to,
			      now);
	return 0;
}

static int manifest_check(const struct trust *t, const struct trust_request *q,
			  struct trust_verdict *verdict, char error[TRUST_ERROR_MAX])
{
	struct manifest m;
	char wrong[MANIFEST_WRONG_MAX];
	int err = signatures_check(t, q, verdict, error);
	if (!err && manifest_parse(&m, slice_text(q->manifest), wrong))
		err = refuse(-EINVAL, error, "%s", wrong);
	if (!err)
		err = same_check(q, &m, error);
	if (!err)
		err = serial_check(q, &m, error);
	if (!err)
		err = times_check(t, q, &m, error);
	if (!err)
		verdict->serial = m.serial;
	return err;
}

int trust_check(const struct trust *t, const struct trust_request *q, struct trust_verdict *ret,
		char error[TRUST_ERROR_MAX])
{
	struct trust_verdict verdict = {0};
	int err = 0;
	if (!trust_on(t)) {
		if (q->manifest || q->signature_count)
			return refuse(
				-EINVAL, error,
				"there are signatures, but no [trust] keys to check them with");
	} else if (q->break_glass) {
		if (!t->options.break_glass)
			return refuse(-EPERM, error, "[trust] does not allow break-glass");
		if (q->uid != 0)
			return refuse(-EPERM, error, "break-glass is for root alone");
		verdict.break_glass = true;
	} else if (!q->manifest) {
		return refuse(
			-EACCES, error,
			"with [trust] keys, this takes a signed manifest (filterctl %s --prepare)",
			q->command);
	} else {
		err = manifest_check(t, q, &verdict, error);
	}
	if (!err)
		*ret = verdict;
	return err;
}
