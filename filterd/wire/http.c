// SPDX-License-Identifier: GPL-3.0-or-later
// Lines end with LF, CRLF or (some servers) CR alone; the last kind makes the head ambiguous, but its
// lines are read all the same, since one more host judged harms nobody. What makes a request ambiguous is
// remembered until the end of its head, which no server answers before: so all its hosts are judged.
#include "filterd/wire/http.h"

#include "filterd/base/rd.h"
#include "filterd/base/wr.h"

enum { HOST_TEXT_MAX = 1024 }; // longer is no name, even in UTF-8

struct line {
	struct slice text; // without its end
	size_t len;        // with it
	bool strict;       // it ended with CRLF
	bool bare_cr;      // it ended with CR alone
};

static bool is_blank(uint8_t c) // RFC 9112, section 3: what lenient servers take as one
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool is_token(uint8_t c) // tchar of RFC 9110, section 5.6.2
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
	       (c && memchr(marks, c, sizeof marks - 1));
}

static bool is_text(struct slice s, const char *text) // `text` in lower case
{
	size_t i = 0;
	for (; i < s.len && text[i]; i++)
		if (lower(s.at[i]) != (uint8_t)text[i])
			return false;
	return i == s.len && !text[i];
}

// Without blanks and control bytes at its ends.
static struct slice strip(struct slice s)
{
	while (s.len > 0 && s.at[0] <= ' ') {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && s.at[s.len - 1] <= ' ')
		s.len--;
	return s;
}

// Offset of the first `c` in `s`, or s.len.
static size_t find(struct slice s, uint8_t c)
{
	const uint8_t *at = s.len ? memchr(s.at, c, s.len) : NULL;
	return at ? (size_t)(at - s.at) : s.len;
}

static struct slice from(struct slice s, size_t offset)
{
	return offset < s.len ? slice_of(s.at + offset, s.len - offset) : slice_of(s.at, 0);
}

static struct slice upto(struct slice s, size_t len)
{
	return slice_of(s.at, len < s.len ? len : s.len);
}

// --- Hosts ---

static bool host_add(struct hostnames *names, struct slice text)
{
	struct name n;
	while (text.len > 0 && text.at[text.len - 1] == '.')
		text.len--;
	if (name_from_text(&n, text) < 0)
		return false;
	hostnames_add(names, &n);
	return true;
}

static int hex(uint8_t c)
{
	c = lower(c);
	return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Undoes %XX (RFC 3986, section 2.1), which some servers do in a host; what is no escape stays.
static struct slice unescape(struct slice s, uint8_t out[HOST_TEXT_MAX])
{
	struct wr w = wr_init(out, HOST_TEXT_MAX);
	for (size_t i = 0; i < s.len; i++) {
		int high = s.len - i > 2 ? hex(s.at[i + 1]) : -1;
		int low = s.len - i > 2 ? hex(s.at[i + 2]) : -1;
		bool escape = s.at[i] == '%' && high >= 0 && low >= 0;
		wr_u8(&w, escape ? (uint8_t)(high << 4 | low) : s.at[i]);
		i += escape ? 2 : 0;
	}
	return slice_of(out, wr_len(&w));
}

// Up to where the first of what could each be an authority's host goes: `#` and `\\` end it for some servers,
// NUL for those that are written in C.
static size_t parting(struct slice s)
{
	size_t i = 0;
	while (i < s.len && s.at[i] != '@' && s.at[i] != '#' && s.at[i] != '\\' && s.at[i] != '\0')
		i++;
	return i;
}

// The port behind a host: nothing, or a colon and digits (RFC 3986, section 3.2.3: perhaps none).
static bool is_port(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (i == 0 ? s.at[i] != ':' : !is_digit(s.at[i]))
			return false;
	return true;
}

// One part of an authority: host[:port]. False if it is no host name.
static bool host_port(struct hostnames *names, struct slice s)
{
	uint8_t buffer[HOST_TEXT_MAX];
	bool bracket = s.len > 0 && s.at[0] == '[';
	size_t close = bracket ? find(s, ']') : 0;
	struct slice host = bracket ? upto(from(s, 1), close - 1) : upto(s, find(s, ':'));
	struct slice port = bracket ? from(s, close + 1) : from(s, host.len);
	bool good = close < s.len && is_port(port);
	if (bracket && find(host, ':') < host.len) // an IPv6 literal is no name
		return good;
	if (host.len == 0 || host.len > sizeof buffer)
		return false;
	good &= host_add(names, host);
	if (find(host, '%') < host.len)
		good &= host_add(names, unescape(host, buffer));
	return good && !bracket; // Go's server takes any name in brackets
}

// The host of [userinfo@]host[:port], with whatever may follow (path, query), and with `users` at most
// before it. False if it is no host name. Servers differ in what they take where something stands before
// the host: nginx and HAProxy all up to a colon, others what is behind the last @. So each part is judged.
static bool authority(struct hostnames *names, struct slice s, size_t users)
{
	bool good = true, first = true;
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '/' || s.at[i] == '?')
			s.len = i;
	for (size_t end; (end = parting(s)) < s.len; first = false) {
		struct slice part = strip(upto(s, end));
		if (find(part, '.') < part.len) // no order has a name without one
			host_port(names, part);
		good &= s.at[end] == '@' && users > 0;
		users -= good;
		s = from(s, end + 1);
	}
	s = strip(s);
	return (s.len ? host_port(names, s) : first) && good;
}

// The host of a request target (RFC 9112, section 3.2) that names one.
static bool target(struct hostnames *names, struct slice s, bool connect)
{
	size_t colon = find(s, ':');
	bool scheme = colon > 0;
	for (size_t i = 0; i < colon; i++) {
		uint8_t c = s.at[i];
		scheme &= is_token(c);
	}
	struct slice rest = from(s, colon + 1);
	if (scheme && rest.len >= 2 && rest.at[0] == '/' && rest.at[1] == '/') {
		while (rest.len > 0 && (rest.at[0] == '/' || rest.at[0] == '\\'))
			rest = from(rest, 1); // any number, says the URL Standard of browsers
		return authority(names, rest, 1);
	}
	return connect ? authority(names, s, 1) : true;
}

// --- Lines ---

// The line at the start of `s`. False while its end is not there; a CR at the end of `s` may be followed by
// LF.
static bool line_read(struct slice s, struct line *ret)
{
	size_t lf = find(s, '\n'), cr = find(upto(s, lf), '\r');
	*ret = (struct line){0};
	if (cr < lf) {
		// CRs before the LF belong to its end; one before anything else ends the line alone.
		size_t i = cr;
		while (i < s.len && s.at[i] == '\r')
			i++;
		if (i == s.len)
			return false;
		ret->bare_cr = s.at[i] != '\n';
		ret->strict = i == cr + 1 && !ret->bare_cr;
		ret->text = upto(s, cr);
		ret->len = ret->bare_cr ? cr + 1 : i + 1;
		return true;
	}
	ret->text = upto(s, lf);
	ret->len = lf + 1;
	return lf < s.len;
}

static bool is_version(struct slice word) // starts one, in any case
{
	return word.len >= 6 && is_text(upto(word, 5), "http/") && is_digit(word.at[5]);
}

struct request_line {
	struct slice method, target, version; // no version: HTTP/0.9
	size_t blank;                         // empty lines and blanks before it
	size_t len;                           // with its end; 0 while it is not there
	bool odd;                             // servers differ in whether and how they read it
	bool sure;                            // as far as it goes, nothing but HTTP starts so
};

// A target that can stand in a line without a version, or one that is too long to see its version.
static bool is_uri(struct slice target)
{
	size_t colon = find(target, ':');
	struct slice rest = from(target, colon);
	return (target.len > 0 && target.at[0] == '/') ||
	       (rest.len >= 3 && rest.at[1] == '/' && rest.at[2] == '/');
}

enum { METHOD_LONGEST = 7 }; // of those below

// Whether `word` is a method of RFC 9110 or RFC 5789, or if not `whole`, could become one.
static bool is_method(struct slice word, bool whole)
{
	static const char *const methods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
					      "CONNECT", "OPTIONS", "TRACE", "PATCH"};
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		struct slice method = slice_text(methods[i]);
		if (slice_equal(word, whole ? method : upto(method, word.len)))
			return true;
	}
	return false;
}

// HTTP/0.9: no version. With an absolute target, nginx before 1.21 took it even where more words follow.
static bool is_old(const struct request_line *line, size_t words)
{
	bool absolute = is_uri(line->target) && line->target.at[0] != '/';
	bool known = is_text(line->method, "get") || is_method(line->method, true);
	return known && is_uri(line->target) && (words == 2 || absolute);
}

// What parts the words of a request line for some server: Python's also takes what is space in Unicode.
static bool is_gap(uint8_t c)
{
	return is_blank(c) || c == '\r' || c == '\n' || (c >= 0x1c && c <= 0x1f) || c == 0x85 ||
	       c == 0xa0;
}

// Adds `c`, at `at`, to the word that it belongs to. False if no request line has it there.
static bool word_add(struct request_line *line, size_t words, const struct slice *word, uint8_t c)
{
	if (words == 1 || (words == 2 && word->len == 1))
		line->sure = is_method(line->method, words > 1);
	if (words == 1 && word->len == 1)
		return is_token(c);
	bool control = c < ' ' || c == 0x7f;
	line->odd |= control;
	return !control || (words > 1 && line->sure);
}

// A request line's words are parted by blanks, and by CR up to the version (RFC 9112, section 3); what stands
// behind the version is overlooked by some servers. SCAN_NONE at the first byte that no such line has.
static enum scan request_line_read(struct slice s, struct request_line *ret)
{
	struct slice word = {s.at, 0};
	size_t words = 0, i = 0;
	*ret = (struct request_line){.sure = true};
	while (i < s.len && (is_blank(s.at[i]) || s.at[i] == '\r' || s.at[i] == '\n'))
		i++; // servers skip empty lines before a request, and some skip blanks
	for (ret->blank = i; i < s.len; i++) {
		uint8_t c = s.at[i];
		if (words == 0 || !is_gap(c)) {
			if (word.len++ == 0) {
				word.at = s.at + i;
				words++;
			}
			if (words == 1)
				ret->method = word;
			else if (words == 2)
				ret->target = word;
			if (!word_add(ret, words, &word, c))
				return SCAN_NONE;
			continue;
		}
		if (words >= 3 && is_version(word))
			ret->version = word;
		word.len = 0;
		if (c == '\r' && i + 1 == s.len)
			break;
		if (c != '\n' && (c != '\r' || s.at[i + 1] == '\n' || !ret->version.len))
			continue;
		ret->odd |= c == '\r';
		ret->len = i + 1;
		return ret->version.len || is_old(ret, words) ? SCAN_FOUND : SCAN_NONE;
	}
	return SCAN_MORE;
}

// --- Fields ---

// A list of equal lengths (RFC 9110, section 8.6) is that length.
static void content_length(struct http_reader *h, struct slice value)
{
	do {
		size_t comma = find(value, ',');
		struct slice one = strip(upto(value, comma));
		uint64_t length = 0;
		if (one.len == 0 || one.len > 18)
			h->ambiguous = true;
		for (size_t i = 0; i < one.len && one.len <= 18; i++) {
			h->ambiguous |= !is_digit(one.at[i]);
			length = length * 10 + (one.at[i] - '0') % 10U;
		}
		h->ambiguous |= h->has_length && length != h->length;
		h->has_length = true;
		h->length = length;
		value = comma < value.len ? from(value, comma + 1) : (struct slice){0};
	} while (value.at);
}

static void transfer_encoding(struct http_reader *h, struct slice value)
{
	// Any other coding, and the same one twice, is for the server to guess.
	h->ambiguous |= h->chunked || !is_text(value, "chunked") || h->old_version;
	h->chunked = true;
}

// Where servers see different ends of a head, a line of it may be the start of a request for one of them.
static bool line_as_request(struct slice line, struct hostnames *names)
{
	struct request_line as = {0};
	enum scan scan = request_line_read(line, &as);
	if (scan != SCAN_MORE || !as.target.len)
		return true;
	return target(names, as.target, is_text(as.method, "connect"));
}

// One line of a head. False if it has a host that is none.
static bool field(struct http_reader *h, struct slice line, struct hostnames *names)
{
	bool folded = line.len > 0 && is_blank(line.at[0]);
	size_t colon = find(line, ':');
	struct slice raw = upto(line, colon), name = strip(raw);
	struct slice value = strip(from(line, colon + 1));
	bool is_host = colon < line.len && is_text(name, "host");
	bool good = !h->ambiguous || line_as_request(line, names);
	if (folded) {
		// Obsolete folding (RFC 9112, section 5.2): the value goes on. Some servers read it as a
		// field of its own.
		if (h->field == HTTP_FIELD_HOST && !is_host && strip(line).len > 0)
			good &= authority(names, strip(line), 0);
		h->ambiguous |= h->field == HTTP_FIELD_FRAMING;
	}
	if (!folded || is_host)
		h->field = is_host ? HTTP_FIELD_HOST : HTTP_FIELD_OTHER;
	if (colon == line.len)
		return good;
	if (is_host)
		good &= authority(names, value, 0);
	bool length = is_text(name, "content-length"), coding = is_text(name, "transfer-encoding");
	if ((length || coding) && h->phase == HTTP_FIELDS) {
		h->field = HTTP_FIELD_FRAMING;
		h->ambiguous |= folded || raw.len != name.len;
		if (length)
			content_length(h, value);
		else
			transfer_encoding(h, value);
	}
	h->upgrade |= is_text(name, "upgrade");
	return good;
}

// --- Requests ---

// Ready for the next one.
static void request_ended(struct http_reader *h, struct http_piece *ret)
{
	bool tunnel = h->upgrade || h->connect;
	*h = (struct http_reader){.later = true, .tunnel = tunnel};
	ret->tunnel = tunnel;
}

static enum scan lost(struct http_piece *ret)
{
	ret->lost = true;
	return SCAN_BAD;
}

static enum scan answer(const struct http_piece *ret, bool good)
{
	return !good ? SCAN_BAD : ret->names.count ? SCAN_FOUND : SCAN_NONE;
}

static enum scan more(struct http_piece *ret, struct slice stream)
{
	if (stream.len >= HTTP_LINE_MAX)
		return lost(ret);
	ret->need = stream.len + 1;
	return SCAN_MORE;
}

// A request line that comes byte by byte is not read anew for each: what could end it, or show that it is
// none, must be among the new bytes, or be a CR just before them.
static bool still_waits(const struct http_reader *h, struct slice stream)
{
	if (!h->waited || h->waited > stream.len || stream.len >= HTTP_LINE_MAX)
		return false;
	uint8_t least = h->in_target ? ' ' : '!';
	for (size_t i = h->waited - 1; i < stream.len; i++) {
		uint8_t c = stream.at[i];
		if (c == '\r' || c == '\n' || (!h->sure && (c < least || c > '~')))
			return false;
	}
	return true;
}

static enum scan read_start(struct http_reader *h, struct slice stream, struct http_piece *ret)
{
	struct request_line line;
	bool first = !h->later || h->tunnel;
	if (still_waits(h, stream)) {
		h->waited = (uint32_t)stream.len;
		ret->sure = h->sure;
		return more(ret, stream);
	}
	enum scan scan = request_line_read(stream, &line);
	if (line.blank >= HTTP_BLANKS_MAX) {
		ret->end = line.blank;
		ret->tunnel = first;
		return SCAN_NONE;
	}
	switch (scan) {
	case SCAN_MORE:
		if (stream.len >= HTTP_LINE_MAX && first && !line.sure && !is_uri(line.target))
			return SCAN_NONE;
		ret->sure = line.sure;
		h->sure = line.sure;
		h->in_target = line.target.len > 0;
		h->waited = h->in_target || line.method.len > METHOD_LONGEST ? (uint32_t)stream.len
									     : 0;
		return more(ret, stream);
	case SCAN_FOUND:
		break;
	case SCAN_NONE:
	case SCAN_BAD:
		return first ? SCAN_NONE : lost(ret);
	}
	if (is_text(line.method, "pri") && is_text(line.target, "*") &&
	    is_text(line.version, "http/2.0"))
		return lost(ret);
	bool old = !line.version.len;
	*h = (struct http_reader){
		.phase = HTTP_FIELDS,
		.head = (uint32_t)line.len,
		.later = h->later,
		.tunnel = h->tunnel,
		.ambiguous = line.odd || old,
		.connect = is_text(line.method, "connect"),
		.asks_head = is_text(line.method, "head"),
		.old_version = old || is_text(line.version, "http/1.0"),
	};
	ret->end = line.len;
	return answer(ret, target(&ret->names, line.target, h->connect));
}

static enum scan head_ended(struct http_reader *h, struct http_piece *ret)
{
	ret->head = true;
	// A server that refuses CONNECT may yet pass over a body.
	if (h->ambiguous || h->chunked + h->has_length + h->connect > 1)
		return lost(ret);
	h->head = 0;
	if (h->chunked) {
		h->phase = HTTP_CHUNK_SIZE;
		return SCAN_NONE;
	}
	ret->skip = h->length;
	request_ended(h, ret);
	return SCAN_NONE;
}

static enum scan read_field(struct http_reader *h, struct slice stream, struct http_piece *ret)
{
	struct line line;
	if (!line_read(upto(stream, HTTP_LINE_MAX), &line))
		return more(ret, stream);
	ret->end = line.len;
	h->head += (uint32_t)line.len;
	if (h->head > HTTP_HEAD_MAX)
		return lost(ret);
	h->ambiguous |= line.bare_cr || (!line.strict && line.len > line.text.len + 1);
	bool ends = line.text.len == 0 && !line.bare_cr && (line.strict || line.len == 1);
	if (!ends)
		return answer(ret, field(h, line.text, &ret->names));
	if (h->phase == HTTP_FIELDS)
		return head_ended(h, ret);
	if (h->ambiguous)
		return lost(ret);
	request_ended(h, ret);
	return SCAN_NONE;
}

// RFC 9112, section 7.1. Here servers must not be forgiving, since each forgives otherwise; but for a bare
// LF right behind the size, or behind the data: those that do not refuse it (nginx) all read it as the end.
static enum scan read_chunk_size(struct http_reader *h, struct slice stream, struct http_piece *ret)
{
	struct line line;
	uint64_t size = 0;
	size_t digits = 0;
	for (; digits < stream.len && hex(stream.at[digits]) >= 0; digits++)
		size = size << 4 | (unsigned)hex(stream.at[digits]);
	if (digits > 15 || (digits == 0 && stream.len > 0))
		return lost(ret);
	if (!line_read(upto(stream, HTTP_LINE_MAX), &line))
		return more(ret, stream);
	struct slice rest = from(line.text, digits);
	while (rest.len > 0 && (rest.at[0] == ' ' || rest.at[0] == '\t'))
		rest = from(rest, 1);
	bool bare_lf = line.len == digits + 1;
	if ((!line.strict && !bare_lf) || digits == 0 || (rest.len > 0 && rest.at[0] != ';'))
		return lost(ret);
	ret->end = line.len;
	ret->skip = size;
	h->phase = size ? HTTP_CHUNK_END : HTTP_TRAILERS;
	h->field = HTTP_FIELD_OTHER;
	return SCAN_NONE;
}

static enum scan read_chunk_end(struct http_reader *h, struct slice stream, struct http_piece *ret)
{
	if (stream.len == 0 || (stream.len == 1 && stream.at[0] == '\r'))
		return more(ret, stream);
	size_t cr = stream.at[0] == '\r';
	if (stream.at[cr] != '\n')
		return lost(ret);
	ret->end = cr + 1;
	h->phase = HTTP_CHUNK_SIZE;
	return SCAN_NONE;
}

enum scan http_read(struct http_reader *reader, struct slice stream, struct http_piece *ret)
{
	ret->names.count = 0;
	ret->names.overflow = false;
	ret->end = ret->need = 0;
	ret->skip = 0;
	ret->head = ret->lost = ret->tunnel = ret->sure = false;
	switch ((enum http_phase)reader->phase) {
	case HTTP_START:
		return read_start(reader, stream, ret);
	case HTTP_FIELDS:
	case HTTP_TRAILERS:
		return read_field(reader, stream, ret);
	case HTTP_CHUNK_SIZE:
		return read_chunk_size(reader, stream, ret);
	case HTTP_CHUNK_END:
		return read_chunk_end(reader, stream, ret);
	}
	return SCAN_NONE;
}
