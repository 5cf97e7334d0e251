// SPDX-License-Identifier: GPL-3.0-or-later
// Columns: queue number, port id, packets waiting, copy mode, copy range, dropped when full, dropped on
// the way to us, id sequence, 1.
#include "filterd/daemon/kernel_queues.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct kernel_queues {
	FILE *file;
};

struct kernel_queues *kernel_queues_new(void)
{
	struct kernel_queues *k = calloc(1, sizeof *k);
	if (!k)
		return NULL;
	k->file = fopen("/proc/net/netfilter/nfnetlink_queue", "re");
	if (!k->file) {
		free(k);
		return NULL;
	}
	return k;
}

void kernel_queues_free(struct kernel_queues *k)
{
	if (!k)
		return;
	fclose(k->file);
	free(k);
}

bool kernel_queues_line(const char *line, struct kernel_queue *ret)
{
	struct kernel_queue q;
	if (sscanf(line, "%" SCNu32 " %*u %" SCNu32 " %*u %*u %" SCNu32 " %" SCNu32, &q.number,
		   &q.waiting, &q.full, &q.unreachable) != 4)
		return false;
	*ret = q;
	return true;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = ((const struct kernel_queue *)a)->number;
	uint32_t y = ((const struct kernel_queue *)b)->number;
	return (x > y) - (x < y);
}

unsigned kernel_queues_read(struct kernel_queues *k, uint32_t first, unsigned count,
			    struct kernel_queue *ret)
{
	char line[256];
	unsigned found = 0;
	if (!k)
		return 0;
	rewind(k->file);
	while (found < count && fgets(line, sizeof line, k->file)) {
		struct kernel_queue q;
		if (kernel_queues_line(line, &q) && q.number >= first && q.number - first < count)
			ret[found++] = q;
	}
	qsort(ret, found, sizeof *ret, compare);
	return found;
}
