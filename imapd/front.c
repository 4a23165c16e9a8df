/*
 * The dialogue before the login (RFC 9051 3.1): greeting, then a command at a time, each with its
 * literals, until the session is in its user's hands or over. Called by lib/login on a fiber of its
 * own, which counts bytes, lines and errors of the stranger. Owns nothing that outlives it. Must
 * never keep a command longer than its answer takes.
 */
#include "imapd/front.h"

#include "imapd/wire.h"

/* Bytes of a command with its literals: AUTHENTICATE with two names and a password in base64. */
#define FRONT_COMMAND 16384
#define FRONT_LINE    (FRONT_COMMAND - 2)
#define FRONT_ARENA   16384

SUSPENDS void
front_refuse(struct login *l, struct span why)
{
	stream_printf(login_stream(l), "* BYE [UNAVAILABLE] %.*s\r\n", SPAN_ARG(why));
}

/* Why there will be no more from this client, told to it where it can hear. */
static const struct {
	enum verdict v;
	const char *bye;
} farewells[] = {
	/* What follows such a line could be a literal, and must not be taken for commands. */
	{ VERDICT_LIMIT, "* BYE Line is too long\r\n" },
	{ VERDICT_PERM, "* BYE Too much was said without a login\r\n" },
	{ VERDICT_TIMEOUT, "* BYE Time to log in is over\r\n" },
	{ VERDICT_CANCELLED, "* BYE [UNAVAILABLE] Server is shutting down\r\n" },
};

SUSPENDS static bool
front_lost(struct front *f, enum verdict v)
{
	f->over = true;
	for (size_t i = 0; i < ARRAY_LEN(farewells); i++)
		if (farewells[i].v == v)
			stream_write(f->io, span_str(farewells[i].bye));
	return false;
}

SUSPENDS bool
front_read_line(struct front *f, struct span *line_out)
{
	enum verdict v = login_read_line(f->login, LINE_LENIENT, FRONT_LINE, line_out);

	if (v == VERDICT_OK)
		return true;
	front_lost(f, v);
	/* Its rest is passed over: closing with something unread would take the farewell back. */
	if (v == VERDICT_LIMIT)
		(void)login_skip_line(f->login, LINE_LENIENT);
	return false;
}

/* The bytes of a literal, behind the line that announced it. False: the command is dropped. */
SUSPENDS static bool
front_read_literal(struct front *f, const struct literal *lit)
{
	char *p = lit->size < FRONT_COMMAND ? str_reserve(&f->text, 2 + lit->size) : NULL;
	enum verdict v;

	if (!p) {
		/* RFC 7888 4: who does not wait cannot be told to keep it. */
		login_count_error(f->login);
		stream_printf(f->io, "%s Literal is too long\r\n", lit->waits ? "* BAD" : "* BYE");
		f->over = !lit->waits;
		return false;
	}
	if (lit->waits) {
		stream_write(f->io, span_lit("+ go on\r\n"));
		(void)stream_flush(f->io, deadline_after_s(LIMIT_LOGIN_WAIT));
	}
	memcpy(p, "\r\n", 2);
	v = login_read_full(f->login, p + 2, lit->size);
	if (v != VERDICT_OK)
		return front_lost(f, v);
	str_grew(&f->text, 2 + lit->size);
	return true;
}

/* A whole command, in f->text; false: there is none to be run. */
SUSPENDS static bool
front_read(struct front *f)
{
	struct literal lit;
	struct span line;

	for (;;) {
		if (!front_read_line(f, &line))
			return false;
		/* All at once, as growing would leave copies of a password behind. */
		if (f->text.n == 0 && !str_reserve(&f->text, FRONT_COMMAND))
			return false;
		if (!str_put(&f->text, line))
			return front_lost(f, VERDICT_LIMIT);
		if (!literal_parse(line, &lit))
			return true;
		if (!front_read_literal(f, &lit))
			return false;
	}
}

static void
front_reset(struct front *f)
{
	str_wipe(&f->text);
	str_init(&f->text, FRONT_COMMAND);
	arena_wipe(&f->arena);
	f->tag = span_lit("");
}

SUSPENDS static void
front_greet(struct front *f)
{
	struct str offer = STR_INIT(512);

	front_capabilities(f, &offer);
	stream_printf(f->io, "* OK [CAPABILITY %.*s] %.*s\r\n", SPAN_ARG(str_span(&offer)),
	    SPAN_ARG(f->conf->imapd_banner));
	str_free(&offer);
}

SUSPENDS void
front_dialogue(struct login *l)
{
	struct front f = { .login = l,
		.io = login_stream(l),
		.conf = service_conf(login_service(l)),
		.text = STR_INIT(FRONT_COMMAND) };

	arena_init(&f.arena, FRONT_ARENA);
	front_greet(&f);
	while (!f.over) {
		if (front_read(&f))
			front_run(&f);
		front_reset(&f);
	}
	arena_free(&f.arena);
}
