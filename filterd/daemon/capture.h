// SPDX-License-Identifier: GPL-3.0-or-later
// A capture file (pcap or pcapng), or an interface that is listened to, as a source of packets, by libpcap. Fragments
// are put together, as the kernel does for the queue.
#pragma once
#include "filterd/base/slice.h"

struct capture;

enum { CAPTURE_ERROR_MAX = 512 };

struct capture_packet {
	uint64_t frame;     // its number in the file, from 1, frames without IP counted too
	int64_t time_ns;    // when it was captured
	struct slice bytes; // from the IP header on; valid until the next call
	bool truncated;     // the file holds fewer bytes than the frame had
};

// Opens `path` ("-": standard input). 0, or -ENOENT and the like, -EBADMSG if it is no capture,
// -EPROTONOSUPPORT for a link type that wire/link.h does not know; `error` gets one sentence.
int capture_open(struct capture **ret, const char *path, char error[CAPTURE_ERROR_MAX]);

// Listens on an interface, to all that comes by. 0; -ENODEV and the like, -EPERM without CAP_NET_RAW; `error` gets one
// sentence.
int capture_open_live(struct capture **ret, const char *interface, char error[CAPTURE_ERROR_MAX]);

void capture_close(struct capture *c);

// The next frame that holds an IP packet, or the last fragment of one (which is put together). 1; 0 at
// the end; -EBADMSG with `error` if the file breaks off (what came before was good). On an interface, -EAGAIN if nothing
// came for a tenth of a second or a signal did, and -EIO with `error` if it is gone.
int capture_next(struct capture *c, struct capture_packet *ret, char error[CAPTURE_ERROR_MAX]);

// Packets that an interface lost because they came faster than they were taken.
uint64_t capture_dropped(const struct capture *c);
