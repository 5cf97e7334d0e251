// SPDX-License-Identifier: GPL-3.0-or-later
// Images: what the header says of itself is put right, so that the bytes behind it are looked at; then
// whatever opens is asked about names, those of the corpus among them, an order more is compiled onto it, and both are
// compared.
#include <stdlib.h>
#include <unistd.h>

#include "filterd/orders/compile.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/diff.h"
#include "filterd/orders/image.h"
#include "filterd/orders/order.h"
#include "filterd/orders/parse.h"
#include "filterd/orders/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct ruleset *r)
{
	static const char *const names[] = {"a.example",    "x.y.a.example", "b.example",
					    "ok.a.example", "example",       "n17.example"};
	static const uint8_t bytes[16] = {10, 1, 2, 3};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct name name;
		struct ruleset_verdict v;
		uint32_t listed[4];
		name_from_text(&name, slice_text(names[i]));
		for (uint8_t family = 4; family <= 6; family += 2) {
			struct addr client = addr_from_bytes(family, bytes);
			ruleset_judge(r, &name, &client, 1552732200, &v);
			if (v.decision != DECISION_NONE && v.order >= ruleset_orders(r))
				abort();
		}
		ruleset_listed(r, &name, listed, 4);
	}
	for (uint32_t i = 0; i < ruleset_orders(r); i++) {
		struct ruleset_order o;
		ruleset_order(r, i, &o);
		if (o.expires_s <= o.starts_s || o.sinkhole_count > RULESET_SINKHOLES_MAX)
			abort();
	}
}

static bool look_at(void *arg, const struct diff_order *o, struct slice name, bool added)
{
	const struct diff *d = arg;
	if ((added ? o->after : o->before) >= ruleset_orders(added ? d->after : d->before))
		abort();
	return name.len == 0 || name.at[name.len - 1] != 'x'; // some want no more of them
}

static void compare(const struct ruleset *before, const struct ruleset *after)
{
	struct diff d;
	if (diff_make(&d, before, after) < 0)
		abort();
	(void)diff_names(&d, look_at, &d);
	for (uint32_t i = 0; i < d.count; i++)
		(void)diff_changes(&d.at[i]);
	diff_done(&d);
}

// The first order of the text is the only one of most images, the second one is in none.
static void compile_onto(const struct ruleset *base)
{
	static const char text[] =
		"[order:a]\nauthority = A\nreference = R\nreason = x\naction = block\n"
		"match = exact\nstarts = 2019-03-16T09:00:00Z\n"
		"expires = 2019-04-16T09:00:00Z\nname = a.example\n"
		"[order:new]\nauthority = A\nreference = R\nreason = x\naction = block\n"
		"match = exact\nstarts = 2019-03-16T09:00:00Z\n"
		"expires = 2019-04-16T09:00:00Z\nname = a.example\nname = new.example\n";
	struct parse_options options = {.base = base};
	struct complaints complaints = {0};
	struct orders orders;
	struct compiled compiled;
	struct ruleset *r;
	char error[RULESET_ERROR_MAX];
	if (parse_orders_text("f", slice_text(text), &options, &orders, &complaints) < 0 ||
	    compile_orders_onto(&orders, base, &compiled) < 0)
		abort();
	int memfd = ruleset_seal(compiled.image, compiled.len);
	if (memfd < 0 || ruleset_open_sealed(&r, memfd, error) < 0)
		abort();
	compare(base, r);
	compare(r, base);
	ruleset_close(r);
	close(memfd);
	compiled_done(&compiled);
	orders_done(&orders);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[RULESET_ERROR_MAX];
	struct ruleset *r;
	if (size < sizeof(struct image_header))
		return 0;
	uint8_t *image = malloc(size);
	struct image_header *h = memcpy(image, data, size);
	memcpy(h->magic, IMAGE_MAGIC, IMAGE_MAGIC_LEN);
	uint32_t version = le32toh(h->version);
	if (version < IMAGE_VERSION_OLDEST || version > IMAGE_VERSION)
		h->version = htole32(IMAGE_VERSION);
	h->header_len = htole32(sizeof *h);
	h->len = htole64(size);
	h->checksum = htole64(image_checksum(image, size));
	int memfd = ruleset_seal(image, size);
	if (memfd >= 0 && ruleset_open_sealed(&r, memfd, error) == 0) {
		ask(r);
		compile_onto(r);
		ruleset_close(r);
	}
	close(memfd);
	free(image);
	return 0;
}
