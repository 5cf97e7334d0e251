// SPDX-License-Identifier: GPL-3.0-or-later
// Hosts files (hosts(5)): an address and the names that have it. Those with a null or a loopback
// address are blocked, each name for itself and nothing below it. Other addresses are somebody's
// real hosts, and so is 127.0.1.1, by which Debian knows the machine itself.
#include "filterd/base/addr.h"
#include "filterd/orders/list_format.h"
#include "filterd/orders/words.h"

// Every system's own names: what stands in front of block lists.
static bool is_own_name(struct slice name)
{
	static const char *const own[] = {
		"localhost",
		"localhost.localdomain",
		"localhost4",
		"localhost6",
		"local",
		"broadcasthost",
		"ip6-localhost",
		"ip6-loopback",
		"ip6-localnet",
		"ip6-mcastprefix",
		"ip6-allnodes",
		"ip6-allrouters",
		"ip6-allhosts",
		"localhost4.localdomain4",
		"localhost6.localdomain6",
		"0.0.0.0",
	};
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (words_equal(name, own[i]))
			return true;
	return false;
}

static bool blocks(const struct addr *a)
{
	static const uint8_t zeros[16], one[16] = {[15] = 1};
	static const uint8_t machine[] = {127, 0, 1, 1};
	if (a->family == 4)
		return (a->bytes[0] == 127 && memcmp(a->bytes, machine, 4) != 0) ||
		       memcmp(a->bytes, zeros, 4) == 0;
	return memcmp(a->bytes, zeros, 16) == 0 || memcmp(a->bytes, one, 16) == 0;
}

static bool looks(struct slice line)
{
	struct addr a;
	struct slice word = words_next(&line);
	return words_address(word, &a) && words_next(&line).len > 0;
}

static void take_names(struct list_sink *to, struct slice rest, struct slice address, bool is_block)
{
	unsigned count = 0;
	for (struct slice name; (name = words_next(&rest)).len > 0; count++) {
		if (is_own_name(name))
			continue;
		if (!is_block) {
			list_sink_refuse(
				to, LIST_OTHERS,
				"'%.*s' is a host's own address; 0.0.0.0, 127.0.0.1, :: and "
				"::1 block",
				LIST_QUOTE(address));
			return;
		}
		list_sink_name(to, name, LIST_SAYS_BLOCK, LIST_SELF);
	}
	if (count == 0)
		list_sink_refuse(to, LIST_OTHERS, "there is no name behind '%.*s'",
				 LIST_QUOTE(address));
}

static void read(struct list_sink *to, struct slice line, void *state)
{
	(void)state;
	struct addr a;
	struct slice rest = words_until(&line, '#'); // a comment, wherever it stands
	struct slice address = words_next(&rest);
	if (address.len == 0)
		return;
	bool is_address = words_address(address, &a);
	if (is_address || words_have(address, "%")) // fe80::1%lo0 localhost
		take_names(to, rest, address, is_address && blocks(&a));
	else
		list_sink_refuse(to, LIST_OTHERS,
				 "'%.*s' is no address, and a line of a hosts file begins with one",
				 LIST_QUOTE(address));
}

const struct list_format list_hosts = {.name = "hosts", .looks = looks, .read = read};
