// SPDX-License-Identifier: GPL-3.0-or-later
// Each reader takes the stream from its first byte on and says how far the prelude goes. One that waits for
// an answer in between is read as a whole all the same: nothing else can come in its place.
#include "filterd/wire/prelude.h"

#include <ctype.h>

#include "filterd/base/rd.h"

enum kind { OTHER, MORE, WHOLE, BAD };

static struct slice text(const char *of)
{
	return slice_text(of);
}

// Whether the bytes left start with `what`; MORE if they break off before they differ.
static enum kind starts(const struct rd *r, struct slice what)
{
	struct rd at = *r;
	size_t there = rd_left(&at) < what.len ? rd_left(&at) : what.len;
	struct slice s = rd_bytes(&at, there);
	if (there > 0 && memcmp(s.at, what.at, there) != 0)
		return OTHER;
	return there == what.len ? WHOLE : MORE;
}

static enum kind whole_if_there(const struct rd *r)
{
	return rd_ok(r) ? WHOLE : MORE;
}

static enum kind proxy_1(struct rd *r, struct prelude *ret)
{
	enum { LINE_MAX = 107 };
	(void)ret;
	enum kind kind = starts(r, text("PROXY "));
	if (kind != WHOLE)
		return kind;
	for (size_t i = 0; i < LINE_MAX; i++)
		if (rd_u8(r) == '\n')
			return whole_if_there(r);
	return whole_if_there(r) == MORE ? MORE : OTHER;
}

static enum kind proxy_2(struct rd *r, struct prelude *ret)
{
	static const uint8_t signature[] = "\r\n\r\n\0\r\nQUIT\n";
	(void)ret;
	enum kind kind = starts(r, slice_of(signature, sizeof signature - 1));
	if (kind != WHOLE)
		return kind;
	rd_skip(r, sizeof signature - 1 + 2);
	rd_skip(r, rd_u16(r));
	return whole_if_there(r);
}

// The request's last part is there, with a host's name in it.
static enum kind named(const struct rd *r, struct slice host, struct prelude *ret)
{
	struct name n;
	if (!rd_ok(r))
		return MORE;
	if (name_from_text(&n, host) < 0)
		return BAD;
	hostnames_add(&ret->names, &n);
	return WHOLE;
}

// Bytes up to the next NUL, which is read as well.
static struct slice string(struct rd *r)
{
	struct rd from = *r;
	size_t len = 0;
	while (rd_u8(r) != 0)
		len++;
	return rd_ok(r) ? rd_bytes(&from, len) : (struct slice){0};
}

static enum kind socks_4(struct rd *r, struct prelude *ret)
{
	enum { CONNECT = 1, BIND = 2 };
	uint8_t version = rd_u8(r);
	if (version != 4)
		return OTHER;
	uint8_t command = rd_u8(r);
	if (rd_ok(r) && command != CONNECT && command != BIND)
		return OTHER;
	rd_skip(r, 2);
	uint32_t address = rd_u32(r);
	string(r);
	if (!rd_ok(r) || address == 0 || address > 255)
		return whole_if_there(r);
	struct slice host = string(r); // 4A: the address is 0.0.0.x
	return named(r, host, ret);
}

// The method that the proxy chose shows in what the client says next.
static enum kind socks_5(struct rd *r, struct prelude *ret)
{
	enum { LOGIN = 1, VERSION = 5, IPV4 = 1, HOST = 3, IPV6 = 4, COMMAND_LAST = 3 };
	if (rd_u8(r) != VERSION)
		return OTHER;
	uint8_t methods = rd_u8(r);
	rd_skip(r, methods);
	uint8_t version = rd_u8(r);
	if (rd_ok(r) && methods == 0)
		return OTHER;
	if (rd_ok(r) && version == LOGIN) {
		rd_skip(r, rd_u8(r));
		rd_skip(r, rd_u8(r));
		version = rd_u8(r);
	}
	uint8_t command = rd_u8(r), reserved = rd_u8(r), type = rd_u8(r);
	if (!rd_ok(r))
		return MORE;
	if (version != VERSION || command == 0 || command > COMMAND_LAST || reserved != 0)
		return OTHER;
	if (type != IPV4 && type != IPV6 && type != HOST)
		return OTHER;
	struct slice host = rd_bytes(r, type == IPV4 ? 4 : type == IPV6 ? 16 : rd_u8(r));
	rd_skip(r, 2);
	return type == HOST ? named(r, host, ret) : whole_if_there(r);
}

// The next word of a line in `ret`, upper case and cut to its size; false at the line's end.
static bool word(struct rd *line, char ret[16])
{
	size_t len = 0;
	while (rd_left(line) > 0) {
		uint8_t c = rd_u8(line);
		if (c <= ' ' && len > 0)
			break;
		if (c > ' ' && len < 15)
			ret[len++] = (char)toupper(c);
	}
	ret[len] = '\0';
	return len > 0;
}

static bool is_one_of(const char *what, const char *const words[])
{
	for (; *words; words++)
		if (strcmp(what, *words) == 0)
			return true;
	return false;
}

// SMTP, POP3, FTP: a verb comes first. IMAP: a tag, then the verb.
static bool is_opening(const char *first, const char *second)
{
	static const char *const verbs[] = {"EHLO", "HELO", "LHLO", "CAPA", "FEAT",
					    "AUTH", "STLS", "NOOP", NULL};
	static const char *const tagged[] = {"CAPABILITY", "STARTTLS", "ID", "NOOP", NULL};
	return is_one_of(first, verbs) || strcmp(first, "STARTTLS") == 0 ||
	       is_one_of(second, tagged);
}

static bool is_start_tls(const char *first, const char *second)
{
	static const char *const verbs[] = {"STARTTLS", "STLS", NULL};
	static const char *const modes[] = {"TLS", "TLS-C", "SSL", NULL};
	return is_one_of(first, verbs) || strcmp(second, "STARTTLS") == 0 ||
	       (strcmp(first, "AUTH") == 0 && is_one_of(second, modes));
}

// Commands of mail and file transfer, a line each, up to the one that asks for TLS.
static enum kind start_tls(struct rd *r, struct prelude *ret)
{
	(void)ret;
	for (bool opened = false;; opened = true) {
		struct rd from = *r;
		size_t len = 0;
		uint8_t c;
		while ((c = rd_u8(r)) != '\n' && rd_ok(r)) {
			if (c != '\r' && c != '\t' && (c < ' ' || c > '~'))
				return OTHER;
			len++;
		}
		bool ended = rd_ok(r);
		struct rd line = rd_sub(&from, len);
		char first[16], second[16];
		if (!word(&line, first) && ended)
			return OTHER;
		word(&line, second);
		if (!ended)
			return MORE;
		if (!opened && !is_opening(first, second))
			return OTHER;
		if (is_start_tls(first, second))
			return WHOLE;
	}
}

static enum kind xmpp(struct rd *r, struct prelude *ret)
{
	(void)ret;
	enum kind kind = starts(r, text("<?xml "));
	if (kind == OTHER)
		kind = starts(r, text("<stream:stream "));
	if (kind != WHOLE)
		return kind;
	struct slice all = rd_bytes(r, rd_left(r));
	const uint8_t *tag = memmem(all.at, all.len, "<starttls", 9);
	const uint8_t *end = tag ? memchr(tag, '>', all.len - (size_t)(tag - all.at)) : NULL;
	if (!end)
		return MORE;
	*r = rd_of(all);
	rd_skip(r, (size_t)(end - all.at) + 1);
	return WHOLE;
}

static enum kind ldap(struct rd *r, struct prelude *ret)
{
	static const char oid[] = "1.3.6.1.4.1.1466.20037";
	enum { SEQUENCE = 0x30, EXTENDED = 0x77, INTEGER = 2 };
	(void)ret;
	if (rd_u8(r) != SEQUENCE)
		return OTHER;
	struct rd body = rd_sub8(r);
	if (rd_ok(r)) {
		uint8_t type = rd_u8(&body);
		rd_skip(&body, rd_u8(&body));
		uint8_t request = rd_u8(&body);
		struct slice rest = rd_bytes(&body, rd_left(&body));
		if (type != INTEGER || request != EXTENDED || !rest.len ||
		    !memmem(rest.at, rest.len, oid, sizeof oid - 1))
			return OTHER;
	}
	return whole_if_there(r);
}

static enum kind postgresql(struct rd *r, struct prelude *ret)
{
	static const uint8_t request[] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};
	(void)ret;
	enum kind kind = starts(r, slice_of(request, sizeof request));
	rd_skip(r, sizeof request);
	return kind;
}

static enum kind mysql(struct rd *r, struct prelude *ret)
{
	static const uint8_t header[] = {32, 0, 0, 1};
	enum { CLIENT_SSL = 0x08 }; // in the second byte of the capabilities
	(void)ret;
	enum kind kind = starts(r, slice_of(header, sizeof header));
	if (kind != WHOLE)
		return kind;
	rd_skip(r, sizeof header + 1);
	uint8_t capabilities = rd_u8(r);
	if (rd_ok(r) && !(capabilities & CLIENT_SSL))
		return OTHER;
	rd_skip(r, 30);
	return whole_if_there(r);
}

// A TPKT (RFC 1006) with the connection request of X.224.
static enum kind rdp(struct rd *r, struct prelude *ret)
{
	enum { REQUEST = 0xe0, HEADER = 4, LEN_MAX = 512 };
	(void)ret;
	uint8_t version = rd_u8(r), reserved = rd_u8(r);
	size_t len = rd_u16(r);
	rd_skip(r, 1);
	uint8_t type = rd_u8(r);
	if (version != 3 || reserved != 0)
		return OTHER;
	if (rd_ok(r) && (type != REQUEST || len < HEADER + 2 || len > LEN_MAX))
		return OTHER;
	if (rd_ok(r))
		rd_skip(r, len - HEADER - 2);
	return whole_if_there(r);
}

enum scan prelude_read(struct prelude *ret, struct slice stream)
{
	static enum kind (*const readers[])(struct rd * r, struct prelude * ret) = {
		proxy_1, proxy_2, socks_4, socks_5, start_tls, xmpp, ldap, postgresql, mysql, rdp,
	};
	bool more = false;
	ret->end = ret->need = 0;
	ret->names.count = 0;
	ret->names.overflow = false;
	for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
		struct rd r = rd_of(
			slice_of(stream.at, stream.len < PRELUDE_MAX ? stream.len : PRELUDE_MAX));
		enum kind kind = readers[i](&r, ret);
		if (kind == BAD)
			return SCAN_BAD;
		if (kind == WHOLE) {
			ret->end = rd_offset(&r);
			return ret->names.count ? SCAN_FOUND : SCAN_NONE;
		}
		more |= kind == MORE;
	}
	if (!more || stream.len >= PRELUDE_MAX)
		return SCAN_NONE;
	ret->need = stream.len + 1;
	return SCAN_MORE;
}
