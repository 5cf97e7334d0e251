// SPDX-License-Identifier: GPL-3.0-or-later
// As fuzz_engine.c, and what no reader recognises goes on to nDPI.
#define FUZZ_CLASSIFY true
#include "fuzz_engine.c"
