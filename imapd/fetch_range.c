/*
 * Bytes of a message as a literal: RFC 9051 4.3, 6.4.5 (partial). Called by fetch_body.c. Files
 * have LF line ends, or whatever another program gave them; clients get CR LF, and lengths and
 * offsets count those. What fits into a block is read before its length is told, so that is right
 * whatever became of the file; of what is longer the length comes from the structure, and a file
 * that turns out otherwise is parsed anew while the connection is closed: half a literal cannot be
 * mended. NULs, which no literal may hold, are sent as 0x80.
 */
#include "config.h"

#include "imapd/fetch.h"

#include "message/lines.h"

static void
mend_nuls(struct str *s)
{
	size_t at = 0;

	while ((at += span_find(span_from(str_span(s), at), '\0')) < s->n)
		s->p[at] = (char)0x80;
}

/*
 * The most bytes of BLOCK whose CRLF form is at most WANT long, but never up to between a CR
 * and its LF; *CRLF_OUT: how long that form is.
 */
static size_t
block_skip(struct span block, uint64_t want, uint64_t *crlf_out)
{
	uint64_t crlf = 0;
	size_t at = 0;

	while (at < block.n && crlf < want) {
		size_t text = span_find(span_from(block, at), '\n'), end = at + text;
		uint64_t left = want - crlf;
		unsigned line_end = end == 0 || block.p[end - 1] != '\r' ? 2 : 1;

		if (text >= left || end == block.n) {
			at += (size_t)(text < left ? text : left);
			crlf += text < left ? text : left;
			break;
		}
		at = end;
		crlf += text;
		if (line_end > left - text)
			break;
		at++;
		crlf += line_end;
	}
	if (at > 0 && block.p[at - 1] == '\r') {
		at--;
		crlf--;
	}
	*crlf_out = crlf;
	return at;
}

/* A way through a section: what has been read of it, and what of the rest is to be sent. */
struct flow {
	const struct mime_extent *x;
	uint64_t at;   /* bytes of the section before the block at hand, as they are stored */
	uint64_t crlf; /* the same, with CRLF line ends */
	uint64_t skip; /* bytes to leave out, with CRLF line ends */
	uint64_t left; /* to be sent */
	bool more;     /* there was more than that */
};

/* The next block of at most N bytes, into the scratch; empty at the end. A CR whose LF may follow
 * is left for the next one. */
static enum verdict
flow_read(struct fetch_job *job, struct flow *f, uint64_t n, struct err *err)
{
	struct str *block = &job->scratch;
	enum verdict v;

	n = n < FETCH_BLOCK ? n : FETCH_BLOCK;
	n = n < f->x->size - f->at ? n : f->x->size - f->at;
	str_reset(block);
	v = letter_read(&job->letter, f->x->at + f->at, (size_t)n, block, err);
	if (block->n > 1 && block->p[block->n - 1] == '\r' && f->at + block->n < f->x->size)
		str_cut(block, block->n - 1);
	mend_nuls(block);
	return v;
}

static void
flow_put_run(struct flow *f, struct span run, struct str *out)
{
	size_t skip = (size_t)(f->skip < run.n ? f->skip : run.n);

	f->skip -= skip;
	run = span_from(run, skip);
	if (run.n > f->left) {
		f->more = true;
		run = span_head(run, (size_t)f->left);
	}
	f->left -= run.n;
	str_put(out, run);
}

/* What is to be sent of the block at hand. */
static void
flow_put(struct fetch_job *job, struct flow *f)
{
	struct span block = str_span(&job->scratch), rest = block, run;
	struct lines lines = lines_start(LINES_IMAP);
	uint64_t want = f->skip + f->left, crlf;

	while (!f->more && lines_next(&lines, &rest, &run))
		flow_put_run(f, run, &job->out);
	if (!f->more && lines_end(&lines, &run))
		flow_put_run(f, run, &job->out);
	if (f->more) {
		f->at += block_skip(block, want, &crlf);
		f->crlf += crlf;
	} else {
		f->at += block.n;
		f->crlf += want - f->skip - f->left;
	}
}

/* To where FROM is, or a line end before it. */
SUSPENDS
static enum verdict
flow_seek(struct fetch_job *job, struct flow *f, uint64_t from, struct err *err)
{
	const struct fetch_mark *mark = &job->session->mark;
	enum verdict v = VERDICT_OK;
	uint64_t crlf;
	size_t n = 1;

	if (mark->size > 0 && mark->size == letter_size(&job->letter) &&
	    mark->message == job->letter.mail.id && mark->section == f->x->at &&
	    mark->crlf <= from && mark->at <= f->x->size) {
		f->at = mark->at;
		f->crlf = mark->crlf;
	}
	while (f->crlf < from && n > 0) {
		v = session_breathe(job->session) ? flow_read(job, f, from - f->crlf + 1, err)
						  : VERDICT_EOF;
		if (v != VERDICT_OK)
			return v;
		n = block_skip(str_span(&job->scratch), from - f->crlf, &crlf);
		f->at += n;
		f->crlf += crlf;
	}
	f->skip = from - f->crlf;
	return VERDICT_OK;
}

static void
flow_mark(struct fetch_job *job, const struct flow *f)
{
	job->session->mark = (struct fetch_mark){ .message = job->letter.mail.id,
		.size = letter_size(&job->letter),
		.section = f->x->at,
		.at = f->at,
		.crlf = f->crlf };
}

/* Its blocks, after the first. */
SUSPENDS
static enum verdict
flow_go_on(struct fetch_job *job, struct flow *f, struct err *err)
{
	enum verdict v = VERDICT_OK;

	while (v == VERDICT_OK && !f->more && f->at < f->x->size) {
		v = fetch_flush(job);
		if (v == VERDICT_OK && !session_breathe(job->session))
			v = VERDICT_EOF;
		if (v == VERDICT_OK)
			v = flow_read(job, f, FETCH_BLOCK, err);
		if (v != VERDICT_OK || job->scratch.n == 0)
			break;
		flow_put(job, f);
	}
	return v;
}

/* How much there is to send: of one block what is in it, of more what the structure says. */
static uint64_t
flow_length(const struct fetch_job *job, const struct flow *f, uint64_t from, uint64_t count)
{
	struct span block = str_span(&job->scratch);
	uint64_t end = f->x->crlf_size;

	if (f->at + block.n == f->x->size || count < FETCH_PIECE)
		end = f->crlf + block.n + lines_count_bare_lf(block, false);
	if (end <= from)
		return 0;
	return end - from < count ? end - from : count;
}

SUSPENDS
enum verdict
fetch_put_range(struct fetch_job *job, const struct mime_extent *x, const struct section *section,
    struct err *err)
{
	uint64_t from = section->partial ? section->from : 0;
	uint64_t count = section->partial ? section->count : UINT64_MAX - FETCH_BLOCK;
	struct flow f = { .x = x };
	enum verdict v = flow_seek(job, &f, from, err);

	if (v == VERDICT_OK)
		v = flow_read(job, &f, f.skip + count + 1, err);
	if (v != VERDICT_OK)
		return v;
	f.left = flow_length(job, &f, from, count);
	str_printf(&job->out, "{%llu}\r\n", (unsigned long long)f.left);
	count = f.left;
	flow_put(job, &f);
	if (f.left > 0 || !section->partial)
		v = flow_go_on(job, &f, err);
	if (v == VERDICT_OK && (f.left > 0 || (f.more && !section->partial))) {
		letter_distrust(&job->letter);
		return err_set(err, VERDICT_TEMP, "the message is not what it was");
	}
	if (section->partial)
		flow_mark(job, &f);
	return v;
}
