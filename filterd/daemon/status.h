// SPDX-License-Identifier: GPL-3.0-or-later
// What the control socket is asked, and the answers: one JSON object in, one out.
#pragma once

struct view;

// Answers one request. The answer is one line of JSON without its line feed, to be freed; NULL if out
// of memory. What is wrong with a request stands in the answer's member "error".
//   {"command":"status"}    version, uptime, orders, workers
//   {"command":"metrics"}   {"metrics": Prometheus text}
char *status_answer(const struct view *view, const char *request);
