/*
 * The keys of SEARCH: RFC 9051 6.4.4, RFC 3501 6.4.4, RFC 5032, RFC 7162 3.1.5, RFC 8474 7. Called
 * through the table by search_match.c. Here are those that the index answers; the others are in
 * search_header.c and search_text.c. Owns nothing. Dates disregard time and zone, so a message's
 * day is that of INTERNALDATE as FETCH shows it.
 */
#include "config.h"

#include "imapd/search.h"

#include "message/date.h"

static bool
match_flags(struct search_job *job UNUSED, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	return (mail->flags & node->key->flags) != 0;
}

static bool
match_all(struct search_job *job UNUSED, const struct search_node *node UNUSED, size_t i UNUSED,
    const struct mail *mail UNUSED)
{
	return true;
}

static bool
match_recent(struct search_job *job, const struct search_node *node UNUSED, size_t i UNUSED,
    const struct mail *mail)
{
	return view_is_recent(job->session->view, mail->uid);
}

/* RFC 3501 6.4.4: RECENT UNSEEN. */
static bool
match_new(struct search_job *job, const struct search_node *node UNUSED, size_t i UNUSED,
    const struct mail *mail)
{
	return !(mail->flags & MAIL_SEEN) && view_is_recent(job->session->view, mail->uid);
}

static bool
match_keyword(struct search_job *job UNUSED, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	return node->field.n > 0 ? (mail->flags & MAIL_FORWARDED) != 0
				 : (mail->keywords & node->number) != 0;
}

static bool
match_set(struct search_job *job UNUSED, const struct search_node *node, size_t i,
    const struct mail *mail UNUSED)
{
	size_t low = 0, high = node->set.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (node->set.v[mid].end <= i)
			low = mid + 1;
		else
			high = mid;
	}
	return low < node->set.n && node->set.v[low].first <= i;
}

static int64_t
day_of(const struct mail *mail)
{
	return date_local_day((struct date){ mail->date, 0 });
}

static bool
match_before(struct search_job *job UNUSED, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	return day_of(mail) < node->day;
}

static bool
match_on(struct search_job *job UNUSED, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	return day_of(mail) == node->day;
}

static bool
match_since(struct search_job *job UNUSED, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	return day_of(mail) >= node->day;
}

/* RFC 5032: SECONDS from now back; YOUNGER has the message that is exactly as old. */
static bool
match_younger(struct search_job *job, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	uint64_t since = job->now > node->number ? job->now - node->number : 0;

	return mail->date >= 0 && (uint64_t)mail->date >= since;
}

static bool
match_older(struct search_job *job, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	return job->now > node->number &&
	       (mail->date < 0 || (uint64_t)mail->date <= job->now - node->number);
}

/* RFC822.SIZE; the file is read once in its life where that is not known. */
static bool
size_of(struct search_job *job, const struct mail *mail, uint64_t *out)
{
	struct err err = ERR_NONE;
	enum verdict v;

	*out = mail->vsize;
	if (mail->vsize > 0 || mail->size == 0)
		return true;
	v = letter_vsize(search_letter(job, mail), out, &err);
	return v == VERDICT_OK || search_failed(job, v, &err);
}

static bool
match_larger(struct search_job *job, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	uint64_t size;

	return size_of(job, mail, &size) && size > node->number;
}

static bool
match_smaller(struct search_job *job, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	uint64_t size;

	return size_of(job, mail, &size) && size < node->number;
}

static bool
match_modseq(struct search_job *job UNUSED, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	return mail->modseq >= node->number;
}

static bool
match_email_id(struct search_job *job UNUSED, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	struct str id = STR_INIT(32);
	bool same;

	str_printf(&id, "M%016llx", (unsigned long long)mail->id);
	same = span_eq_nocase(str_span(&id), node->text);
	str_free(&id);
	return same;
}

/* There are no threads with ids. */
static bool
match_none(struct search_job *job UNUSED, const struct search_node *node UNUSED, size_t i UNUSED,
    const struct mail *mail UNUSED)
{
	return false;
}

#define FLAG_KEY(word, flag)                                                                     \
	{ SPAN(word), SEARCH_NOTHING, SEARCH_INDEX, false, flag, SPAN(""), match_flags },        \
	{                                                                                        \
		SPAN("UN" word), SEARCH_NOTHING, SEARCH_INDEX, true, flag, SPAN(""), match_flags \
	}
#define INDEX_KEY(word, arg, fn)                                      \
	{                                                             \
		SPAN(word), arg, SEARCH_INDEX, false, 0, SPAN(""), fn \
	}
#define FIELD_KEY(word)                                                                           \
	{                                                                                         \
		SPAN(word), SEARCH_STRING, SEARCH_CACHE, false, 0, SPAN(word), search_match_field \
	}
#define SENT_KEY(word, fn)                                                        \
	{                                                                         \
		SPAN(word), SEARCH_DATE, SEARCH_CACHE, false, 0, SPAN("Date"), fn \
	}

static const struct search_key keys[] = {
	INDEX_KEY("ALL", SEARCH_NOTHING, match_all),
	FLAG_KEY("ANSWERED", MAIL_ANSWERED),
	FLAG_KEY("DELETED", MAIL_DELETED),
	FLAG_KEY("DRAFT", MAIL_DRAFT),
	FLAG_KEY("FLAGGED", MAIL_FLAGGED),
	FLAG_KEY("SEEN", MAIL_SEEN),
	INDEX_KEY("KEYWORD", SEARCH_KEYWORD, match_keyword),
	{ SPAN("UNKEYWORD"), SEARCH_KEYWORD, SEARCH_INDEX, true, 0, SPAN(""), match_keyword },
	INDEX_KEY("NEW", SEARCH_NOTHING, match_new),
	INDEX_KEY("RECENT", SEARCH_NOTHING, match_recent),
	{ SPAN("OLD"), SEARCH_NOTHING, SEARCH_INDEX, true, 0, SPAN(""), match_recent },
	INDEX_KEY("UID", SEARCH_UIDS, match_set),
	INDEX_KEY("BEFORE", SEARCH_DATE, match_before),
	INDEX_KEY("ON", SEARCH_DATE, match_on),
	INDEX_KEY("SINCE", SEARCH_DATE, match_since),
	INDEX_KEY("YOUNGER", SEARCH_SECONDS, match_younger),
	INDEX_KEY("OLDER", SEARCH_SECONDS, match_older),
	INDEX_KEY("LARGER", SEARCH_NUMBER, match_larger),
	INDEX_KEY("SMALLER", SEARCH_NUMBER, match_smaller),
	INDEX_KEY("MODSEQ", SEARCH_MODSEQ, match_modseq),
	INDEX_KEY("EMAILID", SEARCH_OBJECT, match_email_id),
	INDEX_KEY("THREADID", SEARCH_OBJECT, match_none),
	FIELD_KEY("BCC"),
	FIELD_KEY("CC"),
	FIELD_KEY("FROM"),
	FIELD_KEY("SUBJECT"),
	FIELD_KEY("TO"),
	SENT_KEY("SENTBEFORE", search_match_sent_before),
	SENT_KEY("SENTON", search_match_sent_on),
	SENT_KEY("SENTSINCE", search_match_sent_since),
	{ SPAN("HEADER"), SEARCH_FIELD, SEARCH_HEADER, false, 0, SPAN(""), search_match_field },
	{ SPAN("BODY"), SEARCH_STRING, SEARCH_FILE, false, 0, SPAN(""), search_match_body },
	{ SPAN("TEXT"), SEARCH_STRING, SEARCH_FILE, false, 0, SPAN(""), search_match_text },
};

const struct search_key search_set_key = INDEX_KEY("", SEARCH_NUMBERS, match_set);

const struct search_key *
search_key_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (span_eq_nocase(keys[i].name, name))
			return &keys[i];
	return NULL;
}
