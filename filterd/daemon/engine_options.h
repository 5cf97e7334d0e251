// SPDX-License-Identifier: GPL-3.0-or-later
// What the configuration means to an engine.
#pragma once
#include "filterd/engine/engine.h"

struct config;
struct handshakes;

// Borrows from all of them.
struct engine_options engine_options_of(const struct config *config, struct handshakes *handshakes,
					uint64_t seed);
