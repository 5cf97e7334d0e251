// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/engine_options.h"

#include <string.h>

#include "filterd/daemon/config.h"
#include "filterd/daemon/log.h"
#include "filterd/flow/classify.h"

struct engine_options engine_options_of(const struct config *config, struct handshakes *handshakes,
					uint64_t seed)
{
	struct engine_options options = engine_defaults();
	options.flows = config->engine.flows;
	options.buffers = config->engine.buffers;
	options.handshakes = handshakes;
	options.passed = config->engine.passed;
	options.seed = seed;
	options.classify = config->engine.classify;
	if (options.classify && !classify_built())
		log_warn("[engine] classify: this build is without nDPI");
	options.answer_ttl_s = config->engine.answer_ttl_s;
	options.blocked_by = config->engine.blocked_by;
	options.any_port = config->firewall.dns_ports.any || config->firewall.tcp_ports.any ||
			   config->firewall.quic_ports.any;
	if (!config->firewall.dns_ports.any) { // else those of engine_defaults(), for streams
		memset(options.dns_ports, 0, sizeof options.dns_ports);
		memcpy(options.dns_ports, config->firewall.dns_ports.at,
		       config->firewall.dns_ports.count * sizeof options.dns_ports[0]);
	}
	if (!config->firewall.quic_ports.any) { // else those for versions that we can't read
		memset(options.quic_ports, 0, sizeof options.quic_ports);
		memcpy(options.quic_ports, config->firewall.quic_ports.at,
		       config->firewall.quic_ports.count * sizeof options.quic_ports[0]);
	}
	options.inspect_answers = config->firewall.inspect_answers;
	options.strip_ech = config->engine.strip_ech;
	options.canaries = config->engine.canaries;
	memcpy(options.ech_public_names, config->engine.ech_public_names.at,
	       sizeof options.ech_public_names);
	for (unsigned i = 0; i <= HOSTNAME_PROTOCOLS; i++)
		options.undecided[i] = config->engine.undecided[i] ? UNDECIDED_DROP
								   : UNDECIDED_PASS;
	return options;
}
