/*
 * SELECT, EXAMINE, CLOSE and UNSELECT (RFC 9051 6.3.2, 6.3.3, 6.4.1, 6.4.2; RFC 7162 3.1.8). A
 * mailbox that cannot be selected leaves none selected. Called through the table.
 */
#include "imapd/commands.h"
#include "imapd/news.h"

/* "(CONDSTORE)" behind the name. */
static bool
select_params(struct session *s, struct args *a)
{
	if (!args_next_is(a, ' '))
		return args_done(a);
	if (!args_space(a) || !args_open(a))
		return false;
	if (!args_word(a, "CONDSTORE"))
		return args_fail(a, "There is no such parameter");
	s->enabled |= ENABLED_CONDSTORE;
	return args_close(a) && args_done(a);
}

SUSPENDS static void
select_tell(struct session *s)
{
	struct view *v = s->view;
	const struct mailbox *mb = view_mailbox(v);
	struct mailbox_counts counts;
	size_t first;

	mailbox_count_all(mb, &counts);
	news_keywords(s, true);
	session_printf(s, "* %zu EXISTS\r\n* %zu RECENT\r\n", view_count(v), view_recent_count(v));
	first = counts.first_unseen ? view_find(v, counts.first_unseen) : view_count(v);
	if (first < view_count(v))
		session_printf(s, "* OK [UNSEEN %zu] First unseen\r\n", first + 1);
	session_printf(s,
	    "* OK [UIDVALIDITY %u] UIDs valid\r\n* OK [UIDNEXT %u] Next UID\r\n"
	    "* OK [HIGHESTMODSEQ %ju] Highest\r\n",
	    mailbox_uidvalidity(mb), mailbox_uidnext(mb), (uintmax_t)view_told(v));
}

SUSPENDS static void
select_run(struct session *s, struct args *a, bool read_only)
{
	struct err err = ERR_NONE;
	struct room *room;
	struct span name;

	if (!args_mailbox(a, &name) || !select_params(s, a))
		return;
	if (s->view)
		session_put(s, span_lit("* OK [CLOSED] Previous mailbox is closed\r\n"));
	session_unselect(s);
	if (room_enter(s->account, name, &room, &err) != VERDICT_OK) {
		result_err(s, &err);
		return;
	}
	s->read_only = read_only;
	s->view = view_new(room, !read_only);
	select_tell(s);
	result_ok(s, read_only ? "READ-ONLY" : "READ-WRITE", "%s completed",
	    read_only ? "EXAMINE" : "SELECT");
}

SUSPENDS void
cmd_select(struct session *s, struct args *a)
{
	select_run(s, a, false);
}

SUSPENDS void
cmd_examine(struct session *s, struct args *a)
{
	select_run(s, a, true);
}

SUSPENDS void
cmd_close(struct session *s, struct args *a)
{
	struct err err = ERR_NONE;

	(void)a;
	/* RFC 9051 6.4.1: no EXPUNGE is told; what cannot be removed now stays. */
	if (!s->read_only && expunge_deleted(s, NULL, &err) != VERDICT_OK)
		result_no(s, "", "Deleted messages were not removed: %s", err.text);
	session_unselect(s);
}

SUSPENDS void
cmd_unselect(struct session *s, struct args *a)
{
	(void)a;
	session_unselect(s);
}
