/*
 * The commands of POP3 before the login: one table, and the one function that reads a line by it.
 * What may follow a verb, and what is good before TLS where TLS is demanded, are columns, so
 * handlers hold no such checks. Called for each line; every -ERR given here counts as an error.
 */
#include "pop3d/login/pop3d.h"

enum command_trait {
	AFTER_USER = 1, /* in order only right after USER (RFC 1939 7) */
	PLAIN = 2,	/* good before TLS where pop3d_tls_security_level is encrypt */
	LONG = 4,	/* may be longer than POP3_LINE */
};

static const struct command {
	struct span verb;
	pop3_args_fn *args;
	unsigned traits;
	SUSPENDS void (*run)(struct dialogue *d, const struct pop3_line *line);
	const char *syntax;
} commands[] = {
	{ SPAN("CAPA"), pop3_args_none, PLAIN, cmd_capa, "CAPA" },
	{ SPAN("STLS"), pop3_args_none, PLAIN, cmd_stls, "STLS" },
	{ SPAN("USER"), pop3_args_text, 0, cmd_user, "USER name" },
	{ SPAN("PASS"), pop3_args_text, AFTER_USER, cmd_pass, "PASS password" },
	{ SPAN("AUTH"), pop3_args_any, LONG, cmd_auth, "AUTH mechanism [initial-response]" },
	{ SPAN("UTF8"), pop3_args_none, 0, cmd_utf8, "UTF8" },
	{ SPAN("QUIT"), pop3_args_none, PLAIN, cmd_quit, "QUIT" },
};

static const struct command *
command_find(struct span verb)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (span_eq_nocase(verb, commands[i].verb))
			return &commands[i];
	return NULL;
}

/* Why not; NULL: it may be. */
static const char *
command_objection(const struct dialogue *d, const struct command *c, size_t line_n)
{
	if (!c)
		return "no such command, or not before the login";
	if (line_n + 2 > POP3_LINE && !(c->traits & LONG))
		return "the line is too long";
	if (d->conf->pop3d_tls_security_level == CONF_TLS_SERVER_ENCRYPT &&
	    !login_secured(d->login) && !(c->traits & PLAIN))
		return "STLS comes first";
	if ((c->traits & AFTER_USER) && d->name.n == 0)
		return "USER comes first";
	return NULL;
}

SUSPENDS void
command_run(struct dialogue *d, struct span line)
{
	const struct command *c;
	struct pop3_line parsed;
	const char *objection;

	if (!pop3_line_split(line, &parsed)) {
		dialogue_refuse(d, "control characters, or nothing at all, in a command");
		return;
	}
	c = command_find(parsed.verb);
	objection = command_objection(d, c, line.n);
	if (!c || !(c->traits & AFTER_USER))
		str_reset(&d->name);
	if (objection)
		dialogue_refuse(d, objection);
	else if (!c->args(&parsed))
		dialogue_refuse(d, c->syntax);
	else
		c->run(d, &parsed);
}
