/*
 * The commands after the login (RFC 9051 6): one table, and the one function that runs a command by
 * it. States, and whether a command has a UID form, writes, or keeps sequence numbers, are columns,
 * so handlers hold no such checks. Called by session.c with a whole command. Counts bad commands.
 */
#include "imapd/commands.h"

#include "imapd/news.h"
#include "imapd/wire.h"

static const struct command commands[] = {
	{ SPAN("CAPABILITY"), IN_ANY, NO_ARGS, cmd_capability },
	{ SPAN("NOOP"), IN_ANY, NO_ARGS, cmd_noop },
	{ SPAN("LOGOUT"), IN_ANY, NO_ARGS | NO_NEWS, cmd_logout },
	{ SPAN("ID"), IN_ANY, 0, cmd_id },
	{ SPAN("ENABLE"), IN_ANY, 0, cmd_enable },

	{ SPAN("SELECT"), IN_ANY, NO_NEWS, cmd_select },
	{ SPAN("EXAMINE"), IN_ANY, NO_NEWS, cmd_examine },
	{ SPAN("CREATE"), IN_ANY, 0, cmd_create },
	{ SPAN("DELETE"), IN_ANY, 0, cmd_delete },
	{ SPAN("RENAME"), IN_ANY, 0, cmd_rename },
	{ SPAN("SUBSCRIBE"), IN_ANY, 0, cmd_subscribe },
	{ SPAN("UNSUBSCRIBE"), IN_ANY, 0, cmd_unsubscribe },
	{ SPAN("LIST"), IN_ANY, 0, cmd_list },
	{ SPAN("LSUB"), IN_ANY, 0, cmd_lsub },
	{ SPAN("NAMESPACE"), IN_ANY, NO_ARGS, cmd_namespace },
	{ SPAN("STATUS"), IN_ANY, 0, cmd_status },
	{ SPAN("APPEND"), IN_ANY, STREAMS, cmd_append },
	{ SPAN("IDLE"), IN_ANY, NO_ARGS, cmd_idle },

	{ SPAN("CHECK"), IN_SELECTED, NO_ARGS, cmd_noop },
	{ SPAN("CLOSE"), IN_SELECTED, NO_ARGS | NO_NEWS, cmd_close },
	{ SPAN("UNSELECT"), IN_SELECTED, NO_ARGS | NO_NEWS, cmd_unselect },
	{ SPAN("EXPUNGE"), IN_SELECTED, NO_ARGS | WRITES, cmd_expunge },
	{ SPAN("EXPUNGE"), IN_SELECTED, ONLY_UID | WRITES, cmd_expunge },
	{ SPAN("SEARCH"), IN_SELECTED, HAS_UID | KEEPS_SEQ, cmd_search },
	{ SPAN("FETCH"), IN_SELECTED, HAS_UID | KEEPS_SEQ, cmd_fetch },
	{ SPAN("STORE"), IN_SELECTED, HAS_UID | KEEPS_SEQ | WRITES, cmd_store },
	{ SPAN("COPY"), IN_SELECTED, HAS_UID, cmd_copy },
	{ SPAN("MOVE"), IN_SELECTED, HAS_UID | WRITES, cmd_move },
};

const struct command *
command_find(struct span name, bool uid)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (span_eq_nocase(name, c->name) &&
		    (uid ? c->traits & (HAS_UID | ONLY_UID) : !(c->traits & ONLY_UID)))
			return c;
	}
	return NULL;
}

/* Tag, "UID" and name; leaves *A behind them. False: there is no command of that name. */
static bool
command_parse(struct session *s, struct args *a)
{
	struct span name;

	s->tag = span_lit("*");
	s->command = NULL;
	s->uid = false;
	if (!args_tag(a, &name))
		return false;
	s->tag = name;
	if (!args_space(a))
		return false;
	s->uid = args_word(a, "UID");
	if ((s->uid && !args_space(a)) || !args_atom(a, &name))
		return false;
	s->command = command_find(name, s->uid);
	return s->command || args_fail(a, "There is no such command");
}

static struct args
command_args(struct session *s)
{
	return (struct args){ .in = cursor_of(str_span(&s->text)),
		.arena = &s->arena,
		.utf8 = (s->enabled & (ENABLED_UTF8 | ENABLED_REV2)) != 0 };
}

bool
command_takes_literal(struct session *s, size_t literal_at)
{
	struct args a = command_args(s);
	struct span skip;

	a.in = cursor_of(span_head(str_span(&s->text), literal_at));
	/* Before the message stand a mailbox and a space; before the mailbox nothing does. */
	return command_parse(s, &a) && (s->command->traits & STREAMS) && args_space(&a) &&
	       args_astring(&a, &skip) && args_space(&a);
}

/* What the row says against it, or NULL. */
static const char *
command_objection(const struct session *s)
{
	const struct command *c = s->command;

	if (!(c->states & (s->view ? IN_SELECTED : IN_AUTH)))
		return "No mailbox is selected";
	return NULL;
}

SUSPENDS static void
command_apply(struct session *s, struct args *a)
{
	const struct command *c = s->command;
	const char *objection = command_objection(s);
	bool bare = (c->traits & NO_ARGS) != 0;

	if (objection) {
		result_bad(s, "%s", objection);
		return;
	}
	if (bare ? !args_done(a) : !args_space(a))
		return;
	if ((c->traits & WRITES) && s->read_only) {
		result_no(s, "CANNOT", "The mailbox was opened with EXAMINE");
		return;
	}
	c->run(s, a);
}

SUSPENDS static void
command_news(struct session *s)
{
	unsigned traits = s->command ? s->command->traits : 0;

	if (!s->view || s->quit || (traits & NO_NEWS))
		return;
	(void)news_tell(s, s->uid || !(traits & KEEPS_SEQ));
}

static const char *const results[] = { "OK", "OK", "NO", "BAD" };

/* The tagged line. */
SUSPENDS static void
command_answer(struct session *s)
{
	struct str line = STR_INIT(LIMIT_STREAM_WRITE);

	str_printf(&line, "%.*s %s ", SPAN_ARG(s->tag), results[s->result]);
	if (s->code.n > 0)
		str_printf(&line, "[%.*s] ", SPAN_ARG(str_span(&s->code)));
	if (s->note.n > 0)
		str_put(&line, str_span(&s->note));
	else
		str_printf(
		    &line, "%s%.*s completed", s->uid ? "UID " : "", SPAN_ARG(s->command->name));
	str_puts(&line, "\r\n");
	session_put(s, str_span(&line));
	str_free(&line);
}

SUSPENDS void
command_run(struct session *s)
{
	struct args a = command_args(s);

	s->began = time_mono();
	if (command_parse(s, &a))
		command_apply(s, &a);
	if (a.bad && s->result == RESULT_NONE)
		result_bad(s, "%s", a.bad);
	command_news(s);
	if (!s->dismissed)
		command_answer(s);
	s->commands++;
	if (s->result == RESULT_BAD)
		session_count_bad(s);
	else
		s->errors = 0;
}
