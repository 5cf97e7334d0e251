// SPDX-License-Identifier: GPL-3.0-or-later
// Plain domains, one a line: what people type, and what Pi-hole and many others publish. The tools
// differ in whether what is below a name is meant, so such a line says nothing of it, and the
// order's `match` holds.
#include "filterd/orders/list_format.h"
#include "filterd/orders/words.h"

static bool looks(struct slice line)
{
	struct slice rest = words_before_comment(line);
	struct slice word = words_next(&rest);
	return words_trim(rest).len == 0 && words_have(word, ".") &&
	       !words_have_any(word, "=/|^!#:$(\"");
}

static void read(struct list_sink *to, struct slice line, void *state)
{
	(void)state;
	struct slice name = words_trim(words_before_comment(line));
	if (name.len > 0)
		list_sink_name(to, name, LIST_SAYS_NAME, LIST_SUBTREE);
}

const struct list_format list_domains = {.name = "domains", .looks = looks, .read = read};
