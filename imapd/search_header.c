/*
 * Header fields for SEARCH: RFC 9051 6.4.4 (BCC CC FROM HEADER SUBJECT TO SENTBEFORE SENTON
 * SENTSINCE). Called through the table of keys. A field is compared as a reader sees it: on one
 * line, encoded words decoded. What the cache has of a message is read from there; other fields
 * need the file, but only its header.
 */
#include "config.h"

#include "imapd/search.h"

#include "message/date.h"
#include "message/header.h"
#include "message/words.h"

/* The header, or the part of it that is cached, with all fields that NODE needs. */
static bool
header_of(struct search_job *job, const struct search_node *node, const struct mail *mail,
    struct span *out)
{
	struct letter *l = search_letter(job, mail);
	const struct mime_part *root;
	struct err err = ERR_NONE;
	enum verdict v;

	if (node->cost == SEARCH_CACHE) {
		v = letter_headers(l, out, &err);
		return v == VERDICT_OK || search_failed(job, v, &err);
	}
	str_reset(&job->block);
	v = letter_open(l, &err);
	if (v == VERDICT_OK)
		v = letter_parts(l, &root, &err);
	if (v == VERDICT_OK)
		v = letter_read(l, 0,
		    root->header.size < LIMIT_HEADER_BLOCK ? (size_t)root->header.size
							   : LIMIT_HEADER_BLOCK,
		    &job->block, &err);
	*out = str_span(&job->block);
	return v == VERDICT_OK || search_failed(job, v, &err);
}

/* The field's value as text, folded, in the job's TEXT. */
static struct span
value_text(struct search_job *job, struct span value)
{
	str_reset(&job->wide);
	str_reset(&job->text);
	header_put_unfolded(&job->wide, value);
	/* Most values have nothing to be decoded. */
	if (span_find_span(str_span(&job->wide), span_lit("=?")) == job->wide.n)
		str_put(&job->text, str_span(&job->wide));
	else
		words_put_decoded(&job->text, str_span(&job->wide));
	fold_in_place(job->text.p, job->text.n);
	return str_span(&job->text);
}

bool
search_match_field(struct search_job *job, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	struct header_field field;
	struct header_reader r;
	struct span header, text;

	if (!header_of(job, node, mail, &header))
		return false;
	r = header_read(header);
	while (header_next(&r, &field)) {
		if (!span_eq_nocase(field.name, node->field))
			continue;
		/* Nothing is in everything. */
		if (node->text.n == 0)
			return true;
		text = value_text(job, field.value);
		if (span_find_span(text, node->text) < text.n)
			return true;
	}
	return false;
}

/* The day it was where it was sent. False: there is none to be read. */
static bool
sent_day(
    struct search_job *job, const struct search_node *node, const struct mail *mail, int64_t *out)
{
	struct header_field field;
	struct span header;
	struct date date;

	if (!header_of(job, node, mail, &header))
		return false;
	field = header_find(header, span_lit("Date"));
	if (!field.whole.p || !date_parse(field.value, &date))
		return false;
	*out = date_local_day(date);
	return true;
}

bool
search_match_sent_before(struct search_job *job, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	int64_t day;

	return sent_day(job, node, mail, &day) && day < node->day;
}

bool
search_match_sent_on(struct search_job *job, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	int64_t day;

	return sent_day(job, node, mail, &day) && day == node->day;
}

bool
search_match_sent_since(struct search_job *job, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	int64_t day;

	return sent_day(job, node, mail, &day) && day >= node->day;
}

bool
search_feed_header(struct search_job *job, struct finder *f, struct span header)
{
	struct header_reader r = header_read(header);
	struct header_field field;

	while (!f->found && header_next(&r, &field)) {
		finder_next_text(f);
		finder_feed(f, field.name);
		finder_feed(f, span_lit(": "));
		finder_feed(f, value_text(job, field.value));
	}
	finder_next_text(f);
	return f->found;
}
