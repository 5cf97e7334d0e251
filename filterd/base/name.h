// SPDX-License-Identifier: GPL-3.0-or-later
// The canonical host name, the one form in which packets and orders meet: lower case, labels parted
// by dots, no trailing dot, A-labels (RFC 5891) for other alphabets, 1 to 253 bytes, printable ASCII
// only. A dot inside a DNS wire label is no separator: it, a backslash and every byte outside
// 0x21..0x7e become the \DDD escape of RFC 1035, section 5.1, so that `a\046b.example` is one label
// below `example`, and a subtree order on `example` still holds. Text (an SNI, a Host field, an
// order) has no such escapes: there NUL, control bytes, blanks and backslashes make the name bad.
#pragma once
#include "filterd/base/slice.h"

enum { NAME_MAX_LEN = 253, NAME_LABEL_MAX = 63, NAME_LABELS_MAX = 127 };

struct name {
	uint8_t len;
	char text[NAME_MAX_LEN + 1]; // always NUL-terminated
};

// From text in any alphabet (UTF-8) and case, with or without one trailing dot: an SNI (RFC 6066,
// section 3), a Host field without its port, a name in an order or list. Underscores and digits are
// fine; address literals are names like any other here.
// 0; -EILSEQ for bytes that no host name has, or text that is no valid UTF-8 or IDNA2008 name;
// -ENAMETOOLONG over 253 bytes or a label over 63; -EINVAL for an empty name or an empty label.
int name_from_text(struct name *ret, struct slice text);

// From DNS wire labels without compression (RFC 1035, section 3.1): length bytes, labels, a final
// zero. The root gives -EINVAL; a length byte over 63, or bytes missing or left over, -EBADMSG; more
// than 255 bytes, -ENAMETOOLONG. A name of over 253 bytes once escaped keeps as many of its last labels
// as fit, behind a label `?`: orders on its parents hold, and it equals no name in an order.
int name_from_wire(struct name *ret, struct slice labels);

// 0x00-terminated wire labels of a canonical name into `out` (at most 255 bytes); escapes are undone.
// Returns the length. The name must be one that the functions above gave.
size_t name_to_wire(const struct name *n, uint8_t out[255]);

// Offsets at which the suffixes of a canonical name's text start, the whole name first (for a.b.c: 0, 2, 4), and
// the hash of each (suffix_hash.h). Returns how many there are, the number of labels.
size_t name_hashes(struct slice text, uint64_t seed, uint8_t ret_offsets[NAME_LABELS_MAX],
		   uint64_t ret_hashes[NAME_LABELS_MAX]);

// The hash of its last two labels, or of the only one: that which name_hashes() gives for this suffix.
uint64_t name_tail_hash(struct slice text, uint64_t seed);

// The same, and behind it the hash of its last three labels if it has so many and shares the last two with too
// many others (suffix_hash_is_shared()). Returns how many there are, at least one. In a filter over tails, a name is
// noted by the last of its hashes; of what is that name or below it, one of the hashes is in the filter then.
enum { NAME_TAILS_MAX = 2 };
size_t name_tail_hashes(struct slice text, uint64_t seed, uint64_t ret[NAME_TAILS_MAX]);
uint64_t name_tail_note(struct slice text, uint64_t seed); // the last of them

static inline struct slice name_slice(const struct name *n)
{
	return slice_of(n->text, n->len);
}
