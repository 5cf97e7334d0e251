// SPDX-License-Identifier: GPL-3.0-or-later
// The hash by which names are looked for: of a canonical name (name.h) and of each of its suffixes, in one
// pass. Each label is hashed in words of eight bytes; then the labels are joined from the right, so that
// the hash of a suffix goes into that of the next longer one. The kernel's prefilter (bpf/) computes the
// same from the labels of a packet: hence a header with nothing but arithmetic. It is seeded and no
// cryptography: whoever makes names collide costs time, since what blocks is a comparison.
// The filter of an image, and the prefilter's, is a row of words: a name has five bits in one of them.
//
//   label  = end(word(word(seed, bytes 0-7), bytes 8-15) ..., length)   words are little-endian, zeros behind
//   suffix = join(join(0, last label), last but one) ...
#pragma once
#include <stdint.h>

#define SUFFIX_HASH_K1 UINT64_C(0x9e3779b97f4a7c15) // odd, with bits as good as random
#define SUFFIX_HASH_K2 UINT64_C(0xd6e8feb86659fd93)

static inline uint64_t suffix_hash_mix(uint64_t h, uint64_t factor)
{
	h *= factor;
	return h ^ h >> 32;
}

// A label begins with the seed; each word of it is added, then its length in bytes.
static inline uint64_t suffix_hash_word(uint64_t label, uint64_t word)
{
	return suffix_hash_mix(label ^ word, SUFFIX_HASH_K1);
}

static inline uint64_t suffix_hash_end(uint64_t label, uint64_t len)
{
	return suffix_hash_mix(label + len, SUFFIX_HASH_K2);
}

// The hash of a suffix that has one more label on the left; that of no label at all is 0.
static inline uint64_t suffix_hash_join(uint64_t suffix, uint64_t label)
{
	return suffix_hash_mix((suffix << 23 | suffix >> 41) ^ label, SUFFIX_HASH_K1);
}

// Is a suffix of two labels, which have these lengths, such as countries give names below (co.uk)? It says little of
// a name.
static inline int suffix_hash_is_shared(uint64_t label_len, uint64_t last_label_len)
{
	return last_label_len == 2 && label_len <= 3;
}

// The lower `n` bytes of a word, 0 to 8.
static inline uint64_t suffix_hash_low_bytes(uint64_t word, unsigned n)
{
	return n < 8 ? word & ((UINT64_C(1) << 8 * n) - 1) : word;
}

// The hash under which a name's last labels stand in a filter over tails, turned by that many bits, 0 or 32. By
// the same hash, a name of two labels that passes that filter by chance would often pass the one over names as well.
static inline uint64_t suffix_hash_turn(uint64_t hash, unsigned bits)
{
	return hash << bits | hash >> (-bits & 63);
}

// Which word of a filter stands for the hash, and which bits of it. With four names a word, a name that is not
// there finds all its bits set once in 240 times.
static inline uint32_t suffix_hash_filter_word(uint64_t hash, uint32_t words)
{
	return (uint32_t)((hash >> 32) * words >> 32);
}

static inline uint64_t suffix_hash_filter_bits(uint64_t hash)
{
	uint64_t z = hash * SUFFIX_HASH_K2;
	return UINT64_C(1) << (z >> 58) | UINT64_C(1) << (z >> 52 & 63) |
	       UINT64_C(1) << (z >> 46 & 63) | UINT64_C(1) << (z >> 40 & 63) |
	       UINT64_C(1) << (z >> 34 & 63);
}
