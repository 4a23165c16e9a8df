/*
 * The news of the selected mailbox (RFC 9051 7.3 to 7.5, RFC 7162 3.2). Called after each command
 * by commands.c, and while a session idles. Gathers what is to be said without suspending, so that
 * the view and the numbers agree, then sends it; flags come in pieces, found again by UID, since
 * the mailbox may change while one is sent.
 */
#include "imapd/news.h"

#include "imapd/flags.h"

#define PIECE 16384 /* bytes of FETCH responses sent at a time */

void
news_put_flags(const struct session *s, size_t i, const struct mail *m, struct str *out)
{
	str_printf(out, "* %zu FETCH (UID %u FLAGS ", i + 1, m->uid);
	flags_put(out, s->view, m);
	if (s->enabled & ENABLED_CONDSTORE)
		str_printf(out, " MODSEQ (%ju)", (uintmax_t)m->modseq);
	str_puts(out, ")\r\n");
}

static bool
set_has(const struct uid_set *set, uint32_t uid)
{
	size_t low = 0, high = set ? set->n : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (set->v[mid].last < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return set && low < set->n && set->v[low].first <= uid;
}

/* What is told of flags: of messages up to TOP, but OWN, changes up to TO. */
struct telling {
	const struct uid_set *own;
	uint32_t top;
	uint64_t to;
};

/* The next piece, from the message with UID *FROM on; false: that was the last. */
static bool
flags_piece(const struct session *s, const struct telling *t, uint32_t *from, struct str *out)
{
	const struct mailbox *mb = view_mailbox(s->view);
	size_t count = view_count(s->view);

	for (size_t k = mailbox_find(mb, *from); k < mailbox_count(mb) && out->n < PIECE; k++) {
		const struct mail *m = mailbox_at(mb, k);
		size_t i;

		if (m->uid > t->top)
			return false;
		*from = m->uid + 1;
		if (m->modseq <= view_told(s->view) || m->modseq > t->to || set_has(t->own, m->uid))
			continue;
		i = view_find(s->view, m->uid);
		if (i < count && view_uid(s->view, i) == m->uid)
			news_put_flags(s, i, m, out);
	}
	return out->n >= PIECE;
}

static uint32_t
view_top(const struct view *v)
{
	return view_count(v) ? view_uid(v, view_count(v) - 1) : 0;
}

SUSPENDS static bool
flags_tell(struct session *s, const struct uid_set *own, uint32_t top)
{
	const struct telling t = { own, top, mailbox_modseq(view_mailbox(s->view)) };
	struct str out = STR_INIT(LIMIT_STREAM_WRITE);
	bool more = t.to > view_told(s->view), told = false;
	uint32_t from = 1;

	if (!more)
		return false;
	news_keywords(s, false);
	while (more) {
		more = flags_piece(s, &t, &from, &out);
		told |= out.n > 0;
		more = session_put(s, str_span(&out)) && more;
		str_reset(&out);
	}
	str_free(&out);
	view_set_told(s->view, t.to);
	return told;
}

SUSPENDS bool
news_flags(struct session *s, const struct uid_set *own)
{
	return flags_tell(s, own, view_top(s->view));
}

SUSPENDS void
news_keywords(struct session *s, bool always)
{
	const struct mailbox *mb = view_mailbox(s->view);
	uint64_t known = flags_keywords(mb);
	struct str out = STR_INIT(LIMIT_STREAM_WRITE), names = STR_INIT(LIMIT_STREAM_WRITE);

	if (!always && known == view_keywords(s->view))
		return;
	view_set_keywords(s->view, known);
	flags_put_known(&names, mb);
	str_printf(&out, "* FLAGS (%.*s)\r\n", SPAN_ARG(str_span(&names)));
	if (s->read_only)
		str_puts(&out, "* OK [PERMANENTFLAGS ()] Read-only\r\n");
	else
		str_printf(&out, "* OK [PERMANENTFLAGS (%.*s \\*)] Flags kept\r\n",
		    SPAN_ARG(str_span(&names)));
	session_put(s, str_span(&out));
	str_free(&names);
	str_free(&out);
}

/* The mailbox has been deleted, or has other UIDs: RFC 9051 allows no other way to say so. */
SUSPENDS static void
news_lost(struct session *s)
{
	session_bye(s, "mailbox gone", "The selected mailbox is no longer there");
}

SUSPENDS bool
news_tell(struct session *s, bool expunge)
{
	struct str out = STR_INIT(LIMIT_IMAP_NEWS);
	struct mailbox *mb = view_mailbox(s->view);
	enum verdict v = mailbox_refresh(mb, NULL);
	uint32_t top = view_top(s->view);
	bool told = false;

	if (v == VERDICT_ABSENT || !view_holds(s->view)) {
		news_lost(s);
		return true;
	}
	if (expunge)
		view_drop_gone(s->view, &out);
	if (view_add_new(s->view, !s->read_only) > 0)
		str_printf(&out, "* %zu EXISTS\r\n* %zu RECENT\r\n", view_count(s->view),
		    view_recent_count(s->view));
	told = out.n > 0;
	session_put(s, str_span(&out));
	str_free(&out);
	/* Of those that are new nothing was said that could have changed. */
	return flags_tell(s, NULL, top) || told;
}
