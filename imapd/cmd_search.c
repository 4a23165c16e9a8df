/*
 * SEARCH and UID SEARCH: the way through the messages, and the answers (RFC 9051 6.4.4, 7.3.4; RFC
 * 3501 7.2.5; RFC 4731, RFC 5182, RFC 9394). Called by the command table. What is found is kept as
 * ranges, so that a mailbox of which all is found costs nothing; answers leave in blocks. Other
 * sessions run every 10 ms. Must never keep a message or its file longer than it looks at it.
 */
#include "config.h"

#include "imapd/commands.h"
#include "imapd/saved.h"
#include "imapd/search.h"
#include "message/envelope.h"

#define SEND_AT	    32768 /* bytes of an answer that are sent at once */
#define ANSWER_MOST (4 * SEND_AT)

enum want {
	WANT_MIN = 1,
	WANT_MAX = 2,
	WANT_ALL = 4,
	WANT_COUNT = 8,
	WANT_SAVE = 16,
	WANT_PARTIAL = 32,
};

struct run {
	struct session *s;
	struct search search;
	bool extended; /* ESEARCH */
	unsigned wants;
	struct args_part part;
	struct uid_list found; /* indexes + 1 */
	size_t count;
	uint64_t modseq_first, modseq_last, modseq_most;
	struct str out;
	bool here; /* the client, and the session is to go on */
};

static const struct {
	const char *word;
	unsigned want;
} options[] = {
	{ "MIN", WANT_MIN },
	{ "MAX", WANT_MAX },
	{ "ALL", WANT_ALL },
	{ "COUNT", WANT_COUNT },
	{ "SAVE", WANT_SAVE },
	{ "PARTIAL", WANT_PARTIAL },
};

static bool
take_option(struct args *a, struct run *r)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (!args_word(a, options[i].word))
			continue;
		r->wants |= options[i].want;
		return options[i].want != WANT_PARTIAL || (args_space(a) && args_part(a, &r->part));
	}
	return args_fail(a, "There is no such option of SEARCH");
}

/* "RETURN (MIN MAX) " */
static bool
take_options(struct args *a, struct run *r)
{
	if (!args_word(a, "RETURN")) {
		r->extended = (r->s->enabled & ENABLED_REV2) != 0;
		r->wants = WANT_ALL;
		return true;
	}
	r->extended = true;
	if (!args_space(a) || !args_open(a))
		return false;
	if (!args_next_is(a, ')')) {
		do {
			if (!take_option(a, r))
				return false;
		} while (cursor_skip(&a->in, ' '));
	}
	if (r->wants == 0)
		r->wants = WANT_ALL;
	if ((r->wants & WANT_ALL) && (r->wants & WANT_PARTIAL))
		return args_fail(a, "ALL and PARTIAL exclude each other");
	return args_close(a) && args_space(a);
}

static void
found_add(struct run *r, size_t i, const struct mail *mail)
{
	uid_list_add(&r->found, (uint32_t)i + 1);
	if (r->count++ == 0)
		r->modseq_first = mail->modseq;
	r->modseq_last = mail->modseq;
	if (mail->modseq > r->modseq_most)
		r->modseq_most = mail->modseq;
}

/* All messages, in order. False: some could not be read, as ERR says. */
SUSPENDS
static bool
find_all(struct run *r, struct err *err)
{
	/* Who asks for the first alone needs no others. */
	bool first_only = (r->wants & ~(unsigned)(WANT_SAVE)) == WANT_MIN;
	struct view *view = r->s->view;
	struct search_job job;
	size_t count = view_count(view);

	search_begin(&job, r->s);
	for (size_t i = 0; i < count && r->here; i++) {
		const struct mail *mail = view_mail(view, i);
		struct mail copy;

		if (mail) {
			copy = *mail;
			if (search_match(&job, r->search.root, i, &copy))
				found_add(r, i, &copy);
		}
		r->here = session_breathe(r->s);
		if (first_only && r->count > 0)
			break;
	}
	*err = job.err;
	search_end(&job);
	return err->verdict == VERDICT_OK;
}

SUSPENDS
static void
out_flush(struct run *r, size_t most)
{
	if (r->out.n < most)
		return;
	r->here = r->here && session_put(r->s, str_span(&r->out)) && session_breathe(r->s);
	str_reset(&r->out);
}

/* The found messages as the client names them: sequence numbers, or UIDs. */
static void
numbers_of(const struct run *r, size_t first, size_t last, struct uid_list *out)
{
	size_t nth = 0;

	for (size_t k = 0; k < r->found.n; k++) {
		for (size_t n = r->found.v[k].first; n <= r->found.v[k].last; n++) {
			nth++;
			if (nth < first || nth > last)
				continue;
			uid_list_add(out, r->s->uid ? view_uid(r->s->view, n - 1) : (uint32_t)n);
		}
	}
}

SUSPENDS
static void
put_ranges(struct run *r, const struct uid_list *list)
{
	for (size_t k = 0; k < list->n && r->here; k++) {
		if (k > 0)
			str_putc(&r->out, ',');
		str_put_u64(&r->out, list->v[k].first);
		if (list->v[k].last > list->v[k].first) {
			str_putc(&r->out, ':');
			str_put_u64(&r->out, list->v[k].last);
		}
		out_flush(r, SEND_AT);
	}
}

/* RFC 3501 7.2.5. */
SUSPENDS
static void
put_plain(struct run *r)
{
	struct uid_list list = { NULL, 0, 0 };

	numbers_of(r, 1, SIZE_MAX, &list);
	str_puts(&r->out, "* SEARCH");
	for (size_t k = 0; k < list.n; k++) {
		for (uint64_t n = list.v[k].first; n <= list.v[k].last && r->here; n++) {
			str_putc(&r->out, ' ');
			str_put_u64(&r->out, n);
			out_flush(r, SEND_AT);
		}
	}
	if (r->search.modseq && r->count > 0)
		str_printf(&r->out, " (MODSEQ %llu)", (unsigned long long)r->modseq_most);
	uid_list_free(&list);
}

/* RFC 7162 3.1.10: of what is told. */
static uint64_t
told_modseq(const struct run *r)
{
	unsigned wants = r->wants & (WANT_MIN | WANT_MAX | WANT_ALL | WANT_COUNT | WANT_PARTIAL);
	uint64_t both = r->modseq_first > r->modseq_last ? r->modseq_first : r->modseq_last;

	if (wants == WANT_MIN)
		return r->modseq_first;
	if (wants == WANT_MAX)
		return r->modseq_last;
	return wants == (WANT_MIN | WANT_MAX) ? both : r->modseq_most;
}

SUSPENDS
static void
put_partial(struct run *r)
{
	struct uid_list list = { NULL, 0, 0 };
	const char *sign = r->part.from_end ? "-" : "";
	size_t first, last;

	args_part_place(&r->part, r->count, &first, &last);
	numbers_of(r, first, last, &list);
	str_printf(&r->out, " PARTIAL (%s%u:%s%u ", sign, r->part.first, sign, r->part.last);
	put_ranges(r, &list);
	str_puts(&r->out, list.n > 0 ? ")" : "NIL)");
	uid_list_free(&list);
}

/* RFC 9051 7.3.4. */
SUSPENDS
static void
put_extended(struct run *r)
{
	struct uid_list list = { NULL, 0, 0 };

	if (r->wants & (WANT_MIN | WANT_MAX | WANT_ALL))
		numbers_of(r, 1, SIZE_MAX, &list);
	str_puts(&r->out, "* ESEARCH (TAG ");
	imap_put_string(&r->out, r->s->tag);
	str_puts(&r->out, r->s->uid ? ") UID" : ")");
	if ((r->wants & WANT_MIN) && list.n > 0)
		str_printf(&r->out, " MIN %u", list.v[0].first);
	if ((r->wants & WANT_MAX) && list.n > 0)
		str_printf(&r->out, " MAX %u", list.v[list.n - 1].last);
	if (r->wants & WANT_COUNT)
		str_printf(&r->out, " COUNT %zu", r->count);
	if (r->wants & WANT_PARTIAL)
		put_partial(r);
	if ((r->wants & WANT_ALL) && list.n > 0) {
		str_puts(&r->out, " ALL ");
		put_ranges(r, &list);
	}
	if (r->search.modseq && r->count > 0)
		str_printf(&r->out, " MODSEQ %llu", (unsigned long long)told_modseq(r));
	uid_list_free(&list);
}

SUSPENDS
static void
put_answer(struct run *r)
{
	/* RFC 5182 2.1: what is only to be saved is not told. */
	if (r->wants == WANT_SAVE)
		return;
	if (r->extended)
		put_extended(r);
	else
		put_plain(r);
	str_puts(&r->out, "\r\n");
	out_flush(r, 1);
}

/* RFC 5182 2.4: all that was found, unless MIN or MAX alone was asked for beside. */
static void
save(struct run *r)
{
	unsigned wants = r->wants & (WANT_ALL | WANT_COUNT | WANT_PARTIAL);
	bool ends = !wants && (r->wants & (WANT_MIN | WANT_MAX));
	struct uid_list uids = { NULL, 0, 0 };
	size_t nth = 0;

	for (size_t k = 0; k < r->found.n; k++) {
		for (size_t n = r->found.v[k].first; n <= r->found.v[k].last; n++) {
			nth++;
			if (!ends || (nth == 1 && (r->wants & WANT_MIN)) ||
			    (nth == r->count && (r->wants & WANT_MAX)))
				uid_list_add(&uids, view_uid(r->s->view, n - 1));
		}
	}
	saved_replace(&r->s->saved, &uids);
}

SUSPENDS
static void
search_run(struct run *r)
{
	struct err err = ERR_NONE;

	if (r->search.bad_charset) {
		result_no(r->s, "BADCHARSET (US-ASCII UTF-8)", "The charset is not known");
		if (r->wants & WANT_SAVE)
			saved_forget(&r->s->saved);
		return;
	}
	if (r->search.modseq)
		r->s->enabled |= ENABLED_CONDSTORE;
	if (!find_all(r, &err))
		result_err(r->s, &err);
	if (!r->here) {
		result_no(r->s, "UNAVAILABLE", "The session ends before all was searched");
		return;
	}
	if (r->wants & WANT_SAVE)
		save(r);
	put_answer(r);
}

SUSPENDS
void
cmd_search(struct session *s, struct args *a)
{
	struct run r = { .s = s, .here = true };

	str_init(&r.out, ANSWER_MOST);
	if (take_options(a, &r) && search_parse(s, a, &r.search))
		search_run(&r);
	uid_list_free(&r.found);
	str_free(&r.out);
}
