// SPDX-License-Identifier: GPL-3.0-or-later
// CPU time that the whole machine spends, whoever spends it: processes, softirqs, the kernel's threads. It is
// what is left of time x CPUs beside idle time, which the kernel measures to the nanosecond
// (/proc/timer_list), and time that a hypervisor took. The kernel's other figures are samples at ticks.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct meter {
	double began_s, unused_s;
};

static inline double meter_now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline FILE *meter_open(const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

// CPU seconds that nobody here used, since the machine started.
static inline double meter_unused_s(void)
{
	char line[256];
	unsigned long long ns, sum_ns = 0, steal = 0;
	FILE *file = meter_open("/proc/timer_list");
	while (fgets(line, sizeof line, file))
		if (sscanf(line, " .idle_sleeptime : %llu", &ns) == 1 ||
		    sscanf(line, " .iowait_sleeptime: %llu", &ns) == 1)
			sum_ns += ns;
	fclose(file);
	file = meter_open("/proc/stat");
	if (fgets(line, sizeof line, file))
		sscanf(line, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal);
	fclose(file);
	return (double)sum_ns / 1e9 + (double)steal / (double)sysconf(_SC_CLK_TCK);
}

static inline void meter_start(struct meter *m)
{
	m->unused_s = meter_unused_s();
	m->began_s = meter_now_s();
}

// CPU seconds since the start.
static inline double meter_stop(const struct meter *m)
{
	double elapsed = meter_now_s() - m->began_s;
	return elapsed * (double)sysconf(_SC_NPROCESSORS_ONLN) - (meter_unused_s() - m->unused_s);
}
