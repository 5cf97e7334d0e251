// SPDX-License-Identifier: GPL-3.0-or-later
// The list formats: one table, a file for each (list_<name>.c). A format is handed one line after
// the other and puts what it finds into the sink.
#pragma once
#include "filterd/base/addr.h"
#include "filterd/orders/list_sink.h"

struct list_format {
	const char *name;
	// Is this line of this format and, but for those above it in the table, of no other? No
	// comments and no empty lines are shown to it.
	bool (*looks)(struct slice line);
	// One line, without its end; `state` is of `state_size` bytes, all zero at first.
	void (*read)(struct list_sink *to, struct slice line, void *state);
	size_t state_size;
	bool spans_lines; // one thing may be said in several lines
	void (*end)(struct list_sink *to,
		    void *state); // behind the last line; NULL = nothing to do
};

extern const struct list_format list_adblock, list_dnsmasq, list_domains, list_hosts, list_rpz,
	list_unbound;

// In the order in which they are asked; NULL at the end.
extern const struct list_format *const list_formats[];

// By its name (of `len` bytes), or NULL.
const struct list_format *list_format_named(const char *name, size_t len);

// Is this an address of a network of one's own (RFC 1918, RFC 4193, link-local)? A name with such a one leads to a host
// there, and is not blocked.
bool list_format_is_own(const struct addr *a);

// What most of these lines look like; plain domains if they look like nothing. If as many look like
// another format, NULL, and `ret_two` gets both.
const struct list_format *list_format_detect(struct slice lines,
					     const struct list_format *ret_two[2]);
