/*
 * BODY[...] and RFC822: which bytes they are (RFC 9051 6.4.5, RFC 3501 6.4.5). Called through the
 * table of fetch.c. Fields of a header come from the cache where it has all of them, without the
 * file; parts are found by the structure's offsets and read alone. A part that is not there is NIL.
 */
#include "config.h"

#include "imapd/fetch.h"

#include "message/header.h"
#include "message/lines.h"

/* The fields of HEADER that the section wants, with CRLF line ends, and the empty line. */
static void
pick_fields(const struct section *section, struct span header, struct str *out)
{
	struct header_reader r = header_read(header);
	struct lines lines = lines_start(LINES_IMAP);
	struct header_field field;
	struct span run;

	while (header_next(&r, &field)) {
		if (!section_wants(section, field.name))
			continue;
		lines_put(&lines, field.whole, out);
		/* The last line of a message may lack its end, or have half of it. */
		if (!span_ends(field.whole, span_lit("\n"))) {
			(void)lines_end(&lines, &run);
			str_puts(out, "\r\n");
		}
	}
	str_puts(out, "\r\n");
}

/* "<0.512>" of what lies in memory as a whole. */
static struct span
piece_of(const struct section *section, struct span all)
{
	if (!section->partial)
		return all;
	all = section->from < all.n ? span_from(all, (size_t)section->from) : span_lit("");
	return section->count < all.n ? span_head(all, (size_t)section->count) : all;
}

static void
put_literal(struct str *out, struct span bytes)
{
	str_printf(out, "{%zu}\r\n", bytes.n);
	str_put(out, bytes);
}

/* The header of a part that is there: its first LIMIT_HEADER_BLOCK bytes. */
static enum verdict
read_header(struct fetch_job *job, const struct mime_extent *x, struct err *err)
{
	str_reset(&job->scratch);
	return letter_read(&job->letter, x->at,
	    x->size < LIMIT_HEADER_BLOCK ? (size_t)x->size : LIMIT_HEADER_BLOCK, &job->scratch,
	    err);
}

static enum verdict
put_fields(struct fetch_job *job, const struct section *section, struct span header)
{
	struct str picked = STR_INIT(2 * LIMIT_HEADER_BLOCK);

	pick_fields(section, header, &picked);
	for (size_t i = 0; i < picked.n; i++)
		picked.p[i] = picked.p[i] ? picked.p[i] : (char)0x80;
	put_literal(&job->out, piece_of(section, str_span(&picked)));
	str_free(&picked);
	return VERDICT_OK;
}

static enum verdict
put_cached_fields(struct fetch_job *job, const struct section *section, struct err *err)
{
	struct span headers;
	enum verdict v = letter_headers(&job->letter, &headers, err);

	return v == VERDICT_OK ? put_fields(job, section, headers) : v;
}

/* X, as far as the file goes. */
static struct mime_extent
extent_within(const struct mime_extent *x, uint64_t size)
{
	struct mime_extent in = *x;

	in.at = x->at < size ? x->at : size;
	in.size = x->size < size - in.at ? x->size : size - in.at;
	return in;
}

/* A message that is read at one go needs no structure, nor does a small piece of one. */
static bool
needs_structure(const struct section *section, uint64_t size)
{
	if (!section_is_whole(section))
		return true;
	return size > FETCH_BLOCK && !(section->partial && section->count < FETCH_PIECE);
}

SUSPENDS
static enum verdict
put_section(struct fetch_job *job, const struct section *section, struct err *err)
{
	const struct mime_part *root = NULL;
	struct mime_extent whole = { .size = letter_size(&job->letter) }, x;
	const struct mime_extent *found = &whole;
	enum verdict v = VERDICT_OK;

	if (needs_structure(section, whole.size))
		v = letter_parts(&job->letter, &root, err);
	if (v != VERDICT_OK)
		return v;
	if (section_is_whole(section) && root)
		whole.crlf_size = root->header.crlf_size + root->body.crlf_size;
	if (!section_is_whole(section))
		found = section_find(section, root);
	if (!found) {
		str_puts(&job->out, "NIL");
		return VERDICT_OK;
	}
	x = extent_within(found, letter_size(&job->letter));
	if (section->fields == 0)
		return fetch_put_range(job, &x, section, err);
	v = read_header(job, &x, err);
	return v == VERDICT_OK ? put_fields(job, section, str_span(&job->scratch)) : v;
}

SUSPENDS
enum verdict
fetch_put_body(struct fetch_job *job, const struct fetch_item *item, struct err *err)
{
	const struct section *section = &item->section;
	enum verdict v;

	str_put(&job->out, item->label);
	str_putc(&job->out, ' ');
	if (section->cached && section->depth == 0)
		return put_cached_fields(job, section, err);
	v = letter_open(&job->letter, err);
	return v == VERDICT_OK ? put_section(job, section, err) : v;
}
