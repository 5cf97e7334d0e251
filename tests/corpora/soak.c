// SPDX-License-Identifier: GPL-3.0-or-later
// A day behind a gateway: real captures, played in a loop by several households at once through one engine
// whose table is too small for them, under orders that begin, end and are replaced. Whatever comes, the
// memory in use stays the same, the table keeps within its size, and rounds that are alike come out alike.
//
// Rounds come in pairs. In the first one a third of all names is blocked, until its middle; in the second
// one nothing is. Another third is monitored all along. The orders are compiled and swapped before each
// pair, as a push does. Rounds of one kind have the same addresses too, since shares of the table are by hashes of
// them. Everything is counted by the engine's clock, which runs as fast as it can.
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "filterd/base/clock.h"
#include "filterd/engine/engine.h"
#include "filterd/orders/host_name.h"
#include "tests/corpora/playlist.h"
#include "tests/unit/ruleset_text.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif
#if SANITIZED
#include <sanitizer/allocator_interface.h>

// What is freed is kept back for a while, which must not look like growth.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4";
}
#endif

enum {
	FLOWS = 512,       // fewer than the captures have at a time,
	BUFFERS = 64,      // so that flows and buffers run out
	BUFFERS_SPARE = 2, // what the engine keeps for the packet in hand
	NAMES_LEAST = 95,  // of 100 that there are
	WARM_ROUNDS = 2,
	ROUNDS_MIN = 6,       // two pairs behind the first one, which finds an empty table
	PAUSE_MAX_S = 10,     // captures put together out of several have pauses of years
	START_S = 1546300800, // 2019-01-01
	// glibc rounds the sizes of texts whose dates differ.
	CLASSIFY_MAX = 1 << 20, // nDPI allocates for each flow, and more for some than for others
	ROUNDING_MAX = SANITIZED ? 0 : 64,
	// What is freed, but kept back.
	RSS_GROWTH_MAX = SANITIZED ? 8 << 20 : 1 << 20,
	NAMES_ROOM = 8192,
	SKIPPED = 77,
};

// What one round did, as far as it must be the same in each of its kind.
struct round {
	struct engine_counters counted; // differences; the gauges as they were at the end
	uint32_t names;                 // how many different ones it read
};

// A name of the captures.
struct known {
	struct name name; // empty: this place is free
	uint32_t number;
	uint32_t seen; // the last round in which it was read; as below
};

struct soak {
	struct playlist *playlist;
	struct engine *engine;
	struct ruleset *ruleset;
	int64_t round_ns;
	struct known names[NAMES_ROOM];
	bool classify;
	uint32_t round, names_of_round; // rounds from 1; the first look is 0
	uint32_t name_count, flows_most, buffers_most;
	uint64_t names_at_ease; // how many an engine reads in a round that is large enough for all
	size_t allocated, resident; // after the first rounds
};

#define REQUIRE(condition, ...)                                                                    \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "soak: " __VA_ARGS__);                                     \
			fprintf(stderr, "\n");                                                     \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static size_t bytes_allocated(void)
{
#if SANITIZED
	return __sanitizer_get_current_allocated_bytes();
#else
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
#endif
}

static size_t bytes_resident(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	REQUIRE(f && fscanf(f, "%*u %zu", &pages) == 1, "no /proc/self/statm");
	fclose(f);
	return pages * 4096;
}

// Where in the table of names this one is, or would be.
static struct known *known_at(struct soak *s, const struct name *name)
{
	uint32_t hash = 2166136261; // FNV-1a
	for (size_t i = 0; i < name->len; i++)
		hash = (hash ^ (uint8_t)name->text[i]) * 16777619;
	struct known *k = &s->names[hash % NAMES_ROOM];
	while (k->name.len && !slice_equal(name_slice(&k->name), name_slice(name)))
		k = k == &s->names[NAMES_ROOM - 1] ? s->names : k + 1;
	return k;
}

static void on_hostname(void *arg, const struct hostname *hostname)
{
	struct soak *s = arg;
	struct known *k = known_at(s, &hostname->name);
	if (!k->name.len && s->name_count < NAMES_ROOM / 2) {
		k->name = hostname->name;
		k->number = s->name_count++;
	}
	if (k->seen != s->round)
		s->names_of_round++;
	k->seen = s->round;
}

static struct engine *new_engine(struct soak *s, bool first_look)
{
	struct engine_options options = engine_defaults();
	options.any_port = true;
	options.inspect_answers = options.strip_ech = options.canaries = true;
	options.classify = s->classify && !first_look;
	options.flows = first_look ? 1 << 16 : FLOWS;
	options.buffers = first_look ? 1 << 14 : BUFFERS;
	options.on_hostname = on_hostname;
	options.arg = s;
	struct engine *engine = engine_new(&options, s->ruleset);
	REQUIRE(engine, "out of memory");
	return engine;
}

static void print_order(FILE *f, const struct soak *s, bool block, int64_t from_s, int64_t until_s)
{
	char from[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];
	clock_text(from_s, from);
	clock_text(until_s, until);
	fprintf(f,
		"[order:%s]\nauthority = Court\nreference = 1\nreason = test\nissued = %s\n"
		"starts = %s\nexpires = %s\naction = %s\nmatch = exact\n",
		block ? "blocks" : "monitors", from, from, until, block ? "block" : "monitor");
	struct name same;
	for (const struct known *k = s->names; k < s->names + NAMES_ROOM; k++)
		if (k->name.len && k->number % 3 == (block ? 0 : 1) &&
		    !host_name_read(name_slice(&k->name), &same) && strchr(same.text, '.'))
			fprintf(f, "name = %s\n", k->name.text);
}

// The second at which the clock stands when the round begins.
static int64_t round_start_s(const struct soak *s, uint32_t round)
{
	return START_S + round * (s->round_ns / CLOCK_SECOND_NS);
}

// New orders in place of the old ones, for the pair that begins with this round.
static void push(struct soak *s, uint32_t round)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	REQUIRE(f, "out of memory");
	int64_t from_s = round_start_s(s, round) - 1;
	int64_t middle_s = from_s + s->round_ns / CLOCK_SECOND_NS / 2;
	print_order(f, s, true, from_s, middle_s);
	print_order(f, s, false, from_s, round_start_s(s, round + 2) + 1);
	fclose(f);
	struct ruleset *old = s->ruleset;
	s->ruleset = ruleset_of_text(text);
	free(text);
	engine_set_ruleset(s->engine, s->ruleset, round + 1);
	ruleset_close(old);
}

static void check_verdict(const struct verdict *v)
{
	REQUIRE(v->kind <= VERDICT_RESET && v->reason < REASONS, "a verdict that is none");
	for (int i = 0; i < v->reply_count; i++) {
		struct packet p;
		REQUIRE(packet_parse(&p, v->replies[i].bytes, 0) == PACKET_OK, "a broken reply");
	}
}

static void play_round(struct soak *s, struct engine *engine, uint32_t round)
{
	struct playlist_place place = {.addresses = round % 2};
	struct playlist_packet packet;
	const struct engine_counters *c = engine_counters(engine);
	int64_t start_ns = START_S * CLOCK_SECOND_NS + round * s->round_ns;
	while (playlist_next(s->playlist, &place, &packet)) {
		struct verdict verdict;
		struct engine_packet in = {
			.bytes = packet.bytes,
			.flags = ENGINE_CHECKSUM_TRUSTED |
				 (packet.truncated ? ENGINE_TRUNCATED : 0),
		};
		engine_packet(engine, &in, start_ns + packet.at_ns, &verdict);
		check_verdict(&verdict);
		if (c->flows_now > s->flows_most)
			s->flows_most = c->flows_now;
		if (c->buffers_now > s->buffers_most)
			s->buffers_most = c->buffers_now;
	}
}

static struct round count_round(struct soak *s, uint32_t round)
{
	struct round r = {0};
	struct engine_counters before = *engine_counters(s->engine);
	s->names_of_round = 0;
	s->round = round + 1;
	play_round(s, s->engine, round);
	r.counted = *engine_counters(s->engine);
	uint64_t *now = (uint64_t *)&r.counted;
	const uint64_t *then = (const uint64_t *)&before;
	uint64_t flows = r.counted.flows_now, buffers = r.counted.buffers_now;
	for (size_t i = 0; i < sizeof before / sizeof *now; i++)
		now[i] -= then[i];
	r.counted.flows_now = flows;
	r.counted.buffers_now = buffers;
	r.names = s->names_of_round;
	return r;
}

static uint64_t sum(const uint64_t *numbers, size_t count)
{
	uint64_t total = 0;
	for (size_t i = 0; i < count; i++)
		total += numbers[i];
	return total;
}

// What must hold of every round by itself.
static void check_round(const struct soak *s, uint32_t round, const struct engine_counters *c)
{
	uint64_t blocked = sum(c->blocked, HOSTNAME_PROTOCOLS);
	REQUIRE(c->packets == playlist_packets(s->playlist), "round %" PRIu32 ": packets lost",
		round);
	REQUIRE(sum(c->verdicts, 4) == c->packets, "round %" PRIu32 ": not a verdict each", round);
	REQUIRE((blocked > 0) == (round % 2 == 0), "round %" PRIu32 ": %" PRIu64 " names blocked",
		round, blocked);
	REQUIRE(c->reasons[REASON_MONITOR] > 0, "round %" PRIu32 ": nothing monitored", round);
	// The table is too small for all half-read flows, but must not fill up with what is over.
	uint64_t names = sum(c->hostnames, HOSTNAME_PROTOCOLS);
	REQUIRE(names >= s->names_at_ease * NAMES_LEAST / 100,
		"round %" PRIu32 ": %" PRIu64 " names of %" PRIu64, round, names, s->names_at_ease);
	REQUIRE(s->flows_most <= FLOWS && s->buffers_most <= BUFFERS, "the table overflows");
}

// Two rounds of one kind: the same packets, and counts that hardly differ. (Which clients the table has forgotten
// a flow of goes on from round to round, and so does which flows are there when one begins.)
static void check_alike(const struct soak *s, uint32_t round, const struct round *first,
			const struct round *now)
{
	const uint64_t *a = (const uint64_t *)&first->counted;
	const uint64_t *b = (const uint64_t *)&now->counted;
	uint64_t slack = playlist_packets(s->playlist) / 1000;
	REQUIRE(now->counted.bytes == first->counted.bytes, "round %" PRIu32 ": other bytes",
		round);
	for (size_t i = 0; i < sizeof first->counted / sizeof *a; i++)
		REQUIRE(a[i] <= b[i] + slack && b[i] <= a[i] + slack,
			"round %" PRIu32 ": counter %zu is %" PRIu64 ", at first it was %" PRIu64,
			round, i, b[i], a[i]);
	REQUIRE(now->names == first->names,
		"round %" PRIu32 ": %" PRIu32 " names, at first %" PRIu32, round, now->names,
		first->names);
}

// Learns the names from a round through an engine that is large enough for all.
static void first_look(struct soak *s)
{
	REQUIRE(ruleset_open_empty(&s->ruleset) == 0, "out of memory");
	struct engine *engine = new_engine(s, true);
	play_round(s, engine, 0);
	s->names_at_ease = sum(engine_counters(engine)->hostnames, HOSTNAME_PROTOCOLS);
	engine_free(engine);
	s->flows_most = s->buffers_most = 0;
	REQUIRE(s->name_count > 100, "only %" PRIu32 " names in the captures", s->name_count);
}

// No round allocates anything, and no push leaves anything behind.
static void check_memory(struct soak *s, uint32_t round, size_t before, size_t after)
{
	REQUIRE(s->classify || after == before,
		"round %" PRIu32 ": %zu bytes allocated, %zu before it", round, after, before);
	if (round + 1 == WARM_ROUNDS) {
		s->resident = bytes_resident();
		s->allocated = bytes_allocated();
	} else if (round >= WARM_ROUNDS) {
		REQUIRE(after <= s->allocated + (s->classify ? CLASSIFY_MAX : ROUNDING_MAX),
			"round %" PRIu32 ": %zu bytes allocated, %zu after round %d", round, after,
			s->allocated, WARM_ROUNDS - 1);
	}
}

static void report(const struct soak *s, uint32_t rounds, double took_s)
{
	const struct engine_counters *c = engine_counters(s->engine);
	printf("%.1f hours in %" PRIu32 " rounds, %" PRIu64 " packets, in %.0f s\n",
	       (double)rounds * (double)s->round_ns / 3.6e12, rounds, c->packets, took_s);
	printf("%" PRIu64 " names (%" PRIu64 " a round with room for all), %" PRIu64
	       " of them blocked; %" PRIu64 " flows, %" PRIu64
	       " forgotten half read; at most %" PRIu32 " flows and %" PRIu32
	       " buffers at a time\n",
	       sum(c->hostnames, HOSTNAME_PROTOCOLS), s->names_at_ease,
	       sum(c->blocked, HOSTNAME_PROTOCOLS), c->flows_made, c->flows_evicted_undecided,
	       s->flows_most, s->buffers_most);
	printf("allocated after round %d: %zu bytes, at the end %zu; resident: %zu kB, at the end "
	       "%zu\n",
	       WARM_ROUNDS - 1, s->allocated, bytes_allocated(), s->resident / 1024,
	       bytes_resident() / 1024);
}

// Rounds until `hours` are played, or `seconds` are over at the end of a pair.
static void soak(struct soak *s, double hours, double seconds)
{
	struct round rounds[2] = {0};
	int64_t began_ns = clock_now_ns();
	double took_s = 0;
	uint32_t round = 0;
	for (; round < ROUNDS_MIN || (double)round * (double)s->round_ns < hours * 3.6e12;
	     round++) {
		if (round >= ROUNDS_MIN && round % 2 == 0 && took_s > seconds)
			break;
		if (round % 2 == 0)
			push(s, round);
		size_t before = bytes_allocated();
		struct round now = count_round(s, round);
		check_memory(s, round, before, bytes_allocated());
		check_round(s, round, &now.counted);
		if (round < 2 * WARM_ROUNDS)
			rounds[round % 2] = now;
		else
			check_alike(s, round, &rounds[round % 2], &now);
		took_s = (double)(clock_now_ns() - began_ns) / 1e9;
	}
	report(s, round, took_s);
	REQUIRE(bytes_resident() <= s->resident + RSS_GROWTH_MAX, "memory grows");
	REQUIRE(s->flows_most == FLOWS && s->buffers_most >= BUFFERS - BUFFERS_SPARE,
		"the table was never full: this shows nothing");
}

static void usage(void)
{
	fprintf(stderr,
		"usage: soak [--hours N] [--households N] [--classify] FOLDER\n\n"
		"Plays 24 hours of the captures in FOLDER, or what 20 seconds have room for; with "
		"--hours\nN hours, however long it takes. --classify: with nDPI.\n");
	exit(2);
}

// glibc counts what its thread cache keeps at hand as allocated: begins again without that cache.
static void begin_without_cache(char **argv)
{
	static const char tunables[] = "GLIBC_TUNABLES";
	if (SANITIZED || getenv(tunables))
		return;
	setenv(tunables, "glibc.malloc.tcache_count=0", 1);
	execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"hours", required_argument, NULL, 'h'},
		{"households", required_argument, NULL, 'n'},
		{"classify", no_argument, NULL, 'c'},
		{0},
	};
	static struct soak s;
	double hours = 24, seconds = 20;
	uint32_t households = 16;
	int c;
	begin_without_cache(argv);
	while ((c = getopt_long(argc, argv, "h:n:", options, NULL)) != -1) {
		if (c == 'h') {
			hours = atof(optarg);
			seconds = 1e9;
		} else if (c == 'n') {
			households = (uint32_t)atoi(optarg);
		} else if (c == 'c') {
			s.classify = true;
		} else {
			usage();
		}
	}
	if (argc - optind != 1 || hours <= 0 || households == 0)
		usage();
	s.playlist = playlist_new(argv[optind], households, PAUSE_MAX_S * CLOCK_SECOND_NS);
	if (!s.playlist) {
		printf("skipped: no captures at %s\n", argv[optind]);
		return SKIPPED;
	}
	s.round_ns = playlist_round_ns(s.playlist);
	printf("%" PRIu32 " captures, %" PRIu32 " households: %" PRIu32
	       " packets and %.2f hours a round\n",
	       playlist_captures(s.playlist), households, playlist_packets(s.playlist),
	       (double)s.round_ns / 3.6e12);
	first_look(&s);
	s.engine = new_engine(&s, false);
	soak(&s, hours, seconds);
	engine_free(s.engine);
	ruleset_close(s.ruleset);
	playlist_free(s.playlist);
	return 0;
}
