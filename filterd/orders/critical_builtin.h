// SPDX-License-Identifier: GPL-3.0-or-later
// packaging/critical.names as it was when this was built (critical_builtin.py).
#pragma once

extern const char critical_builtin[];
