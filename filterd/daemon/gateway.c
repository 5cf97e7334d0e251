// SPDX-License-Identifier: GPL-3.0-or-later
// Sockets are opened first, with all privileges; then these are dropped, and only then threads are made,
// so that no thread ever has more. From then on the main thread handles signals, link changes, control
// and events. Nothing that goes wrong in a reload changes what is in force.
#include "filterd/daemon/gateway.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/build_time.h"
#include "filterd/daemon/control.h"
#include "filterd/daemon/doorbell.h"
#include "filterd/daemon/engine_options.h"
#include "filterd/daemon/handover.h"
#include "filterd/daemon/kernel_queues.h"
#include "filterd/daemon/links.h"
#include "filterd/daemon/live.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/onlookers.h"
#include "filterd/daemon/outlet.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/daemon/privs.h"
#include "filterd/daemon/registry.h"
#include "filterd/daemon/requests.h"
#include "filterd/daemon/service.h"
#include "filterd/daemon/store.h"
#include "filterd/daemon/succession.h"
#include "filterd/daemon/timekeeper.h"
#include "filterd/daemon/trust.h"
#include "filterd/daemon/upkeep.h"
#include "filterd/daemon/view.h"
#include "filterd/daemon/worker.h"
#include "filterd/flow/handshake.h"

enum { TICK_MS = 1000 };

struct gateway {
	struct config config;
	const char *config_path;
	struct timekeeper *timekeeper;
	struct trust *trust;
	struct registry *registry;
	struct handshakes *handshakes;
	struct links *links;
	struct doorbell *doorbell;
	struct outlet *outlet;
	struct requests *requests;
	struct control *control;
	struct kernel_queues *kernel_queues;
	struct prefiltering *prefiltering;
	struct worker *workers[CONFIG_WORKERS_MAX];
	unsigned workers_made, workers_started;
	struct live *live;
	int signal_fd;
	bool ending;
	bool is_successor;
	struct handover *predecessor;  // what it hands over; NULL: there is none
	struct succession *succession; // to a successor of ours
	bool reloading;                // which the manager has been told
	bool changed;                  // what is in force, and the manager has not been told
	int64_t started_ns;
	struct upkeep upkeep;
};

static uint64_t random_u64(void)
{
	uint64_t v = 0;
	while (getrandom(&v, sizeof v, 0) != sizeof v)
		;
	return v;
}

static struct view view_of(const struct gateway *g)
{
	struct view view = {
		.workers = g->workers,
		.worker_count = g->workers_made,
		.first_queue = (uint16_t)g->config.queue.first,
		.store = registry_store(g->registry),
		.timekeeper = g->timekeeper,
		.events = outlet_events(g->outlet),
		.sink = outlet_sink(g->outlet),
		.kernel_queues = g->kernel_queues,
		.prefiltering = g->prefiltering,
		.live = g->live,
		.ruleset_path = g->config.filterd.ruleset,
		.serial = registry_serial(g->registry),
		.next_serial = registry_next_serial(g->registry),
		.mark_shift = g->config.firewall.mark_shift,
		.started_ns = g->started_ns,
		.now_ns = clock_now_ns(),
	};
	registry_audit_head(g->registry, &view.audit_seq, view.audit_hash);
	return view;
}

static json_t *hand_over(void *arg, pid_t pid, int *ret_fd, const char **ret_error)
{
	struct gateway *g = arg;
	return succession_offer(g->succession, pid, ret_fd, ret_error);
}

static struct view view_for_requests(void *arg)
{
	return view_of(arg);
}

static int make_timekeeper(struct gateway *g)
{
	char path[CONFIG_TEXT_MAX + 8];
	snprintf(path, sizeof path, "%s/clock", g->config.filterd.state);
	struct timekeeper_options options = {
		.path = path,
		.always = g->config.clock.synchronised == CONFIG_SYNCHRONISED_ALWAYS,
		.build_s = FILTERD_BUILD_S,
	};
	g->timekeeper = timekeeper_new(&options);
	if (!g->timekeeper)
		log_err("can't keep time: %s", strerror(errno));
	return g->timekeeper ? 0 : -EIO;
}

static int make_workers(struct gateway *g)
{
	char error[QUEUE_ERROR_MAX];
	const struct config *config = &g->config;
	g->handshakes =
		handshakes_new(config->engine.handshakes, config->engine.handshakes, random_u64());
	if (!g->handshakes) {
		log_err("no memory for engine.handshakes");
		return -ENOMEM;
	}
	struct worker_options options = {
		.mark_shift = config->firewall.mark_shift,
		.queue = {.fail_open = config->firewall.failure == CONFIG_FAILURE_OPEN,
			  .length = config->queue.length,
			  .socket_buffer = config->queue.socket_buffer},
		.engine = engine_options_of(config, g->handshakes, random_u64()),
		.store = registry_store(g->registry),
		.links = g->links,
		.timekeeper = g->timekeeper,
		.doorbell = g->doorbell,
	};
	for (; g->workers_made < config->queue.workers; g->workers_made++) {
		options.number = g->workers_made;
		options.queue.tcp = (uint16_t)(config->queue.first + g->workers_made);
		options.queue.udp = (uint16_t)(options.queue.tcp + config->queue.workers);
		int err = worker_new(&g->workers[g->workers_made], &options, error);
		if (err) {
			log_err("%s", error);
			return err;
		}
	}
	return 0;
}

static int make_live(struct gateway *g)
{
	g->live = live_new(g->workers, g->workers_made, g->config.firewall.mark_shift);
	if (!g->live)
		log_err("no memory for connections that orders end");
	return g->live ? 0 : -ENOMEM;
}

static int bind_queues(struct gateway *g)
{
	char error[QUEUE_ERROR_MAX];
	for (unsigned i = 0; i < g->workers_made; i++) {
		int err = worker_bind(g->workers[i], error);
		if (err) {
			log_err("%s", error);
			return err;
		}
	}
	return 0;
}

static int start_workers(struct gateway *g)
{
	for (; g->workers_started < g->workers_made; g->workers_started++) {
		int err = worker_start(g->workers[g->workers_started]);
		if (err) {
			log_err("can't start a thread: %s", strerror(-err));
			return err;
		}
	}
	return 0;
}

static int catch_signals(struct gateway *g)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL); // threads inherit it
	signal(SIGPIPE, SIG_IGN);
	g->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return g->signal_fd < 0 ? -errno : 0;
}

static int make_outlets(struct gateway *g)
{
	int err = catch_signals(g);
	if (!err) {
		g->links = links_new(&g->config.firewall.lan, &g->config.firewall.oneway);
		g->doorbell = doorbell_new();
		g->outlet = outlet_new(&g->config, random_u64());
		if (!g->links || !g->doorbell || !g->outlet)
			err = errno ? -errno : -ENOMEM;
	}
	if (err)
		log_err("can't start: %s", strerror(-err));
	return err;
}

static int send_line(void *control, uint64_t ticket, const char *text, size_t len)
{
	return control_line(control, ticket, text, len);
}

static int make_requests(struct gateway *g)
{
	g->kernel_queues = kernel_queues_new();
	struct requests_options options = {
		.registry = g->registry,
		.onlookers = outlet_onlookers(g->outlet),
		.timekeeper = g->timekeeper,
		.admins = g->config.control.admins,
		.view = view_for_requests,
		.handover = hand_over,
		.arg = g,
	};
	g->requests = requests_new(&options);
	if (!g->requests)
		log_err("no memory for requests");
	return g->requests ? 0 : -ENOMEM;
}

// A listening socket that is there already, or -1.
static int make_control(struct gateway *g, int listener)
{
	char error[CONTROL_ERROR_MAX];
	const char *path = g->config.filterd.control;
	g->control = listener < 0
			     ? control_new(path, g->config.filterd.user, requests_take, g->requests,
					   error)
			     : control_adopt(path, listener, requests_take, g->requests, error);
	if (!g->control) {
		log_err("%s", error);
		return -EIO;
	}
	requests_use(g->requests, g->control);
	onlookers_use(outlet_onlookers(g->outlet), send_line, g->control);
	return 0;
}

static int make_prefilter(struct gateway *g)
{
	g->prefiltering = prefiltering_new(&g->config, g->predecessor);
	if (g->prefiltering)
		return 0;
	log_err("no memory for the prefilter");
	return -ENOMEM;
}

static void drain(void *arg)
{
	struct gateway *g = arg;
	outlet_take(g->outlet, g->workers, g->workers_made);
}

static void changed(void *arg)
{
	struct gateway *g = arg;
	g->changed = true;
	live_changed(g->live);
}

// The keys are root's, so they are read before privileges are dropped.
static int make_trust(struct gateway *g)
{
	char error[TRUST_ERROR_MAX];
	struct trust_options options = trust_options_of(&g->config, g->config_path);
	g->trust = trust_new(&options, error);
	if (!g->trust)
		log_err("%s", error);
	return g->trust ? 0 : -EINVAL;
}

static int make_registry(struct gateway *g)
{
	char error[REGISTRY_ERROR_MAX];
	struct registry_options options = {
		.state = g->config.filterd.state,
		.user = g->config.filterd.user,
		.ruleset_path = g->config.filterd.ruleset,
		.keep = g->config.filterd.keep,
		.workers = g->config.queue.workers,
		.orders = &g->config.orders,
		.trust = g->trust,
		.timekeeper = g->timekeeper,
		.prefiltering = g->prefiltering,
		.drain = drain,
		.changed = changed,
		.arg = g,
	};
	g->registry = registry_new(&options, error);
	if (g->registry)
		return 0;
	log_err("can't use the orders: %s", error);
	return -EINVAL;
}

static void link_changed(void *arg, uint32_t ifindex)
{
	struct gateway *g = arg;
	prefiltering_link(g->prefiltering, ifindex);
}

static int make_succession(struct gateway *g)
{
	struct succession_parts parts = {
		.config = &g->config,
		.workers = g->workers,
		.worker_count = g->workers_made,
		.control = g->control,
		.requests = g->requests,
		.registry = g->registry,
		.timekeeper = g->timekeeper,
		.prefiltering = g->prefiltering,
	};
	g->succession = succession_new(&parts);
	return g->succession ? 0 : -ENOMEM;
}

// Packets wait meanwhile, so there is nothing in it that takes time.
static int take_over(struct gateway *g)
{
	int listener;
	int64_t begun_ns = clock_steady_ns();
	int err = succession_take(g->predecessor, g->workers, g->workers_made, &listener);
	if (!err)
		err = make_control(g, listener);
	if (!err)
		err = handover_taken(g->predecessor);
	if (err) {
		if (g->control)
			control_hand_over(g->control); // it is not ours to remove
		return err;
	}
	err = start_workers(g);
	log_info("took over; packets waited for %.1f ms",
		 (double)(clock_steady_ns() - begun_ns) / 1e6);
	prefiltering_take(g->prefiltering);
	return err;
}

// --- Start

static int prepare(struct gateway *g)
{
	int err = make_outlets(g);
	if (!err)
		err = make_timekeeper(g);
	if (!err && g->is_successor)
		err = succession_ask(&g->predecessor, &g->config);
	if (!err)
		err = make_prefilter(g);
	if (!err)
		err = make_trust(g);
	if (!err)
		err = make_registry(g);
	if (!err)
		err = make_requests(g);
	if (!err)
		err = make_workers(g);
	if (!err)
		err = make_live(g);
	return err;
}

static int start(struct gateway *g)
{
	char error[PRIVS_ERROR_MAX];
	int err = privs_check(error);
	if (err) {
		log_err("%s", error);
		return err;
	}
	err = prepare(g);
	if (!err && !g->predecessor)
		err = make_control(g, -1);
	if (!err && !g->predecessor)
		err = bind_queues(g); // last, since packets wait for the workers from then on
	if (err)
		return err;
	err = privs_drop(g->config.filterd.user, prefiltering_loaded(g->prefiltering), error);
	if (err) {
		log_err("%s", error);
		return err;
	}
	err = g->predecessor ? take_over(g) : start_workers(g);
	if (!err)
		err = make_succession(g);
	if (err)
		return err;
	prefiltering_link(g->prefiltering, 0);
	registry_settle(g->registry);
	return 0;
}

// Root may have read what the daemon's user may not: better told now than at the first reload.
static void check_rules_readable(const struct gateway *g)
{
	const char *path = g->config.filterd.ruleset;
	if (access(path, R_OK) < 0 && errno == EACCES)
		log_warn("%s can't be read by user %s: orders can't be reloaded until it can", path,
			 g->config.filterd.user);
}

static void report_ready(const struct gateway *g)
{
	char status[160];
	const struct rules *rules = store_current(registry_store(g->registry));
	snprintf(status, sizeof status, "%u orders, %" PRIu64 " names, %u workers", rules->orders,
		 ruleset_names(rules->ruleset), g->workers_started);
	service_ready(status);
}

static void log_stuck(void *arg, const struct config_row *row)
{
	(void)arg;
	log_warn("[%s] %s has changed, which takes effect with a restart", row->section, row->key);
}

static void reload_config(struct gateway *g)
{
	struct config fresh;
	char error[INI_ERROR_MAX];
	if (config_file(&fresh, g->config_path, error)) {
		log_err("configuration not reloaded: %s", error);
		return;
	}
	config_reload(&g->config, &fresh, log_stuck, NULL);
	outlet_configure(g->outlet, &g->config);
}

static void read_signals(struct gateway *g)
{
	struct signalfd_siginfo info;
	while (read(g->signal_fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo != SIGHUP) {
			g->ending = true;
			continue;
		}
		service_reloading();
		reload_config(g);
		requests_admins(g->requests);
		registry_reload(g->registry, g->config.filterd.ruleset, info.ssi_uid);
		g->reloading = true;
	}
}

static void report_change(struct gateway *g)
{
	if (!g->changed && (!g->reloading || registry_reloading(g->registry)))
		return;
	report_ready(g);
	g->changed = g->reloading = false;
}

static void loop(struct gateway *g)
{
	struct pollfd fds[] = {
		{.fd = control_fd(g->control), .events = POLLIN},
		{.fd = g->signal_fd, .events = POLLIN},
		{.fd = doorbell_fd(g->doorbell), .events = POLLIN},
		{.fd = links_fd(g->links), .events = POLLIN},
		{.fd = timekeeper_fd(g->timekeeper), .events = POLLIN},
		{.events = POLLIN}, // a successor's
		{.events = POLLIN}, // the registry's
	};
	enum { COUNT = sizeof fds / sizeof fds[0] };
	while (!g->ending) {
		doorbell_arm(g->doorbell);
		bool more = outlet_take(g->outlet, g->workers, g->workers_made);
		outlet_tick(g->outlet, clock_now_ns());
		struct view view = view_of(g);
		upkeep_run(&g->upkeep, &view, clock_steady_ns());
		int wait_ms = live_run(g->live);
		fds[COUNT - 2].fd = succession_fd(g->succession);
		fds[COUNT - 1].fd = registry_fd(g->registry);
		poll(fds, COUNT, more ? 0 : wait_ms < 0 ? TICK_MS : wait_ms);
		timekeeper_run(g->timekeeper); // before all that goes by time
		links_read(g->links, link_changed, g);
		control_run(g->control, clock_steady_ns());
		read_signals(g);
		if (!succession_under_way(g->succession))
			registry_tick(g->registry);
		report_change(g);
		succession_run(g->succession);
		g->ending |= succession_done(g->succession);
	}
}

static void stop(struct gateway *g)
{
	handover_free(g->predecessor);
	if (g->succession && succession_halted(g->succession))
		g->workers_started = 0;
	succession_free(g->succession);
	registry_cancel(g->registry);
	prefiltering_free(g->prefiltering);
	for (unsigned i = 0; i < g->workers_started; i++)
		worker_stop(g->workers[i]);
	for (unsigned i = 0; i < g->workers_started; i++)
		worker_join(g->workers[i]);
	if (g->outlet) {
		while (outlet_take(g->outlet, g->workers, g->workers_made))
			;
		outlet_flush(g->outlet, clock_now_ns());
	}
	for (unsigned i = 0; i < g->workers_made; i++)
		worker_free(g->workers[i]);
	live_free(g->live);
	handshakes_free(g->handshakes);
	control_free(g->control);
	requests_free(g->requests);
	kernel_queues_free(g->kernel_queues);
	registry_free(g->registry);
	trust_free(g->trust);
	timekeeper_free(g->timekeeper);
	outlet_free(g->outlet);
	doorbell_free(g->doorbell);
	links_free(g->links);
	if (g->signal_fd >= 0)
		close(g->signal_fd);
}

int gateway_run(const struct config *config, const char *config_path, bool successor)
{
	struct gateway g = {.config = *config,
			    .config_path = config_path,
			    .is_successor = successor,
			    .signal_fd = -1,
			    .started_ns = clock_now_ns()};
	upkeep_init(&g.upkeep, &g.config, clock_steady_ns());
	int err = start(&g);
	if (!err) {
		log_info("filterd " FILTERD_VERSION " runs, %u workers on queues %u to %u",
			 g.workers_started, config->queue.first,
			 config->queue.first + 2 * config->queue.workers - 1);
		check_rules_readable(&g);
		report_ready(&g);
		loop(&g);
		if (!succession_done(g.succession))
			service_stopping();
		log_info("ending");
	}
	stop(&g);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
