/*
 * BINARY[...] and BINARY.SIZE[...]: parts without their transfer encoding, RFC 9051 6.4.5 (RFC
 * 3516). Called through the table of fetch.c. The part is decoded twice, since its length comes
 * first: once to be counted, once to be sent; neither holds more than a block of it. What has a NUL
 * goes as literal8.
 */
#include "config.h"

#include "imapd/fetch.h"

#include "message/decode.h"
#include "message/lines.h"

/* What becomes of a decoded part. */
struct sink {
	uint64_t size; /* bytes in all */
	bool nul;
	uint64_t skip; /* bytes to leave out, to send */
	uint64_t left;
	struct str *out; /* NULL: only counted */
};

static void
sink_take(struct sink *sink, struct span bytes)
{
	size_t skip;

	sink->size += bytes.n;
	sink->nul = sink->nul || span_find(bytes, '\0') < bytes.n;
	if (!sink->out)
		return;
	skip = (size_t)(sink->skip < bytes.n ? sink->skip : bytes.n);
	sink->skip -= skip;
	bytes = span_from(bytes, skip);
	bytes = span_head(bytes, (size_t)(sink->left < bytes.n ? sink->left : bytes.n));
	sink->left -= bytes.n;
	str_put(sink->out, bytes);
}

/* The bytes of X, with CRLF line ends (which an encoding may be about), decoded, into SINK. */
SUSPENDS
static enum verdict
decode_range(struct fetch_job *job, const struct mime_extent *x, enum encoding encoding,
    struct sink *sink, struct err *err)
{
	struct str crlf = STR_INIT(2 * FETCH_BLOCK + 2), plain = STR_INIT(3 * FETCH_BLOCK);
	struct decoder decoder = decoder_start(encoding);
	struct lines lines = lines_start(LINES_IMAP);
	enum verdict v = VERDICT_OK;
	struct span run;
	bool last = false;

	for (uint64_t at = 0; v == VERDICT_OK && !last; at += FETCH_BLOCK) {
		uint64_t left = x->size - at;

		last = left <= FETCH_BLOCK;
		str_reset(&job->scratch);
		str_reset(&crlf);
		str_reset(&plain);
		v = letter_read(&job->letter, x->at + at, last ? (size_t)left : FETCH_BLOCK,
		    &job->scratch, err);
		lines_put(&lines, str_span(&job->scratch), &crlf);
		if (last && lines_end(&lines, &run))
			str_put(&crlf, run);
		decoder_feed(&decoder, str_span(&crlf), &plain);
		if (last)
			decoder_end(&decoder, &plain);
		sink_take(sink, str_span(&plain));
		if (v == VERDICT_OK && sink->out)
			v = fetch_flush(job);
		if (v == VERDICT_OK && !session_breathe(job->session))
			v = VERDICT_EOF;
	}
	str_free(&crlf);
	str_free(&plain);
	return v;
}

/* Where the part is and how it is encoded; *FOUND_OUT false: there is none. */
static enum verdict
find_part(struct fetch_job *job, const struct section *section, struct mime_extent *x,
    enum encoding *encoding, bool *found_out, struct err *err)
{
	const struct mime_part *root, *p;
	enum verdict v = letter_open(&job->letter, err);

	*found_out = false;
	if (v == VERDICT_OK)
		v = letter_parts(&job->letter, &root, err);
	if (v != VERDICT_OK)
		return v;
	p = section_part(section, root);
	if (!p)
		return VERDICT_OK;
	*found_out = true;
	*x = p->body;
	*encoding =
	    p->kind == MIME_LEAF ? encoding_parse(p->field[MIME_ENCODING]) : ENCODING_IDENTITY;
	if (section->depth == 0) {
		*x = (struct mime_extent){ .size = letter_size(&job->letter) };
		*encoding = ENCODING_IDENTITY;
	}
	if (x->at > letter_size(&job->letter) || x->size > letter_size(&job->letter) - x->at)
		return err_set(err, VERDICT_TEMP, "the message is not what it was");
	if (*encoding == ENCODING_UNKNOWN)
		return err_set(err, VERDICT_PERM, "the encoding of a part is not known");
	return VERDICT_OK;
}

SUSPENDS
enum verdict
fetch_put_binary(struct fetch_job *job, const struct fetch_item *item, struct err *err)
{
	const struct section *section = &item->section;
	struct mime_extent x;
	enum encoding encoding;
	struct sink count = { .out = NULL }, send = { .out = &job->out };
	bool found;
	enum verdict v = find_part(job, section, &x, &encoding, &found, err);

	str_put(&job->out, item->label);
	if (v == VERDICT_OK && !found)
		str_puts(&job->out, " NIL");
	if (v != VERDICT_OK || !found)
		return v;
	v = decode_range(job, &x, encoding, &count, err);
	if (v != VERDICT_OK)
		return v;
	send.skip = section->partial ? section->from : 0;
	send.left = count.size > send.skip ? count.size - send.skip : 0;
	if (section->partial && section->count < send.left)
		send.left = section->count;
	str_printf(
	    &job->out, count.nul ? " ~{%llu}\r\n" : " {%llu}\r\n", (unsigned long long)send.left);
	v = decode_range(job, &x, encoding, &send, err);
	if (v == VERDICT_OK && send.left > 0)
		v = err_set(err, VERDICT_TEMP, "the message is not what it was");
	return v;
}

SUSPENDS
enum verdict
fetch_put_binary_size(struct fetch_job *job, const struct fetch_item *item, struct err *err)
{
	struct mime_extent x;
	enum encoding encoding;
	struct sink count = { .out = NULL };
	bool found;
	enum verdict v = find_part(job, &item->section, &x, &encoding, &found, err);

	if (v == VERDICT_OK && found)
		v = decode_range(job, &x, encoding, &count, err);
	str_put(&job->out, item->label);
	str_putc(&job->out, ' ');
	str_put_u64(&job->out, count.size);
	return v;
}
