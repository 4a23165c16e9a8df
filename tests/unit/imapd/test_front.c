/*
 * Tests of the dialogue before the login, with lib/login's part played here: what is offered to a
 * client that may not send a password yet, and that none of its passwords is looked at. The client
 * says all at once and reads what comes; the right password is "sesame".
 */
#include "tests/unit/unit.h"

#include <sys/socket.h>

#include "event/loop.h"
#include "imapd/front.h"
#include "service/service_impl.h"

#define SOON deadline_after_s(20)

struct login {
	struct stream *io;
	bool can_verify, can_start_tls, tls;
	unsigned errors;   /* counted */
	unsigned verified; /* passwords that were looked at */
	enum verdict verdict;
	struct str state; /* of the session that was handed over */
	struct stream *client;
	const char *input;
	struct str output;
	unsigned running;
};

static struct service_ctx ctx;

struct service_ctx *
login_service(const struct login *l UNUSED)
{
	return &ctx;
}

struct stream *
login_stream(struct login *l)
{
	return l->io;
}

bool
login_secured(const struct login *l)
{
	return l->tls;
}

bool
login_can_start_tls(const struct login *l)
{
	return l->can_start_tls && !l->tls;
}

bool
login_can_verify(const struct login *l)
{
	return l->can_verify || l->tls;
}

SUSPENDS
enum verdict
login_read_line(struct login *l, enum line_end ends, size_t max, struct span *line_out)
{
	return l->errors > 10 ? VERDICT_PERM : stream_read_line(l->io, ends, max, SOON, line_out);
}

SUSPENDS
enum verdict
login_skip_line(struct login *l, enum line_end ends)
{
	return stream_skip_line(l->io, ends, SOON);
}

SUSPENDS
enum verdict
login_read_full(struct login *l, void *p, size_t n)
{
	return stream_read_full(l->io, p, n, SOON);
}

void
login_count_error(struct login *l)
{
	l->errors++;
}

/* What was sent before it counts no more; the pair of sockets stays plain. */
SUSPENDS
enum verdict
login_start_tls(struct login *l)
{
	l->tls = true;
	return VERDICT_OK;
}

SUSPENDS
enum verdict
login_verify(
    struct login *l, const char *mechanism UNUSED, const struct sasl_login *who, struct err *err)
{
	l->verified++;
	if (l->verdict != VERDICT_OK)
		return err_set(err, l->verdict, "try again");
	return span_eq(who->password, span_lit("sesame"))
		   ? VERDICT_OK
		   : err_set(err, VERDICT_PERM, "nobody is told this");
}

SUSPENDS
enum verdict
login_hand_over(struct login *l, struct span state, struct err *err UNUSED)
{
	str_put(&l->state, state);
	return VERDICT_OK;
}

static void
leave(struct login *l)
{
	if (--l->running == 0)
		loop_stop();
}

FIBER_MAIN
static void
server_fiber(void *arg)
{
	struct login *l = arg;

	front_dialogue(l);
	(void)stream_flush(l->io, SOON);
	stream_free(l->io);
	leave(l);
}

FIBER_MAIN
static void
client_fiber(void *arg)
{
	struct login *l = arg;
	struct span piece;

	(void)stream_write(l->client, span_str(l->input));
	(void)stream_flush(l->client, SOON);
	shutdown(stream_fd(l->client), SHUT_WR);
	while (stream_read_some(l->client, 4096, SOON, &piece) == VERDICT_OK)
		str_put(&l->output, piece);
	leave(l);
}

static void
talk(struct login *l, const char *input)
{
	ctx.conf.imapd_banner = span_lit("ready");
	ctx.conf.auth_mechanisms = span_lit("PLAIN LOGIN");
	str_init(&l->output, 1u << 20);
	str_init(&l->state, 1024);
	l->input = input;
	l->running = 2;
	loop_init();
	stream_pair(&l->client, &l->io);
	fiber_spawn("server", server_fiber, l);
	fiber_spawn("client", client_fiber, l);
	loop_run();
	stream_free(l->client);
	loop_fini();
}

static void
talk_end(struct login *l)
{
	str_free(&l->output);
	str_free(&l->state);
}

/* The last line that begins with TAG; empty: there is none. */
static struct span
answer(const struct login *l, const char *tag)
{
	struct span rest = str_span(&l->output), line, found = span_lit("");

	while (span_token(&rest, span_lit("\r\n"), &line))
		if (span_starts(line, span_str(tag)) && line.n > strlen(tag) &&
		    line.p[strlen(tag)] == ' ')
			found = line;
	return found;
}

static void
expect_answer(const struct login *l, const char *tag, const char *want)
{
	struct span got = answer(l, tag);

	if (!span_starts(got, span_str(want)))
		fail_msg("%s: got \"%.*s\", want \"%s...\"", tag, SPAN_ARG(got), want);
}

/* RFC 9051 6.2.3, 11.3: a client from elsewhere, without TLS. */
static void
test_no_password_without_tls(void **state UNUSED)
{
	struct login l = { .can_start_tls = true };

	talk(&l, "a CAPABILITY\r\nb LOGIN anna sesame\r\nc AUTHENTICATE PLAIN AGFubmEAc2VzYW1l\r\n"
		 "d LOGIN {4+}\r\nanna {6+}\r\nsesame\r\ne AUTHENTICATE LOGIN\r\nf NOOP\r\n"
		 "g LOGOUT\r\n");
	assert_true(
	    span_find_span(str_span(&l.output), span_lit(" STARTTLS LOGINDISABLED]")) < l.output.n);
	assert_int_equal(span_find_span(str_span(&l.output), span_lit("AUTH=")), l.output.n);
	expect_answer(&l, "b", "b NO [PRIVACYREQUIRED] ");
	expect_answer(&l, "c", "c NO [PRIVACYREQUIRED] ");
	expect_answer(&l, "d", "d NO [PRIVACYREQUIRED] ");
	expect_answer(&l, "e", "e NO [PRIVACYREQUIRED] ");
	expect_answer(&l, "f", "f OK ");
	expect_answer(&l, "g", "g OK ");
	assert_int_equal(l.verified, 0);
	talk_end(&l);
}

static void
test_tls_opens_the_door(void **state UNUSED)
{
	struct login l = { .can_start_tls = true };

	talk(&l, "a STARTTLS\r\nb CAPABILITY\r\nc LOGIN anna wrong\r\ntag.7 LOGIN anna sesame\r\n");
	expect_answer(&l, "a", "a OK ");
	assert_true(span_ends(answer(&l, "*"), span_lit(" IDLE AUTH=PLAIN AUTH=LOGIN")));
	expect_answer(&l, "c", "c NO [AUTHENTICATIONFAILED] Authentication failed");
	expect_text("handed over", str_span(&l.state), "tag.7");
	assert_int_equal(l.verified, 2);
	talk_end(&l);
}

/* Only what auth_mechanisms has is offered, and taken. */
static void
test_mechanisms_are_those_of_the_configuration(void **state UNUSED)
{
	struct login l = { .can_verify = true };

	talk(&l, "b AUTHENTICATE XOAUTH2 eA==\r\nc AUTHENTICATE PLAIN AGFubmEAc2VzYW1l\r\n");
	expect_answer(&l, "b", "b NO [CANNOT] ");
	expect_text("handed over", str_span(&l.state), "c");
	talk_end(&l);
}

/* When it cannot be known now, a client must not ask its user for another password. */
static void
test_try_later_is_no_wrong_password(void **state UNUSED)
{
	struct login l = { .can_verify = true, .verdict = VERDICT_TEMP };

	talk(&l, "a LOGIN anna sesame\r\nb LOGOUT\r\n");
	expect_answer(&l, "a", "a NO [UNAVAILABLE] ");
	expect_answer(&l, "b", "b OK ");
	talk_end(&l);
}

static void
test_malformed_commands(void **state UNUSED)
{
	static const char *const rows[] = {
		"LOGIN",
		"LOGIN anna",
		"LOGIN  anna sesame",
		"LOGIN anna sesame ",
		"LOGIN anna sesame x",
		"LOGIN (anna) sesame",
		"LOGIN \"anna sesame",
		"LOGIN \"an\\na\" sesame",
		"LOGIN anna \xff",
		"AUTHENTICATE",
		"AUTHENTICATE PLAIN ****",
		"AUTHENTICATE PLAIN AGFubmE=",
		"CAPABILITY x",
		"ID",
		"ID ()x",
		"ID (\"a\")",
		"ID (\"a\" \"b\"",
		"ID x",
		"STARTTLS",
		"STARTTLS x",
		"XYZZY",
		"SELECT INBOX",
		"UID FETCH 1 FLAGS",
	};
	struct str input = STR_INIT(256);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct login l = { .can_verify = true };

		str_reset(&input);
		str_printf(&input, "a %s\r\nb NOOP\r\n", rows[i]);
		talk(&l, str_cstr(&input));
		if (!span_starts(answer(&l, "a"), span_lit("a BAD ")))
			fail_msg("%s: %.*s", rows[i], SPAN_ARG(answer(&l, "a")));
		expect_answer(&l, "b", "b OK ");
		assert_int_equal(l.errors, 1);
		assert_int_equal(l.verified, 0);
		talk_end(&l);
	}
	str_free(&input);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_password_without_tls),
		cmocka_unit_test(test_tls_opens_the_door),
		cmocka_unit_test(test_mechanisms_are_those_of_the_configuration),
		cmocka_unit_test(test_try_later_is_no_wrong_password),
		cmocka_unit_test(test_malformed_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
