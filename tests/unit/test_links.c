// SPDX-License-Identifier: GPL-3.0-or-later
// Which side an interface is on, by the one interface that every machine has; and that a change of a link
// is noticed.
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "filterd/daemon/links.h"

static void tells_lan_and_oneway(void **state)
{
	uint32_t lo = if_nametoindex("lo");
	struct interfaces none = {0}, with_lo = {0};
	(void)state;
	assert_int_not_equal(lo, 0);
	interfaces_add(&with_lo, "l*");
	struct links *l = links_new(&with_lo, &none);
	assert_non_null(l);
	assert_int_equal(links_flags(l, lo), LINK_LAN);
	assert_int_equal(links_flags(l, lo), LINK_LAN); // as remembered
	assert_int_equal(links_flags(l, 0), 0);
	assert_int_equal(links_flags(l, 0x7ffffff0), 0); // nobody has it
	links_free(l);
	l = links_new(&with_lo, &with_lo);
	assert_int_equal(links_flags(l, lo), LINK_LAN | LINK_ONEWAY);
	assert_true(links_tell_sides(l));
	links_free(l);
	l = links_new(&none, &none);
	assert_int_equal(links_flags(l, lo), 0);
	links_free(l);
	struct interfaces all = {0};
	interfaces_add(&all, "*");
	l = links_new(&all, &none);
	assert_int_equal(links_flags(l, lo), LINK_LAN);
	assert_false(links_tell_sides(l));
	links_free(l);
}

struct change {
	struct nlmsghdr header;
	struct ifinfomsg info;
};

static uint32_t told[4];
static size_t told_count;

static void note(void *arg, uint32_t ifindex)
{
	(void)arg;
	assert_true(told_count < sizeof told / sizeof *told);
	told[told_count++] = ifindex;
}

static void forgets_and_tells_what_changed(void **state)
{
	uint32_t lo = if_nametoindex("lo");
	struct interfaces lan = {0}, none = {0};
	(void)state;
	struct links *l = links_new(&lan, &none);
	assert_int_equal(links_flags(l, lo), 0);
	// The list stands in for the name: as it changes, so would the answer.
	interfaces_add(&lan, "lo");
	assert_int_equal(links_flags(l, lo), 0);
	struct change changes[2] = {
		{{.nlmsg_len = sizeof changes[0], .nlmsg_type = RTM_DELLINK},
		 {.ifi_index = (int)lo + 1}},
		{{.nlmsg_len = sizeof changes[0], .nlmsg_type = RTM_NEWADDR},
		 {.ifi_index = (int)lo}},
	};
	links_take(l, changes, sizeof changes, note, NULL);
	assert_int_equal(links_flags(l, lo), 0); // another link, another kind of change
	changes[1].header.nlmsg_type = RTM_NEWLINK;
	links_take(l, changes, sizeof changes - 1, note, NULL); // cut short
	assert_int_equal(links_flags(l, lo), 0);
	links_take(l, changes, sizeof changes, note, NULL);
	assert_int_equal(links_flags(l, lo), LINK_LAN);
	assert_int_equal(told_count, 4); // the first link three times, and the second once
	assert_int_equal(told[2], lo + 1);
	assert_int_equal(told[3], lo);
	links_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_lan_and_oneway),
		cmocka_unit_test(forgets_and_tells_what_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
