/*
 * Lines of mail content on their way in and out: RFC 5321 4.1.1.4 (end of data), 4.5.2
 * (dots), 2.3.8 (line ends). Called by smtpd for DATA, by smtp, pop3d and imapd to send, by local
 * to store. Works in place on pieces cut anywhere, with a few bytes of state; linear, searching
 * with memchr. There is no other place in the suite that adds or drops a dot or a line end.
 */
#include "config.h"

#include "message/lines.h"

#define BREAK_BLOCK 256 /* bytes: some lines */

enum data_state {
	DATA_START,  /* a line begins: after CR LF, or first of all */
	DATA_LINE,   /* within a line */
	DATA_CR,     /* within a line, the last byte was a CR (and has been given out) */
	DATA_DOT,    /* a dot began the line; it has been taken off */
	DATA_DOT_CR, /* the same, and a CR after it, which has not been given out */
};

static const struct span cr_run = SPAN("\r");
static const struct span dot_run = SPAN(".");
static const struct span blank_run = SPAN(" ");
static const struct span crlf_run = SPAN("\r\n");
static const struct span end_run = SPAN(".\r\n");
static const struct span crlf_end_run = SPAN("\r\n.\r\n");

static void
take(struct span *in, size_t n)
{
	*in = span_from(*in, n);
}

/* Up to and including the next line end that a dot follows; the dot is taken off. */
static void
data_run(struct data_in *d, struct span *in, struct span *run_out)
{
	size_t at = span_find_span(*in, span_lit("\r\n."));

	if (at < in->n) {
		*run_out = span_head(*in, at + 2);
		take(in, at + 3);
		d->state = DATA_DOT;
		return;
	}
	*run_out = *in;
	take(in, in->n);
	if (span_ends(*run_out, crlf_run))
		d->state = DATA_START;
	else
		d->state = span_ends(*run_out, cr_run) ? DATA_CR : DATA_LINE;
}

/* After a dot at a line's begin. True: *STEP_OUT is the answer. */
static bool
dot_step(struct data_in *d, struct span *in, struct span *run_out, enum data_step *step_out)
{
	bool after_cr = d->state == DATA_DOT_CR;

	d->state = DATA_LINE;
	if (after_cr && in->p[0] == '\n') {
		take(in, 1);
		*step_out = DATA_END;
		return true;
	}
	if (after_cr) {
		*run_out = cr_run;
		*step_out = DATA_RUN;
		return true;
	}
	if (in->p[0] == '\r') {
		take(in, 1);
		d->state = DATA_DOT_CR;
	}
	return false;
}

enum data_step
data_in_next(struct data_in *d, struct span *in, struct span *run_out)
{
	enum data_step step;

	while (in->n > 0) {
		if (d->state == DATA_START && in->p[0] == '.') {
			take(in, 1);
			d->state = DATA_DOT;
		} else if (d->state == DATA_DOT || d->state == DATA_DOT_CR) {
			if (dot_step(d, in, run_out, &step))
				return step;
		} else if (d->state == DATA_CR && in->p[0] == '\n') {
			*run_out = span_head(*in, 1);
			take(in, 1);
			d->state = DATA_START;
			return DATA_RUN;
		} else {
			data_run(d, in, run_out);
			return DATA_RUN;
		}
	}
	return DATA_MORE;
}

/* A CR ended the piece before: now it is known what it was. */
static struct span
held_cr_give(struct lines *l, struct span *in)
{
	l->held_cr = false;
	l->mid_line = true;
	if (in->n > 0 && in->p[0] == '\n') {
		l->mid_line = false;
		take(in, 1);
		return l->flags & LINES_LF ? span_from(crlf_run, 1) : crlf_run;
	}
	return l->flags & LINES_FIX_CR ? blank_run : cr_run;
}

/* What stands at the front and cannot go out as it is. True: *RUN stands for it; false: there is
 * none (more). */
static bool
front_give(struct lines *l, struct span *in, struct span *run_out)
{
	if ((l->flags & LINES_DOTS) && !l->mid_line && !l->dot_done && in->p[0] == '.') {
		l->dot_done = true;
		*run_out = dot_run;
		return true;
	}
	if ((l->flags & LINES_CRLF) && in->p[0] == '\n') {
		take(in, 1);
		l->mid_line = false;
		*run_out = crlf_run;
		return true;
	}
	if (in->p[0] != '\r')
		return false;
	if (in->n == 1) {
		take(in, 1);
		l->held_cr = true;
	} else if ((l->flags & LINES_LF) && in->p[1] == '\n') {
		take(in, 1);
	} else if ((l->flags & LINES_FIX_CR) && in->p[1] != '\n') {
		take(in, 1);
		l->mid_line = true;
		*run_out = blank_run;
		return true;
	}
	return false;
}

/*
 * The next LF from AT on or, where CRs matter, the next CR or LF; in.n when there is none. In
 * blocks, since looking for one far ahead of the other, again and again, would take time that is
 * the square of the input.
 */
static size_t
break_find(const struct lines *l, struct span in, size_t at)
{
	const char *lf;
	const char *cr;

	if (!(l->flags & LINES_FIX_CR))
		return at + span_find(span_from(in, at), '\n');
	for (; at < in.n; at += BREAK_BLOCK) {
		size_t n = size_min(BREAK_BLOCK, in.n - at);

		lf = memchr(in.p + at, '\n', n);
		cr = memchr(in.p + at, '\r', lf ? (size_t)(lf - (in.p + at)) : n);
		if (cr || lf)
			return (size_t)((cr ? cr : lf) - in.p);
	}
	return in.n;
}

/* How far from AT on all can go out as it is: behind the line's end, or (*STOP) up to what
 * front_give must see. */
static size_t
line_extent(const struct lines *l, struct span in, size_t at, bool *stop)
{
	size_t end = break_find(l, in, at);
	bool pair;

	*stop = true;
	if (end == in.n)
		return end - (in.p[end - 1] == '\r');
	if (in.p[end] == '\r') {
		pair = end + 1 < in.n && in.p[end + 1] == '\n';
		if (!pair || (l->flags & LINES_LF))
			return end;
		end++;
	} else {
		pair = end > at && in.p[end - 1] == '\r';
		if (pair && (l->flags & LINES_LF))
			return end - 1;
		if (!pair && (l->flags & LINES_CRLF))
			return end;
	}
	*stop = false;
	return end + 1;
}

/* The longest run from the front that needs no change. */
static size_t
run_extent(const struct lines *l, struct span in)
{
	size_t at = 0;
	bool stop = false;

	while (at < in.n && !stop) {
		at = line_extent(l, in, at, &stop);
		if ((l->flags & LINES_DOTS) && at < in.n && in.p[at] == '.')
			break;
	}
	return at;
}

bool
lines_next(struct lines *l, struct span *in, struct span *run_out)
{
	size_t n;

	while (in->n > 0) {
		if (l->held_cr) {
			*run_out = held_cr_give(l, in);
			return true;
		}
		if (front_give(l, in, run_out))
			return true;
		n = run_extent(l, *in);
		if (n == 0)
			continue;
		*run_out = span_head(*in, n);
		take(in, n);
		l->mid_line = run_out->p[n - 1] != '\n';
		l->dot_done = false;
		return true;
	}
	return false;
}

bool
lines_end(struct lines *l, struct span *run_out)
{
	struct span none = { 0 };

	if (l->held_cr) {
		*run_out = held_cr_give(l, &none);
		return true;
	}
	if (!(l->flags & LINES_DOTS))
		return false;
	*run_out = l->mid_line ? crlf_end_run : end_run;
	l->flags = 0;
	return true;
}

bool
lines_put(struct lines *l, struct span in, struct str *out)
{
	struct span run;

	while (lines_next(l, &in, &run))
		str_put(out, run);
	return !out->full;
}

size_t
lines_count_bare_lf(struct span in, bool cr)
{
	size_t count = 0;
	size_t at = 0;

	while (at < in.n) {
		const char *lf = memchr(in.p + at, '\n', in.n - at);

		if (!lf)
			break;
		at = (size_t)(lf - in.p);
		count += at > 0 ? in.p[at - 1] != '\r' : !cr;
		at++;
	}
	return count;
}
