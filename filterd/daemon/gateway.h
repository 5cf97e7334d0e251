// SPDX-License-Identifier: GPL-3.0-or-later
// The running daemon: what a start puts together, the main thread's loop, reload and the orderly end.
#pragma once
#include "filterd/daemon/config.h"

// Runs until SIGTERM or SIGINT, or until a successor has taken over. A successor takes the place of the daemon that
// runs with the same control socket (handover.h); if it can't, that one goes on. `config` was read from `config_path`, which SIGHUP reads again. Returns
// the exit code: 0 after an orderly end, 1 when the start failed (which is logged).
int gateway_run(const struct config *config, const char *config_path, bool successor);
