/*
 * STORE and UID STORE (RFC 9051 6.4.6, RFC 7162 3.1.3). The files get their new names, the index is
 * told once for all; what the client hears are the flags as they are then, and first what others
 * had changed before, so that it can tell the two apart. Flags survive a crash of the process, not
 * always a power cut, as mailbox.h says.
 */
#include "imapd/commands.h"
#include "imapd/flags.h"
#include "imapd/news.h"
#include "imapd/set.h"
#include "imapd/step.h"

struct store {
	struct set set;
	struct uid_list uids;
	struct mailbox_store change;
	struct flags flags;
	bool silent;
	bool conditional; /* UNCHANGEDSINCE */
	struct uid_list modified;
};

/* "(UNCHANGEDSINCE 5) ", which may be there. */
static bool
store_parse_condition(struct session *s, struct args *a, struct store *st)
{
	st->change.unchanged_since = UINT64_MAX;
	if (!args_next_is(a, '('))
		return true;
	args_open(a);
	if (!args_word(a, "UNCHANGEDSINCE"))
		return args_fail(a, "There is no such modifier");
	st->conditional = true;
	s->enabled |= ENABLED_CONDSTORE;
	return args_space(a) && args_number(a, INT64_MAX, &st->change.unchanged_since) &&
	       args_close(a) && args_space(a);
}

static const struct {
	const char *name;
	enum mailbox_how how;
	bool silent;
} items[] = {
	{ "FLAGS", MAILBOX_REPLACE_FLAGS, false },
	{ "FLAGS.SILENT", MAILBOX_REPLACE_FLAGS, true },
	{ "+FLAGS", MAILBOX_ADD_FLAGS, false },
	{ "+FLAGS.SILENT", MAILBOX_ADD_FLAGS, true },
	{ "-FLAGS", MAILBOX_REMOVE_FLAGS, false },
	{ "-FLAGS.SILENT", MAILBOX_REMOVE_FLAGS, true },
};

static bool
store_parse(struct session *s, struct args *a, struct store *st)
{
	size_t i = 0;

	if (!set_args(s, a, &st->set) || !args_space(a) || !store_parse_condition(s, a, st))
		return false;
	while (i < ARRAY_LEN(items) && !args_word(a, items[i].name))
		i++;
	if (i == ARRAY_LEN(items))
		return args_fail(a, "FLAGS, +FLAGS or -FLAGS is missing");
	st->change.how = items[i].how;
	st->silent = items[i].silent;
	if (!args_space(a) || !flags_parse(a, true, &st->flags) || !args_done(a))
		return false;
	st->change.flags = st->flags.letters;
	return true;
}

/* What the client is told of the messages that it named. */
SUSPENDS static void
store_tell(struct session *s, const struct store *st, uint64_t before)
{
	struct str out = STR_INIT(LIMIT_STREAM_WRITE);
	struct set_walk walk;

	news_keywords(s, false);
	for (size_t i = set_first(&walk, st->set); i != SET_END; i = set_next(&walk)) {
		const struct mail *m = i < view_count(s->view) ? view_mail(s->view, i) : NULL;

		if (!m)
			continue;
		if (!st->silent)
			news_put_flags(s, i, m, &out);
		else if (st->conditional && m->modseq > before)
			str_printf(&out, "* %zu FETCH (UID %u MODSEQ (%ju))\r\n", i + 1, m->uid,
			    (uintmax_t)m->modseq);
		if (out.n < LIMIT_STREAM_WRITE / 2)
			continue;
		if (!session_put(s, str_span(&out)))
			break;
		(void)session_breathe(s);
		str_reset(&out);
	}
	session_put(s, str_span(&out));
	str_free(&out);
}

/* "[MODIFIED 7,9:12]": sequence numbers, or UIDs in the UID form. */
static void
store_put_modified(const struct session *s, const struct store *st, struct str *out)
{
	const char *comma = "MODIFIED ";

	for (size_t k = 0; k < st->modified.n; k++) {
		const struct uid_range *r = &st->modified.v[k];

		for (uint64_t uid = r->first; uid <= r->last; uid++) {
			size_t i = view_find(s->view, (uint32_t)uid);

			if (i == view_count(s->view) || view_uid(s->view, i) != uid)
				continue;
			str_printf(out, "%s%ju", comma, s->uid ? (uintmax_t)uid : i + 1);
			comma = ",";
		}
	}
}

/* Some messages at a time, so that other sessions of the account are served between. */
SUSPENDS static enum verdict
store_change(struct session *s, struct store *st, struct err *err)
{
	struct mailbox *mb = view_mailbox(s->view);
	struct uid_list *modified = st->conditional ? &st->modified : NULL;
	enum verdict v = VERDICT_OK;
	struct uid_set part;
	struct step step;

	step_begin(&step, uid_list_set(&st->uids));
	while (v == VERDICT_OK && step_next(&step, mb, &part)) {
		v = mailbox_store_flags(mb, part, &st->change, modified, err);
		/* A change that has begun is finished, whoever is waiting. */
		(void)session_breathe(s);
	}
	return v;
}

SUSPENDS static void
store_run(struct session *s, struct store *st)
{
	struct mailbox *mb = view_mailbox(s->view);
	struct str modified = STR_INIT(LIMIT_STREAM_WRITE);
	struct err err = ERR_NONE;
	struct uid_set set;
	enum verdict v;
	uint64_t before;

	/* What others did is told first: what has changed from here on in the set is ours, or the
	 * client hears of it with ours. */
	(void)news_flags(s, NULL);
	set_uids(&st->set, s->view, &st->uids);
	set = uid_list_set(&st->uids);
	before = mailbox_modseq(mb);
	v = flags_bits(
	    mb, &st->flags, st->change.how != MAILBOX_REMOVE_FLAGS, &st->change.keywords, &err);
	if (v == VERDICT_OK)
		v = store_change(s, st, &err);
	store_tell(s, st, before);
	(void)news_flags(s, &set);
	store_put_modified(s, st, &modified);
	if (v != VERDICT_OK)
		result_err(s, &err);
	else if (modified.n > 0)
		result_ok(s, str_cstr(&modified), "STORE of the others completed");
	str_free(&modified);
}

SUSPENDS void
cmd_store(struct session *s, struct args *a)
{
	struct store st = { .silent = false };

	if (store_parse(s, a, &st))
		store_run(s, &st);
	uid_list_free(&st.uids);
	uid_list_free(&st.modified);
}
