/*
 * Reading from streams: lines, runs of bytes, what is there. Called by every session. Each byte of
 * a line is looked at once, however it dribbles in. The buffer is given back before a wait if
 * nothing is left in it, and its size follows the peer: 4 KiB in a dialogue, LIMIT_STREAM_READ
 * while a message comes. Line ends: RFC 5321 2.3.8.
 */
#include "config.h"

#include "event/loop_internal.h"
#include "event/stream_internal.h"

#define READ_SIZE_MIN 4096

static void
input_take(struct stream *s, size_t n)
{
	s->in.at += n;
	s->scanned = 0;
}

static bool
may_read(const struct stream *s)
{
	const struct stream_transport *t = s->transport;

	return s->watch.readable || (t->ops->pending && t->ops->pending(t) > 0);
}

/* Bytes came fast or slowly: the next buffer is made for that. */
static void
read_size_follow(struct stream *s, size_t room, size_t got)
{
	if (got == room && s->read_size < LIMIT_STREAM_READ)
		s->read_size *= 2;
	else if (got < s->read_size / 8 && s->read_size > READ_SIZE_MIN)
		s->read_size /= 2;
}

/* One wait of a read: what was written goes out first, so that the peer has something to answer. */
SUSPENDS
static enum verdict
read_await(struct stream *s, enum transport_result want, uint64_t deadline)
{
	enum verdict v;

	/* Now, and not after the flush: what it waits for may be there by then, and is told once.
	 */
	stream_exhausted(s, want);
	v = stream_flush_for_read(s, deadline);
	if (v == VERDICT_TIMEOUT || v == VERDICT_CANCELLED)
		return v;
	/* A peer that takes nothing more may still have said something. */
	if (buffer_size(&s->in) == 0)
		buffer_free(&s->in);
	return stream_wait(s, want, deadline);
}

/* At least one byte more: into P (at most N), or into the buffer when P is NULL. */
SUSPENDS
static enum verdict
stream_pull(struct stream *s, char *p, size_t n, uint64_t deadline, size_t *n_out)
{
	enum transport_result r;
	enum verdict v = stream_stay_fair(s);

	s->returned = 0;
	while (v == VERDICT_OK && !s->eof) {
		r = TRANSPORT_WANT_READ;
		if (may_read(s) && p) {
			r = s->transport->ops->read(s->transport, p, n, n_out);
		} else if (may_read(s)) {
			buffer_room(&s->in, 1, s->read_size);
			n = size_min(s->in.cap - s->in.end, LIMIT_STREAM_READ);
			r = s->transport->ops->read(s->transport, s->in.p + s->in.end, n, n_out);
		}
		if (r == TRANSPORT_DONE) {
			s->received += *n_out;
			return VERDICT_OK;
		}
		if (r == TRANSPORT_EOF || r == TRANSPORT_ERROR)
			s->eof = true;
		else
			v = read_await(s, r, deadline);
	}
	return v == VERDICT_OK ? VERDICT_EOF : v;
}

/* At least one byte more in the buffer. */
SUSPENDS
static enum verdict
stream_fill(struct stream *s, uint64_t deadline)
{
	enum verdict v;
	size_t got = 0;

	if (buffer_size(&s->in) == 0)
		s->in.at = s->in.end = 0;
	v = stream_pull(s, NULL, 0, deadline, &got);
	if (v != VERDICT_OK)
		return v;
	read_size_follow(s, s->in.cap - s->in.end, got);
	buffer_grew(&s->in, got);
	return VERDICT_OK;
}

/* The number of bytes up to and including the first line end, 0 when there is none yet. */
static size_t
line_find(struct stream *s, enum line_end ends)
{
	struct span in = buffer_span(&s->in);
	size_t from = s->ends == ends ? s->scanned : 0;
	const char *lf;

	s->ends = ends;
	while (from < in.n && (lf = memchr(in.p + from, '\n', in.n - from)) != NULL) {
		size_t at = (size_t)(lf - in.p);

		if (ends != LINE_CRLF || (at > 0 && in.p[at - 1] == '\r')) {
			s->scanned = at; /* found again in one step if it is not taken */
			return at + 1;
		}
		from = at + 1;
	}
	s->scanned = in.n;
	return 0;
}

/* LINE without its end. */
static struct span
line_trim(struct span line, enum line_end ends)
{
	size_t end = line.n > 1 && line.p[line.n - 2] == '\r' ? 2 : 1;

	if (ends == LINE_STRICT && end == 1)
		return line;
	return span_head(line, line.n - end);
}

SUSPENDS
enum verdict
stream_read_line(
    struct stream *s, enum line_end ends, size_t max, uint64_t deadline, struct span *line_out)
{
	enum verdict v;
	size_t n;

	assert(max <= LIMIT_STREAM_READ);
	s->returned = 0;
	while ((n = line_find(s, ends)) == 0) {
		if (buffer_size(&s->in) >= max)
			return VERDICT_LIMIT;
		v = stream_fill(s, deadline);
		if (v != VERDICT_OK)
			return v;
	}
	if (n > max)
		return VERDICT_LIMIT;
	*line_out = line_trim(span_head(buffer_span(&s->in), n), ends);
	input_take(s, n);
	return VERDICT_OK;
}

SUSPENDS
enum verdict
stream_skip_line(struct stream *s, enum line_end ends, uint64_t deadline)
{
	enum verdict v;
	size_t n;

	s->returned = 0;
	while ((n = line_find(s, ends)) == 0) {
		size_t have = buffer_size(&s->in);

		/* A CR at the end may be the first half of the line end. */
		if (have && s->in.p[s->in.end - 1] == '\r')
			have--;
		input_take(s, have);
		v = stream_fill(s, deadline);
		if (v != VERDICT_OK)
			return v;
	}
	input_take(s, n);
	return VERDICT_OK;
}

SUSPENDS
enum verdict
stream_read_some(struct stream *s, size_t max, uint64_t deadline, struct span *out)
{
	enum verdict v;

	assert(max > 0);
	if (buffer_size(&s->in) == 0) {
		v = stream_fill(s, deadline);
		if (v != VERDICT_OK)
			return v;
	}
	*out = span_head(buffer_span(&s->in), max);
	input_take(s, out->n);
	s->returned = out->n;
	return VERDICT_OK;
}

void
stream_unread(struct stream *s, size_t n)
{
	assert(n <= s->returned);
	s->in.at -= n;
	s->returned -= n;
	s->scanned = 0;
}

SUSPENDS
enum verdict
stream_read_full(struct stream *s, void *p, size_t n, uint64_t deadline)
{
	struct span have = span_head(buffer_span(&s->in), n);
	char *to = p;
	enum verdict v;
	size_t got;

	if (have.n)
		memcpy(to, have.p, have.n);
	input_take(s, have.n);
	s->returned = 0;
	to += have.n;
	n -= have.n;
	/* What is left is read to where it belongs, unless that would be a call for a few bytes. */
	while (n >= READ_SIZE_MIN) {
		v = stream_pull(s, to, n, deadline, &got);
		if (v != VERDICT_OK)
			return v;
		to += got;
		n -= got;
	}
	while (n > 0) {
		v = stream_read_some(s, n, deadline, &have);
		if (v != VERDICT_OK)
			return v;
		memcpy(to, have.p, have.n);
		to += have.n;
		n -= have.n;
	}
	return VERDICT_OK;
}

struct span
stream_buffered(const struct stream *s)
{
	return buffer_span(&s->in);
}

SUSPENDS
enum verdict
stream_wait_input(struct stream *s, uint64_t deadline)
{
	return buffer_size(&s->in) ? VERDICT_OK : stream_fill(s, deadline);
}

void
stream_nudge(struct stream *s)
{
	waitq_end_all(&s->watch.readers, VERDICT_ABSENT);
}
