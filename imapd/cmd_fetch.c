/*
 * FETCH and UID FETCH (RFC 9051 6.4.5, 6.4.9; RFC 7162 3.1.4): the way through the messages. Called
 * by the command table. \Seen is set ahead of the answers, for a few messages with one change of
 * the mailbox, so that each answer shows it; not for more than SEEN_BYTES of them, for a client
 * that leaves meanwhile has not seen the rest. A message that is gone is passed over, and the
 * tagged OK says so (RFC 2180 4.1.2): clients give up on a NO.
 */
#include "config.h"

#include "imapd/commands.h"
#include "imapd/fetch.h"
#include "imapd/news.h"
#include "imapd/set.h"

#define SEEN_MESSAGES 100	 /* that are set \Seen at a time */
#define SEEN_BYTES    (1u << 20) /* the same, all together, but one may be larger */

struct run {
	struct session *s;
	struct set set;
	struct fetch fetch;
	struct fetch_job job;
	struct uid_list seen; /* set by us, of those before SEEN_END */
	size_t seen_end;      /* index */
	bool here;	      /* the client, and the session is to go on */
	size_t gone;	      /* messages that were passed over */
	struct err err;	      /* of one that could not be read; VERDICT_OK: none */
};

/* Gathers the messages from WALK on that are to be set \Seen now. */
static void
gather_unseen(struct run *r, struct set_walk walk)
{
	const struct view *view = r->s->view;
	uint64_t bytes = 0;
	size_t n = 0, i = walk.i;

	while (i != SET_END && n < SEEN_MESSAGES && (n == 0 || bytes < SEEN_BYTES)) {
		const struct mail *mail = view_mail(view, i);

		r->seen_end = i + 1;
		if (mail && mail->modseq > r->fetch.changed_since) {
			n++;
			bytes += mail->size;
			if (!(mail->flags & MAIL_SEEN))
				uid_list_add(&r->seen, mail->uid);
		}
		i = set_next(&walk);
	}
}

/* Before the answer for the message that WALK is at. */
SUSPENDS
static void
set_seen(struct run *r, const struct set_walk *walk)
{
	static const struct mailbox_store change = {
		.how = MAILBOX_ADD_FLAGS, .flags = MAIL_SEEN, .unchanged_since = UINT64_MAX
	};
	struct uid_set set;

	if (!r->fetch.seen || r->s->read_only || walk->i < r->seen_end)
		return;
	r->seen.n = 0;
	gather_unseen(r, *walk);
	set = uid_list_set(&r->seen);
	if (set.n == 0 || fetch_send(&r->job) != VERDICT_OK)
		return;
	/* A disk that is full keeps nobody from reading: then it stays unseen. */
	(void)mailbox_store_flags(view_mailbox(r->s->view), set, &change, NULL, NULL);
	(void)news_flags(r->s, &set);
}

/* Is UID one of those set \Seen by us? */
static bool
is_seen_by_us(const struct run *r, uint32_t uid)
{
	for (size_t i = 0; i < r->seen.n; i++)
		if (r->seen.v[i].first <= uid && uid <= r->seen.v[i].last)
			return true;
	return false;
}

/* False: the client is gone. */
SUSPENDS
static bool
fetch_one(struct run *r, size_t i)
{
	const struct mail *mail = view_mail(r->s->view, i);
	enum verdict v = VERDICT_ABSENT;

	if (mail && mail->modseq <= r->fetch.changed_since)
		return true;
	if (mail)
		v = fetch_message(&r->job, i, mail, is_seen_by_us(r, mail->uid), &r->err);
	if (v == VERDICT_ABSENT)
		r->gone++;
	return v != VERDICT_EOF;
}

SUSPENDS
static void
fetch_all(struct run *r)
{
	struct set_walk walk;
	size_t i = set_first(&walk, r->set);

	fetch_begin(&r->job, r->s, &r->fetch);
	while (r->here && i != SET_END) {
		set_seen(r, &walk);
		r->here = fetch_one(r, i) && session_breathe(r->s);
		i = set_next(&walk);
	}
	(void)fetch_end(&r->job);
}

static void
tell_result(struct run *r)
{
	if (!r->here)
		result_no(r->s, "UNAVAILABLE", "The session ends before all was fetched");
	else if (r->err.verdict == VERDICT_PERM)
		result_no(r->s, "UNKNOWN-CTE", "%s", r->err.text);
	else if (r->err.verdict != VERDICT_OK && r->err.verdict != VERDICT_ABSENT)
		result_err(r->s, &r->err);
	else if (r->gone > 0)
		result_ok(
		    r->s, "EXPUNGEISSUED", "%zu of the messages are no longer there", r->gone);
}

/* PARTIAL: the set is all that is looked at. */
static bool
take_part_of_set(struct run *r, struct args *a)
{
	size_t first, last;

	if (r->fetch.part.first == 0)
		return true;
	args_part_place(&r->fetch.part, set_count(&r->set), &first, &last);
	return set_cut(&r->set, first, last, a->arena) || args_fail(a, "The command is too long");
}

SUSPENDS
void
cmd_fetch(struct session *s, struct args *a)
{
	struct run r = { .s = s, .here = true, .err = ERR_NONE };

	if (!set_args(s, a, &r.set) || !args_space(a) || !fetch_parse(a, s->uid, &r.fetch) ||
	    !args_done(a) || !take_part_of_set(&r, a))
		return;
	if (r.fetch.vanished) {
		(void)args_fail(a, "VANISHED needs QRESYNC");
		return;
	}
	if (r.fetch.condstore)
		s->enabled |= ENABLED_CONDSTORE;
	fetch_all(&r);
	tell_result(&r);
	uid_list_free(&r.seen);
}
