// SPDX-License-Identifier: GPL-3.0-or-later
// What is asked on the control socket, without the socket: by whom, and when all is to stay as it is.
#include "filterd/daemon/requests.h"
#include "tests/unit/registry_scene.h"

enum { SOMEBODY = 4711 }; // who is no admin

static json_t *answered; // what the last request was answered

void __wrap_control_answer(struct control *c, uint64_t ticket, char *text, int fd);
void __wrap_control_answer(struct control *c, uint64_t ticket, char *text, int fd)
{
	(void)c;
	assert_int_equal(ticket, 7);
	assert_int_equal(fd, -1);
	json_decref(answered);
	answered = json_loads(text, 0, NULL);
	free(text);
}

static struct requests *asker(const struct scene *s)
{
	struct requests *r = requests_new(&(struct requests_options){
		.registry = s->registry, .timekeeper = s->timekeeper, .admins = ""});
	assert_non_null(r);
	return r;
}

// The kind of its refusal, or "" if it was done.
static const char *lift_by(struct requests *r, uid_t uid)
{
	struct control_request request = {
		.text = "{\"command\":\"lift\",\"order\":\"one\",\"reason\":\"r\"}",
		.fd = -1,
		.uid = uid,
		.ticket = 7};
	json_decref(answered);
	answered = NULL;
	requests_take(r, &request);
	assert_non_null(answered);
	const char *kind = json_string_value(json_object_get(answered, "kind"));
	return kind ? kind : "";
}

// The trail is another's to write while that one takes over: not even a refusal is noted.
static void nothing_is_noted_while_another_takes_over(void **state)
{
	struct scene *s = *state;
	struct requests *r = asker(s);
	push(s, ONE);
	char *before = strdup(audit_text(s));
	assert_non_null(before);
	requests_freeze(r, true);
	assert_string_equal(lift_by(r, SOMEBODY), "conflict");
	assert_string_equal(lift_by(r, 0), "conflict");
	tick(s);
	assert_string_equal(audit_text(s), before);
	assert_true(blocks(s, "one.example", START_S + 100));
	requests_freeze(r, false); // it did not
	assert_string_equal(lift_by(r, SOMEBODY), "denied");
	assert_int_equal(count_of(audit_text(s), "\"refused\""), 1);
	assert_true(blocks(s, "one.example", START_S + 100));
	assert_string_equal(lift_by(r, 0), "");
	assert_false(blocks(s, "one.example", START_S + 100));
	free(before);
	json_decref(answered);
	requests_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_noted_while_another_takes_over, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
