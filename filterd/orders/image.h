// SPDX-License-Identifier: GPL-3.0-or-later
// The image: all orders compiled into one immutable file that is used where it lies. All integers are
// little-endian; addresses are in network order. The same orders give the same bytes.
//
//      +---------------+  0
//      | header        |  magic, version, checksum of the rest, seed, counts, and where the sections are
//      +---------------+  each section begins at a multiple of 64
//      | TAILS         |  u64 words, one for every eight names: a filter over the last labels of each name,
//      |               |  whose hash is turned by 32 bits for it (suffix_hash_turn())
//      | FILTER        |  u64 words, one for every four names: of each name five bits are set in one word
//      +---------------+
//      | BUCKETS       |  the hash table: 64 bytes a bucket, one cache line
//      |   tag[12]     |    a byte of each name's hash; the first `used` of them count
//      |   used, 0     |
//      |   passed      |    16 bits: names of which classes (by hash) had to move to a later bucket
//      |   at[12]      |    where in HEAP each name is
//      +---------------+
//      | HEAP          |  for each name: length (1 byte), set number (1 to 5 bytes, seven bits each,
//      |               |  the lowest first, high bit = more follows), the bytes of the name
//      +---------------+
//      | SETS          |  struct image_set for each set of orders, and one more at their end
//      | MEMBERS       |  u32 order indices, ascending within a set
//      +---------------+
//      | ORDERS        |  struct image_order for each
//      | OVERRIDES     |  u32 order indices
//      | POINTS4       |  4-byte addresses:  the client scope of an order, flattened: ascending
//      | POINTS6       |  16-byte addresses: addresses at each of which being in scope flips
//      | TEXT          |  UTF-8
//      +---------------+
//
// First the last two labels of a name are looked for in TAILS, and the last three of names below co.uk and the like, as
// each listed name is noted there. If neither is there, nothing that is listed can be a suffix of the name. Nearly all
// names end here, after an access to memory or two, in a table that fits a processor's cache. The others are looked for
// once for each of their suffixes: hash the suffix (base/suffix_hash.h); if its five
// bits are set in its word of FILTER, take the bucket that the upper 32 bits point at; where a tag agrees,
// compare the whole name in HEAP. A full bucket hands names on to the next one and notes their class in
// `passed`. So a miss ends at FILTER in 99.6 cases of 100, and nearly always at the first bucket in the
// others. What blocks is the comparison, never a hash. The kernel's prefilter has copies of TAILS and FILTER.
//
// What a name belongs to is the *set* of orders that list it. Names come in millions, distinct sets in
// dozens, so a name costs 2 bytes + its length in HEAP, 64 / (12 x 0.8) = 6.7 in BUCKETS, 2 in FILTER, 1 in TAILS.
//
// The client scope: sorted by address, the longest prefix has been given its way already, so thousands
// of prefixes cost one binary search: in scope = `in_scope` of the order, flipped once for every point
// that is not beyond the client's address.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAGIC                                                                                \
	"\x7f"                                                                                     \
	"filterd"

enum {
	IMAGE_MAGIC_LEN = 8,
	IMAGE_VERSION = 6,        // up by one with every change of the layout
	IMAGE_VERSION_TURNED = 6, // before, TAILS had the hashes as they are
	IMAGE_VERSION_OLDEST = 4, // that is read: there TAILS has two labels of each name
	IMAGE_ALIGN = 64,
	IMAGE_SLOTS = 12,      // names in a bucket
	IMAGE_PROBES_MAX = 64, // buckets that one look-up may visit
	IMAGE_SINKHOLES = 8,
	IMAGE_TAILS_NAMES = 8, // for each word
	IMAGE_FILTER_NAMES = 4,
	IMAGE_TAIL_TURN = 32, // bits, by which a hash is turned for TAILS
};

enum image_section_number {
	IMAGE_TAILS,
	IMAGE_FILTER,
	IMAGE_BUCKETS,
	IMAGE_HEAP,
	IMAGE_SETS,
	IMAGE_MEMBERS,
	IMAGE_ORDERS,
	IMAGE_OVERRIDES,
	IMAGE_POINTS4,
	IMAGE_POINTS6,
	IMAGE_TEXT,
	IMAGE_SECTIONS,
};

struct image_section {
	uint64_t at, len; // bytes
};

struct image_header {
	char magic[IMAGE_MAGIC_LEN];
	uint32_t version;
	uint32_t header_len;
	uint64_t checksum;  // XXH3 (64 bits) of every byte behind this field
	uint64_t len;       // of the whole image
	uint64_t seed;      // of the hash
	uint64_t names;     // distinct ones that some order lists
	uint64_t labels[2]; // bit n: there are names of n labels; others need not be looked for
	uint32_t buckets;
	uint32_t longest; // name, in bytes
	struct image_section sections[IMAGE_SECTIONS];
	uint64_t entries; // names in BUCKETS: also those that no order lists any more (graft.h)
};

struct image_bucket {
	uint8_t tag[IMAGE_SLOTS];
	uint8_t used;
	uint8_t zero;
	uint16_t passed;
	uint32_t at[IMAGE_SLOTS];
};

struct image_set {
	uint32_t start; // in MEMBERS; it ends where the next one starts
	uint32_t names; // that have this set
};

struct image_span { // of a section, counted in its items
	uint32_t at, count;
};

struct image_sinkhole {
	uint8_t family; // 4 or 6
	uint8_t zero[3];
	uint8_t bytes[16];
};

struct image_order {
	struct image_span id, authority, reference, reason, category, contact; // bytes of TEXT
	int64_t issued_s, starts_s, expires_s, review_s;
	uint64_t names; // that it lists, each counted once
	struct image_span overrides, points4, points6;
	uint32_t peer; // the first order with the same authority
	uint8_t action, match, answer;
	uint8_t in_scope; // 1 if a client that is below every point, or has no address, is in scope
	uint8_t sinkhole_count;
	uint8_t zero[3];
	uint32_t revision;
	uint8_t names_digest
		[32]; // SHA-256 of all that decides which names it lists (names_digest.h)
	struct image_sinkhole sinkholes[IMAGE_SINKHOLES];
};

_Static_assert(sizeof(struct image_header) == 256, "the header is as drawn");
_Static_assert(sizeof(struct image_bucket) == 64, "a bucket is one cache line");
_Static_assert(sizeof(struct image_order) == 320, "orders are as drawn");

// Where a name goes in the table.
struct image_place {
	uint32_t bucket;
	uint8_t tag;
	uint16_t class_bit; // in `passed`
};

// Of bytes that are no name.
uint64_t image_hash(uint64_t seed, const void *bytes, size_t len);

// XXH3 of everything behind the checksum field; `len` is at least that of the header.
uint64_t image_checksum(const void *image, size_t len);

static inline struct image_place image_place(uint64_t hash, uint32_t buckets)
{
	return (struct image_place){
		.bucket = (uint32_t)((hash >> 32) * buckets >> 32),
		.tag = (uint8_t)hash,
		.class_bit = (uint16_t)(1u << (hash >> 8 & 15)),
	};
}
