// SPDX-License-Identifier: GPL-3.0-or-later
// Each type has one reader and one writer here; what a reader takes, the writer gives back in one form.
#include "filterd/daemon/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/orders/lifetimes.h"

// The choice at `index` of "a|b|c" into `out`; false past the last.
static bool choice_text(const char *choices, uint32_t index, char out[CONFIG_VALUE_MAX])
{
	for (; index && *choices; index--) {
		choices += strcspn(choices, "|");
		choices += *choices == '|';
	}
	snprintf(out, CONFIG_VALUE_MAX, "%.*s", (int)strcspn(choices, "|"), choices);
	return *choices != '\0';
}

const char *config_value_allowed(const struct config_row *row, char out[CONFIG_WRONG_MAX])
{
	unsigned min = row->min, max = row->max;
	switch (row->type) {
	case CONFIG_NUMBER:
		snprintf(out, CONFIG_WRONG_MAX, "a number from %u to %u", min, max);
		break;
	case CONFIG_BOOL:
		snprintf(out, CONFIG_WRONG_MAX, "yes or no");
		break;
	case CONFIG_CHOICE:
		snprintf(out, CONFIG_WRONG_MAX, "one of %s", row->choices);
		break;
	case CONFIG_NAME:
		snprintf(out, CONFIG_WRONG_MAX, "a word of %u to %u bytes", min, max);
		break;
	case CONFIG_PATH:
		snprintf(out, CONFIG_WRONG_MAX, "%san absolute path of at most %u bytes",
			 min ? "" : "empty, or ", max);
		break;
	case CONFIG_PORTS:
		snprintf(out, CONFIG_WRONG_MAX, "%u to %u ports (1 to 65535), blank-separated%s",
			 min, max, row->choices ? ", or any" : "");
		break;
	case CONFIG_NAMES:
		snprintf(out, CONFIG_WRONG_MAX, "%u to %u host names, blank-separated", min, max);
		break;
	case CONFIG_INTERFACES:
		snprintf(out, CONFIG_WRONG_MAX,
			 "%u to %u interface names, blank-separated, `*` or `+` only at the end",
			 min, max);
		break;
	case CONFIG_WORDS:
		snprintf(out, CONFIG_WRONG_MAX, "%u to %u different words, blank-separated", min,
			 max);
		break;
	case CONFIG_LIFETIMES:
		snprintf(out, CONFIG_WRONG_MAX,
			 "%u to %u words CATEGORY:DAYS (1 to %d days), blank-separated", min, max,
			 LIFETIMES_DAYS_MAX);
		break;
	}
	return out;
}

// A decimal number without sign or blanks.
static bool number_read(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
	char *end;
	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (errno || *end || v < min || v > max)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool choice_read(const struct config_row *row, const char *text, uint32_t *ret)
{
	char one[CONFIG_VALUE_MAX];
	const char *choices = row->type == CONFIG_BOOL ? "no|yes" : row->choices;
	for (uint32_t i = 0; choice_text(choices, i, one); i++) {
		if (!strcmp(one, text)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool text_read(const struct config_row *row, const char *text, char *ret)
{
	size_t len = strlen(text);
	if (len < row->min || len > row->max || len >= CONFIG_TEXT_MAX)
		return false;
	if (row->type == CONFIG_PATH && len && text[0] != '/')
		return false;
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)text[i]) ||
		    (row->type == CONFIG_NAME && !isgraph((unsigned char)text[i])))
			return false;
	memcpy(ret, text, len + 1);
	return true;
}

static int ports_add(const struct config_row *row, struct config_ports *ports, const char *word)
{
	uint32_t port;
	if (ports->any)
		return -EINVAL;
	if (row->choices && !ports->count && !strcmp(word, row->choices)) {
		ports->any = true;
		return 0;
	}
	if (!number_read(word, 1, 65535, &port) || ports->count == CONFIG_PORTS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < ports->count; i++)
		if (ports->at[i] == port)
			return -EEXIST;
	ports->at[ports->count++] = (uint16_t)port;
	return 0;
}

static int names_add(struct config_names *names, const char *word)
{
	struct name n;
	size_t text_len = 0; // of what names_text() makes of the list so far
	int err = name_from_text(&n, slice_text(word));
	if (err)
		return err;
	for (uint32_t i = 0; i < CONFIG_NAMES_MAX; i++) {
		text_len += names->at[i].len + 1U;
		if (!names->at[i].len) {
			if (text_len + n.len >= CONFIG_VALUE_MAX)
				return -ENOSPC;
			names->at[i] = n;
			return 0;
		}
		if (slice_equal(name_slice(&names->at[i]), name_slice(&n)))
			return -EEXIST;
	}
	return -EINVAL;
}

static int words_add(char words[CONFIG_VALUE_MAX], const char *word)
{
	size_t len = strlen(words), word_len = strlen(word);
	for (const char *p = word; *p; p++)
		if (!isgraph((unsigned char)*p))
			return -EINVAL;
	for (const char *at = words; (at = strstr(at, word)); at++)
		if ((at == words || at[-1] == ' ') && (!at[word_len] || at[word_len] == ' '))
			return -EEXIST;
	if (len + 1 + word_len >= CONFIG_VALUE_MAX)
		return -ENOSPC;
	snprintf(words + len, CONFIG_VALUE_MAX - len, "%s%s", len ? " " : "", word);
	return 0;
}

static void lifetimes_text(const struct lifetimes_categories *list, char out[CONFIG_VALUE_MAX]);

static int lifetime_add(struct lifetimes_categories *list, const char *word)
{
	char text[CONFIG_VALUE_MAX];
	lifetimes_text(list, text);
	return strlen(text) + 1 + strlen(word) < CONFIG_VALUE_MAX ? lifetimes_add(list, word)
								  : -ENOSPC;
}

static int word_add(const struct config_row *row, void *list, const char *word)
{
	if (row->type == CONFIG_PORTS)
		return ports_add(row, list, word);
	if (row->type == CONFIG_NAMES)
		return names_add(list, word);
	if (row->type == CONFIG_WORDS)
		return words_add(list, word);
	if (row->type == CONFIG_LIFETIMES)
		return lifetime_add(list, word);
	return interfaces_add(list, word);
}

// A list of words; *ret_bad is the word that spoils it.
static bool list_read(const struct config_row *row, const char *text, void *at,
		      char ret_bad[CONFIG_VALUE_MAX])
{
	union {
		struct config_ports ports;
		struct config_names names;
		struct interfaces interfaces;
		struct lifetimes_categories lifetimes;
		char words[CONFIG_VALUE_MAX];
	} list;
	size_t size = row->type == CONFIG_PORTS       ? sizeof list.ports
		      : row->type == CONFIG_NAMES     ? sizeof list.names
		      : row->type == CONFIG_LIFETIMES ? sizeof list.lifetimes
		      : row->type == CONFIG_WORDS     ? sizeof list.words
						      : sizeof list.interfaces;
	uint32_t count = 0;
	memset(&list, 0, sizeof list);
	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		size_t len = strcspn(text, " \t");
		snprintf(ret_bad, CONFIG_VALUE_MAX, "%.*s", (int)len, text);
		if (word_add(row, &list, ret_bad))
			return false;
		count++;
		text += len;
	}
	snprintf(ret_bad, CONFIG_VALUE_MAX, "%u entries", count);
	if (count < row->min || count > row->max)
		return false;
	memcpy(at, &list, size);
	return true;
}

int config_value_read(const struct config_row *row, void *at, const char *text,
		      char wrong[CONFIG_WRONG_MAX])
{
	char bad[CONFIG_VALUE_MAX], allowed[CONFIG_WRONG_MAX];
	bool good = false;
	snprintf(bad, sizeof bad, "%s", text);
	switch (row->type) {
	case CONFIG_NUMBER:
		good = number_read(text, row->min, row->max, at);
		break;
	case CONFIG_BOOL:
	case CONFIG_CHOICE:
		good = choice_read(row, text, at);
		break;
	case CONFIG_NAME:
	case CONFIG_PATH:
		good = text_read(row, text, at);
		break;
	case CONFIG_PORTS:
	case CONFIG_NAMES:
	case CONFIG_INTERFACES:
	case CONFIG_WORDS:
	case CONFIG_LIFETIMES:
		good = list_read(row, text, at, bad);
		break;
	}
	if (good)
		return 0;
	snprintf(wrong, CONFIG_WRONG_MAX, "[%s] %s: `%.80s` is not allowed; it takes %s",
		 row->section, row->key, bad, config_value_allowed(row, allowed));
	return -EINVAL;
}

static void ports_text(const struct config_ports *ports, char out[CONFIG_VALUE_MAX])
{
	size_t used = 0;
	if (ports->any)
		snprintf(out, CONFIG_VALUE_MAX, "any");
	for (uint32_t i = 0; i < ports->count; i++)
		used += (size_t)snprintf(out + used, CONFIG_VALUE_MAX - used, "%s%u", i ? " " : "",
					 ports->at[i]);
}

static void names_text(const struct config_names *names, char out[CONFIG_VALUE_MAX])
{
	size_t used = 0;
	for (uint32_t i = 0; i < CONFIG_NAMES_MAX && names->at[i].len; i++)
		used += (size_t)snprintf(out + used, CONFIG_VALUE_MAX - used, "%s%s", i ? " " : "",
					 names->at[i].text);
}

static void interfaces_text(const struct interfaces *list, char out[CONFIG_VALUE_MAX])
{
	size_t used = 0;
	for (uint32_t i = 0; i < list->count; i++)
		used += (size_t)snprintf(out + used, CONFIG_VALUE_MAX - used, "%s%s", i ? " " : "",
					 list->at[i]);
}

static void lifetimes_text(const struct lifetimes_categories *list, char out[CONFIG_VALUE_MAX])
{
	char word[LIFETIMES_WORD_MAX];
	size_t used = 0;
	out[0] = '\0';
	for (uint32_t i = 0; i < list->count; i++)
		used += (size_t)snprintf(out + used, CONFIG_VALUE_MAX - used, "%s%s", i ? " " : "",
					 lifetimes_word(list, i, word));
}

const char *config_value_text(const struct config_row *row, const void *at,
			      char out[CONFIG_VALUE_MAX])
{
	out[0] = '\0';
	switch (row->type) {
	case CONFIG_NUMBER:
		snprintf(out, CONFIG_VALUE_MAX, "%u", *(const uint32_t *)at);
		break;
	case CONFIG_BOOL:
		choice_text("no|yes", *(const uint32_t *)at, out);
		break;
	case CONFIG_CHOICE:
		choice_text(row->choices, *(const uint32_t *)at, out);
		break;
	case CONFIG_NAME:
	case CONFIG_PATH:
	case CONFIG_WORDS:
		snprintf(out, CONFIG_VALUE_MAX, "%s", (const char *)at);
		break;
	case CONFIG_PORTS:
		ports_text(at, out);
		break;
	case CONFIG_NAMES:
		names_text(at, out);
		break;
	case CONFIG_INTERFACES:
		interfaces_text(at, out);
		break;
	case CONFIG_LIFETIMES:
		lifetimes_text(at, out);
		break;
	}
	return out;
}
