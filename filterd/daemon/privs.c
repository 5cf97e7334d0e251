// SPDX-License-Identifier: GPL-3.0-or-later
// CAP_NET_ADMIN: the kernel asks for it again with every message of a netfilter queue's socket, verdicts
// included, and with every change of a conntrack's mark; and packets that we inject carry a mark.
// CAP_NET_RAW: injected packets leave over raw sockets, by an interface that we choose.
// CAP_BPF, where the prefilter runs: each ruleset gives it a filter, which is a BPF map. CAP_PERFMON, which loading its
// programs takes, is not kept.
#include "filterd/daemon/privs.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void choose(bool bpf)
{
	capng_clear(CAPNG_SELECT_ALL);
	capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN, CAP_NET_RAW, -1);
	if (bpf)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_BPF);
}

// Another user than now.
static int become(const struct passwd *user, bool bpf, char error[PRIVS_ERROR_MAX])
{
	choose(bpf);
	int err = capng_change_id((int)user->pw_uid, (int)user->pw_gid,
				  CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	if (!err)
		return 0;
	snprintf(error, PRIVS_ERROR_MAX, "can't become user %s (libcap-ng says %d)", user->pw_name,
		 err);
	return -EPERM;
}

// The same user as now.
static int reduce(bool bpf, char error[PRIVS_ERROR_MAX])
{
	choose(bpf);
	// The bounding set takes CAP_SETPCAP to clear, which an ordinary user need not have.
	if (capng_apply(geteuid() ? CAPNG_SELECT_CAPS : CAPNG_SELECT_BOTH) == 0)
		return 0;
	snprintf(error, PRIVS_ERROR_MAX, "can't drop capabilities: %s", strerror(errno));
	return -EPERM;
}

int privs_check(char error[PRIVS_ERROR_MAX])
{
	capng_get_caps_process();
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) &&
	    capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW))
		return 0;
	snprintf(error, PRIVS_ERROR_MAX,
		 "it takes CAP_NET_ADMIN and CAP_NET_RAW: start it as root, or "
		 "with both as ambient capabilities");
	return -EPERM;
}

int privs_drop(const char *user, bool bpf, char error[PRIVS_ERROR_MAX])
{
	capng_get_caps_process();
	bpf = bpf && capng_have_capability(CAPNG_PERMITTED, CAP_BPF);
	if (geteuid() || !strcmp(user, "root"))
		return reduce(bpf, error);
	errno = 0;
	const struct passwd *entry = getpwnam(user);
	if (!entry) {
		snprintf(error, PRIVS_ERROR_MAX,
			 "there is no user %s ([filterd] user): make it with `systemd-sysusers` or "
			 "`useradd --system %s`",
			 user, user);
		return -ENOENT;
	}
	return become(entry, bpf, error);
}
