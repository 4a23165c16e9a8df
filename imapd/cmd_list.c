/*
 * LIST, LSUB and NAMESPACE (RFC 9051 6.3.9, 6.3.10; RFC 3501 6.3.9; RFC 5258, 5819, 6154). Called
 * through the table. LIST is read into one struct, then each name is matched, and told with what
 * was asked for; STATUS lines follow the names they belong to. Special uses are looked up only when
 * a client asks, since each mailbox's index has its own.
 */
#include "imapd/commands.h"
#include "imapd/folders.h"
#include "imapd/pattern.h"
#include "imapd/status.h"
#include "imapd/use.h"
#include "mailbox/name.h"

#define PATTERNS_MAX 32

enum list_option {
	SELECT_SUBSCRIBED = 1,
	SELECT_REMOTE = 2, /* there are none */
	SELECT_RECURSIVE = 4,
	SELECT_USE = 8,
	RETURN_SUBSCRIBED = 16,
	RETURN_CHILDREN = 32, /* always told */
	RETURN_USE = 64,
	RETURN_STATUS = 128,
	IS_LSUB = 256,
};

struct list_ask {
	unsigned options;
	unsigned status;
	struct span reference;
	struct span patterns[PATTERNS_MAX];
	size_t patterns_n;
};

struct list_word {
	const char *word;
	unsigned option;
};

static const struct list_word select_words[] = {
	{ "SUBSCRIBED", SELECT_SUBSCRIBED },
	{ "REMOTE", SELECT_REMOTE },
	{ "RECURSIVEMATCH", SELECT_RECURSIVE },
	{ "SPECIAL-USE", SELECT_USE },
};

static const struct list_word return_words[] = {
	{ "SUBSCRIBED", RETURN_SUBSCRIBED },
	{ "CHILDREN", RETURN_CHILDREN },
	{ "SPECIAL-USE", RETURN_USE },
	{ "STATUS", RETURN_STATUS },
};

/* "(A B)", the words of a table; STATUS has its items behind it. */
static bool
list_parse_options(struct session *s, struct args *a, const struct list_word *words, size_t n,
    struct list_ask *ask)
{
	if (!args_open(a))
		return false;
	while (!args_next_is(a, ')')) {
		size_t i = 0;

		while (i < n && !args_word(a, words[i].word))
			i++;
		if (i == n)
			return args_fail(a, "There is no such option");
		ask->options |= words[i].option;
		if (words[i].option == RETURN_STATUS &&
		    (!args_space(a) || !status_parse(s, a, &ask->status)))
			return false;
		if (!args_next_is(a, ')') && !args_space(a))
			return false;
	}
	return args_close(a);
}

static bool
list_parse_patterns(struct args *a, struct list_ask *ask)
{
	if (!args_next_is(a, '('))
		return args_pattern(a, &ask->patterns[ask->patterns_n++]);
	args_open(a);
	do {
		if (ask->patterns_n == PATTERNS_MAX)
			return args_fail(a, "There are too many patterns");
		if (!args_pattern(a, &ask->patterns[ask->patterns_n++]))
			return false;
	} while (args_next_is(a, ' ') && args_space(a));
	return args_close(a);
}

static bool
list_parse(struct session *s, struct args *a, struct list_ask *ask)
{
	if (args_next_is(a, '(') &&
	    (!list_parse_options(s, a, select_words, ARRAY_LEN(select_words), ask) ||
		!args_space(a)))
		return false;
	if (!args_pattern(a, &ask->reference) || !args_space(a) || !list_parse_patterns(a, ask))
		return false;
	if (args_next_is(a, ' ')) {
		if (!args_space(a) || !args_word(a, "RETURN"))
			return args_fail(a, "RETURN is missing");
		if (!args_space(a) ||
		    !list_parse_options(s, a, return_words, ARRAY_LEN(return_words), ask))
			return false;
	}
	/* RFC 5258 3.1: it says how to match, and not what. */
	if ((ask->options & SELECT_RECURSIVE) && !(ask->options & SELECT_SUBSCRIBED))
		return args_fail(a, "RECURSIVEMATCH needs SUBSCRIBED beside it");
	return args_done(a);
}

static bool
list_matches(const struct list_ask *ask, struct span name)
{
	struct str whole = STR_INIT(2 * LIMIT_MAILBOX_NAME);
	bool found = false;

	for (size_t i = 0; i < ask->patterns_n && !found; i++) {
		str_reset(&whole);
		str_put(&whole, ask->reference);
		found = str_put(&whole, ask->patterns[i]) && pattern_match(str_span(&whole), name);
	}
	str_free(&whole);
	return found;
}

/*
 * RFC 3501 6.3.9: a level above subscribed names is shown when they are not, as "%" stops before
 * them.
 */
static bool
lsub_stands_for(const struct list_ask *ask, const struct folders *f, const struct entry *e)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct entry *below = f->v[i];

		if (below->subscribed && below->name.n > e->name.n &&
		    span_starts(below->name, e->name) &&
		    below->name.p[e->name.n] == MAILBOX_SEPARATOR &&
		    !list_matches(ask, below->name))
			return true;
	}
	return false;
}

/* Is E among what was selected? With RECURSIVEMATCH (RFC 5258 3.5) for what is below it, too. */
static bool
list_selects(const struct list_ask *ask, const struct folders *f, const struct entry *e)
{
	if (!(ask->options & SELECT_SUBSCRIBED))
		return (e->exists || e->has_children) && list_matches(ask, e->name);
	if (!e->subscribed && !e->subscribed_below)
		return false;
	if (!list_matches(ask, e->name))
		return false;
	if (e->subscribed || (ask->options & SELECT_RECURSIVE))
		return true;
	return (ask->options & IS_LSUB) && lsub_stands_for(ask, f, e);
}

static void
list_put(const struct session *s, const struct list_ask *ask, const struct entry *e, unsigned use,
    struct str *out)
{
	bool lsub = ask->options & IS_LSUB;
	bool childinfo = !lsub && (ask->options & SELECT_RECURSIVE) && e->subscribed_below;

	str_printf(out, "* %s (", lsub ? "LSUB" : "LIST");
	str_puts(out, e->has_children ? "\\HasChildren" : "\\HasNoChildren");
	if (lsub ? !e->subscribed : !e->exists)
		str_puts(out, lsub ? " \\Noselect" : " \\Noselect \\NonExistent");
	if (e->subscribed && (ask->options & (SELECT_SUBSCRIBED | RETURN_SUBSCRIBED)) && !lsub)
		str_puts(out, " \\Subscribed");
	use_put(out, use);
	str_printf(out, ") \"%c\" ", MAILBOX_SEPARATOR);
	mailbox_put(s, out, e->name);
	if (childinfo)
		str_puts(out, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	str_puts(out, "\r\n");
}

static unsigned
list_use(struct session *s, const struct entry *e)
{
	struct room *room = NULL;
	unsigned use;

	if (!e->exists || room_enter(s->account, e->name, &room, NULL) != VERDICT_OK)
		return 0;
	use = mailbox_use(room->mailbox);
	room_leave(room);
	return use;
}

SUSPENDS static bool
list_tell(struct session *s, const struct list_ask *ask, const struct entry *e)
{
	struct str out = STR_INIT(8 * LIMIT_MAILBOX_NAME);
	unsigned use = ask->options & (SELECT_USE | RETURN_USE) ? list_use(s, e) : 0;
	bool good;

	if ((ask->options & SELECT_USE) && use == 0)
		return true;
	list_put(s, ask, e, use, &out);
	good = session_put(s, str_span(&out));
	str_free(&out);
	/* One that has just been deleted has no status. */
	if (good && (ask->options & RETURN_STATUS) && e->exists)
		(void)status_tell(s, e->name, ask->status, NULL);
	return good;
}

SUSPENDS static void
list_run(struct session *s, const struct list_ask *ask)
{
	struct err err = ERR_NONE;
	struct folders folders = { .v = NULL };
	struct maildir *md;
	enum verdict v = account_maildir(s->account, &md, &err);

	if (v == VERDICT_OK)
		v = folders_read(md, &folders, &err);
	for (size_t i = 0; v == VERDICT_OK && i < folders.n; i++) {
		const struct entry *e = folders.v[i];

		if (!session_breathe(s)) {
			v = err_set(&err, VERDICT_TEMP, "The server is shutting down");
			break;
		}
		if (list_selects(ask, &folders, e) && !list_tell(s, ask, e))
			break;
	}
	folders_free(&folders);
	if (v != VERDICT_OK)
		result_err(s, &err);
}

SUSPENDS void
cmd_list(struct session *s, struct args *a)
{
	struct list_ask ask = { .options = 0 };

	if (!list_parse(s, a, &ask))
		return;
	/* RFC 9051 6.3.9: an empty pattern asks for the separator. */
	if (ask.patterns_n == 1 && ask.patterns[0].n == 0)
		session_printf(s, "* LIST (\\Noselect) \"%c\" \"\"\r\n", MAILBOX_SEPARATOR);
	else
		list_run(s, &ask);
}

/* RFC 3501 6.3.9: what clients before LIST-EXTENDED use. */
SUSPENDS void
cmd_lsub(struct session *s, struct args *a)
{
	struct list_ask ask = { .options = IS_LSUB | SELECT_SUBSCRIBED, .patterns_n = 1 };

	if (!args_pattern(a, &ask.reference) || !args_space(a) ||
	    !args_pattern(a, &ask.patterns[0]) || !args_done(a))
		return;
	list_run(s, &ask);
}

/* RFC 2342: one, the user's own. */
SUSPENDS void
cmd_namespace(struct session *s, struct args *a)
{
	(void)a;
	session_printf(s, "* NAMESPACE ((\"\" \"%c\")) NIL NIL\r\n", MAILBOX_SEPARATOR);
}
