// SPDX-License-Identifier: GPL-3.0-or-later
// A filter is a BPF array map that we fill through a mapping, before the kernel's table of filters shows it to
// the programs. When the table is changed, the kernel waits until no program runs that may still use the
// old one (map-in-map, maybe_wait_bpf_programs()), so that a change holds when the call returns.
#include "filterd/daemon/prefilter.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "filterd/base/suffix_hash.h"
#include "filterd/bpf/prefilter.h"
#include "filterd/daemon/clsact.h"
#include "filterd/daemon/mark.h"
#include "filterd/orders/ruleset.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings" // the program, as a string
#include "filterd/bpf/prefilter.skel.h"
#pragma GCC diagnostic pop

// LIBBPF_OPTS() also clears what lies behind the last member, which libbpf takes for options that it does not know.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-statement-expression"
#endif

// Where our filter stands among others at an interface. The handle says whether the clsact discipline was
// there before, so that whoever takes the filter off knows it, even after a crash.
enum { PRIORITY = 61821, HANDLE_GUEST = 1, HANDLE_OWNER = 2 };

struct prefilter {
	struct prefilter_bpf *bpf;
	int cpus;
	uint64_t *per_cpu; // room for a counter
	int next; // the filter of the last prefilter_widen(), until it is the only one; -1: none
	size_t extra_count;
	struct name *extra;
};

bool prefilter_built(void)
{
	return true;
}

// libbpf writes a page for each refusal; the errno that comes back says enough.
static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int programs_show(struct prefilter *p)
{
	const struct bpf_program *const programs[PREFILTER_LINKS] = {
		[PREFILTER_ETHERNET] = p->bpf->progs.ethernet,
		[PREFILTER_RAW_IP] = p->bpf->progs.raw_ip,
	};
	int table = bpf_map__fd(p->bpf->maps.programs);
	for (uint32_t i = 0; i < PREFILTER_LINKS; i++) {
		int fd = bpf_program__fd(programs[i]);
		if (bpf_map_update_elem(table, &i, &fd, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

static int load(struct prefilter *p, const struct prefilter_options *options)
{
	libbpf_set_print(say_nothing);
	p->bpf = prefilter_bpf__open();
	if (!p->bpf)
		return -errno;
	for (size_t i = 0; i < options->port_count && i < PREFILTER_PORTS_MAX; i++)
		p->bpf->rodata->ports[i] = htons(options->ports[i]);
	p->bpf->rodata->mark_clean = (uint32_t)MARK_CLEAN << options->mark_shift;
	int err = prefilter_bpf__load(p->bpf);
	return err ? err : programs_show(p);
}

int prefilter_new(struct prefilter **ret, const struct prefilter_options *options,
		  char error[PREFILTER_ERROR_MAX])
{
	struct prefilter *p = calloc(1, sizeof *p);
	int err = -ENOMEM;
	if (!p)
		goto out;
	p->next = -1;
	p->cpus = libbpf_num_possible_cpus();
	p->extra = calloc(options->extra_count + 1, sizeof *p->extra);
	p->per_cpu = p->cpus > 0 ? calloc((size_t)p->cpus, sizeof *p->per_cpu) : NULL;
	if (!p->extra || !p->per_cpu)
		goto out;
	p->extra_count = options->extra_count;
	memcpy(p->extra, options->extra, options->extra_count * sizeof *p->extra);
	err = load(p, options);
out:
	if (!err) {
		*ret = p;
		return 0;
	}
	prefilter_free(p);
	snprintf(error, PREFILTER_ERROR_MAX, "%s",
		 err == -EPERM || err == -EACCES ? "it takes CAP_BPF and CAP_PERFMON"
						 : strerror(-err));
	return err;
}

void prefilter_free(struct prefilter *p)
{
	if (!p)
		return;
	if (p->next >= 0)
		close(p->next);
	prefilter_bpf__destroy(p->bpf);
	free(p->per_cpu);
	free(p->extra);
	free(p);
}

// --- A filter

static uint64_t *word_at(struct prefilter_line *lines, enum prefilter_word row_at, uint32_t word)
{
	uint64_t line = lines[0].words[row_at] + word / PREFILTER_LINE_WORDS;
	return &lines[line].words[word % PREFILTER_LINE_WORDS];
}

// Sets the bits of a hash in a row.
static void set_bits(struct prefilter_line *lines, enum prefilter_word row_at, uint64_t hash)
{
	uint32_t words = (uint32_t)lines[0].words[row_at + 1];
	*word_at(lines, row_at, suffix_hash_filter_word(hash, words)) |=
		suffix_hash_filter_bits(hash);
}

static void copy_row(struct prefilter_line *lines, enum prefilter_word row_at,
		     const uint64_t *words, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		*word_at(lines, row_at, i) = le64toh(words[i]);
}

// Adds names of our own to a filter whose rows have a word at least.
static void add_extra(const struct prefilter *p, struct prefilter_line *lines)
{
	uint64_t *head = lines[0].words, hashes[NAME_LABELS_MAX];
	uint8_t offsets[NAME_LABELS_MAX];
	for (size_t i = 0; i < p->extra_count; i++) {
		struct slice name = name_slice(&p->extra[i]);
		size_t labels = name_hashes(name, head[PREFILTER_SEED], offsets, hashes);
		set_bits(lines, PREFILTER_TAILS_AT,
			 suffix_hash_turn(name_tail_note(name, head[PREFILTER_SEED]),
					  (unsigned)head[PREFILTER_TAIL_TURN]));
		set_bits(lines, PREFILTER_NAMES_AT, hashes[0]);
		if (labels < 64) // no packet with more is plain
			head[PREFILTER_LABELS] |= UINT64_C(1) << labels;
	}
}

static void fill(const struct prefilter *p, const struct ruleset_filter *filter,
		 const struct prefilter_line *head, struct prefilter_line *lines)
{
	lines[0] = *head;
	copy_row(lines, PREFILTER_TAILS_AT, filter->tails, filter->tail_count);
	copy_row(lines, PREFILTER_NAMES_AT, filter->names, filter->name_count);
	add_extra(p, lines);
}

static uint32_t lines_of(uint32_t words)
{
	return (words + PREFILTER_LINE_WORDS - 1) / PREFILTER_LINE_WORDS;
}

// The first line; *ret_lines is how many there are with it.
static struct prefilter_line head_of(const struct prefilter *p, const struct ruleset_filter *filter,
				     uint32_t *ret_lines)
{
	bool bare = filter->name_count == 0 && p->extra_count > 0;
	uint32_t tails = bare ? 1 : filter->tail_count, names = bare ? 1 : filter->name_count;
	uint32_t names_at = 1 + lines_of(tails);
	*ret_lines = names_at + lines_of(names);
	return (struct prefilter_line){
		.words = {
			[PREFILTER_SEED] = filter->seed,
			[PREFILTER_LABELS] = filter->labels[0], // no packet with more is plain
			[PREFILTER_TAILS_AT] = 1,
			[PREFILTER_TAILS] = tails,
			[PREFILTER_NAMES_AT] = names_at,
			[PREFILTER_NAMES] = names,
			[PREFILTER_TAIL_TURN] = filter->tail_turn,
		}};
}

// A map with the filter in it, or a negative errno.
static int filter_new(const struct prefilter *p, const struct ruleset *ruleset)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	struct ruleset_filter filter = ruleset_filter(ruleset);
	uint32_t line_count;
	struct prefilter_line head = head_of(p, &filter, &line_count);
	size_t len = (size_t)line_count * sizeof(struct prefilter_line);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "filterd_names", sizeof(uint32_t),
				sizeof(struct prefilter_line), line_count, &options);
	if (fd < 0)
		return -errno;
	struct prefilter_line *lines = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (lines == MAP_FAILED) {
		int err = -errno;
		close(fd);
		return err;
	}
	fill(p, &filter, &head, lines);
	munmap(lines, len);
	return fd;
}

static int show(struct prefilter *p, uint32_t slot, int filter)
{
	int table = bpf_map__fd(p->bpf->maps.filters);
	return bpf_map_update_elem(table, &slot, &filter, BPF_ANY) < 0 ? -errno : 0;
}

static void hide(struct prefilter *p, uint32_t slot)
{
	bpf_map_delete_elem(bpf_map__fd(p->bpf->maps.filters), &slot);
}

int prefilter_widen(struct prefilter *p, const struct ruleset *ruleset)
{
	int filter = filter_new(p, ruleset);
	int err = filter < 0 ? filter : show(p, PREFILTER_NEXT, filter);
	if (p->next >= 0)
		close(p->next);
	p->next = filter;
	if (err < 0) {
		hide(p, PREFILTER_NOW);
		if (filter >= 0)
			close(filter);
		p->next = -1;
	}
	return err;
}

int prefilter_narrow(struct prefilter *p)
{
	if (p->next < 0)
		return 0;
	int err = show(p, PREFILTER_NOW, p->next);
	if (err < 0)
		hide(p, PREFILTER_NOW);
	hide(p, PREFILTER_NEXT);
	close(p->next);
	p->next = -1;
	return err;
}

// The entry point for what comes in at this interface; NULL if its packets have a form that we don't know.
static const struct bpf_program *entry(const struct prefilter *p, const char *name)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	int err = fd < 0 ? -1 : ioctl(fd, SIOCGIFHWADDR, &request);
	if (fd >= 0)
		close(fd);
	if (err < 0)
		return NULL;
	switch (request.ifr_hwaddr.sa_family) {
	case ARPHRD_ETHER:
		return p->bpf->progs.ethernet_enter;
	case ARPHRD_PPP:
	case ARPHRD_NONE: // tun
	case ARPHRD_RAWIP:
		return p->bpf->progs.raw_ip_enter;
	default:
		return NULL;
	}
}

// The handle under which a filterd stands at this interface, 0 for none; *ret_program is its program's id.
static uint32_t standing(uint32_t ifindex, uint32_t *ret_program)
{
	for (uint32_t handle = HANDLE_GUEST; handle <= HANDLE_OWNER; handle++) {
		LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
			    .attach_point = BPF_TC_INGRESS);
		LIBBPF_OPTS(bpf_tc_opts, at, .handle = handle, .priority = PRIORITY);
		if (bpf_tc_query(&hook, &at) == 0) {
			*ret_program = at.prog_id;
			return handle;
		}
	}
	return 0;
}

int prefilter_attach(struct prefilter *p, uint32_t ifindex, const char *name)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	const struct bpf_program *program = entry(p, name);
	if (!program)
		return -EPROTONOSUPPORT;
	uint32_t other, handle = standing(ifindex, &other);
	int err = 0;
	if (!handle) {
		err = bpf_tc_hook_create(&hook);
		handle = err == -EEXIST ? HANDLE_GUEST : HANDLE_OWNER;
	}
	if (err && err != -EEXIST)
		return err;
	LIBBPF_OPTS(bpf_tc_opts, at, .handle = handle, .priority = PRIORITY,
		    .flags = BPF_TC_F_REPLACE, .prog_fd = bpf_program__fd(program));
	err = bpf_tc_attach(&hook, &at);
	if (err && handle == HANDLE_OWNER && !clsact_in_use(ifindex)) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		bpf_tc_hook_destroy(&hook);
	}
	return err;
}

static uint32_t program_id(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof info;
	return bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len) ? 0 : info.id;
}

// The handle under which our own program stands there, 0 for none.
static uint32_t standing_ours(const struct prefilter *p, uint32_t ifindex)
{
	uint32_t program = 0, handle = standing(ifindex, &program);
	bool ours = program == program_id(p->bpf->progs.ethernet_enter) ||
		    program == program_id(p->bpf->progs.raw_ip_enter);
	return ours ? handle : 0;
}

bool prefilter_stands(const struct prefilter *p, uint32_t ifindex)
{
	return standing_ours(p, ifindex);
}

void prefilter_detach(struct prefilter *p, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	uint32_t handle = standing_ours(p, ifindex);
	if (!handle)
		return;
	LIBBPF_OPTS(bpf_tc_opts, at, .handle = handle, .priority = PRIORITY);
	bpf_tc_detach(&hook, &at);
	if (handle != HANDLE_OWNER || clsact_in_use(ifindex))
		return;
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS; // both: the discipline goes
	bpf_tc_hook_destroy(&hook);
}

static uint64_t sum(const struct prefilter *p, uint32_t counter)
{
	uint64_t total = 0;
	if (bpf_map_lookup_elem(bpf_map__fd(p->bpf->maps.counters), &counter, p->per_cpu) < 0)
		return 0;
	for (int i = 0; i < p->cpus; i++)
		total += p->per_cpu[i];
	return total;
}

struct prefilter_counts prefilter_counts(const struct prefilter *p)
{
	return (struct prefilter_counts){
		.clean = sum(p, PREFILTER_CLEAN),
		.maybe = sum(p, PREFILTER_MAYBE),
		.unread = sum(p, PREFILTER_UNREAD),
	};
}

int prefilter_try(const struct prefilter *p, const void *frame, size_t len, uint32_t gso_size)
{
	struct __sk_buff before = {.gso_size = gso_size}, after = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (uint32_t)len,
		    .ctx_in = &before, .ctx_size_in = sizeof before, .ctx_out = &after,
		    .ctx_size_out = sizeof after);
	int err = bpf_prog_test_run_opts(bpf_program__fd(p->bpf->progs.ethernet), &options);
	return err ? err : (after.mark & p->bpf->rodata->mark_clean) != 0;
}
