// SPDX-License-Identifier: GPL-3.0-or-later
// Only this file knows libsystemd.
#include "filterd/daemon/service.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <time.h>

void service_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void service_reloading(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		   (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

unsigned service_watchdog_ms(void)
{
	uint64_t us = 0;
	return sd_watchdog_enabled(0, &us) > 0 ? (unsigned)(us / 1000) : 0;
}

void service_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}
