// SPDX-License-Identifier: GPL-3.0-or-later
// The handshake table: what is remembered of the hellos that clients send in datagrams (QUIC's CRYPTO
// frames, DTLS fragments). One table serves all workers, behind a lock, because the kernel shares packets
// out by address, and a client of many addresses may spread one hello over them: servers such as quic-go
// know a connection by its id alone. For the same reason the id alone is the key here. A key that is
// coarser than the server's is always safe: whatever the server reads as one text is one text here, and
// bytes that differ from earlier ones for the same place are refused.
//
// The table has a fixed size. A half-read handshake is never forgotten before HANDSHAKE_IDLE_S: else a
// client could make us forget the first half of its own hello by a flood of others. When the table or a
// client's share of it is full of those, the new one is refused. One that was read whole makes room for
// others, but leaves a trace, and nothing more of it may pass: the server may have lost a part of what we
// read and hold the rest, and would take another part that we could compare with nothing; or it asks for a
// second hello, of which we would not know where it begins.
#pragma once
#include "filterd/base/addr.h"
#include "filterd/flow/stream.h"
#include "filterd/wire/quic_crypto.h"

struct handshakes;

enum handshake_kind { HANDSHAKE_QUIC, HANDSHAKE_DTLS };

// The two ends as the client's packets name them.
struct handshake_path {
	struct addr client, server;
	uint16_t client_port, server_port;
};

// What a handshake is known by: of QUIC the client's first Destination Connection ID, of DTLS the path
// and the message's number. What a client says in a version that no server speaks (`unspoken`) is no part
// of what it says in others under the same id. To be made by the two functions below, since all of it is compared.
struct handshake_key {
	uint8_t kind; // enum handshake_kind
	uint8_t id_len;
	uint8_t id[QUIC_ID_MAX];
	uint16_t message; // message_seq of DTLS; of QUIC, 1 for versions that no server reads
	struct handshake_path path;
};

struct handshake {
	struct handshake_key key;
	struct handshake_path path; // of its first datagram

	// QUIC: the client's keys under `suite`, the version that it was first seen with.
	enum quic_suite suite;
	struct quic_keys keys;
	uint64_t number; // one more than the largest packet number opened so far
	uint64_t lowest; // the smallest one, if there is any

	uint32_t total; // DTLS: bytes of the message, as its first fragment said

	struct stream
		stream; // the handshake's bytes, from its first one on; all are kept for comparison
	uint32_t read;  // offset up to which messages were read whole
	uint32_t need;  // reading again is in vain while stream.next is below this offset
	uint8_t told;   // names of the message at `read` that were judged already
	bool silent;    // what comes at `read` names no host: it is not read

	bool blocked;
	int64_t blocked_until_s; // when the order ends
	uint64_t blocked_by;     // generation of the rules that said so

	int64_t seen_s; // the table's own from here on
	uint64_t key_hash, path_hash;
	uint32_t older, newer;
	uint8_t age_list;
};

struct handshake_key handshake_key_quic(struct slice dcid, bool unspoken);
struct handshake_key handshake_key_dtls(const struct handshake_path *path, uint16_t message);

// `slots` handshakes and `buffers` stream buffers; `seed` keys the hashes. NULL if out of memory.
struct handshakes *handshakes_new(uint32_t slots, uint32_t buffers, uint64_t seed);
void handshakes_free(struct handshakes *t);

// To be held around every use of the functions below, and as long as what they gave is used.
void handshakes_lock(struct handshakes *t);
void handshakes_unlock(struct handshakes *t);

uint32_t handshakes_count(const struct handshakes *t);

// The handshake with this key, or NULL. One that was idle for HANDSHAKE_IDLE_S is forgotten instead.
struct handshake *handshake_find(struct handshakes *t, const struct handshake_key *key,
				 int64_t now_s);

// Walks the handshakes of `kind` whose first datagram took this path: the first one with NULL, then the
// one after `h`. NULL at the end. There are at most HANDSHAKES_PER_PATH.
struct handshake *handshake_on_path(struct handshakes *t, const struct handshake_path *path,
				    enum handshake_kind kind, const struct handshake *h,
				    int64_t now_s);

// True if the handshake with this key was read whole, and forgotten for want of room less than
// HANDSHAKE_IDLE_S after its last datagram. By chance once in 2^28 times.
bool handshake_was_forgotten(const struct handshakes *t, const struct handshake_key *key,
			     int64_t now_s);

// A new handshake with this key, which must not be there. NULL if it can't be had without forgetting
// half-read ones: the table, the client's share of it (HANDSHAKES_QUOTA_PART) or the path is full of them.
struct handshake *handshake_make(struct handshakes *t, const struct handshake_key *key,
				 const struct handshake_path *path, int64_t now_s);

// Adds bytes to the stream, and forgets others that were read whole to make room.
enum stream_result handshake_add(struct handshakes *t, struct handshake *h, uint32_t offset,
				 struct slice bytes);

// The bytes in order from h->read on. Valid until the next call.
struct slice handshake_unread(struct handshakes *t, const struct handshake *h);

// To be called after each datagram of the handshake that was taken: it counts as young again.
void handshake_touch(struct handshakes *t, struct handshake *h, int64_t now_s);
