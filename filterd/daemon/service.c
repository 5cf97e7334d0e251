// SPDX-License-Identifier: GPL-3.0-or-later
// Only this file knows libsystemd.
#include "filterd/daemon/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "filterd/base/clock.h"

void service_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void service_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_steady_ns() / 1000);
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void service_succeeded(pid_t successor)
{
	sd_notifyf(0, "MAINPID=%d", (int)successor);
}

const char *service_socket(void)
{
	const char *socket = getenv("NOTIFY_SOCKET");
	return socket ? socket : "";
}

void service_take(const char *socket, uint64_t watchdog_us)
{
	char text[32];
	if (!*socket)
		return;
	snprintf(text, sizeof text, "%" PRIu64, watchdog_us);
	setenv("NOTIFY_SOCKET", socket, 1);
	unsetenv("WATCHDOG_PID"); // whose it was
	setenv("WATCHDOG_USEC", text, 1);
}

uint64_t service_watchdog_us(void)
{
	uint64_t us = 0;
	return sd_watchdog_enabled(0, &us) > 0 ? us : 0;
}

void service_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}
