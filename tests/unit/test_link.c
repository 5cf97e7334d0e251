// SPDX-License-Identifier: GPL-3.0-or-later
// Frames of each link type, whole and cut at every byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/wire/link.h"

#define MACS     "\1\1\1\1\1\1\2\2\2\2\2\2"
#define VLAN     "\x81\0\0\5"
#define SERVICE  "\x88\xa8\0\5"
#define OLD_QINQ "\x91\0\0\5"
#define PPPOE    "\x88\x64\x11\0\0\1\0\6" // version and type, session data, session, length
#define FRAME(text)                                                                                \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}

struct link_case {
	const char *name;
	enum link_type type;
	struct slice header;
	bool ip; // IP follows it
};

static const struct link_case cases[] = {
	{"ethernet", LINK_ETHERNET, FRAME(MACS "\x08\0"), true},
	{"ethernet 6", LINK_ETHERNET, FRAME(MACS "\x86\xdd"), true},
	{"arp", LINK_ETHERNET, FRAME(MACS "\x08\6"), false},
	{"802.3", LINK_ETHERNET, FRAME(MACS "\0\x40"), false},
	{"vlan", LINK_ETHERNET, FRAME(MACS VLAN "\x08\0"), true},
	{"two tags", LINK_ETHERNET, FRAME(MACS SERVICE VLAN "\x86\xdd"), true},
	{"old tags", LINK_ETHERNET, FRAME(MACS OLD_QINQ VLAN "\x08\0"), true},
	{"nine tags", LINK_ETHERNET,
	 FRAME(MACS VLAN VLAN VLAN VLAN VLAN VLAN VLAN VLAN VLAN "\x08\0"), false},
	{"pppoe", LINK_ETHERNET, FRAME(MACS VLAN PPPOE "\0\x21"), true},
	{"pppoe 6", LINK_ETHERNET, FRAME(MACS PPPOE "\0\x57"), true},
	{"pppoe, lcp", LINK_ETHERNET, FRAME(MACS PPPOE "\xc0\x21"), false},
	{"cooked", LINK_COOKED, FRAME("\0\0\0\1\0\6\1\1\1\1\1\1\0\0\x08\0"), true},
	{"cooked, arp", LINK_COOKED, FRAME("\0\0\0\1\0\6\1\1\1\1\1\1\0\0\x08\6"), false},
	{"cooked 2", LINK_COOKED2, FRAME("\x86\xdd\0\0\0\0\0\2\0\1\0\6\1\1\1\1\1\1\0\0"), true},
	{"raw", LINK_RAW, FRAME(""), true},
	{"ppp", LINK_PPP, FRAME("\0\x21"), true},
	{"ppp, framed", LINK_PPP, FRAME("\xff\3\0\x57"), true},
	{"ppp, short form", LINK_PPP, FRAME("\x21"), true},
	{"ppp, lcp", LINK_PPP, FRAME("\xff\3\xc0\x21"), false},
	{"loopback", LINK_NULL, FRAME("\2\0\0\0"), true},
};

static void finds_the_packet(void **state)
{
	static const uint8_t packet[] = {0x45, 2, 3, 4, 5, 6};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct link_case *c = &cases[i];
		uint8_t frame[64];
		memcpy(frame, c->header.at, c->header.len);
		memcpy(frame + c->header.len, packet, sizeof packet);
		struct slice ip = link_ip(c->type, slice_of(frame, c->header.len + sizeof packet));
		if (ip.len != (c->ip ? sizeof packet : 0))
			fail_msg("%s: %zu bytes", c->name, ip.len);
		if (c->ip)
			assert_ptr_equal(ip.at, frame + c->header.len);
	}
}

static void cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct link_case *c = &cases[i];
		for (size_t len = 0; len <= c->header.len; len++) {
			uint8_t *frame = malloc(len ? len : 1); // so that a sanitizer sees its end
			memcpy(frame, c->header.at, len);
			if (link_ip(c->type, slice_of(frame, len)).len)
				fail_msg("%s: cut to %zu bytes", c->name, len);
			free(frame);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_packet),
		cmocka_unit_test(cut_at_every_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
