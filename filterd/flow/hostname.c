// SPDX-License-Identifier: GPL-3.0-or-later
// A stream's protocol is told by its first bytes, not by its port: TLS runs anywhere. Only DNS, which
// has no mark of its own, goes by the port.
#include "filterd/flow/hostname.h"

#include "filterd/base/rd.h"
#include "filterd/wire/dns.h"
#include "filterd/wire/prelude.h"
#include "filterd/wire/tls.h"

const char *hostname_protocol_text(enum hostname_protocol protocol)
{
	static const char *const text[] = {
		[HOSTNAME_DNS] = "dns",     [HOSTNAME_TLS] = "tls",
		[HOSTNAME_QUIC] = "quic",   [HOSTNAME_HTTP] = "http",
		[HOSTNAME_OTHER] = "other", [HOSTNAME_UNKNOWN] = "unknown",
	};
	return text[protocol];
}

enum {
	TLS_MAJOR = 3,
	TLS_HANDSHAKE = 22,
	TLS_RECORD_FIRST = 20,
	TLS_RECORD_DATA = 23,
	TLS_RECORD_LAST = 24,
	TLS_RECORD_HEADER = 5
};

static void read_hello(struct slice bytes, struct hostname_message *ret)
{
	struct tls_hello hello;
	ret->scan = tls_hello_read(&hello, bytes);
	if (hello.started)
		ret->protocol = HOSTNAME_TLS;
	hostnames_copy(&ret->names, &hello.names);
	ret->greeting = hello.started;
	ret->ech = hello.has_ech;
	ret->silent = ret->scan == SCAN_NONE && !hello.started;
	ret->end = (uint32_t)hello.end;
	ret->need = (uint32_t)hello.need;
}

// What a TLS client sends after its hello: another hello, or records that are passed over whole.
static void read_later_record(struct slice bytes, bool tunnel, struct hostname_message *ret)
{
	struct rd r = rd_of(bytes);
	uint8_t type = rd_u8(&r);
	rd_skip(&r, 2);
	uint32_t len = rd_u16(&r);
	ret->protocol = HOSTNAME_TLS;
	ret->sealed = type == TLS_RECORD_DATA;
	if (bytes.len && (type < TLS_RECORD_FIRST || type > TLS_RECORD_LAST)) {
		ret->silent = true;
	} else if (rd_ok(&r) && tunnel && type == TLS_RECORD_DATA) {
		ret->end =
			TLS_RECORD_HEADER; // the flow stays queued: whatever is said needs no room
		ret->skip = len;
	} else if (!rd_ok(&r) || len > rd_left(&r)) {
		ret->scan = SCAN_MORE;
		ret->need = rd_ok(&r) ? TLS_RECORD_HEADER + len : TLS_RECORD_HEADER;
	} else {
		ret->end = TLS_RECORD_HEADER + len;
	}
}

static void read_dns(struct slice bytes, struct hostname_message *ret)
{
	struct dns_query query;
	size_t need = 0;
	ret->protocol = HOSTNAME_DNS;
	ret->framed = true; // the length before a message still tells where the next one starts
	ret->scan = dns_stream_read(&query, bytes, &need);
	if (ret->scan == SCAN_MORE)
		ret->need = (uint32_t)need;
	else
		ret->end = (uint32_t)need;
	if (ret->scan == SCAN_FOUND || ret->scan == SCAN_BAD)
		hostnames_copy(&ret->names, &query.names);
}

// On a port of DNS, two bytes do not make it TLS: they could as well be the length of a message. No
// message can have the hello's type and version where a hello has them: it would announce more records
// than it has room for.
static void read_dns_or_hello(struct slice bytes, struct hostname_message *ret)
{
	struct tls_hello hello;
	enum scan scan = tls_hello_read(&hello, bytes);
	if (hello.started && hello.version >> 8 == TLS_MAJOR) {
		read_hello(bytes, ret);
	} else if (scan == SCAN_MORE && !hello.version) {
		ret->scan = SCAN_MORE;
		ret->need = (uint32_t)bytes.len + 1;
	} else {
		read_dns(bytes, ret);
	}
}

// HTTP is known by a whole request line. Behind a request for another protocol, that is told anew.
static void read_http(struct slice bytes, struct http_reader *http, struct hostname_message *ret)
{
	struct http_piece piece;
	ret->scan = http_read(http, bytes, &piece);
	if (ret->scan == SCAN_BAD || piece.end > 0 || piece.sure)
		ret->protocol = HOSTNAME_HTTP;
	if (piece.tunnel)
		ret->protocol = HOSTNAME_UNKNOWN;
	if (piece.names.count > 0)
		hostnames_copy(&ret->names, &piece.names);
	ret->silent = ret->scan == SCAN_NONE && piece.end == 0;
	ret->framed = !piece.lost;
	ret->requests = piece.head;
	ret->end = (uint32_t)piece.end;
	ret->need = (uint32_t)piece.need;
	ret->skip = piece.skip;
}

// What comes behind a prelude is told anew.
static void read_prelude(struct slice bytes, struct hostname_message *ret)
{
	struct prelude prelude;
	ret->scan = prelude_read(&prelude, bytes);
	ret->silent = ret->scan == SCAN_NONE && prelude.end == 0;
	ret->prelude = !ret->silent;
	ret->framed = false;
	ret->end = (uint32_t)prelude.end;
	ret->need = (uint32_t)prelude.need;
	if (prelude.names.count > 0) {
		ret->protocol = HOSTNAME_OTHER;
		hostnames_copy(&ret->names, &prelude.names);
	}
}

// The first request line was read, and no other protocol can follow.
static bool http_is_known(const struct http_reader *http)
{
	return http->phase != HTTP_START || (http->later && !http->tunnel);
}

static void read_by_form(struct slice bytes, struct http_reader *http, struct hostname_message *ret)
{
	ret->protocol = HOSTNAME_UNKNOWN;
	read_hello(bytes, ret);
	if (ret->silent)
		read_http(bytes, http, ret);
	if (ret->silent)
		read_prelude(bytes, ret);
}

void hostname_read_stream(struct slice bytes, enum hostname_protocol protocol,
			  struct http_reader *http, bool dns_port, struct hostname_message *ret)
{
	ret->scan = SCAN_NONE;
	ret->protocol = protocol;
	ret->ech = false;
	ret->silent = ret->greeting = ret->sealed = ret->requests = ret->prelude = ret->framed =
		false;
	ret->end = ret->need = 0;
	ret->skip = 0;
	ret->names.count = 0;
	ret->names.overflow = false;
	struct rd r = rd_of(bytes);
	uint8_t type = rd_u8(&r), major = rd_u8(&r);
	if (protocol == HOSTNAME_DNS) {
		read_dns(bytes, ret);
	} else if (protocol == HOSTNAME_TLS && type != TLS_HANDSHAKE) {
		read_later_record(bytes, http->tunnel, ret);
	} else if (protocol == HOSTNAME_HTTP && http_is_known(http)) {
		read_http(bytes, http, ret);
	} else if (type == TLS_HANDSHAKE && !rd_ok(&r)) {
		ret->scan = SCAN_MORE;
		ret->protocol = dns_port ? protocol : HOSTNAME_TLS;
		ret->need = 2;
	} else if (protocol == HOSTNAME_TLS) {
		read_hello(bytes, ret);
	} else if (!dns_port) {
		read_by_form(bytes, http, ret);
	} else if (type == TLS_HANDSHAKE && major == TLS_MAJOR) {
		read_dns_or_hello(bytes, ret);
	} else {
		read_dns(bytes, ret);
	}
}
