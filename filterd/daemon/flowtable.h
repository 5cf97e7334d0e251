// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel's flowtable of scripts/firewall.nft ([firewall] flowtable), by which allowed streams go past all rules.
// What it carries hears of no mark, so it is emptied when marks were changed; the rules add no stream twice.
#pragma once

// Returns 1 when it was emptied, 0 where there is none, or a negative errno. It waits for the kernel, milliseconds as
// a rule. Takes CAP_NET_ADMIN.
int flowtable_empty(void);
