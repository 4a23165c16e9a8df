/*
 * The commands of SMTP (RFC 5321 4.1): one table, and the one function that reads a line by it.
 * Legal states and whether a command takes arguments are columns, so handlers hold no such checks.
 * Called by the session for each line.
 */
#include "base/cclass.h"
#include "smtpd/session.h"

enum command_args { ARGS_NONE, ARGS_SOME, ARGS_ANY };

#define AFTER_HELO (SMTP_GREETED | SMTP_MAIL | SMTP_RCPT)
#define ALWAYS	   (SMTP_CONNECTED | AFTER_HELO)

static const struct command {
	struct span name;
	unsigned states;
	enum command_args args;
	SUSPENDS void (*run)(struct session *s, struct span args);
	const char *syntax;
	bool junk; /* does nothing for mail: many of them are abuse */
} commands[] = {
	{ SPAN("HELO"), ALWAYS, ARGS_SOME, cmd_helo, "HELO hostname", false },
	{ SPAN("EHLO"), ALWAYS, ARGS_SOME, cmd_ehlo, "EHLO hostname", false },
	{ SPAN("MAIL"), SMTP_GREETED, ARGS_SOME, cmd_mail, "MAIL FROM:<address>", false },
	{ SPAN("RCPT"), SMTP_MAIL | SMTP_RCPT, ARGS_SOME, cmd_rcpt, "RCPT TO:<address>", false },
	{ SPAN("DATA"), SMTP_RCPT, ARGS_NONE, cmd_data, "DATA", false },
	{ SPAN("RSET"), ALWAYS, ARGS_NONE, cmd_rset, "RSET", true },
	{ SPAN("NOOP"), ALWAYS, ARGS_ANY, cmd_noop, "NOOP", true },
	{ SPAN("VRFY"), ALWAYS, ARGS_SOME, cmd_vrfy, "VRFY address", true },
	{ SPAN("QUIT"), ALWAYS, ARGS_NONE, cmd_quit, "QUIT", false },
};

size_t
command_count(void)
{
	return ARRAY_LEN(commands) + 1; /* the last counts what is no command */
}

struct span
command_name(size_t row)
{
	return row < ARRAY_LEN(commands) ? commands[row].name : span_lit("unknown");
}

/* Why a command that exists is not in order now. */
SUSPENDS static void
command_refuse(struct session *s, const struct command *c)
{
	if (s->state == SMTP_CONNECTED)
		reply(s, 503, "5.5.1 Error: send HELO/EHLO first");
	else if (c->states == SMTP_GREETED)
		reply(s, 503, "5.5.1 Error: nested MAIL command");
	else if (s->state == SMTP_MAIL && c->states == SMTP_RCPT)
		reply(s, s->t.recipients_n ? 503 : 554, "5.5.1 Error: no valid recipients");
	else
		reply(s, 503, "5.5.1 Error: need MAIL command");
}

SUSPENDS static void
command_apply(struct session *s, const struct command *c, struct span args)
{
	s->stage = c->name.p;
	if (c->junk)
		s->junk++;
	if ((c->states & s->state) == 0)
		command_refuse(s, c);
	else if ((c->args == ARGS_NONE && args.n > 0) || (c->args == ARGS_SOME && args.n == 0))
		reply(s, 501, "5.5.4 Syntax: %s", c->syntax);
	else
		c->run(s, args);
}

/* Is it a line that may be looked at: ends in CR LF, holds no control characters? */
SUSPENDS static bool
line_is_sound(struct session *s, struct span line)
{
	for (size_t i = 0; i < line.n; i++) {
		if (!cclass_is(line.p[i], CC_CTL) || line.p[i] == '\t')
			continue;
		s->bare_lf = s->bare_lf || line.p[i] == '\n';
		if (line.p[i] == '\n' || line.p[i] == '\r')
			reply(s, 500, "5.5.2 Error: bare <%s> received: lines end with <CR><LF>",
			    line.p[i] == '\n' ? "LF" : "CR");
		else
			reply(s, 500, "5.5.2 Error: control character in command");
		return false;
	}
	return true;
}

SUSPENDS void
command_run(struct session *s, struct span line)
{
	struct span verb, args;
	size_t row;
	unsigned last;

	if (!line_is_sound(s, line))
		return;
	span_cut(line, ' ', &verb, &args);
	args = span_trim(args);
	for (row = 0; row < ARRAY_LEN(commands); row++)
		if (span_eq_nocase(verb, commands[row].name))
			break;
	s->counts[row].all++;
	s->last_reply = 0;
	if (row < ARRAY_LEN(commands)) {
		command_apply(s, &commands[row], args);
	} else {
		s->stage = "UNKNOWN";
		reply(s, 500, "5.5.2 Error: command not recognized");
	}
	last = s->last_reply;
	if (last >= 200 && last < 400)
		s->counts[row].ok++;
}
