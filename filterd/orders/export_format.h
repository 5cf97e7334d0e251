// SPDX-License-Identifier: GPL-3.0-or-later
// What an export format is made of. Internal to exporting (export.c).
#pragma once
#include "filterd/base/slice.h"
#include "filterd/orders/effects.h"
#include "filterd/orders/export.h"
#include "filterd/orders/order.h"

// A name whose effect is another than the one that it inherits.
struct export_name {
	struct slice name;
	struct slice parent;              // the nearest one that was shown before; empty = none
	const struct order *inherited;    // what blocks names below the parent
	const struct order *self, *below; // as in struct effect
	bool has_exception;
	bool is_nested; // below a name, near or far, below which names are blocked
};

struct export_format {
	const char *name;
	const char *comment;             // what begins one
	void (*begin)(struct export *x); // NULL = nothing but comments
	// Can it be said of this name? NULL = of any. What can't is not shown.
	bool (*fits)(const struct export *x, struct slice name);
	// Says what it can, and returns what blocks names below this one by what was said: NULL, `below` or `self`.
	const struct order *(*write)(struct export *x, const struct export_name *n);
	bool every_name; // also those that inherit their effect
};

extern const struct export_format export_dnsmasq, export_domains, export_hosts, export_rpz,
	export_unbound;

// Does the order have a say in what is exported?
bool export_has(const struct export *x, const struct order *o);

// Do they answer in the same way? NULL is none.
bool export_same(const struct order *a, const struct order *b);

// Names are no C strings.
#define EXPORT_NAME(n) (int)(n).len, (const char *)(n).at
