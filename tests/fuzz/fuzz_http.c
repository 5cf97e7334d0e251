// SPDX-License-Identifier: GPL-3.0-or-later
// A client's stream, whole and cut where its last byte says: both readings must agree.
#include "check.h"
#include "filterd/wire/http.h"

struct end {
	size_t names;
	size_t at;
	uint64_t skip;
	struct http_reader reader;
	bool over;
};

// Reads pieces of data[0, len) from where *e stands on.
static void read_on(struct end *e, const uint8_t *data, size_t len)
{
	while (!e->over && e->at < len) {
		struct http_piece piece;
		if (e->skip > 0) {
			size_t n = e->skip < len - e->at ? (size_t)e->skip : len - e->at;
			e->skip -= n;
			e->at += n;
			continue;
		}
		enum scan scan = http_read(&e->reader, slice_of(data + e->at, len - e->at), &piece);
		CHECK(piece.names.count <= HOSTNAMES_MAX);
		if (scan == SCAN_MORE) {
			CHECK(piece.need > len - e->at && piece.names.count == 0);
			return;
		}
		CHECK(piece.end <= len - e->at && (scan != SCAN_FOUND || piece.names.count > 0));
		for (size_t i = 0; i < piece.names.count; i++)
			check_name(&piece.names.at[i]);
		e->names += piece.names.count;
		e->over = piece.lost || piece.end == 0;
		e->at += piece.end;
		e->skip = piece.skip;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct end whole = {0}, parts = {0};
	read_on(&whole, data, size);
	size_t cut = size ? data[size - 1] * size / 256 : 0;
	read_on(&parts, data, cut);
	read_on(&parts, data, size);
	CHECK(whole.names == parts.names && whole.at == parts.at && whole.over == parts.over);
	return 0;
}
