// SPDX-License-Identifier: GPL-3.0-or-later
// The configuration of the daemon (filterd.conf(5)), an INI file. One table of keys, config_rows(),
// drives everything that is done with it: reading, checking, the dump that scripts/firewall reads, the
// example file, and the test that each key stands in the man page. A file is taken whole or not at all.
#pragma once
#include "filterd/base/ini.h"
#include "filterd/daemon/config_value.h"
#include "filterd/flow/hostname.h"
#include "filterd/orders/lifetimes.h"
#include <stdio.h>

enum { CONFIG_WORKERS_MAX = 64, CONFIG_ADMINS_MAX = 16 };
enum config_backend { CONFIG_BACKEND_AUTO, CONFIG_BACKEND_NFT, CONFIG_BACKEND_IPTABLES };
enum config_failure { CONFIG_FAILURE_OPEN, CONFIG_FAILURE_CLOSED };
enum config_synchronised { CONFIG_SYNCHRONISED_ADJTIMEX, CONFIG_SYNCHRONISED_ALWAYS };
enum config_break_glass { CONFIG_BREAK_GLASS_ROOT, CONFIG_BREAK_GLASS_NO };
enum config_mptcp { CONFIG_MPTCP_STRIP, CONFIG_MPTCP_PASS };

struct config {
	struct {
		char ruleset[CONFIG_TEXT_MAX], control[CONFIG_TEXT_MAX], user[CONFIG_TEXT_MAX];
		char state[CONFIG_TEXT_MAX];        // a folder
		char metrics_file[CONFIG_TEXT_MAX]; // empty: none
		uint32_t metrics_interval_s, keep;
	} filterd;
	struct {
		char admins[CONFIG_VALUE_MAX];
	} control;
	struct {
		uint32_t backend; // enum config_backend
		struct interfaces lan, oneway, flowtable;
		struct config_ports dns_ports, tcp_ports, quic_ports, local_tcp_ports;
		uint32_t inspect_answers; // bool
		uint32_t mark_shift;
		uint32_t failure;   // enum config_failure
		uint32_t prefilter; // bool
		uint32_t mptcp;     // enum config_mptcp
	} firewall;
	struct {
		uint32_t first, workers, length, socket_buffer;
	} queue;
	struct {
		uint32_t flows, buffers, handshakes, passed;
		uint32_t undecided[HOSTNAME_PROTOCOLS + 1];
		uint32_t answer_ttl_s;
		uint32_t classify;            // bool
		uint32_t strip_ech, canaries; // bool
		struct config_names ech_public_names;
		char blocked_by[CONFIG_TEXT_MAX]; // empty: none
	} engine;
	struct config_orders {
		struct lifetimes lifetimes;
		uint32_t review_notice_days;
		uint32_t max_names;
		char critical_names[CONFIG_TEXT_MAX];
		struct config_names own_names;
	} orders;
	struct {
		char keys[CONFIG_VALUE_MAX]; // empty: nothing has to be signed
		uint32_t threshold, lift_threshold, lifetime_days;
		uint32_t break_glass; // enum config_break_glass
	} trust;
	struct {
		uint32_t syslog, to_stdout; // bool
		uint32_t per_second, summary_interval_s, client_prefix4, client_prefix6;
	} events;
	struct {
		uint32_t synchronised; // enum config_synchronised
	} clock;
};

// Reads and checks a file. 0, or a negative errno with one sentence in `error`, FILE:LINE in front of
// it where there is a line to blame. *ret is written only on success; `queue.workers = 0` has become
// the number of CPUs by then.
int config_file(struct config *ret, const char *path, char error[INI_ERROR_MAX]);

// The same for text in memory; `file` is only for messages.
int config_text(struct config *ret, const char *file, const char *text, size_t len,
		char error[INI_ERROR_MAX]);

// The section `orders` alone, for those who write orders where there is no gateway: the file is checked key
// by key, but what it takes to run a daemon may be missing. `path` NULL: the defaults.
int config_orders_file(struct config_orders *ret, const char *path, char error[INI_ERROR_MAX]);

// Every effective value as a line `section.key=value`.
void config_dump(const struct config *config, FILE *out);

// The example file: every key with its default, commented out, below its help.
void config_example(FILE *out);

// Takes from `fresh` what a reload may change, and calls `stuck` for each row that differs but takes a
// restart (`stuck` may be NULL).
void config_reload(struct config *running, const struct config *fresh,
		   void (*stuck)(void *arg, const struct config_row *row), void *arg);

// The table; *ret_count rows, ordered by section.
const struct config_row *config_rows(size_t *ret_count);
