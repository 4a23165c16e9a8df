/*
 * Commands that are good in any state (RFC 9051 6.1), with ID (RFC 2971) and ENABLE (RFC 5161).
 * What a client says of itself goes to the log, escaped, and nowhere else.
 */
#include "base/log.h"
#include "imapd/capability.h"
#include "imapd/commands.h"

/* Each is served; the login half has those that are for before the login. */
static const char *const capabilities[] = { "IMAP4rev1", "LITERAL+", "SASL-IR", "ID", "ENABLE",
	"IDLE", "NAMESPACE", "UIDPLUS", "MOVE", "UNSELECT", "CHILDREN", "SPECIAL-USE",
	"CREATE-SPECIAL-USE", "LIST-EXTENDED", "LIST-STATUS", "STATUS=SIZE", "ESEARCH", "SEARCHRES",
	"WITHIN", "PARTIAL", "CONDSTORE" };

void
capability_put(const struct session *s, struct str *out)
{
	for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
		str_printf(out, "%s%s", i ? " " : "", capabilities[i]);
	/* RFC 7889 */
	if (s->conf->imapd_append_limit > 0)
		str_printf(out, " APPENDLIMIT=%ju", (uintmax_t)s->conf->imapd_append_limit);
}

SUSPENDS void
cmd_capability(struct session *s, struct args *a)
{
	struct str offer = STR_INIT(CAPABILITY_MAX);

	(void)a;
	capability_put(s, &offer);
	session_printf(s, "* CAPABILITY %.*s\r\n", SPAN_ARG(str_span(&offer)));
	str_free(&offer);
}

/* NOOP and CHECK: the news that follow each command are all that is wanted. */
SUSPENDS void
cmd_noop(struct session *s, struct args *a)
{
	(void)s;
	(void)a;
}

SUSPENDS void
cmd_logout(struct session *s, struct args *a)
{
	(void)a;
	session_put(s, span_lit("* BYE Logging out\r\n"));
	s->end = "logged out";
	s->quit = true;
}

#define ID_PAIRS 30  /* RFC 2971 3.3 */
#define ID_LOG	 512 /* bytes of them for the log */

/* "name" "value" ..., behind the parenthesis. */
static bool
id_parse(struct args *a, struct str *log)
{
	struct span name, value;

	for (int i = 0; !args_next_is(a, ')'); i++) {
		if (i == ID_PAIRS)
			return args_fail(a, "There are too many pairs");
		if ((i > 0 && !args_space(a)) || !args_string(a, &name) || !args_space(a) ||
		    !args_nstring(a, &value))
			return false;
		str_printf(log, "%s%.*s=%.*s", i ? ", " : "", SPAN_ARG(name), SPAN_ARG(value));
	}
	return args_close(a);
}

SUSPENDS void
cmd_id(struct session *s, struct args *a)
{
	struct str log = STR_INIT(ID_LOG);
	bool good = args_next_is(a, '(')
			? args_open(a) && id_parse(a, &log)
			: args_word(a, "NIL") || args_fail(a, "NIL or a list is needed");

	if (good && args_done(a)) {
		if (log.n > 0)
			log_event(LOG_LEVEL_INFO, "%s: client says of itself: %s",
			    log_escape(s->user->login), log_escape(str_span(&log)));
		session_put(s, span_lit("* ID (\"name\" \"Postern\")\r\n"));
	}
	str_free(&log);
}

static const struct {
	struct span name;
	unsigned bit;
} enables[] = {
	{ SPAN("CONDSTORE"), ENABLED_CONDSTORE },
};

/* Words that cannot be enabled are passed over (RFC 5161 3.1). */
SUSPENDS void
cmd_enable(struct session *s, struct args *a)
{
	unsigned now = 0;
	struct span word;

	do {
		if (!args_atom(a, &word))
			return;
		for (size_t i = 0; i < ARRAY_LEN(enables); i++)
			if (span_eq_nocase(word, enables[i].name))
				now |= enables[i].bit;
	} while (args_next_is(a, ' ') && args_space(a));
	if (!args_done(a))
		return;
	s->enabled |= now;
	session_put(s, span_lit("* ENABLED"));
	for (size_t i = 0; i < ARRAY_LEN(enables); i++)
		if (now & enables[i].bit)
			session_printf(s, " %.*s", SPAN_ARG(enables[i].name));
	session_put(s, span_lit("\r\n"));
}
