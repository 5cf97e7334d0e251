// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/wire/fragments.h"
#include "filterd/wire/link.h"

enum {
	WAIT_MS = 100,
	BLOCK_MS = 50, // after which the kernel hands over a block that is not full
};

struct capture {
	pcap_t *pcap;
	enum link_type link;
	struct fragments *fragments;
	uint64_t frame;
	bool is_live;
};

static enum link_type link_of(int dlt)
{
	switch (dlt) {
	case DLT_EN10MB:
		return LINK_ETHERNET;
	case DLT_LINUX_SLL:
		return LINK_COOKED;
	case DLT_LINUX_SLL2:
		return LINK_COOKED2;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return LINK_RAW;
	case DLT_PPP:
	case DLT_PPP_SERIAL:
		return LINK_PPP;
	case DLT_NULL:
	case DLT_LOOP:
		return LINK_NULL;
	default:
		return LINK_TYPES;
	}
}

static int fail(int result, const char *of, const char *what, char error[CAPTURE_ERROR_MAX])
{
	snprintf(error, CAPTURE_ERROR_MAX, "%.200s: %s", of, what);
	return result;
}

// Takes the libpcap handle over, also when it fails.
static int make(struct capture **ret, pcap_t *pcap, const char *of, char error[CAPTURE_ERROR_MAX])
{
	struct capture *c = calloc(1, sizeof *c);
	if (!c) {
		pcap_close(pcap);
		return fail(-ENOMEM, of, strerror(ENOMEM), error);
	}
	c->pcap = pcap;
	c->link = link_of(pcap_datalink(pcap));
	c->fragments = fragments_new();
	if (c->link != LINK_TYPES && c->fragments) {
		*ret = c;
		return 0;
	}
	const char *name = pcap_datalink_val_to_name(pcap_datalink(pcap));
	int result = c->link == LINK_TYPES ? -EPROTONOSUPPORT : -ENOMEM;
	if (result == -ENOMEM)
		fail(result, of, strerror(ENOMEM), error);
	else
		snprintf(error, CAPTURE_ERROR_MAX, "%.200s: link type %s is not supported", of,
			 name ? name : "of an unknown number");
	capture_close(c);
	return result;
}

int capture_open(struct capture **ret, const char *path, char error[CAPTURE_ERROR_MAX])
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!file) {
		int e = errno;
		return fail(-e, path, strerror(e), error);
	}
	pcap_t *pcap =
		pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (pcap)
		return make(ret, pcap, path, error);
	snprintf(error, CAPTURE_ERROR_MAX, "%s: no capture file: %s", path, why);
	if (file != stdin)
		fclose(file);
	return -EBADMSG;
}

static int listen_on(pcap_t *pcap)
{
	enum { SNAPLEN = 262144, BUFFER = 16 << 20 };
	pcap_set_snaplen(pcap, SNAPLEN);
	pcap_set_promisc(pcap, 1); // a mirror port carries frames to other stations
	pcap_set_timeout(pcap, BLOCK_MS);
	pcap_set_buffer_size(pcap, BUFFER);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	int result = pcap_activate(pcap);
	return result > 0 ? 0 : result; // those above are warnings
}

int capture_open_live(struct capture **ret, const char *interface, char error[CAPTURE_ERROR_MAX])
{
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(interface, why);
	if (!pcap)
		return fail(-ENOMEM, interface, why, error);
	int activated = listen_on(pcap);
	if (activated == 0 && pcap_setnonblock(pcap, 1, why) == 0) {
		int result = make(ret, pcap, interface, error);
		if (result == 0)
			(*ret)->is_live = true;
		return result;
	}
	const char *more = pcap_geterr(pcap);
	snprintf(error, CAPTURE_ERROR_MAX, "%.200s: %s", interface,
		 more && *more ? more : pcap_statustostr(activated));
	pcap_close(pcap);
	return activated == PCAP_ERROR_NO_SUCH_DEVICE ? -ENODEV
	       : activated == PCAP_ERROR_PERM_DENIED  ? -EPERM
						      : -EIO;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	fragments_free(c->fragments);
	pcap_close(c->pcap);
	free(c);
}

uint64_t capture_dropped(const struct capture *c)
{
	struct pcap_stat s;
	return c->is_live && pcap_stats(c->pcap, &s) == 0 ? (uint64_t)s.ps_drop + s.ps_ifdrop : 0;
}

// A blocking read would not come back before a packet does: the kernel's ring wakes up nobody for an empty block.
static int next_frame(struct capture *c, struct pcap_pkthdr **header, const u_char **data)
{
	int result = pcap_next_ex(c->pcap, header, data);
	if (result != 0)
		return result;
	struct pollfd fd = {.fd = pcap_get_selectable_fd(c->pcap), .events = POLLIN};
	(void)poll(&fd, 1, WAIT_MS);
	return pcap_next_ex(c->pcap, header, data);
}

int capture_next(struct capture *c, struct capture_packet *ret, char error[CAPTURE_ERROR_MAX])
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int result;
	while ((result = next_frame(c, &header, &data)) == 1) {
		c->frame++;
		struct slice ip = link_ip(c->link, slice_of(data, header->caplen));
		if (ip.len)
			ip = fragments_add(c->fragments, ip);
		if (!ip.len)
			continue;
		ret->frame = c->frame;
		ret->time_ns = header->ts.tv_sec * CLOCK_SECOND_NS + header->ts.tv_usec;
		ret->bytes = ip;
		ret->truncated = header->caplen < header->len;
		return 1;
	}
	if (result == 0)
		return -EAGAIN;
	if (result == PCAP_ERROR_BREAK)
		return 0;
	snprintf(error, CAPTURE_ERROR_MAX, "frame %llu: %s", (unsigned long long)c->frame + 1,
		 pcap_geterr(c->pcap));
	return c->is_live ? -EIO : -EBADMSG;
}
