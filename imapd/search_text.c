/*
 * BODY and TEXT of SEARCH: RFC 9051 6.4.4. Called through the table of keys. Searched is what a
 * reader can see: text parts, without their transfer encoding and in UTF-8, and the headers of
 * parts and of messages inside, with their names of files and subjects; TEXT has the message's own
 * header too. Other content is no text. The file is read in blocks, so that memory is bounded
 * whatever a message is; text in a charset that is not known is compared as it stands.
 */
#include "config.h"

#include "imapd/search.h"

#include "message/charset.h"
#include "message/decode.h"
#include "message/mime_field.h"

#define BLOCK	   65536      /* bytes of a body read at a time */
#define TYPE_BYTES (1u << 18) /* of a Content-Type that are looked at */

/* What has to be done with a part's bytes. */
struct coding {
	struct decoder decoder;
	struct str charset; /* empty: as it stands */
};

/* UTF-8 and its part ASCII need nothing, and must not be cut into blocks and looked at each. */
static bool
needs_converting(struct span charset)
{
	return charset.n > 0 && !span_starts_nocase(charset, span_lit("utf")) &&
	       !span_eq_nocase(charset, span_lit("us-ascii")) && charset_known(charset);
}

static void
coding_begin(struct coding *c, const struct mime_part *p)
{
	const struct mime_param *param = NULL;
	struct mime_value type;
	struct arena arena;

	*c = (struct coding){ .decoder = decoder_start(encoding_parse(p->field[MIME_ENCODING])) };
	str_init(&c->charset, LIMIT_HEADER_NAME);
	arena_init(&arena, TYPE_BYTES);
	if (p->field[MIME_TYPE].p && mime_type_parse(p->field[MIME_TYPE], &arena, &type))
		param = mime_param_find(&type, span_lit("charset"));
	if (param && needs_converting(param->value))
		str_put(&c->charset, param->value);
	arena_free(&arena);
}

/* BYTES as they are searched; LAST: nothing follows. */
static struct span
coding_text(struct search_job *job, struct coding *c, struct span bytes, bool last)
{
	if (c->decoder.encoding != ENCODING_IDENTITY) {
		str_reset(&job->text);
		decoder_feed(&c->decoder, bytes, &job->text);
		if (last)
			decoder_end(&c->decoder, &job->text);
		bytes = str_span(&job->text);
	}
	if (c->charset.n > 0) {
		str_reset(&job->wide);
		charset_put_utf8(&job->wide, str_span(&c->charset), bytes);
		bytes = str_span(&job->wide);
	}
	return bytes;
}

SUSPENDS
static enum verdict
feed_body(struct search_job *job, struct finder *f, const struct mime_part *p, struct err *err)
{
	struct coding coding;
	enum verdict v = VERDICT_OK;
	bool last = false;

	coding_begin(&coding, p);
	for (uint64_t at = 0; v == VERDICT_OK && !last && !f->found; at += BLOCK) {
		uint64_t left = p->body.size - at;

		last = left <= BLOCK;
		str_reset(&job->block);
		v = letter_read(
		    &job->letter, p->body.at + at, last ? (size_t)left : BLOCK, &job->block, err);
		last = last || job->block.n < BLOCK;
		finder_feed(f, coding_text(job, &coding, str_span(&job->block), last));
		if (!last && !session_breathe(job->session))
			break;
	}
	str_free(&coding.charset);
	finder_next_text(f);
	return v;
}

static enum verdict
feed_header(struct search_job *job, struct finder *f, const struct mime_part *p, struct err *err)
{
	enum verdict v;

	str_reset(&job->block);
	v = letter_read(&job->letter, p->header.at,
	    p->header.size < LIMIT_HEADER_BLOCK ? (size_t)p->header.size : LIMIT_HEADER_BLOCK,
	    &job->block, err);
	search_feed_header(job, f, str_span(&job->block));
	return v;
}

SUSPENDS
static bool
find_in_parts(struct search_job *job, struct finder *f, const struct mail *mail, bool top)
{
	struct letter *l = search_letter(job, mail);
	const struct mime_part *root = NULL;
	struct err err = ERR_NONE;
	enum verdict v = letter_open(l, &err);

	if (v == VERDICT_OK)
		v = letter_parts(l, &root, &err);
	for (const struct mime_part *p = root; p && v == VERDICT_OK && !f->found;
	     p = mime_next(root, p)) {
		if (p != root || top)
			v = feed_header(job, f, p, &err);
		if (v == VERDICT_OK && p->kind == MIME_LEAF &&
		    span_eq_nocase(p->type, span_lit("text")))
			v = feed_body(job, f, p, &err);
	}
	return v == VERDICT_OK ? f->found : search_failed(job, v, &err);
}

SUSPENDS
static bool
match_content(
    struct search_job *job, const struct search_node *node, const struct mail *mail, bool top)
{
	struct finder f;
	bool found;

	finder_init(&f, node->text);
	found = find_in_parts(job, &f, mail, top);
	finder_free(&f);
	return found;
}

SUSPENDS
bool
search_match_body(struct search_job *job, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	return match_content(job, node, mail, false);
}

SUSPENDS
bool
search_match_text(struct search_job *job, const struct search_node *node, size_t i UNUSED,
    const struct mail *mail)
{
	return match_content(job, node, mail, true);
}
