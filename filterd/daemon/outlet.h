// SPDX-License-Identifier: GPL-3.0-or-later
// Where what the workers note goes: summed up to the log's lines, and to who looks on. Belongs to the main thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct config;
struct outlet;
struct worker;

struct outlet *outlet_new(const struct config *config, uint64_t seed); // NULL if out of memory
void outlet_free(struct outlet *o);                                    // accepts NULL

// The configuration was read again.
void outlet_configure(struct outlet *o, const struct config *config);

// Takes what the workers have noted, at least all that was noted before the call. True if there may be
// more.
bool outlet_take(struct outlet *o, struct worker *const *workers, unsigned count);

// Once round the main loop; and at the end.
void outlet_tick(struct outlet *o, int64_t now_ns);
void outlet_flush(struct outlet *o, int64_t now_ns);

struct events *outlet_events(const struct outlet *o);
struct sink *outlet_sink(const struct outlet *o);
struct onlookers *outlet_onlookers(const struct outlet *o);
