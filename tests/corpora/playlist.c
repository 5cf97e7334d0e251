// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/corpora/playlist.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/base/wr.h"
#include "filterd/daemon/capture.h"

enum { FIRST_ADDRESS = 1 << 28 }; // 16.0.0.0

struct packet_held {
	int64_t gap_ns; // since the packet before it in its capture
	uint8_t *bytes;
	uint32_t len;
	uint32_t src, dst; // numbers of its addresses, if it has any
	bool truncated;
};

struct capture_held {
	uint32_t first, count; // packets
};

// One packet of a round.
struct cue {
	int64_t at_ns;
	uint32_t household, packet;
};

struct address {
	uint8_t bytes[16];
	uint32_t len;
};

struct playlist {
	struct packet_held *packets;
	struct capture_held *captures;
	struct address *addresses;
	struct cue *cues;
	uint32_t packet_count, capture_count, address_count, cue_count, households;
	int64_t pause_max_ns, round_ns;
};

// The array with room for one more; it doubles.
static void *grown(void *array, uint32_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	array = reallocarray(array, count ? 2 * (size_t)count : 1, size);
	if (!array)
		abort();
	return array;
}

static uint32_t address_number(struct playlist *p, const uint8_t *bytes, uint32_t len)
{
	uint32_t i;
	for (i = 0; i < p->address_count; i++)
		if (p->addresses[i].len == len && memcmp(p->addresses[i].bytes, bytes, len) == 0)
			return i;
	p->addresses = grown(p->addresses, p->address_count, sizeof *p->addresses);
	p->addresses[i] = (struct address){.len = len};
	memcpy(p->addresses[i].bytes, bytes, len);
	return p->address_count++;
}

static int ip_version(const uint8_t *bytes, size_t len)
{
	if (len >= 20 && bytes[0] >> 4 == 4)
		return 4;
	return len >= 40 && bytes[0] >> 4 == 6 ? 6 : 0;
}

static void hold_packet(struct playlist *p, const struct capture_packet *from, int64_t gap_ns)
{
	p->packets = grown(p->packets, p->packet_count, sizeof *p->packets);
	struct packet_held *held = &p->packets[p->packet_count++];
	*held = (struct packet_held){
		.gap_ns = gap_ns < 0                 ? 0
			  : gap_ns > p->pause_max_ns ? p->pause_max_ns
						     : gap_ns,
		.bytes = malloc(from->bytes.len),
		.len = (uint32_t)from->bytes.len,
		.truncated = from->truncated,
	};
	if (!held->bytes)
		abort();
	memcpy(held->bytes, from->bytes.at, from->bytes.len);
	int version = ip_version(held->bytes, held->len);
	if (version) {
		uint32_t at = version == 4 ? 12 : 8, len = version == 4 ? 4 : 16;
		held->src = address_number(p, held->bytes + at, len);
		held->dst = address_number(p, held->bytes + at + len, len);
	}
}

static void hold_capture(struct playlist *p, const char *path)
{
	char error[CAPTURE_ERROR_MAX];
	struct capture *capture;
	struct capture_packet packet;
	if (capture_open(&capture, path, error) < 0) {
		fprintf(stderr, "left out: %s\n", error);
		return;
	}
	struct capture_held held = {.first = p->packet_count};
	int64_t before_ns = 0;
	while (capture_next(capture, &packet, error) == 1) {
		bool first = p->packet_count == held.first;
		hold_packet(p, &packet, first ? 0 : packet.time_ns - before_ns);
		before_ns = packet.time_ns;
	}
	capture_close(capture);
	held.count = p->packet_count - held.first;
	if (held.count == 0)
		return;
	p->captures = grown(p->captures, p->capture_count, sizeof *p->captures);
	p->captures[p->capture_count++] = held;
}

static int is_capture(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');
	return end && (strcmp(end, ".pcap") == 0 || strcmp(end, ".pcapng") == 0);
}

static void hold_folder(struct playlist *p, const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_capture, alphasort);
	for (int i = 0; i < count; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
		hold_capture(p, path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static int by_time(const void *a, const void *b)
{
	const struct cue *x = a, *y = b;
	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	if (x->household != y->household)
		return x->household < y->household ? -1 : 1;
	return 0;
}

static void write_cues(struct playlist *p)
{
	p->cue_count = 0;
	for (uint32_t h = 0; h < p->households; h++) {
		int64_t at_ns = 0;
		for (uint32_t i = 0; i < p->capture_count; i++) {
			uint32_t first = h * p->capture_count / p->households;
			struct capture_held c = p->captures[(first + i) % p->capture_count];
			for (uint32_t k = c.first; k < c.first + c.count; k++) {
				// A nanosecond more, so that the order is always the same.
				at_ns += p->packets[k].gap_ns + 1;
				p->cues[p->cue_count++] = (struct cue){at_ns, h, k};
			}
		}
		p->round_ns = (at_ns / CLOCK_SECOND_NS + 1) * CLOCK_SECOND_NS;
	}
	qsort(p->cues, p->cue_count, sizeof *p->cues, by_time);
}

struct playlist *playlist_new(const char *folder, uint32_t households, int64_t pause_max_ns)
{
	struct playlist *p = calloc(1, sizeof *p);
	if (!p)
		abort();
	p->households = households;
	p->pause_max_ns = pause_max_ns;
	hold_folder(p, folder);
	if (p->capture_count == 0) {
		playlist_free(p);
		return NULL;
	}
	p->cues = reallocarray(NULL, (size_t)households * p->packet_count, sizeof *p->cues);
	if (!p->cues)
		abort();
	write_cues(p);
	return p;
}

void playlist_free(struct playlist *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->packet_count; i++)
		free(p->packets[i].bytes);
	free(p->packets);
	free(p->captures);
	free(p->addresses);
	free(p->cues);
	free(p);
}

int64_t playlist_round_ns(const struct playlist *p)
{
	return p->round_ns;
}

uint32_t playlist_packets(const struct playlist *p)
{
	return p->cue_count;
}

uint32_t playlist_captures(const struct playlist *p)
{
	return p->capture_count;
}

// Writes what this household calls its addresses: IPv4 whole, IPv6 the lower half of the
// network. In place, so that a sanitizer sees a read past the packet's end.
static void rename_addresses(const struct playlist *p, struct packet_held *held, uint32_t names)
{
	int version = ip_version(held->bytes, held->len);
	if (!version)
		return;
	uint32_t src = version == 4 ? 12 : 8 + 4, dst = version == 4 ? 16 : 24 + 4;
	struct wr w = wr_init(held->bytes + src, 4);
	wr_u32(&w, FIRST_ADDRESS + names * p->address_count + held->src);
	w = wr_init(held->bytes + dst, 4);
	wr_u32(&w, FIRST_ADDRESS + names * p->address_count + held->dst);
}

bool playlist_next(struct playlist *p, struct playlist_place *place, struct playlist_packet *ret)
{
	if (place->at == p->cue_count)
		return false;
	const struct cue *cue = &p->cues[place->at++];
	struct packet_held *held = &p->packets[cue->packet];
	rename_addresses(p, held, place->addresses * p->households + cue->household);
	*ret = (struct playlist_packet){
		.at_ns = cue->at_ns,
		.bytes = slice_of(held->bytes, held->len),
		.truncated = held->truncated,
	};
	return true;
}
