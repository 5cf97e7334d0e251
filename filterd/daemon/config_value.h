// SPDX-License-Identifier: GPL-3.0-or-later
// One value of the configuration: its type, how it is read from text, and how it is written. The table
// of keys (config.c) is made of these.
#pragma once
#include "filterd/base/name.h"
#include "filterd/daemon/interfaces.h"

enum {
	CONFIG_TEXT_MAX = 256, // with the final NUL
	CONFIG_NAMES_MAX = 16,
	CONFIG_PORTS_MAX = 15,   // what one iptables multiport match holds
	CONFIG_VALUE_MAX = 1024, // any value in text, with the final NUL
	CONFIG_WRONG_MAX = 384,  // a sentence on what is wrong with a value
};

enum config_type {
	CONFIG_NUMBER, // uint32_t from min to max
	CONFIG_BOOL,   // uint32_t, yes or no
	CONFIG_CHOICE, // uint32_t, position in `choices`
	CONFIG_NAME,   // char[CONFIG_TEXT_MAX], a word of min to max bytes
	CONFIG_PATH,   // char[CONFIG_TEXT_MAX], absolute, of min to max bytes; min 0: may be empty
	CONFIG_PORTS,  // struct config_ports of min to max ports, or `any` where `choices` says so
	CONFIG_NAMES,  // struct config_names of min to max host names
	CONFIG_INTERFACES, // struct interfaces of min to max entries
	CONFIG_WORDS,      // char[CONFIG_VALUE_MAX], min to max words, one blank between them
	CONFIG_LIFETIMES,  // struct lifetimes_categories of min to max words CATEGORY:DAYS
};

struct config_ports {
	bool any; // every port; the list is empty then
	uint32_t count;
	uint16_t at[CONFIG_PORTS_MAX];
};

struct config_names {
	struct name at[CONFIG_NAMES_MAX]; // an empty one ends the list
};

struct config_row {
	const char *section, *key;
	enum config_type type;
	const char *initial; // the default as it would stand in a file; NULL: the key is required
	uint32_t min, max;
	const char *choices; // of CONFIG_CHOICE: "open|closed"; of CONFIG_PORTS: "any" or none
	bool reloadable;     // SIGHUP applies it; else it takes a restart
	size_t offset;       // where it stands in struct config
	const char *help;
};

// Reads `text` into `at`, the row's place in a struct config. 0, or -EINVAL with a sentence in `wrong`
// that names the values allowed.
int config_value_read(const struct config_row *row, void *at, const char *text,
		      char wrong[CONFIG_WRONG_MAX]);

// Writes the value at `at` as it would stand in a file into `out`; returns `out`.
const char *config_value_text(const struct config_row *row, const void *at,
			      char out[CONFIG_VALUE_MAX]);

// What is allowed, in words: "a number from 1 to 60"; returns `out`.
const char *config_value_allowed(const struct config_row *row, char out[CONFIG_WRONG_MAX]);
