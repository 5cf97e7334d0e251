// SPDX-License-Identifier: GPL-3.0-or-later
// What the service manager is told (sd_notify). Without one, all of this does nothing.
#pragma once
#include <stdbool.h>
#include <stdint.h>

void service_ready(const char *status); // also the end of a reload
void service_reloading(void);
void service_stopping(void);

// In which time the manager wants service_alive(), in milliseconds; 0 if it does not.
unsigned service_watchdog_ms(void);
void service_alive(void);
