/*
 * The commands of SMTP (RFC 5321 4.1): one table, and the one function that reads a line by it.
 * Legal states, whether a command takes arguments, may come before TLS or ahead of others (RFC 2920
 * 3.1) are columns, so handlers hold no such checks. Called by the session for each line; counts
 * errors and junk.
 */
#include "base/cclass.h"
#include "base/time.h"
#include "smtpd/loglines.h"

enum command_args { ARGS_NONE, ARGS_SOME, ARGS_ANY };

#define IN_TRANSACTION (SMTP_MAIL | SMTP_RCPT | SMTP_BDAT)
#define AFTER_HELO     (SMTP_GREETED | IN_TRANSACTION)
#define ALWAYS	       (SMTP_CONNECTED | AFTER_HELO)

enum command_trait {
	JUNK = 1,	 /* does nothing for mail: many of them are abuse */
	LAST = 2,	 /* nothing may be sent after it before its reply is there */
	PLAIN = 4,	 /* good before TLS where TLS is demanded (RFC 3207 4) */
	ENDS = 8,	 /* good for a client that is not wanted */
	SMTP_ALONE = 16, /* LMTP has another: RFC 2033 4.1 */
	LMTP_ALONE = 32,
};

static const struct command {
	struct span name;
	unsigned states;
	enum command_args args;
	unsigned traits;
	SUSPENDS void (*run)(struct session *s, struct span args);
	const char *syntax;
} commands[] = {
	{ SPAN("HELO"), ALWAYS, ARGS_SOME, LAST | PLAIN | SMTP_ALONE, cmd_helo, "HELO hostname" },
	{ SPAN("EHLO"), ALWAYS, ARGS_SOME, LAST | PLAIN | SMTP_ALONE, cmd_ehlo, "EHLO hostname" },
	{ SPAN("LHLO"), ALWAYS, ARGS_SOME, LAST | PLAIN | LMTP_ALONE, cmd_ehlo, "LHLO hostname" },
	{ SPAN("STARTTLS"), ALWAYS, ARGS_NONE, LAST | PLAIN, cmd_starttls, "STARTTLS" },
	{ SPAN("AUTH"), AFTER_HELO, ARGS_SOME, 0, cmd_auth, "AUTH mechanism" },
	{ SPAN("MAIL"), SMTP_CONNECTED | SMTP_GREETED, ARGS_SOME, 0, cmd_mail,
	    "MAIL FROM:<address>" },
	{ SPAN("RCPT"), SMTP_MAIL | SMTP_RCPT, ARGS_SOME, 0, cmd_rcpt, "RCPT TO:<address>" },
	{ SPAN("DATA"), SMTP_RCPT, ARGS_NONE, LAST, cmd_data, "DATA" },
	{ SPAN("BDAT"), ALWAYS, ARGS_SOME, 0, cmd_bdat, "BDAT count [LAST]" },
	{ SPAN("RSET"), ALWAYS, ARGS_NONE, JUNK, cmd_rset, "RSET" },
	{ SPAN("NOOP"), ALWAYS, ARGS_ANY, JUNK | LAST | PLAIN, cmd_noop, "NOOP" },
	{ SPAN("VRFY"), ALWAYS, ARGS_SOME, JUNK | LAST, cmd_vrfy, "VRFY address" },
	{ SPAN("EXPN"), ALWAYS, ARGS_SOME, JUNK | LAST, cmd_expn, "EXPN list" },
	{ SPAN("HELP"), ALWAYS, ARGS_ANY, JUNK | PLAIN, cmd_help, "HELP" },
	{ SPAN("QUIT"), ALWAYS, ARGS_NONE, LAST | PLAIN | ENDS, cmd_quit, "QUIT" },
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

/* Has the protocol of this session the command? */
static bool
command_is_spoken(const struct session *s, const struct command *c)
{
	return (c->traits & (s->conf->smtpd_lmtp ? SMTP_ALONE : LMTP_ALONE)) == 0;
}

SUSPENDS void
cmd_help(struct session *s, struct span args)
{
	struct str names = STR_INIT(512);

	(void)args;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (command_is_spoken(s, &commands[i]))
			str_printf(&names, " %.*s", SPAN_ARG(commands[i].name));
	reply(s, 214, "2.0.0 Commands:%.*s", SPAN_ARG(str_span(&names)));
	str_free(&names);
}

/* Why a command that exists is not in order now. */
SUSPENDS static void
command_refuse(struct session *s, const struct command *c)
{
	bool greets_first = (c->states & SMTP_GREETED) || !(c->states & SMTP_MAIL);

	if (s->state == SMTP_CONNECTED && greets_first)
		reply(s, 503, "5.5.1 Error: send HELO/EHLO first");
	else if (c->states & SMTP_GREETED)
		reply(s, 503, "5.5.1 Error: nested MAIL command");
	else if (s->state == SMTP_BDAT)
		reply(s, 503, "5.5.1 Error: %.*s after BDAT", SPAN_ARG(c->name));
	else if (s->state == SMTP_MAIL)
		reply(s, 554, "5.5.1 Error: no valid recipients");
	else
		reply(s, 503, "5.5.1 Error: need MAIL command");
}

/* Does the configuration let this session have the command at all? */
SUSPENDS static bool
command_is_allowed(struct session *s, const struct command *c)
{
	if (s->denied && !(c->traits & ENDS)) {
		reply(s, 503, "5.7.0 Error: access denied for %.*s", SPAN_ARG(s->peer.label));
		return false;
	}
	if (s->conf->smtpd_tls_security_level == CONF_TLS_SERVER_ENCRYPT && !stream_tls(s->io) &&
	    !(c->traits & PLAIN)) {
		reply(s, 530, "5.7.0 Must issue a STARTTLS command first");
		return false;
	}
	return true;
}

/*
 * RFC 2920 3.1, RFC 5321 2.1: has the client sent more than it may before this command's reply? Who
 * does has not waited to be told what comes, or is being made to speak by somebody else.
 */
SUSPENDS static bool
command_is_ahead(struct session *s, const struct command *c)
{
	struct span more = stream_buffered(s->io);

	if (more.n == 0 || (s->esmtp && !(c->traits & LAST)))
		return false;
	s->access.ahead = true;
	log_pipelining(s, c->name.p, more);
	if (!s->conf->smtpd_forbid_unauth_pipelining)
		return false;
	reply(s, 554, "5.5.0 Error: SMTP protocol synchronization");
	s->quit = true;
	return true;
}

SUSPENDS static void
command_apply(struct session *s, const struct command *c, struct span args)
{
	s->stage = c->name.p;
	if (c->traits & JUNK && s->junk++ >= s->conf->smtpd_junk_command_limit)
		s->errors++;
	if (command_is_ahead(s, c) || !command_is_allowed(s, c))
		return;
	if ((c->states & s->state) == 0)
		command_refuse(s, c);
	else if ((c->args == ARGS_NONE && args.n > 0) || (c->args == ARGS_SOME && args.n == 0))
		reply(s, 501, "5.5.4 Syntax: %s", c->syntax);
	else
		c->run(s, args);
}

/*
 * Words of other protocols (smtpd_forbidden_commands): a browser, or somebody who makes one speak
 * for him. Patterns are not compiled here; the one of the default, "begins with no letter", is
 * known.
 */
static bool
line_is_foreign(const struct session *s, struct span line, struct span verb)
{
	struct span rest = s->conf->smtpd_forbidden_commands, word;

	while (conf_list_next(&rest, &word)) {
		if (span_eq_nocase(word, verb))
			return true;
		if (span_starts(word, span_lit("regexp:")) && line.n > 0 &&
		    !cclass_is(line.p[0], CC_ALPHA))
			return true;
	}
	return false;
}

SUSPENDS static void
command_unknown(struct session *s, struct span line, struct span verb)
{
	s->stage = "UNKNOWN";
	if (!line_is_foreign(s, line, verb)) {
		reply(s, 500, "5.5.2 Error: command not recognized");
		return;
	}
	log_not_smtp(s, line);
	reply(s, 221, "2.7.0 Error: I can break rules, too. Goodbye.");
	s->quit = true;
	s->last_reply = 500;
}

/*
 * Is it a line that may be looked at: whole, without control characters? What follows a bare LF
 * may be somebody else's words (SMTP smuggling), so it is not looked at: the session ends.
 */
SUSPENDS static bool
line_is_sound(struct session *s, struct span line)
{
	for (size_t i = 0; i < line.n; i++) {
		if (!cclass_is(line.p[i], CC_CTL) || line.p[i] == '\t')
			continue;
		s->errors++;
		if (line.p[i] == '\n') {
			s->bare_lf = s->quit = true;
			reply(s, 521,
			    "5.5.2 %.*s Error: bare <LF> received: lines end with <CR><LF>",
			    SPAN_ARG(s->conf->myhostname));
		} else {
			reply(s, 500, "5.5.2 Error: %s in command",
			    line.p[i] == '\r' ? "bare <CR>" : "control character");
		}
		return false;
	}
	return true;
}

/* Who makes errors waits: it costs a client that means well little, others their speed. */
SUSPENDS static void
command_slow_down(struct session *s)
{
	if (s->errors < s->conf->smtpd_soft_error_limit || s->conf->smtpd_error_sleep_time == 0)
		return;
	stream_flush(s->io, time_mono() + s->conf->smtpd_timeout);
	fiber_sleep_until(time_mono() + s->conf->smtpd_error_sleep_time);
}

SUSPENDS void
command_run(struct session *s, struct span line)
{
	struct span verb, args;
	size_t row;

	if (!line_is_sound(s, line))
		return;
	span_cut(line, ' ', &verb, &args);
	args = span_trim(args);
	for (row = 0; row < ARRAY_LEN(commands); row++)
		if (span_eq_nocase(verb, commands[row].name) &&
		    command_is_spoken(s, &commands[row]))
			break;
	s->counts[row].all++;
	s->last_reply = 0;
	if (row < ARRAY_LEN(commands))
		command_apply(s, &commands[row], args);
	else
		command_unknown(s, line, verb);
	if (s->last_reply >= 400)
		s->errors++;
	else if (s->last_reply > 0)
		s->counts[row].ok++;
	if (s->last_reply >= 400)
		command_slow_down(s);
}
