// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl doctor: looks for what keeps a gateway from filtering, or makes it slow: in the running daemon, in
// the firewall rules of all programs, in the kernel's settings. It changes nothing.
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/show.h"

enum { EXIT_BAD = 1, SAYS_MAX = 400, CONNTRACK_FULL_PERCENT = 80, QUERIES_MIN = 10000 };

enum grade { GRADE_OK, GRADE_WARN, GRADE_BAD, GRADE_UNKNOWN };

struct finding {
	enum grade grade;
	char says[SAYS_MAX];
};

// What the checks look at.
struct patient {
	json_t *status;   // of the daemon, or NULL
	char *nft, *ipt;  // all rules as text, NULL where they can't be read
	unsigned allowed; // the conntrack mark's state `allowed`, and the mask of the state
	unsigned state_mask;
	unsigned judged, all; // the packet mark of a verdict, and the mask of all our bits
	char to_client
		[64]; // nft's words for the mark of answers to clients, which we don't track ourselves
};

__attribute__((format(printf, 3, 4))) static void say(struct finding *f, enum grade grade,
						      const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(f->says, sizeof f->says, format, args);
	va_end(args);
	f->grade = grade;
}

// --- The checks

static void check_daemon(const struct patient *p, struct finding *f)
{
	if (!p->status)
		say(f, GRADE_BAD, "no daemon answers: is it running? (systemctl status filterd)");
	else
		say(f, GRADE_OK, "filterd %s answers",
		    json_string_value(json_object_get(p->status, "version")));
}

static void check_orders(const struct patient *p, struct finding *f)
{
	const json_t *rules = json_object_get(p->status, "ruleset");
	if (!p->status)
		say(f, GRADE_UNKNOWN, "the daemon would have to say");
	else if (!show_number(rules, "active"))
		say(f, GRADE_WARN, "no order is in force: nothing is blocked");
	else
		say(f, GRADE_OK, "%" PRId64 " orders are in force",
		    (int64_t)show_number(rules, "active"));
}

static void check_queues(const struct patient *p, struct finding *f)
{
	const json_t *worker, *queue;
	size_t i;
	json_int_t missed = 0, dropped = 0;
	if (!p->status) {
		say(f, GRADE_UNKNOWN, "the daemon would have to say");
		return;
	}
	json_array_foreach(json_object_get(p->status, "workers"), i, worker)
		missed += show_number(worker, "missed");
	json_array_foreach(json_object_get(p->status, "queues"), i, queue)
		dropped += show_number(queue, "dropped");
	if (missed || dropped)
		say(f, GRADE_WARN,
		    "%" PRId64
		    " packets came faster than they could be judged (raise [queue] length and "
		    "socket-buffer, or workers)",
		    (int64_t)(missed > dropped ? missed : dropped));
	else
		say(f, GRADE_OK, "no packet was missed");
}

// True if the rules look for verdicts where the daemon writes them; without a daemon, anything is right.
static bool rules_agree(const struct patient *p)
{
	char nft[64], ipt[64];
	snprintf(nft, sizeof nft, "meta mark & 0x%08x == 0x%08x ", p->all, p->judged);
	snprintf(ipt, sizeof ipt, "--mark 0x%x/0x%x ", p->judged, p->all);
	return !p->status || (p->nft && strstr(p->nft, nft)) || (p->ipt && strstr(p->ipt, ipt));
}

static void check_rules(const struct patient *p, struct finding *f)
{
	if (!p->nft && !p->ipt)
		say(f, GRADE_UNKNOWN,
		    "neither nft nor iptables-save shows any rules (are they installed, and are "
		    "you root?)");
	else if ((p->nft && strstr(p->nft, "table inet filterd ")) ||
		 (p->ipt && strstr(p->ipt, "FILTERD_")))
		say(f, rules_agree(p) ? GRADE_OK : GRADE_BAD,
		    rules_agree(p)
			    ? "the firewall rules are loaded"
			    : "the firewall rules are for another mark-shift, or of another "
			      "version than the daemon (systemctl restart filterd-firewall)");
	else
		say(f, GRADE_BAD,
		    "filterd's firewall rules are not loaded: no packet is judged "
		    "(systemctl start filterd-firewall)");
}

// The next line of a text that has one of these words in it, into `line`; NULL at the end.
static const char *next_line(const char *text, const char *const *words, char line[SAYS_MAX])
{
	while (text && *text) {
		const char *end = strchr(text, '\n');
		size_t len = end ? (size_t)(end - text) : strlen(text);
		snprintf(line, SAYS_MAX, "%.*s", len < SAYS_MAX ? (int)len : SAYS_MAX - 1, text);
		for (char *c = line; *c; c++) // comments may be anything, and are cut
			*c = *c < ' ' || *c > '~' ? '?' : *c;
		text = end ? end + 1 : text + len;
		for (const char *const *word = words; *word; word++)
			if (strstr(line, *word))
				return text;
	}
	return NULL;
}

static const char *trimmed(const char *line)
{
	return line + strspn(line, " ?"); // tabs have become `?`
}

// True if the rule asks for the conntrack mark that only allowed flows have: with all bits of the state, or the lower
// two.
static bool asks_allowed(const struct patient *p, const char *line)
{
	const unsigned masks[] = {p->state_mask, p->state_mask & p->state_mask >> 1};
	char nft[64], ipt[64];
	for (size_t i = 0; i < 2; i++) {
		snprintf(nft, sizeof nft, "ct mark & 0x%08x == 0x%08x ", masks[i], p->allowed);
		snprintf(ipt, sizeof ipt, "--mark 0x%x/0x%x ", p->allowed, masks[i]);
		if (strstr(line, nft) || strstr(line, ipt))
			return true;
	}
	return false;
}

// The number of interfaces that filterd's own flowtable has; 0 without one. Its rules end at *ret_end.
static unsigned own_flowtable(const struct patient *p, const char **ret_begin, const char **ret_end)
{
	unsigned count = 1;
	const char *begin = p->nft ? strstr(p->nft, "table inet filterd {") : NULL;
	const char *end = begin ? strstr(begin, "\n}") : NULL;
	const char *at = end ? strstr(begin, "flowtable allowed {") : NULL;
	*ret_begin = begin;
	*ret_end = end;
	at = at ? strstr(at, "devices = {") : NULL;
	if (!at || at > end)
		return 0;
	for (; *at && *at != '}'; at++)
		count += *at == ',';
	return count;
}

static void check_flowtable(const struct patient *p, struct finding *f)
{
	static const char *const words[] = {"flow add @", "flow offload @", "-j FLOWOFFLOAD", NULL};
	const char *const texts[] = {p->nft, p->ipt};
	const char *begin, *end;
	char line[SAYS_MAX];
	unsigned own = own_flowtable(p, &begin, &end);
	if (own)
		say(f, GRADE_OK, "allowed streams go by filterd's flowtable, between %u interfaces",
		    own);
	else
		say(f, GRADE_OK, "no flow is offloaded ahead of its judgement");
	for (size_t i = 0; i < 2; i++) {
		const char *at = texts[i];
		while ((at = next_line(at, words, line))) {
			if (own && at > begin && at <= end)
				continue;
			if (asks_allowed(p, line)) {
				say(f, GRADE_WARN,
				    "a rule offloads allowed flows: what it carries outlives "
				    "orders "
				    "that begin, and a client may begin another connection in it, "
				    "unseen; "
				    "use [firewall] flowtable in its place: %.150s",
				    trimmed(line));
				continue;
			}
			say(f, GRADE_BAD,
			    "a rule offloads flows that are not judged yet; use [firewall] "
			    "flowtable in its place: %.150s",
			    trimmed(line));
			return;
		}
	}
}

static void check_notrack(const struct patient *p, struct finding *f)
{
	static const char *const words[] = {"notrack", "NOTRACK", NULL};
	const char *const texts[] = {p->nft, p->ipt};
	char line[SAYS_MAX];
	say(f, GRADE_OK, "no rule takes streams out of connection tracking");
	for (size_t i = 0; i < 2; i++) {
		const char *at = texts[i];
		while ((at = next_line(at, words, line))) {
			if (strstr(line, "FILTERD_OUT") || strstr(line, p->to_client))
				continue; // our own
			say(f, GRADE_WARN,
			    "streams without connection tracking are judged, but each of their "
			    "packets is "
			    "queued: %.200s",
			    trimmed(line));
			return;
		}
	}
}

// The bits of a packet's mark that a rule of iptables-save writes.
static unsigned written_bits(const char *line)
{
	const char *set = strstr(line, "-j MARK --set-xmark ");
	const char *mask = set ? strchr(set, '/') : NULL;
	if (set)
		return mask ? (unsigned)strtoul(mask + 1, NULL, 0) : ~0U;
	if (!strstr(line, "-j CONNMARK --restore-mark"))
		return 0;
	mask = strstr(line, "--nfmask ");
	return mask ? (unsigned)strtoul(mask + strlen("--nfmask "), NULL, 0) : ~0U;
}

// Finds a rule ahead of ours, in the same chain, that writes to our bits.
static bool find_rewriting(const struct patient *p, char ret[SAYS_MAX])
{
	static const char *const words[] = {"*", "-A PREROUTING ", "-A FORWARD ", "-A INPUT ",
					    NULL};
	const char *at = p->ipt;
	char line[SAYS_MAX];
	*ret = '\0';
	while ((at = next_line(at, words, line))) {
		size_t chain = strncmp(line, "-A ", 3) == 0 ? 4 + strcspn(line + 3, " ") : 0;
		bool ours = strstr(line, "-j FILTERD_JUDGED") || strstr(line, "-j FILTERD_BACK");
		bool same = chain && strncmp(line, ret, chain) == 0;
		if (ours && same)
			return true;
		if (ours || *line == '*')
			*ret = '\0';
		else if (chain && !same && written_bits(line) & p->all)
			memcpy(ret, line, sizeof line);
	}
	return false;
}

static void check_marks(const struct patient *p, struct finding *f)
{
	char line[SAYS_MAX];
	const json_t *worker;
	size_t i;
	json_int_t circling = 0;
	json_array_foreach(json_object_get(p->status, "workers"), i, worker)
		circling += show_number(worker, "circling");
	if (find_rewriting(p, line))
		say(f, GRADE_BAD,
		    "a rule ahead of filterd's writes to its bits (0x%08x) of packet marks, and "
		    "verdicts are lost; let it have a mask, or stand behind: %.150s",
		    p->all, trimmed(line));
	else if (circling)
		say(f, GRADE_WARN,
		    "%" PRId64
		    " packets came again and again: is there a rule ahead of filterd's that writes "
		    "to packet marks?",
		    (int64_t)circling);
	else
		say(f, GRADE_OK, "no rule takes verdicts off packets");
}

// A number in a file of /proc/sys; -1 if there is none.
static int64_t setting(const char *path)
{
	int64_t value = -1;
	FILE *in = fopen(path, "re");
	if (in && fscanf(in, "%" SCNd64, &value) != 1)
		value = -1;
	if (in)
		fclose(in);
	return value;
}

static void check_conntrack(const struct patient *p, struct finding *f)
{
	(void)p;
	int64_t max = setting("/proc/sys/net/netfilter/nf_conntrack_max");
	int64_t count = setting("/proc/sys/net/netfilter/nf_conntrack_count");
	if (max < 0 || count < 0)
		say(f, GRADE_WARN,
		    "connection tracking is not loaded: every packet of a stream would be queued");
	else if (count * 100 >= max * CONNTRACK_FULL_PERCENT)
		say(f, GRADE_BAD,
		    "%" PRId64 " of %" PRId64 " conntracks are taken (raise nf_conntrack_max)",
		    count, max);
	else
		say(f, GRADE_OK, "%" PRId64 " of %" PRId64 " conntracks are taken", count, max);
}

static void check_forwarding(const struct patient *p, struct finding *f)
{
	(void)p;
	bool v4 = setting("/proc/sys/net/ipv4/ip_forward") == 1;
	bool v6 = setting("/proc/sys/net/ipv6/conf/all/forwarding") == 1;
	if (v4 || v6)
		say(f, GRADE_OK, "forwarding is on for %s",
		    v4 && v6 ? "IPv4 and IPv6"
		    : v4     ? "IPv4 only"
			     : "IPv6 only");
	else
		say(f, GRADE_WARN, "this machine forwards nothing (net.ipv4.ip_forward)");
}

static void check_prefilter(const struct patient *p, struct finding *f)
{
	const json_t *prefilter = json_object_get(p->status, "prefilter");
	const char *why = json_string_value(json_object_get(prefilter, "why"));
	json_int_t clean = show_number(prefilter, "clean");
	json_int_t all = clean + show_number(prefilter, "maybe") + show_number(prefilter, "unread");
	double rate = all ? (double)clean * 100 / (double)all : 0;
	if (!prefilter)
		say(f, GRADE_UNKNOWN, "the daemon would have to say");
	else if (!json_is_true(json_object_get(prefilter, "on")))
		say(f, GRADE_WARN,
		    "the prefilter is off, so that each DNS query passes the daemon: %s",
		    why ? why : "?");
	else if (!show_number(prefilter, "interfaces"))
		say(f, GRADE_WARN, "the prefilter stands on no interface ([firewall] lan)");
	else if (all >= QUERIES_MIN && rate < 50)
		say(f, GRADE_WARN, "the prefilter spares only %.1f %% of %" PRId64 " DNS queries",
		    rate, (int64_t)all);
	else
		say(f, GRADE_OK,
		    "the prefilter stands on %" PRId64 " interfaces and spares %.1f %% of %" PRId64
		    " DNS queries",
		    (int64_t)show_number(prefilter, "interfaces"), rate, (int64_t)all);
}

// Connections that an order should have ended.
static void check_live(const struct patient *p, struct finding *f)
{
	const json_t *live = json_object_get(p->status, "live");
	const json_t *on = json_object_get(live, "on"); // not told by a daemon of another version
	if (json_is_false(on))
		say(f, GRADE_WARN,
		    "connections that were allowed before outlive orders that begin: %s (modprobe "
		    "nf_conntrack_netlink, and restart filterd)",
		    show_text(live, "why"));
	else if (show_number(live, "failed"))
		say(f, GRADE_WARN,
		    "%" PRId64 " connections may have outlived their order: the kernel did not "
		    "take their marks (modprobe nf_conntrack_netlink)",
		    (int64_t)show_number(live, "failed"));
	else if (!on)
		say(f, GRADE_UNKNOWN, "the daemon would have to say");
	else
		say(f, GRADE_OK, "orders end connections that were allowed before");
}

static void check_clock(const struct patient *p, struct finding *f)
{
	const json_t *clock = json_object_get(p->status, "clock");
	if (!clock)
		say(f, GRADE_UNKNOWN, "the daemon would have to say");
	else if (json_is_true(json_object_get(clock, "sure")))
		say(f, GRADE_OK, "the clock is sure");
	else if (json_is_true(json_object_get(clock, "stepped")))
		say(f, GRADE_BAD,
		    "the clock is unsure: %s; set it, or confirm that it is right (filterctl "
		    "confirm-clock)",
		    json_string_value(json_object_get(clock, "why")));
	else
		say(f, GRADE_WARN,
		    "the clock is unsure: %s; no order ends for good until it is (see [clock] in "
		    "filterd.conf(5))",
		    json_string_value(json_object_get(clock, "why")));
}

static const struct check {
	const char *name;
	void (*look)(const struct patient *p, struct finding *f);
} checks[] = {
	{"daemon", check_daemon},       {"orders", check_orders},
	{"queues", check_queues},       {"rules", check_rules},
	{"marks", check_marks},         {"prefilter", check_prefilter},
	{"flowtable", check_flowtable}, {"notrack", check_notrack},
	{"conntrack", check_conntrack}, {"forwarding", check_forwarding},
	{"live", check_live},           {"clock", check_clock},
};

enum { CHECKS = sizeof checks / sizeof checks[0] };

// --- Gathering and telling

// What a command prints, to be freed; NULL if it can't be run, or prints nothing.
static char *output_of(const char *command)
{
	char *text = NULL;
	size_t len = 0;
	FILE *in = popen(command, "re"), *out = open_memstream(&text, &len);
	for (int c; in && out && (c = fgetc(in)) != EOF;)
		fputc(c, out);
	if (in)
		pclose(in);
	if (out)
		fclose(out);
	if (len)
		return text;
	free(text);
	return NULL;
}

static void gather(struct patient *p, const char *path)
{
	p->status = daemon_ask(path, "status");
	const json_t *shift = json_object_get(p->status, "mark-shift");
	unsigned bit = shift ? (unsigned)json_integer_value(shift) & 31 : 24;
	p->allowed = 2U << bit;
	p->state_mask = 7U << bit;
	p->judged = 24U << bit;
	p->all = 31U << bit;
	snprintf(p->to_client, sizeof p->to_client, "meta mark & 0x%08x == 0x%08x ", 7U << bit,
		 5U << bit);
	p->nft = output_of("nft -t list ruleset 2>/dev/null");
	p->ipt = output_of(
		"{ iptables-legacy-save; ip6tables-legacy-save; iptables-save; ip6tables-save; } "
		"2>/dev/null");
}

static void tell(const struct check *check, const struct finding *f)
{
	static const char *const words[] = {"ok", "warn", "BAD", "?"};
	static const char *const colors[] = {"\033[32m", "\033[33m", "\033[31m", ""};
	bool color = isatty(STDOUT_FILENO);
	printf("%s%-5s%s %-11s %s\n", color ? colors[f->grade] : "", words[f->grade],
	       color && *colors[f->grade] ? "\033[0m" : "", check->name, f->says);
}

static int examine(const struct patient *p, bool json)
{
	static const char *const grades[] = {"ok", "warn", "bad", "unknown"};
	json_t *list = json_array();
	bool bad = false;
	for (int i = 0; i < CHECKS; i++) {
		struct finding f = {0};
		checks[i].look(p, &f);
		bad |= f.grade == GRADE_BAD;
		if (json)
			json_array_append_new(list,
					      json_pack("{s:s, s:s, s:s}", "check", checks[i].name,
							"grade", grades[f.grade], "says", f.says));
		else
			tell(&checks[i], &f);
	}
	if (json) {
		json_dumpf(list, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_decref(list);
	return bad ? EXIT_BAD : EXIT_OK;
}

static int run(int argc, char **argv)
{
	const char *path;
	bool json;
	if (!daemon_options(argc, argv, &path, &json))
		return command_usage(&command_doctor);
	struct patient p = {0};
	gather(&p, path);
	int result = examine(&p, json);
	json_decref(p.status);
	free(p.nft);
	free(p.ipt);
	return result;
}

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "[--control PATH] [--json]",
	.summary = "Look for what keeps this gateway from filtering, or makes it slow",
	.help = "  --control PATH        the daemon's control socket (" DAEMON_SOCKET ")\n"
		"  --json                print one JSON array\n"
		"\n"
		"Run it as root: else the firewall's rules can't be read. Exits with 0 if nothing "
		"is bad, 1 if\n"
		"something is, 2 on any other error; warnings alone give 0.\n",
	.run = run,
};
