// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to a packet that can't be judged: the one place that decides it.
#pragma once

enum undecided_policy { UNDECIDED_PASS, UNDECIDED_DROP };
