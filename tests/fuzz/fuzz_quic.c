// SPDX-License-Identifier: GPL-3.0-or-later
// QUIC datagrams as they come; Initials opened with the keys that their own id gives; the input as frames,
// clear and once sealed and opened again.
#include "check.h"
#include "filterd/wire/quic_crypto.h"

static struct quic_crypto *crypto;

static bool within(struct slice part, struct slice whole)
{
	return part.len == 0 || (part.at >= whole.at && part.len <= whole.len &&
				 (size_t)(part.at - whole.at) <= whole.len - part.len);
}

static void check_frames(struct slice payload)
{
	struct quic_crypto_frame f;
	struct rd r = rd_of(payload);
	for (size_t before = rd_left(&r); quic_frame_next(&f, &r); before = rd_left(&r)) {
		CHECK(rd_left(&r) < before && within(f.data, payload));
		CHECK(f.offset < 1ull << 62 && f.offset + f.data.len < 1ull << 62);
	}
	CHECK(rd_left(&r) == 0);
}

static void check_open(const struct quic_packet *p, enum quic_suite suite)
{
	uint8_t *out = malloc(p->bytes.len);
	struct quic_keys keys;
	struct slice frames;
	uint64_t number;
	CHECK(out && quic_keys_initial(crypto, suite, p->dcid, QUIC_CLIENT, &keys));
	int r = quic_open(crypto, &keys, p, 0, out, p->bytes.len, &frames, &number);
	if (r == 0)
		check_frames(frames);
	free(out);
}

static void check_packet(struct quic_packet *p, struct slice datagram)
{
	CHECK(within(p->bytes, datagram) && p->bytes.len > 0);
	CHECK(within(p->dcid, p->bytes) && within(p->scid, p->bytes));
	CHECK(within(p->token, p->bytes) && p->number_at <= p->bytes.len);
	bool any_id = p->suite == QUIC_SUITE_UNKNOWN || p->kind == QUIC_LONG_ID;
	CHECK(p->dcid.len <= (any_id ? 255 : QUIC_ID_MAX));
	if (p->kind == QUIC_UNKNOWN && quic_packet_as(p, QUIC_SUITE_V2))
		check_packet(p, datagram);
	else if (p->kind == QUIC_INITIAL)
		check_open(p, p->suite);
}

static void check_seal(struct slice frames)
{
	static uint8_t packet[17000], out[17000];
	static const uint8_t id[] = {1, 2, 3};
	struct quic_keys keys;
	struct quic_packet p;
	struct slice again;
	uint64_t number;
	CHECK(quic_keys_initial(crypto, QUIC_SUITE_V1, slice_of(id, 3), QUIC_SERVER, &keys));
	size_t len = quic_seal(crypto, &keys, 1, slice_of(id, 3), slice_of(id, 1), 9, frames,
			       packet, sizeof packet);
	if (len == 0)
		return;
	struct rd r = rd_init(packet, len);
	CHECK(quic_packet_read(&p, &r) && p.kind == QUIC_INITIAL && p.bytes.len == len);
	CHECK(quic_open(crypto, &keys, &p, 0, out, len, &again, &number) == 0 && number == 9);
	CHECK(again.len >= frames.len && slice_equal(slice_of(again.at, frames.len), frames));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice datagram = slice_of(data, size);
	struct quic_packet p;
	if (!crypto)
		crypto = quic_crypto_new();
	CHECK(crypto);
	struct rd r = rd_of(datagram);
	while (quic_packet_read(&p, &r))
		check_packet(&p, datagram);
	check_frames(datagram);
	check_seal(datagram);
	return 0;
}
