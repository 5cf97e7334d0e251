// SPDX-License-Identifier: GPL-3.0-or-later
// What the control socket is asked, and the answers: one JSON object in, one out, and who may ask what.
// Changing, for root and the users of `[control] admins`:
//   {"command":"push","base":HEX,"note":TEXT,"dry-run":BOOL} with a sealed image as descriptor
//                          base: the checksum of the image that the difference was made against; all of these are optional
//   {"command":"lift","order":ID,"reason":TEXT}
//   {"command":"extend","order":ID,"until":TIME,"reason":TEXT}
//   {"command":"rollback","serial":N,"note":TEXT}
//     -> {"serial":N,"serial-from":N,"requested":TIME,"effective":TIME,"took-ms":MS,"orders":N,"names":N}
//   {"command":"confirm-clock","note":TEXT}    {"effective":TIME}
// All of these take "manifest", "signatures" (a list of texts) and "break-glass".
//   {"command":"handover"} for root and the daemon's own user: see handover.h
// Reading, for everybody whom the socket's permissions let in:
//   {"command":"status"}   version, uptime, orders, workers
//   {"command":"metrics"}  {"metrics": Prometheus text}
//   {"command":"orders","at":TIME}    {"serial":N,"at":TIME,"orders":[...]}
//   {"command":"serials"}  {"serials":[...]}: what there is to roll back to
//   {"command":"image"}    {"serial":N,"checksum":HEX} with the sealed image in force as descriptor, if there is one
//   {"command":"top","by":"names|orders|clients","count":N}
//     -> {"by":WHAT,"since":TIME,"rows":[{"key":TEXT,"hits":N,"over":N}]}; at most `over` of the hits are another's
//   {"command":"watch","order":ID,"name":NAME}   hits of this order, and of this name and those below it, as lines like
//                          those of the log; without these, all. {"event_type":"stats","filterd":{"lost":N}} stands for
//                          those that did not fit. It goes on until the client hangs up.
// A refusal is {"error":SENTENCE,"kind":"bad|denied|conflict|refused|failed"}.
// Times are RFC 3339 with microseconds.
#pragma once
#include "filterd/daemon/control.h"
#include <jansson.h>
#include <stdbool.h>

struct onlookers;
struct registry;
struct requests;
struct timekeeper;
struct view;

struct requests_options {
	struct registry *registry;
	struct onlookers *onlookers;
	struct timekeeper *timekeeper;
	const char *admins;             // words; borrowed, read by requests_admins()
	struct view (*view)(void *arg); // of now
	// Another daemon, of this process id, wants to take our place: the answer, and the descriptor that goes with it,
	// to be closed. NULL with a sentence if that can't be now.
	json_t *(*handover)(void *arg, pid_t pid, int *ret_fd, const char **ret_error);
	void *arg;
};

// NULL if out of memory.
struct requests *requests_new(const struct requests_options *options);
void requests_free(struct requests *r); // before the registry's

// Looks up who the admins are: at the start, and when the configuration was read again.
void requests_admins(struct requests *r);

// Where answers go; `c` calls requests_take().
void requests_use(struct requests *r, struct control *c);

// Refuses all changes, or no more.
void requests_freeze(struct requests *r, bool freeze);

// A control_fn, whose `arg` is a struct requests.
void requests_take(void *arg, struct control_request *request);
