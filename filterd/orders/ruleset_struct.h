// SPDX-License-Identifier: GPL-3.0-or-later
// What a ruleset is made of. Internal to rulesets.
#pragma once
#include "filterd/orders/image_view.h"
#include "filterd/orders/ruleset.h"

struct sealed;

struct ruleset {
	struct sealed *image;
	struct image_view view; // of the image, but with rules of its own where orders are amended
	struct ruleset_amendment *amendments; // by index; NULL = none
	uint32_t amendment_count;
};
