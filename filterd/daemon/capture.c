// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/wire/fragments.h"
#include "filterd/wire/link.h"

struct capture {
	pcap_t *pcap;
	enum link_type link;
	struct fragments *fragments;
	uint64_t frame;
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

int capture_open(struct capture **ret, const char *path, char error[CAPTURE_ERROR_MAX])
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!file) {
		int e = errno;
		snprintf(error, CAPTURE_ERROR_MAX, "%s: %s", path, strerror(e));
		return -e;
	}
	struct capture *c = calloc(1, sizeof *c);
	int result = -ENOMEM;
	if (c)
		c->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO,
								   why);
	if (!c || !c->pcap) {
		if (c)
			result = -EBADMSG;
		snprintf(error, CAPTURE_ERROR_MAX, "%s: no capture file: %s", path,
			 c ? why : strerror(ENOMEM));
		if (file != stdin)
			fclose(file);
		free(c);
		return result;
	}
	c->link = link_of(pcap_datalink(c->pcap));
	if (c->link == LINK_TYPES) {
		const char *name = pcap_datalink_val_to_name(pcap_datalink(c->pcap));
		snprintf(error, CAPTURE_ERROR_MAX, "%s: link type %s is not supported", path,
			 name ? name : "of an unknown number");
		capture_close(c);
		return -EPROTONOSUPPORT;
	}
	c->fragments = fragments_new();
	if (!c->fragments) {
		snprintf(error, CAPTURE_ERROR_MAX, "%s: %s", path, strerror(ENOMEM));
		capture_close(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	fragments_free(c->fragments);
	pcap_close(c->pcap);
	free(c);
}

int capture_next(struct capture *c, struct capture_packet *ret, char error[CAPTURE_ERROR_MAX])
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int result;
	while ((result = pcap_next_ex(c->pcap, &header, &data)) == 1) {
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
	if (result == PCAP_ERROR_BREAK)
		return 0;
	snprintf(error, CAPTURE_ERROR_MAX, "frame %llu: %s", (unsigned long long)c->frame + 1,
		 pcap_geterr(c->pcap));
	return -EBADMSG;
}
