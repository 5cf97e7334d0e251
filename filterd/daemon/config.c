// SPDX-License-Identifier: GPL-3.0-or-later
// The table of keys, and what is done with it. A new key is one row here, one member of struct config,
// and its paragraph in docs/filterd.conf.5.
#include "filterd/daemon/config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define AT(member) .offset = offsetof(struct config, member)
#define RELOADABLE .reloadable = true

static const struct config_row rows[] = {
	{"filterd", "ruleset", CONFIG_PATH, "/var/lib/filterd/ruleset.image", 1, 255, RELOADABLE,
	 AT(filterd.ruleset), .help = "The compiled orders (filterctl compile)."},
	{"filterd", "control", CONFIG_PATH, "/run/filterd/control.sock", 1, 107,
	 AT(filterd.control), .help = "The socket that filterctl talks to."},
	{"filterd", "state", CONFIG_PATH, "/var/lib/filterd", 1, 200, AT(filterd.state),
	 .help = "The folder for what the daemon must remember."},
	{"filterd", "keep", CONFIG_NUMBER, "8", 1, 1000, AT(filterd.keep),
	 .help = "Rulesets that stay there, so that they can be rolled back to."},
	{"filterd", "user", CONFIG_NAME, "filterd", 1, 32, AT(filterd.user),
	 .help = "Started as root, the daemon becomes this user; root: it stays root."},
	{"filterd", "metrics-file", CONFIG_PATH, "", 0, 240, RELOADABLE, AT(filterd.metrics_file),
	 .help = "Prometheus text for node_exporter's textfile collector; empty: none."},
	{"filterd", "metrics-interval", CONFIG_NUMBER, "15", 1, 3600, RELOADABLE,
	 AT(filterd.metrics_interval_s), .help = "Seconds between two writes of metrics-file."},

	{"control", "admins", CONFIG_WORDS, "", 0, CONFIG_ADMINS_MAX, RELOADABLE,
	 AT(control.admins), .help = "Users besides root who may change what is in force."},

	{"firewall", "backend", CONFIG_CHOICE, "auto", .choices = "auto|nft|iptables",
	 AT(firewall.backend), .help = "What the firewall rules are made with."},
	{"firewall", "lan", CONFIG_INTERFACES, NULL, 1, INTERFACES_MAX, AT(firewall.lan),
	 .help = "The interfaces that clients are behind. Required."},
	{"firewall", "oneway", CONFIG_INTERFACES, "", 0, INTERFACES_MAX, AT(firewall.oneway),
	 .help = "Those of them whose replies take another path than through here."},
	{"firewall", "dns-ports", CONFIG_PORTS, "53", 0, CONFIG_PORTS_MAX, AT(firewall.dns_ports),
	 .choices = "any", .help = "UDP ports of name servers; any: whatever has the form of DNS."},
	{"firewall", "tcp-ports", CONFIG_PORTS, "53 80 443 853 8080", 0, CONFIG_PORTS_MAX,
	 AT(firewall.tcp_ports), .choices = "any",
	 .help = "TCP ports of servers whose streams are inspected; any: all of them."},
	{"firewall", "quic-ports", CONFIG_PORTS, "443", 0, CONFIG_PORTS_MAX,
	 AT(firewall.quic_ports), .choices = "any",
	 .help = "UDP ports of QUIC and DTLS servers; any: whatever has the form of either."},
	{"firewall", "inspect-answers", CONFIG_BOOL, "no", AT(firewall.inspect_answers),
	 .help = "Whether DNS answers are inspected for where they lead (CNAME, HTTPS)."},
	{"firewall", "local-tcp-ports", CONFIG_PORTS, "53 853", 0, CONFIG_PORTS_MAX,
	 AT(firewall.local_tcp_ports),
	 .help = "TCP ports of the gateway itself that are inspected (it may be a resolver)."},
	{"firewall", "mark-shift", CONFIG_NUMBER, "24", 0, 27, AT(firewall.mark_shift),
	 .help = "Lowest of the five bits of packet and conntrack marks that are filterd's."},
	{"firewall", "failure", CONFIG_CHOICE, "open", .choices = "open|closed",
	 AT(firewall.failure),
	 .help = "What happens to traffic that the daemon can't take: it passes, or it stops."},
	{"firewall", "prefilter", CONFIG_BOOL, "yes", AT(firewall.prefilter),
	 .help = "Whether a program in the kernel lets DNS queries pass that need no look."},
	{"firewall", "mptcp", CONFIG_CHOICE, "strip", .choices = "strip|pass", AT(firewall.mptcp),
	 .help = "Whether the Multipath TCP option is taken out of connection requests."},
	{"firewall", "flowtable", CONFIG_INTERFACES, "", 0, INTERFACES_MAX, AT(firewall.flowtable),
	 .help = "Interfaces between which the kernel carries allowed streams past all rules."},

	{"queue", "first", CONFIG_NUMBER, "7700", 0, 65535, AT(queue.first),
	 .help = "First of the 2 x workers netfilter queues: those for TCP, then those for UDP."},
	{"queue", "workers", CONFIG_NUMBER, "0", 0, CONFIG_WORKERS_MAX, AT(queue.workers),
	 .help = "Threads that judge packets; 0: one per CPU."},
	{"queue", "length", CONFIG_NUMBER, "16384", 64, 1048576, AT(queue.length),
	 .help = "Packets that the kernel holds in each queue."},
	{"queue", "socket-buffer", CONFIG_NUMBER, "16777216", 262144, 1073741824,
	 AT(queue.socket_buffer), .help = "Bytes of socket buffer of each worker."},

	{"engine", "flows", CONFIG_NUMBER, "65536", 16, 16777216, AT(engine.flows),
	 .help = "Flows that each worker keeps in mind."},
	{"engine", "buffers", CONFIG_NUMBER, "16384", 1, 4194304, AT(engine.buffers),
	 .help = "Stream buffers that these flows share."},
	{"engine", "handshakes", CONFIG_NUMBER, "32768", 256, 4194304, AT(engine.handshakes),
	 .help = "Hellos in datagrams (QUIC, DTLS) of the last minute that are kept in mind."},
	{"engine", "passed", CONFIG_NUMBER, "262144", 1024, 16777216, AT(engine.passed),
	 .help = "Names of connections let through that each worker keeps in mind, to end them "
		 "later."},
	{"engine", "undecided-dns", CONFIG_CHOICE, "pass", .choices = "pass|drop",
	 AT(engine.undecided[HOSTNAME_DNS]), .help = "DNS that can't be read."},
	{"engine", "undecided-tls", CONFIG_CHOICE, "drop", .choices = "pass|drop",
	 AT(engine.undecided[HOSTNAME_TLS]), .help = "TLS that can't be read, or reaches a cap."},
	{"engine", "undecided-quic", CONFIG_CHOICE, "drop", .choices = "pass|drop",
	 AT(engine.undecided[HOSTNAME_QUIC]), .help = "QUIC that can't be read, or reaches a cap."},
	{"engine", "undecided-http", CONFIG_CHOICE, "drop", .choices = "pass|drop",
	 AT(engine.undecided[HOSTNAME_HTTP]), .help = "HTTP that can't be read, or reaches a cap."},
	{"engine", "undecided-unknown", CONFIG_CHOICE, "pass", .choices = "pass|drop",
	 AT(engine.undecided[HOSTNAME_UNKNOWN]),
	 .help = "Streams that are none of these, or not yet."},
	{"engine", "answer-ttl", CONFIG_NUMBER, "10", 0, 86400, AT(engine.answer_ttl_s),
	 .help = "Seconds that a resolver may keep the answer for a blocked name."},
	{"engine", "blocked-by", CONFIG_NAME, "", 0, 200, AT(engine.blocked_by),
	 .help = "URL of who blocks, told with the answer to a blocked HTTP request; empty: none."},
	{"engine", "classify", CONFIG_BOOL, "no", AT(engine.classify),
	 .help = "Whether nDPI looks at streams and datagrams that are none of these."},
	{"engine", "strip-ech", CONFIG_BOOL, "no", AT(engine.strip_ech),
	 .help = "Whether DNS answers lose the keys of Encrypted ClientHello (with "
		 "inspect-answers)."},
	{"engine", "canaries", CONFIG_BOOL, "no", AT(engine.canaries),
	 .help = "Whether browsers and Private Relay are told to use the network's resolver."},
	{"engine", "ech-public-names", CONFIG_NAMES, "", 0, CONFIG_NAMES_MAX,
	 AT(engine.ech_public_names),
	 .help = "Outer names of Encrypted ClientHello, by which real use of it is counted."},

	{"orders", "max-lifetime", CONFIG_NUMBER, "366", 1, LIFETIMES_DAYS_MAX, RELOADABLE,
	 AT(orders.lifetimes.max_days),
	 .help = "Days from an order's start to its expiry at most."},
	{"orders", "category-lifetimes", CONFIG_LIFETIMES, "", 0, LIFETIMES_CATEGORIES_MAX,
	 RELOADABLE, AT(orders.lifetimes.categories),
	 .help = "Other such limits for some categories, as violent-extremism:90."},
	{"orders", "review-notice", CONFIG_NUMBER, "7", 0, 365, RELOADABLE,
	 AT(orders.review_notice_days),
	 .help = "Days before an order's review from which on it is told of."},
	{"orders", "max-names", CONFIG_NUMBER, "1000000", 1, 1000000000, RELOADABLE,
	 AT(orders.max_names), .help = "Names that an order may list without saying so."},
	{"orders", "critical-names", CONFIG_PATH, "/etc/filterd/critical.names", 1, 255, RELOADABLE,
	 AT(orders.critical_names), .help = "Names that no order should hit by mistake."},
	{"orders", "own-names", CONFIG_NAMES, "", 0, CONFIG_NAMES_MAX, RELOADABLE,
	 AT(orders.own_names), .help = "Further such names: those of this network itself."},

	{"trust", "keys", CONFIG_WORDS, "", 0, 16, AT(trust.keys),
	 .help = "Keys of minisign (files, or the keys themselves) that sign changes; empty: "
		 "none."},
	{"trust", "threshold", CONFIG_NUMBER, "1", 1, 16, AT(trust.threshold),
	 .help = "How many of them it takes to push, extend or roll back."},
	{"trust", "lift-threshold", CONFIG_NUMBER, "1", 1, 16, AT(trust.lift_threshold),
	 .help = "How many of them it takes to lift an order, or to confirm the clock."},
	{"trust", "lifetime", CONFIG_NUMBER, "7", 1, 90, AT(trust.lifetime_days),
	 .help = "Days that a signed manifest may be good for."},
	{"trust", "break-glass", CONFIG_CHOICE, "root", .choices = "root|no", AT(trust.break_glass),
	 .help = "Who may change orders without signatures, which the audit trail shows."},

	{"events", "syslog", CONFIG_BOOL, "yes", RELOADABLE, AT(events.syslog),
	 .help = "Whether events go to syslog."},
	{"events", "stdout", CONFIG_BOOL, "no", RELOADABLE, AT(events.to_stdout),
	 .help = "Whether events go to standard output."},
	{"events", "per-second", CONFIG_NUMBER, "200", 1, 100000, RELOADABLE, AT(events.per_second),
	 .help = "Events written in a second at most; the rest is counted."},
	{"events", "summary-interval", CONFIG_NUMBER, "60", 1, 86400, RELOADABLE,
	 AT(events.summary_interval_s), .help = "Seconds that repeated hits are summed up over."},
	{"events", "client-prefix4", CONFIG_NUMBER, "24", 0, 32, RELOADABLE,
	 AT(events.client_prefix4), .help = "Bits of a client's IPv4 address that events show."},
	{"events", "client-prefix6", CONFIG_NUMBER, "56", 0, 128, RELOADABLE,
	 AT(events.client_prefix6), .help = "Bits of a client's IPv6 address that events show."},

	{"clock", "synchronised", CONFIG_CHOICE, "adjtimex", .choices = "adjtimex|always",
	 AT(clock.synchronised),
	 .help = "Who says that the clock is synchronised: the kernel, or you, for good."},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

// A file being read: the values so far, and the line that gave each key (0: none yet).
struct reading {
	const char *file;
	struct config config;
	unsigned lines[ROWS];
};

const struct config_row *config_rows(size_t *ret_count)
{
	*ret_count = ROWS;
	return rows;
}

static void *value_at(struct config *config, const struct config_row *row)
{
	return (char *)config + row->offset;
}

static const void *value_of(const struct config *config, const struct config_row *row)
{
	return (const char *)config + row->offset;
}

static const struct config_row *row_find(const char *section, const char *key)
{
	for (const struct config_row *row = rows; row < rows + ROWS; row++)
		if (!strcmp(row->section, section) && !strcmp(row->key, key))
			return row;
	return NULL;
}

static bool section_known(const char *section)
{
	for (const struct config_row *row = rows; row < rows + ROWS; row++)
		if (!strcmp(row->section, section))
			return true;
	return false;
}

// The sentence about a key or section that does not exist, with those that do.
static void explain_unknown(const char *section, const char *key, char error[INI_ERROR_MAX])
{
	bool known = section_known(section);
	int used = known ? snprintf(error, INI_ERROR_MAX, "[%s] has no key `%.60s`; it has",
				    section, key)
			 : snprintf(error, INI_ERROR_MAX, "there is no section [%.60s], only",
				    section);
	const char *last = "";
	for (const struct config_row *row = rows; row < rows + ROWS; row++) {
		const char *word = known ? row->key : row->section;
		if ((known && strcmp(row->section, section)) || !strcmp(word, last))
			continue;
		if (used < INI_ERROR_MAX)
			used += snprintf(error + used, (size_t)(INI_ERROR_MAX - used), " %s", word);
		last = word;
	}
}

static int take(void *arg, const struct ini_where *where, const char *section, const char *key,
		const char *value, char error[INI_ERROR_MAX])
{
	struct reading *reading = arg;
	const struct config_row *row = row_find(section, key);
	if (!row) {
		explain_unknown(section, key, error);
		return -EINVAL;
	}
	unsigned *line = &reading->lines[row - rows];
	if (*line) {
		snprintf(error, INI_ERROR_MAX, "[%s] %s stands in line %u already", section, key,
			 *line);
		return -EINVAL;
	}
	*line = where->line;
	char wrong[CONFIG_WRONG_MAX];
	int err = config_value_read(row, value_at(&reading->config, row), value, wrong);
	if (err)
		snprintf(error, INI_ERROR_MAX, "%s", wrong);
	return err;
}

// Defaults are read by the same code as a file's values, so that the table can't hold a bad one unseen.
static void set_defaults(struct config *config)
{
	char wrong[CONFIG_WRONG_MAX];
	memset(config, 0, sizeof *config);
	for (const struct config_row *row = rows; row < rows + ROWS; row++)
		if (row->initial)
			config_value_read(row, value_at(config, row), row->initial, wrong);
}

// "FILE:LINE: " of where the key was given, or "FILE: ".
static int blame(const struct reading *reading, const char *section, const char *key,
		 char error[INI_ERROR_MAX])
{
	unsigned line = reading->lines[row_find(section, key) - rows];
	return line ? snprintf(error, INI_ERROR_MAX, "%.200s:%u: ", reading->file, line)
		    : snprintf(error, INI_ERROR_MAX, "%.200s: ", reading->file);
}

static int check_required(const struct reading *reading, char error[INI_ERROR_MAX])
{
	char allowed[CONFIG_WRONG_MAX];
	for (const struct config_row *row = rows; row < rows + ROWS; row++) {
		if (row->initial || reading->lines[row - rows])
			continue;
		snprintf(error, INI_ERROR_MAX, "%.100s: [%s] %s is missing; it takes %.200s",
			 reading->file, row->section, row->key, config_value_allowed(row, allowed));
		return -EINVAL;
	}
	return 0;
}

static int check_oneway(const struct reading *reading, char error[INI_ERROR_MAX])
{
	const struct interfaces *oneway = &reading->config.firewall.oneway;
	for (uint32_t i = 0; i < oneway->count; i++) {
		if (interfaces_covers(&reading->config.firewall.lan, oneway->at[i]))
			continue;
		int used = blame(reading, "firewall", "oneway", error);
		snprintf(error + used, (size_t)(INI_ERROR_MAX - used),
			 "[firewall] oneway: `%s` is not among the interfaces of lan",
			 oneway->at[i]);
		return -EINVAL;
	}
	return 0;
}

// The kernel binds a flowtable to devices, and to none that appears later.
static int check_flowtable(const struct reading *reading, char error[INI_ERROR_MAX])
{
	const struct interfaces *list = &reading->config.firewall.flowtable;
	for (uint32_t i = 0; i < list->count; i++) {
		if (!strchr(list->at[i], '*'))
			continue;
		int used = blame(reading, "firewall", "flowtable", error);
		snprintf(error + used, (size_t)(INI_ERROR_MAX - used),
			 "[firewall] flowtable: `%s` is not allowed; it takes whole names",
			 list->at[i]);
		return -EINVAL;
	}
	return 0;
}

static int check_queues(const struct reading *reading, char error[INI_ERROR_MAX])
{
	uint32_t first = reading->config.queue.first, workers = reading->config.queue.workers;
	if (first + 2 * workers - 1 <= UINT16_MAX)
		return 0;
	int used = blame(reading, "queue", "first", error);
	snprintf(error + used, (size_t)(INI_ERROR_MAX - used),
		 "[queue] first: %u leaves no room for 2 x %u queues below 65536", first, workers);
	return -EINVAL;
}

static int check_strip_ech(const struct reading *reading, char error[INI_ERROR_MAX])
{
	if (!reading->config.engine.strip_ech || reading->config.firewall.inspect_answers)
		return 0;
	int used = blame(reading, "engine", "strip-ech", error);
	snprintf(error + used, (size_t)(INI_ERROR_MAX - used),
		 "[engine] strip-ech needs [firewall] inspect-answers = yes");
	return -EINVAL;
}

static int finish(struct reading *reading, struct config *ret, char error[INI_ERROR_MAX])
{
	if (!reading->config.queue.workers) {
		long cpus = sysconf(_SC_NPROCESSORS_ONLN);
		reading->config.queue.workers = cpus < 1                    ? 1
						: cpus > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX
									    : (uint32_t)cpus;
	}
	int err = check_required(reading, error);
	if (!err)
		err = check_oneway(reading, error);
	if (!err)
		err = check_flowtable(reading, error);
	if (!err)
		err = check_queues(reading, error);
	if (!err)
		err = check_strip_ech(reading, error);
	if (!err)
		*ret = reading->config;
	return err;
}

int config_file(struct config *ret, const char *path, char error[INI_ERROR_MAX])
{
	struct reading reading = {.file = path};
	set_defaults(&reading.config);
	int err = ini_file(path, take, &reading, error);
	return err ? err : finish(&reading, ret, error);
}

int config_orders_file(struct config_orders *ret, const char *path, char error[INI_ERROR_MAX])
{
	struct reading reading = {.file = path};
	set_defaults(&reading.config);
	int err = path ? ini_file(path, take, &reading, error) : 0;
	if (!err)
		*ret = reading.config.orders;
	return err;
}

int config_text(struct config *ret, const char *file, const char *text, size_t len,
		char error[INI_ERROR_MAX])
{
	struct reading reading = {.file = file};
	set_defaults(&reading.config);
	int err = ini_text(file, text, len, take, &reading, error);
	return err ? err : finish(&reading, ret, error);
}

void config_dump(const struct config *config, FILE *out)
{
	char value[CONFIG_VALUE_MAX];
	for (const struct config_row *row = rows; row < rows + ROWS; row++)
		fprintf(out, "%s.%s=%s\n", row->section, row->key,
			config_value_text(row, value_of(config, row), value));
}

void config_example(FILE *out)
{
	const char *section = "";
	fputs("# Configuration of filterd: every key with its default. filterd.conf(5) explains "
	      "them;\n"
	      "# `filterd -t` checks this file.\n",
	      out);
	for (const struct config_row *row = rows; row < rows + ROWS; row++) {
		if (strcmp(section, row->section))
			fprintf(out, "\n[%s]\n", row->section);
		section = row->section;
		bool empty = !row->initial || !*row->initial;
		fprintf(out, "# %s\n", row->help);
		fprintf(out, "%s%s =%s%s\n", row->initial ? "#" : "", row->key, empty ? "" : " ",
			row->initial ? row->initial : "");
	}
}

// The same in text is the same: works for every type, and lists have bytes behind their end.
static bool row_equal(const struct config_row *row, const struct config *a, const struct config *b)
{
	char value_a[CONFIG_VALUE_MAX], value_b[CONFIG_VALUE_MAX];
	return !strcmp(config_value_text(row, value_of(a, row), value_a),
		       config_value_text(row, value_of(b, row), value_b));
}

void config_reload(struct config *running, const struct config *fresh,
		   void (*stuck)(void *arg, const struct config_row *row), void *arg)
{
	char value[CONFIG_VALUE_MAX], wrong[CONFIG_WRONG_MAX];
	for (const struct config_row *row = rows; row < rows + ROWS; row++) {
		if (row_equal(row, running, fresh))
			continue;
		if (row->reloadable)
			config_value_read(row, value_at(running, row),
					  config_value_text(row, value_of(fresh, row), value),
					  wrong);
		else if (stuck)
			stuck(arg, row);
	}
}
