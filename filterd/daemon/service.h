// SPDX-License-Identifier: GPL-3.0-or-later
// What the service manager is told (sd_notify). Without one, all of this does nothing.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

void service_ready(const char *status); // also the end of a reload
void service_reloading(void);
void service_stopping(void);
void service_succeeded(pid_t successor); // which is the service's main process from now on

// What the manager gave us, for a successor, and the successor's taking it up. The socket is "" if there is no manager.
const char *service_socket(void);
void service_take(const char *socket, uint64_t watchdog_us);

// In which time the manager wants service_alive(); 0 if it does not.
uint64_t service_watchdog_us(void);
void service_alive(void);
