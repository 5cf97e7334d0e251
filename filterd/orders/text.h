// SPDX-License-Identifier: GPL-3.0-or-later
// What may stand in the texts of an order: UTF-8 (RFC 3629) without control characters, so that it can
// be written to a log, a terminal or a DNS answer as it is.
#pragma once
#include "filterd/base/slice.h"

bool text_valid(struct slice text);
