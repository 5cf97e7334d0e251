// SPDX-License-Identifier: GPL-3.0-or-later
// The prefilter, at tc ingress of the LAN interfaces: it tells plain DNS queries in which no listed name can
// be by the mark's bit `clean` (daemon/mark.h), with which the firewall rules let them pass by the queues. What it does not fully
// understand stays unmarked and goes to the daemon, so it can save work and never change a verdict: a packet is
// clean only if the engine, too, would take it apart without complaint, find one name, and find no order for it.
//
// The message is copied once into a scratch buffer, since it may be spread over pages; its labels are
// hashed from the left in words of eight bytes, and joined from the right (base/suffix_hash.h).
#include <stdbool.h>
#include <stdint.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "filterd/base/suffix_hash.h"
#include "filterd/bpf/prefilter.h"

char _license[] SEC("license") = "GPL";

// Set before the program is loaded.
const volatile uint16_t ports[PREFILTER_PORTS_MAX]; // network byte order
const volatile uint32_t mark_clean;

struct filter {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value,
	       uint64_t[PREFILTER_LINE_WORDS]); // struct prefilter_line; whole in BTF only so
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PREFILTER_SLOTS);
	__type(key, uint32_t);
	__array(values, struct filter);
} filters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PREFILTER_COUNTERS);
	__type(key, uint32_t);
	__type(value, uint64_t);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, PREFILTER_LINKS);
	__type(key, uint32_t);
	__type(value, uint32_t);
} programs SEC(".maps");

enum {
	DNS_HEADER = 12,
	LABEL_MAX = 63,
	WORD = 8,
	ONE_QUESTION = 1,
	FLAGS_ODD = 0xf800, // QR and opcode
};

// The UDP header and the DNS message, and room to read a word at its end; the hash of each label.
struct scratch {
	struct udphdr udp;
	uint8_t message[PREFILTER_MESSAGE_MAX + 2 * WORD];
	uint64_t labels[PREFILTER_LABELS_MAX];
	uint8_t lengths[PREFILTER_LABELS_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct scratch);
} scratches SEC(".maps");

// Keeps a place in the message below its size in the verifier's eyes, when the check before is too far away for them.
#define IN_MESSAGE(place) asm volatile("%0 &= %1" : "+r"(place) : "i"(PREFILTER_MESSAGE_MAX - 1))

#define INLINE static __attribute__((always_inline))

// The datagram of a packet that is plain so far.
struct datagram {
	uint32_t udp;      // where its header begins in the packet
	uint32_t len;      // of the message
	uint64_t pseudo;   // sum of the pseudo-header, not folded
	uint16_t checksum; // as it stands there
	bool may_lack_checksum;
};

INLINE uint32_t fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)((sum & 0xffff) + (sum >> 16));
}

INLINE bool is_dns_port(uint16_t port)
{
	for (int i = 0; i < PREFILTER_PORTS_MAX; i++)
		if (ports[i] == port && port)
			return true;
	return false;
}

INLINE void count(uint32_t counter)
{
	uint64_t *value = bpf_map_lookup_elem(&counters, &counter);
	if (value)
		(*value)++;
}

enum kind { NOT_DNS, NOT_PLAIN, PLAIN };

INLINE enum kind read_udp(struct datagram *d, const struct udphdr *udp, uint32_t at,
			  uint32_t ip_payload)
{
	if (!is_dns_port(udp->dest))
		return NOT_DNS;
	uint32_t len = bpf_ntohs(udp->len);
	if (len != ip_payload || len < sizeof *udp + DNS_HEADER ||
	    len - sizeof *udp > PREFILTER_MESSAGE_MAX)
		return NOT_PLAIN;
	d->udp = at;
	d->len = len - sizeof *udp;
	d->checksum = udp->check;
	d->pseudo += bpf_htons(IPPROTO_UDP) + udp->len;
	return PLAIN;
}

INLINE enum kind read_ipv4(struct datagram *d, struct __sk_buff *skb, uint32_t at)
{
	const void *end = (void *)(long)skb->data_end;
	const struct iphdr *ip = (void *)(long)skb->data + at;
	const struct udphdr *udp = (void *)(ip + 1);
	if ((const void *)(udp + 1) > end || ip->protocol != IPPROTO_UDP)
		return NOT_DNS;
	if (ip->version != 4 || ip->ihl != 5 || ip->frag_off & bpf_htons(0x3fff))
		return NOT_DNS;
	d->pseudo = (uint64_t)ip->saddr + ip->daddr;
	d->may_lack_checksum = true;
	return read_udp(d, udp, at + sizeof *ip, bpf_ntohs(ip->tot_len) - (uint32_t)sizeof *ip);
}

INLINE enum kind read_ipv6(struct datagram *d, struct __sk_buff *skb, uint32_t at)
{
	const void *end = (void *)(long)skb->data_end;
	const struct ipv6hdr *ip = (void *)(long)skb->data + at;
	const struct udphdr *udp = (void *)(ip + 1);
	if ((const void *)(udp + 1) > end || ip->nexthdr != IPPROTO_UDP || ip->version != 6)
		return NOT_DNS;
	d->pseudo = 0;
	for (int i = 0; i < 4; i++)
		d->pseudo += (uint64_t)ip->saddr.in6_u.u6_addr32[i] + ip->daddr.in6_u.u6_addr32[i];
	d->may_lack_checksum = false;
	return read_udp(d, udp, at + sizeof *ip, bpf_ntohs(ip->payload_len));
}

// Has the sender left the checksum to be filled in (CHECKSUM_PARTIAL: veth, virtio)? Where to is the sender's choice
// and can't be seen here, and it may be the name. What is none of the other three (skbuff.h, "ip_summed") is it: for one
// of them there is a sum to update, and of two others one becomes the other, and is made what it was again.
INLINE bool checksum_is_pending(struct __sk_buff *skb)
{
	if (bpf_csum_update(skb, 0) >= 0)
		return false; // CHECKSUM_COMPLETE
	bpf_csum_level(skb, BPF_CSUM_LEVEL_INC);
	if (bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) < 0)
		return true;
	bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC);
	return false; // CHECKSUM_NONE
}

// Is the checksum one that the engine takes?
INLINE bool checksum_good(struct __sk_buff *skb, const struct datagram *d, struct scratch *s)
{
	if (d->checksum == 0 && !d->may_lack_checksum)
		return false;
	if (bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) >= 0)
		return true; // verified by the network card
	if (checksum_is_pending(skb))
		return false;
	if (d->checksum == 0)
		return true;
	uint64_t sum = d->pseudo + s->udp.source + s->udp.dest + s->udp.len + s->udp.check;
	uint32_t len = d->len;
	if (len > PREFILTER_MESSAGE_MAX)
		return false;
	*(uint32_t *)(s->message + len) = 0;
	len = (len + 3) & ~3u;
	int64_t rest = bpf_csum_diff(NULL, 0, (__be32 *)s->message, len & 1023, 0);
	return rest >= 0 && fold(sum + (uint64_t)rest) == 0xffff;
}

INLINE uint64_t little_endian(uint64_t word)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

// The label's next word in lower case; false if a byte of it is not what a name in an order can have
// (those that become escapes in the canonical form: control bytes, blanks, dots, backslashes, above 0x7e).
INLINE bool canonical_word(uint64_t *word, unsigned bytes)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
	uint64_t w = *word;
	if (bytes < WORD) // letters, which nobody objects to, in place of what is not the label's
		w = suffix_hash_low_bytes(w, bytes) | ones * 'a' << 8 * bytes;
	uint64_t dot = w ^ ones * '.', backslash = w ^ ones * '\\', last = w ^ ones * 0x7f;
	uint64_t bad = w | (w - ones * 0x21) | (dot - ones) | (backslash - ones) | (last - ones);
	if (bad & high)
		return false;
	uint64_t upper = (w + ones * (0x80 - 'A')) & ~(w + ones * (0x80 - 'Z' - 1)) & high;
	*word = suffix_hash_low_bytes(w | upper >> 2, bytes);
	return true;
}

// A label of `len` bytes at `at`, hashed. 0 if it is not plain.
INLINE uint64_t hash_label(const struct scratch *s, uint32_t at, uint32_t len, uint64_t seed)
{
	uint64_t label = seed;
	for (uint32_t i = 0; i < (LABEL_MAX + WORD) / WORD; i++) {
		uint32_t done = i * WORD;
		if (done >= len)
			break;
		uint64_t place = at + done;
		IN_MESSAGE(place);
		uint64_t word = little_endian(*(const uint64_t *)(s->message + place));
		if (!canonical_word(&word, len - done < WORD ? len - done : WORD))
			return 0;
		label = suffix_hash_word(label, word);
	}
	return suffix_hash_end(label, len);
}

// Hashes the labels of the question's name; returns how many there are, 0 if it is not plain.
INLINE uint32_t hash_labels(struct scratch *s, uint32_t len, uint64_t seed)
{
	uint32_t at = DNS_HEADER;
	for (uint32_t i = 0; i <= PREFILTER_LABELS_MAX; i++) {
		if (at >= PREFILTER_MESSAGE_MAX || at >= len)
			return 0;
		uint64_t place = at;
		IN_MESSAGE(place);
		uint32_t label = s->message[place];
		at++;
		if (label == 0) // type and class follow
			return at + 4 <= len && at - DNS_HEADER <= PREFILTER_NAME_MAX ? i : 0;
		if (label > LABEL_MAX || i == PREFILTER_LABELS_MAX || at + label > len)
			return 0;
		uint64_t hash = hash_label(s, at, label, seed);
		if (!hash)
			return 0;
		s->labels[i] = hash;
		s->lengths[i] = (uint8_t)label;
		at += label;
	}
	return 0;
}

// Are the bits of the hash set in its word of the row that begins at this line?
INLINE bool row_has(void *filter, uint64_t at, uint64_t words, uint64_t hash)
{
	uint32_t word = suffix_hash_filter_word(hash, (uint32_t)words);
	uint32_t line_at = (uint32_t)at + word / PREFILTER_LINE_WORDS;
	uint64_t bits = suffix_hash_filter_bits(hash);
	const struct prefilter_line *line = bpf_map_lookup_elem(filter, &line_at);
	return !line || (line->words[word % PREFILTER_LINE_WORDS] & bits) == bits;
}

// May a suffix of the name be in the filter? With its last two labels, or three, it is known of nearly all.
INLINE bool listed(void *filter, const struct prefilter_line *head, const struct scratch *s,
		   uint32_t labels)
{
	const uint64_t *h = head->words;
	uint64_t suffix = 0;
	uint32_t last_len = 0;
	bool tail = false; // it may
	for (uint32_t i = 0; i < PREFILTER_LABELS_MAX; i++) {
		uint32_t left = labels - 1 - i;
		if (i >= labels || left >= PREFILTER_LABELS_MAX)
			break;
		suffix = suffix_hash_join(suffix, s->labels[left]);
		if (i == 1 || (i == 2 && !tail))
			tail = row_has(filter, h[PREFILTER_TAILS_AT], h[PREFILTER_TAILS],
				       suffix_hash_turn(suffix, h[PREFILTER_TAIL_TURN]));
		if (i == 1 && !tail && suffix_hash_is_shared(s->lengths[left], last_len))
			continue;
		if (i > 0 && !tail)
			return false;
		last_len = s->lengths[left];
		if (h[PREFILTER_LABELS] >> (i + 1) & 1 &&
		    row_has(filter, h[PREFILTER_NAMES_AT], h[PREFILTER_NAMES], suffix))
			return true;
	}
	return false;
}

enum answer { ANSWER_CLEAN, ANSWER_MAYBE, ANSWER_UNREAD };

INLINE enum answer ask(void *filter, struct scratch *s, uint32_t len)
{
	uint32_t zero = 0;
	const struct prefilter_line *head = bpf_map_lookup_elem(filter, &zero);
	if (!head)
		return ANSWER_UNREAD;
	uint32_t labels = hash_labels(s, len, head->words[PREFILTER_SEED]);
	if (!labels)
		return ANSWER_UNREAD;
	if (head->words[PREFILTER_NAMES] && listed(filter, head, s, labels))
		return ANSWER_MAYBE;
	return ANSWER_CLEAN;
}

// A query with one question and at most one record behind it (EDNS, or a signature).
INLINE bool header_plain(const struct scratch *s)
{
	const uint16_t *h = (const uint16_t *)s->message;
	return !(h[1] & bpf_htons(FLAGS_ODD)) && h[2] == bpf_htons(ONE_QUESTION) && !h[3] &&
	       !h[4] && bpf_ntohs(h[5]) <= 1;
}

INLINE enum answer judge(struct __sk_buff *skb, const struct datagram *d)
{
	uint32_t zero = 0, now = PREFILTER_NOW, next = PREFILTER_NEXT;
	struct scratch *s = bpf_map_lookup_elem(&scratches, &zero);
	void *filter = bpf_map_lookup_elem(&filters, &now);
	uint32_t len = d->len;
	if (!s || !filter || len < DNS_HEADER || len > PREFILTER_MESSAGE_MAX)
		return ANSWER_UNREAD;
	if (bpf_skb_load_bytes(skb, d->udp, &s->udp, sizeof s->udp + len) < 0)
		return ANSWER_UNREAD;
	if (!header_plain(s))
		return ANSWER_UNREAD;
	enum answer answer = ask(filter, s, len);
	filter = bpf_map_lookup_elem(&filters, &next);
	if (answer == ANSWER_CLEAN && filter)
		answer = ask(filter, s, len);
	if (answer == ANSWER_CLEAN && !checksum_good(skb, d, s))
		return ANSWER_UNREAD;
	return answer;
}

INLINE int prefilter(struct __sk_buff *skb, uint32_t ip_at)
{
	struct datagram d;
	enum kind kind = NOT_DNS;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		kind = read_ipv4(&d, skb, ip_at);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		kind = read_ipv6(&d, skb, ip_at);
	if (kind == NOT_DNS)
		return TC_ACT_UNSPEC;
	enum answer answer = ANSWER_UNREAD;
	// With a size but no count, the packet came so from a virtual machine and is cut apart later.
	if (kind == PLAIN && skb->gso_segs <= 1 && !skb->gso_size)
		answer = judge(skb, &d);
	if (answer == ANSWER_CLEAN)
		skb->mark |= mark_clean;
	count(answer == ANSWER_CLEAN   ? PREFILTER_CLEAN
	      : answer == ANSWER_MAYBE ? PREFILTER_MAYBE
				       : PREFILTER_UNREAD);
	return TC_ACT_UNSPEC;
}

// What is attached to interfaces: without a daemon the table of programs is empty, and the call fails.
SEC("tc")
int ethernet_enter(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, PREFILTER_ETHERNET);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int raw_ip_enter(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, PREFILTER_RAW_IP);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int ethernet(struct __sk_buff *skb)
{
	return prefilter(skb, sizeof(struct ethhdr));
}

SEC("tc")
int raw_ip(struct __sk_buff *skb)
{
	return prefilter(skb, 0);
}
