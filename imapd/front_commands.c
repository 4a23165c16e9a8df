/*
 * The commands before the login (RFC 9051 6.1, 6.2): a table, and a handler for each. Called with a
 * whole command by front.c. What a handler learns of a client before TLS is forgotten with it:
 * nothing is kept but the state of lib/login. Must never say why a login failed.
 */
#include "conf/conf.h"
#include "imapd/front.h"
#include "imapd/wire.h"
#include "login/sasl.h"

/* Says that the command failed, and counts it. */
SUSPENDS static void
front_fail(struct front *f, const char *how, const char *why)
{
	login_count_error(f->login);
	stream_printf(f->io, "%.*s %s %s\r\n", SPAN_ARG(f->tag), how, why);
}

SUSPENDS static void
front_done(struct front *f, const char *text)
{
	stream_printf(f->io, "%.*s OK %s\r\n", SPAN_ARG(f->tag), text);
}

static bool
list_has(struct span list, struct span word)
{
	struct span token;

	while (conf_list_next(&list, &token))
		if (span_eq_nocase(token, word))
			return true;
	return false;
}

static const struct span mechanisms[] = { SPAN("PLAIN"), SPAN("LOGIN") };

void
front_capabilities(const struct front *f, struct str *out)
{
	bool verify = login_can_verify(f->login);

	str_puts(out, "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE");
	if (login_can_start_tls(f->login))
		str_puts(out, " STARTTLS");
	for (size_t i = 0; i < ARRAY_LEN(mechanisms) && verify; i++)
		if (list_has(f->conf->auth_mechanisms, mechanisms[i]))
			str_printf(out, " AUTH=%.*s", SPAN_ARG(mechanisms[i]));
	if (!verify)
		str_puts(out, " LOGINDISABLED");
}

SUSPENDS static void
front_capability(struct front *f, struct args *a)
{
	struct str offer = STR_INIT(512);

	(void)a;
	front_capabilities(f, &offer);
	stream_printf(f->io, "* CAPABILITY %.*s\r\n", SPAN_ARG(str_span(&offer)));
	str_free(&offer);
	front_done(f, "CAPABILITY completed");
}

SUSPENDS static void
front_noop(struct front *f, struct args *a)
{
	(void)a;
	front_done(f, "NOOP completed");
}

SUSPENDS static void
front_logout(struct front *f, struct args *a)
{
	(void)a;
	stream_write(f->io, span_lit("* BYE Logging out\r\n"));
	front_done(f, "LOGOUT completed");
	f->over = true;
}

SUSPENDS static void
front_starttls(struct front *f, struct args *a)
{
	(void)a;
	if (!login_can_start_tls(f->login)) {
		front_fail(f, "BAD", login_secured(f->login) ? "TLS is there already" : "no TLS");
		return;
	}
	front_done(f, "Begin TLS now");
	f->over = login_start_tls(f->login) != VERDICT_OK;
}

/* RFC 2971: NIL or a list of up to 30 pairs. What the client says of itself is nobody's business
 * before it has logged in. */
SUSPENDS static void
front_id(struct front *f, struct args *a)
{
	struct span text;

	if (args_next_is(a, '(')) {
		args_open(a);
		while (!a->bad && !args_next_is(a, ')'))
			if (args_string(a, &text) && args_space(a) && args_nstring(a, &text) &&
			    !args_next_is(a, ')'))
				args_space(a);
		if (!a->bad)
			args_close(a);
	} else if (args_nstring(a, &text) && text.p) {
		args_fail(a, "NIL or a list is needed");
	}
	if (a->bad || !args_done(a)) {
		front_fail(f, "BAD", a->bad);
		return;
	}
	stream_printf(f->io, "* ID (\"name\" \"Postern\")\r\n");
	front_done(f, "ID completed");
}

/* The name and the password are known; what follows is the same for both commands. */
SUSPENDS static void
front_enter(struct front *f, const char *mechanism, const struct sasl_login *who)
{
	struct err err = ERR_NONE;
	enum verdict v = login_verify(f->login, mechanism, who, &err);

	if (v == VERDICT_OK)
		v = login_hand_over(f->login, f->tag, &err);
	else if (v == VERDICT_PERM)
		/* Counted by login_verify already. */
		stream_printf(f->io, "%.*s NO [AUTHENTICATIONFAILED] Authentication failed\r\n",
		    SPAN_ARG(f->tag));
	if (v == VERDICT_OK || v == VERDICT_CANCELLED) {
		f->over = true;
		if (v == VERDICT_CANCELLED)
			stream_write(f->io, span_lit("* BYE [UNAVAILABLE] Server is stopping\r\n"));
	} else if (v != VERDICT_PERM) {
		stream_printf(f->io, "%.*s NO [UNAVAILABLE] %s\r\n", SPAN_ARG(f->tag), err.text);
	}
}

SUSPENDS static void
front_login(struct front *f, struct args *a)
{
	struct sasl_login who = { .act_as = span_lit("") };

	if (!args_astring(a, &who.user) || !args_space(a) || !args_astring(a, &who.password) ||
	    !args_done(a)) {
		front_fail(f, "BAD", a->bad);
		return;
	}
	if (!login_can_verify(f->login)) {
		front_fail(f, "NO", "[PRIVACYREQUIRED] TLS is needed first");
		return;
	}
	front_enter(f, "LOGIN", &who);
}

/* Asks, and reads what the client says; false: it has left or given up. */
SUSPENDS static bool
exchange_step(struct front *f, const struct sasl *x, struct span *line_out)
{
	stream_printf(f->io, "+ %s\r\n", sasl_prompt(x));
	if (!front_read_line(f, line_out))
		return false;
	if (!span_eq(*line_out, span_lit("*")))
		return true;
	front_fail(f, "BAD", "Authentication was cancelled");
	return false;
}

SUSPENDS static void
front_exchange(struct front *f, struct sasl *x, struct span initial)
{
	enum verdict v = VERDICT_ABSENT;
	struct err err = ERR_NONE;
	struct sasl_login who;

	if (initial.p)
		v = sasl_feed(x, initial, &who, &err);
	while (v == VERDICT_ABSENT) {
		if (!exchange_step(f, x, &initial))
			return;
		v = sasl_feed(x, initial, &who, &err);
	}
	if (v == VERDICT_OK)
		front_enter(f, sasl_mechanism(x), &who);
	else
		front_fail(f, "BAD", err.text);
}

static bool
mechanism_is_offered(const struct front *f, struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (span_eq_nocase(name, mechanisms[i]))
			return list_has(f->conf->auth_mechanisms, mechanisms[i]);
	return false;
}

/* RFC 9051 6.2.2, with the initial response of SASL-IR (RFC 4959). */
SUSPENDS static void
front_authenticate(struct front *f, struct args *a)
{
	struct span name, initial = { NULL, 0 };
	struct sasl x;

	if (args_atom(a, &name) && args_next_is(a, ' ') && args_space(a)) {
		initial = cursor_rest(&a->in);
		a->in.p = a->in.end;
	}
	if (a->bad || !args_done(a)) {
		front_fail(f, "BAD", a->bad);
		return;
	}
	if (!login_can_verify(f->login)) {
		front_fail(f, "NO", "[PRIVACYREQUIRED] TLS is needed first");
		return;
	}
	if (!mechanism_is_offered(f, name)) {
		front_fail(f, "NO", "[CANNOT] There is no such mechanism");
		return;
	}
	sasl_begin(&x, name);
	front_exchange(f, &x, initial);
	sasl_end(&x);
}

static const struct front_command {
	struct span name;
	bool args;
	SUSPENDS void (*run)(struct front *f, struct args *a);
} commands[] = {
	{ SPAN("CAPABILITY"), false, front_capability },
	{ SPAN("NOOP"), false, front_noop },
	{ SPAN("LOGOUT"), false, front_logout },
	{ SPAN("ID"), true, front_id },
	{ SPAN("STARTTLS"), false, front_starttls },
	{ SPAN("LOGIN"), true, front_login },
	{ SPAN("AUTHENTICATE"), true, front_authenticate },
};

/* Words that would be commands after the login. */
static const struct span later[] = { SPAN("SELECT"), SPAN("EXAMINE"), SPAN("ENABLE"),
	SPAN("CREATE"), SPAN("DELETE"), SPAN("RENAME"), SPAN("SUBSCRIBE"), SPAN("UNSUBSCRIBE"),
	SPAN("LIST"), SPAN("LSUB"), SPAN("NAMESPACE"), SPAN("STATUS"), SPAN("APPEND"), SPAN("IDLE"),
	SPAN("CLOSE"), SPAN("UNSELECT"), SPAN("EXPUNGE"), SPAN("CHECK"), SPAN("SEARCH"),
	SPAN("FETCH"), SPAN("STORE"), SPAN("COPY"), SPAN("MOVE"), SPAN("UID") };

SUSPENDS static void
front_unknown(struct front *f, struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		if (span_eq_nocase(name, later[i])) {
			front_fail(f, "BAD", "Please log in first");
			return;
		}
	}
	front_fail(f, "BAD", "There is no such command");
}

SUSPENDS void
front_run(struct front *f)
{
	struct args a = { .in = cursor_of(str_span(&f->text)), .arena = &f->arena };
	struct span name;

	if (!args_tag(&a, &f->tag) || !args_space(&a) || !args_atom(&a, &name)) {
		if (f->tag.n == 0 || f->tag.n > LIMIT_IMAP_TAG)
			f->tag = span_lit("*");
		front_fail(f, "BAD", a.bad);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct front_command *c = &commands[i];

		if (!span_eq_nocase(name, c->name))
			continue;
		if (c->args ? args_space(&a) : args_done(&a))
			c->run(f, &a);
		else
			front_fail(f, "BAD", a.bad);
		return;
	}
	front_unknown(f, name);
}
