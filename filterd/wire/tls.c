// SPDX-License-Identifier: GPL-3.0-or-later
// The ClientHello is read where it lies, by a cursor that steps over record headers as it comes to
// them, so that a hello cut into any records costs no copy; only a name that a border crosses is put
// together. Like the bounded reader, the cursor fails for good, but it says how: bytes are missing, or
// the bytes are wrong. Records that servers skip before a hello or inside it (alerts, the
// change_cipher_spec of RFC 8446, appendix D.4, empty ones) are skipped up to a small number.
#include "filterd/wire/tls.h"

#include "filterd/base/rd.h"
#include "filterd/base/wr.h"

enum {
	RECORD_CHANGE_CIPHER_SPEC = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_HEADER = 5,
	VERSION_MAJOR = 3,
	STRAY_LEN_MAX = 2, // an alert; a change_cipher_spec has one byte
	STRAYS_MAX = 32,   // OpenSSL skips as many empty records
};

enum { HANDSHAKE_CLIENT_HELLO = 1, HANDSHAKE_SERVER_HELLO = 2, HANDSHAKE_HEADER = 4 };

enum { ALERT_CLOSE_NOTIFY = 0, ALERT_FATAL = 2 };

enum { EXTENSION_SERVER_NAME = 0, EXTENSION_ECH = 0xfe0d };

enum {
	SERVER_NAME_HOST = 0,
	NAME_BYTES_MAX = 1024, // longer is no name, even in UTF-8
	SESSION_ID_MAX = 32,
	RANDOM_LEN = 32,
};

enum cursor_state { CURSOR_OK, CURSOR_MORE, CURSOR_BAD };

// Reads the handshake bytes of a stream of records.
struct cursor {
	struct rd stream;   // from the next unread byte of the stream on
	size_t record_left; // handshake bytes of the current record that are unread, there or not
	size_t left;        // unread handshake bytes of the structure being read
	size_t message;     // unread bytes of the whole handshake message
	size_t overhead; // with MORE: bytes without any of the handshake's that come first at least
	unsigned strays;
	bool refused; // a fatal alert or a close_notify was skipped
	enum cursor_state state;
};

static struct cursor cursor_init(struct slice stream)
{
	return (struct cursor){
		.stream = rd_of(stream), .left = HANDSHAKE_HEADER, .message = HANDSHAKE_HEADER};
}

// Over handshake bytes without records: as if all of them, and what is to come, were in one.
static struct cursor cursor_bare(struct slice bytes)
{
	struct cursor c = cursor_init(bytes);
	c.record_left = SIZE_MAX;
	return c;
}

static bool ok(const struct cursor *c)
{
	return c->state == CURSOR_OK;
}

static void fail(struct cursor *c, enum cursor_state state)
{
	if (ok(c))
		c->state = state;
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

// Bytes are missing: `overhead` of them before the next byte of the handshake.
static void starve(struct cursor *c, size_t overhead)
{
	c->overhead = overhead;
	fail(c, CURSOR_MORE);
}

static void record_skip(struct cursor *c, uint8_t type, size_t len)
{
	size_t there = rd_left(&c->stream);
	if (len > STRAY_LEN_MAX || ++c->strays > STRAYS_MAX)
		fail(c, CURSOR_BAD);
	else if (len > there)
		starve(c, len - there + RECORD_HEADER);
	if (!ok(c))
		return;
	struct rd body = rd_sub(&c->stream, len);
	if (type != RECORD_ALERT || len != STRAY_LEN_MAX)
		return;
	uint8_t level = rd_u8(&body), description = rd_u8(&body);
	c->refused |= level == ALERT_FATAL || description == ALERT_CLOSE_NOTIFY;
}

static bool record_type_known(uint8_t type)
{
	return type == RECORD_HANDSHAKE || type == RECORD_ALERT ||
	       type == RECORD_CHANGE_CIPHER_SPEC;
}

// Opens the next record. What is there of its header is judged even if the rest is missing, so that
// another protocol is known by its first byte.
static void record_open(struct cursor *c)
{
	size_t there = rd_left(&c->stream);
	uint8_t type = rd_u8(&c->stream), major = rd_u8(&c->stream);
	rd_skip(&c->stream, 1);
	size_t len = rd_u16(&c->stream);
	if ((there >= 1 && !record_type_known(type)) || (there >= 2 && major != VERSION_MAJOR))
		fail(c, CURSOR_BAD);
	else if (there < RECORD_HEADER)
		starve(c, RECORD_HEADER - there);
	else if (type == RECORD_HANDSHAKE && len > 0)
		c->record_left = len;
	else
		record_skip(c, type, len);
}

// The next `len` bytes, which lie together.
static inline struct slice take(struct cursor *c, size_t len)
{
	c->record_left -= len;
	c->left -= len;
	c->message -= len;
	return rd_bytes(&c->stream, len);
}

// Do the next `len` bytes lie together, as they nearly always do?
static inline bool together(const struct cursor *c, size_t len)
{
	return ok(c) && len <= c->left && len <= c->record_left && len <= rd_left(&c->stream);
}

// The next handshake bytes that lie together: one to `max`, which must not be more than are left of the
// structure; or none and a failed cursor.
static struct slice run(struct cursor *c, size_t max)
{
	while (ok(c) && c->record_left == 0)
		record_open(c);
	if (!ok(c))
		return (struct slice){0};
	size_t len = min(min(max, c->record_left), rd_left(&c->stream));
	if (len == 0)
		starve(c, 0);
	return take(c, len);
}

static void skip(struct cursor *c, size_t len)
{
	if (together(c, len)) {
		take(c, len);
		return;
	}
	if (len > c->left)
		fail(c, CURSOR_BAD);
	while (ok(c) && len > 0)
		len -= run(c, len).len;
}

// `len` bytes, over which a record's border may go: put together in `buffer`. Empty if the cursor failed.
static struct slice gather(struct cursor *c, size_t len, uint8_t *buffer)
{
	if (len > c->left)
		fail(c, CURSOR_BAD);
	if (!ok(c))
		return (struct slice){0};
	struct wr w = wr_init(buffer, len);
	while (ok(c) && wr_len(&w) < len) {
		struct slice s = run(c, len - wr_len(&w));
		wr_bytes(&w, s.at, s.len);
	}
	return ok(c) ? slice_of(buffer, len) : (struct slice){0};
}

// `len` bytes in a row: as they lie, or put together in `buffer` (of at least that size). Empty if the
// cursor failed.
static inline struct slice bytes(struct cursor *c, size_t len, uint8_t *buffer)
{
	return together(c, len) ? take(c, len) : gather(c, len, buffer);
}

// Numbers; 0 if the cursor failed.
static uint8_t u8(struct cursor *c)
{
	uint8_t buffer[1];
	struct rd r = rd_of(bytes(c, sizeof buffer, buffer));
	return rd_u8(&r);
}

static uint16_t u16(struct cursor *c)
{
	uint8_t buffer[2];
	struct rd r = rd_of(bytes(c, sizeof buffer, buffer));
	return rd_u16(&r);
}

static uint32_t u24(struct cursor *c)
{
	uint8_t buffer[3];
	struct rd r = rd_of(bytes(c, sizeof buffer, buffer));
	return rd_u24(&r);
}

// Narrows the cursor to the next `len` bytes and returns how many lie behind them, for leave().
static size_t enter(struct cursor *c, size_t len)
{
	if (len > c->left) {
		fail(c, CURSOR_BAD);
		return 0;
	}
	size_t behind = c->left - len;
	c->left = len;
	return behind;
}

// The structure must have been read to its end.
static void leave(struct cursor *c, size_t behind)
{
	if (c->left != 0)
		fail(c, CURSOR_BAD);
	c->left = behind;
}

// The stream's length below which asking again is of no use. Every answer of this kind asks for all
// that the message still lacks, so a flood of tiny records is looked at few times, not once for each.
static size_t need(const struct cursor *c, struct slice stream)
{
	size_t more = c->message + c->overhead;
	if (c->record_left > 0 && c->message > c->record_left)
		more += RECORD_HEADER;
	return stream.len > 0 ? stream.len + more : 1; // one byte may tell that it is no TLS
}

static void host_name(struct cursor *c, struct tls_hello *ret, size_t len)
{
	uint8_t buffer[NAME_BYTES_MAX];
	if (len > sizeof buffer)
		fail(c, CURSOR_BAD);
	struct slice text = bytes(c, len, buffer);
	struct name n;
	if (ok(c) && name_from_text(&n, text) < 0)
		fail(c, CURSOR_BAD);
	if (ok(c))
		hostnames_add(&ret->names, &n);
	const uint8_t *colon = text.len ? memchr(text.at, ':', text.len) : NULL;
	// nginx takes a port off here as well.
	if (ok(c) && colon && name_from_text(&n, slice_of(text.at, (size_t)(colon - text.at))) == 0)
		hostnames_add(&ret->names, &n);
}

// RFC 6066, section 3. Names of other types have no defined form; they are taken to have a length.
static void server_names(struct cursor *c, struct tls_hello *ret)
{
	size_t behind = enter(c, u16(c));
	if (behind > 0 || c->left == 0)
		fail(c, CURSOR_BAD);
	while (ok(c) && c->left > 0) {
		uint32_t type = u8(c);
		size_t len = u16(c);
		if (type == SERVER_NAME_HOST)
			host_name(c, ret, len);
		else
			skip(c, len);
	}
	leave(c, behind);
}

static void extensions(struct cursor *c, struct tls_hello *ret)
{
	size_t behind = enter(c, u16(c));
	if (behind > 0)
		fail(c, CURSOR_BAD);
	while (ok(c) && c->left > 0) {
		uint32_t type = u16(c);
		size_t after = enter(c, u16(c));
		if (!ok(c))
			return;
		if (type == EXTENSION_SERVER_NAME)
			server_names(c, ret);
		else
			skip(c, c->left);
		ret->has_ech |= type == EXTENSION_ECH;
		leave(c, after);
	}
	leave(c, behind);
}

// RFC 8446, section 4.1.2, from legacy_version on. Before TLS 1.2 extensions may be left out.
static void client_hello(struct cursor *c, struct tls_hello *ret, bool cookie)
{
	ret->version = u16(c);
	skip(c, RANDOM_LEN);
	size_t session_id = u8(c);
	if (session_id > SESSION_ID_MAX)
		fail(c, CURSOR_BAD);
	skip(c, session_id);
	if (cookie)
		skip(c, u8(c));
	skip(c, u16(c)); // cipher suites
	skip(c, u8(c));  // compression methods
	if (c->left > 0)
		extensions(c, ret);
}

// Opens the message that comes first; the cursor then stands on its body. True if its type, at least, is
// there and right.
static bool message_open(struct cursor *c, uint32_t type)
{
	uint32_t found = u8(c);
	if (ok(c) && found != type)
		fail(c, CURSOR_BAD);
	if (!ok(c))
		return false;
	size_t len = u24(c);
	if (ok(c))
		c->left = c->message = len;
	return true;
}

// RFC 5246, appendix E.2. No name fits into one.
static enum scan sslv2_hello_read(struct tls_hello *ret, struct slice stream)
{
	enum { HEADER = 2, FIXED = 9, VERSION_SSLV2 = 0x0002 };
	struct rd r = rd_of(stream);
	size_t len = rd_u16(&r) & 0x7fff;
	uint8_t type = rd_u8(&r);
	if (stream.len >= 3 && type != HANDSHAKE_CLIENT_HELLO)
		return SCAN_NONE;
	uint16_t version = rd_u16(&r);
	if (stream.len >= 5 && version != VERSION_SSLV2 && version >> 8 != VERSION_MAJOR)
		return SCAN_NONE;
	size_t ciphers = rd_u16(&r), session_id = rd_u16(&r), challenge = rd_u16(&r);
	if (!rd_ok(&r)) {
		ret->need = HEADER + FIXED;
		return SCAN_MORE;
	}
	if (ciphers % 3 != 0 || len != FIXED + ciphers + session_id + challenge)
		return SCAN_NONE;
	ret->started = true;
	ret->version = version;
	ret->need = HEADER + len;
	if (stream.len < ret->need)
		return SCAN_MORE;
	ret->end = ret->need;
	return SCAN_NONE;
}

static void hello_clear(struct tls_hello *h)
{
	h->names.count = 0; // the room for names is left alone
	h->names.overflow = false;
	h->has_ech = false;
	h->version = 0;
	h->started = false;
	h->end = 0;
	h->need = 0;
}

// The ClientHello that the cursor stands before.
static void hello_read(struct cursor *c, struct tls_hello *ret)
{
	ret->started = message_open(c, HANDSHAKE_CLIENT_HELLO);
	if (c->message > TLS_HELLO_MAX)
		fail(c, CURSOR_BAD);
	client_hello(c, ret, false);
}

static enum scan hello_answer(const struct cursor *c, struct tls_hello *ret, struct slice stream)
{
	switch (c->state) {
	case CURSOR_MORE:
		ret->need = need(c, stream);
		return SCAN_MORE;
	case CURSOR_BAD:
		return ret->started ? SCAN_BAD : SCAN_NONE;
	case CURSOR_OK:
		break;
	}
	ret->end = rd_offset(&c->stream);
	return ret->names.count > 0 ? SCAN_FOUND : SCAN_NONE;
}

enum scan tls_hello_read(struct tls_hello *ret, struct slice stream)
{
	hello_clear(ret);
	if (stream.len > 0 && stream.at[0] & 0x80)
		return sslv2_hello_read(ret, stream);

	struct cursor c = cursor_init(stream);
	hello_read(&c, ret);
	// Nothing may share the hello's last record: no client has more to say before the answer.
	if (c.record_left > 0)
		fail(&c, CURSOR_BAD);
	return hello_answer(&c, ret, stream);
}

enum scan tls_handshake_read(struct tls_hello *ret, struct slice bytes)
{
	hello_clear(ret);
	struct cursor c = cursor_bare(bytes);
	hello_read(&c, ret);
	return hello_answer(&c, ret, bytes);
}

enum scan tls_hello_body_read(struct tls_hello *ret, struct slice body, size_t total, bool cookie)
{
	hello_clear(ret);
	ret->started = true;
	body.len = min(body.len, total);
	struct cursor c = cursor_bare(body);
	c.left = c.message = total;
	if (total > TLS_HELLO_MAX)
		fail(&c, CURSOR_BAD);
	client_hello(&c, ret, cookie);
	return hello_answer(&c, ret, body);
}

enum tls_server tls_server_read(struct slice stream)
{
	// SHA-256 of "HelloRetryRequest"
	static const uint8_t retry[RANDOM_LEN] = {
		0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
		0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
		0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
	};
	uint8_t buffer[RANDOM_LEN];
	struct cursor c = cursor_init(stream);
	message_open(&c, HANDSHAKE_SERVER_HELLO);
	skip(&c, 2); // legacy_version
	struct slice random = bytes(&c, RANDOM_LEN, buffer);
	if (c.refused)
		return TLS_SERVER_ALERT;
	if (ok(&c))
		return slice_equal(random, slice_of(retry, sizeof retry)) ? TLS_SERVER_RETRY
									  : TLS_SERVER_HELLO;
	if (c.state == CURSOR_MORE && stream.len < TLS_SERVER_HEAD)
		return TLS_SERVER_MORE;
	return TLS_SERVER_OTHER;
}
