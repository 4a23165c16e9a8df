/*
 * The commands of POP3 after the login (RFC 1939 5 and 7, RFC 2449 5): one table, and the one
 * function that reads a line by it. What may follow a verb is a column, and so numbers have become
 * messages before a handler is called. Called for each line of a session; what is refused here
 * counts as an error.
 */
#include "pop3d/user/popuser.h"

static const struct command {
	struct span verb;
	pop3_args_fn *args;
	SUSPENDS void (*run)(
	    struct session *s, const struct pop3_line *line, struct maildrop_message *m);
	const char *syntax;
} commands[] = {
	{ SPAN("STAT"), pop3_args_none, cmd_stat, "STAT" },
	{ SPAN("LIST"), pop3_args_message_or_none, cmd_list, "LIST [message]" },
	{ SPAN("UIDL"), pop3_args_message_or_none, cmd_uidl, "UIDL [message]" },
	{ SPAN("RETR"), pop3_args_message, cmd_retr, "RETR message" },
	{ SPAN("TOP"), pop3_args_message_lines, cmd_top, "TOP message lines" },
	{ SPAN("DELE"), pop3_args_message, cmd_dele, "DELE message" },
	{ SPAN("NOOP"), pop3_args_none, cmd_noop, "NOOP" },
	{ SPAN("RSET"), pop3_args_none, cmd_rset, "RSET" },
	{ SPAN("CAPA"), pop3_args_none, cmd_capa, "CAPA" },
	{ SPAN("QUIT"), pop3_args_none, cmd_quit, "QUIT" },
};

static const struct command *
command_find(struct span verb)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (span_eq_nocase(verb, commands[i].verb))
			return &commands[i];
	return NULL;
}

SUSPENDS void
command_run(struct session *s, struct span line)
{
	struct maildrop_message *m = NULL;
	const struct command *c;
	struct pop3_line parsed;

	if (!pop3_line_split(line, &parsed)) {
		session_refuse(s, "control characters, or nothing at all, in a command");
		return;
	}
	c = command_find(parsed.verb);
	if (!c) {
		session_refuse(s, "no such command, or not after the login");
		return;
	}
	if (!c->args(&parsed)) {
		session_refuse(s, c->syntax);
		return;
	}
	if (parsed.message > 0)
		m = maildrop_find(&s->drop, parsed.message);
	if (parsed.message > 0 && !m)
		session_refuse(s, "no such message");
	else
		c->run(s, &parsed, m);
}
