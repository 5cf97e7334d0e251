// SPDX-License-Identifier: GPL-3.0-or-later
// filterd(8): the command line. The daemon never forks; a service manager or a shell keeps it.
#include <stdlib.h>
#include <unistd.h>

#include "filterd/daemon/config.h"
#include "filterd/daemon/gateway.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/trust.h"

enum { EXIT_USAGE = 2 };

static const char usage[] =
	"usage: filterd [-dfhTtuV] [-c FILE]\n"
	"  -c FILE  configuration (default /etc/filterd/filterd.conf)\n"
	"  -d       log lines for developers too\n"
	"  -f       log to standard error, not to syslog\n"
	"  -t       check the configuration and exit: 0 good, 1 not\n"
	"  -T       check it, and print every effective value as section.key=value\n"
	"  -u       take the place of the daemon that runs, without a loss (see filterctl "
	"upgrade)\n"
	"  -h       this text\n"
	"  -V       the version\n";

struct options {
	const char *config_path;
	bool check, dump, foreground, debug, successor;
};

// Returns -1 to go on, or the exit code.
static int options_read(struct options *ret, int argc, char **argv)
{
	*ret = (struct options){.config_path = "/etc/filterd/filterd.conf"};
	for (int c; (c = getopt(argc, argv, "c:dfhTtuV")) != -1;) {
		switch (c) {
		case 'c':
			ret->config_path = optarg;
			break;
		case 'd':
			ret->debug = true;
			break;
		case 'f':
			ret->foreground = true;
			break;
		case 'T':
			ret->dump = true;
			break;
		case 't':
			ret->check = true;
			break;
		case 'u':
			ret->successor = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("filterd " FILTERD_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fputs(usage, stderr);
	return EXIT_USAGE;
}

// What of the configuration stands in other files.
static bool keys_good(const struct config *config, const char *path)
{
	struct trust_options options = trust_options_of(config, path);
	char error[TRUST_ERROR_MAX];
	struct trust *trust = trust_new(&options, error);
	if (!trust)
		log_err("%s", error);
	trust_free(trust);
	return trust != NULL;
}

int main(int argc, char **argv)
{
	struct options options;
	struct config config;
	char error[INI_ERROR_MAX];
	int done = options_read(&options, argc, argv);
	if (done >= 0)
		return done;
	if (config_file(&config, options.config_path, error)) {
		log_err("%s", error);
		return EXIT_FAILURE;
	}
	if (options.dump)
		config_dump(&config, stdout);
	if (options.check)
		return keys_good(&config, options.config_path) ? EXIT_SUCCESS : EXIT_FAILURE;
	if (options.dump)
		return EXIT_SUCCESS;
	log_start(options.foreground ? LOG_TO_STDERR : LOG_TO_SYSLOG, options.debug);
	int code = gateway_run(&config, options.config_path, options.successor);
	log_stop();
	return code;
}
