/*
 * Writing to streams: gathering, flushing, files. Called by every session. What is gathered leaves
 * in one call with the bytes that made it too much. SEND_EARLY bytes are sent if that does not
 * wait, so that a long answer neither piles up nor is copied; only LIMIT_STREAM_WRITE makes a
 * writer wait. Never raises SIGPIPE.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/sendfile.h>

#include "base/sys.h"
#include "event/stream_internal.h"

#define SEND_EARLY 32768 /* bytes: two TLS records, half a GSO segment */

static void
output_take(struct stream *s, size_t n)
{
	s->out.at += n;
	if (buffer_size(&s->out) == 0)
		buffer_free(&s->out);
}

/* One call: what is gathered, then TAIL. DONE when at least one byte went. */
static enum transport_result
push(struct stream *s, struct span *tail)
{
	struct span gathered = buffer_span(&s->out);
	struct iovec v[2];
	int count = 0;
	enum transport_result r;
	size_t sent = 0, from_out;

	if (gathered.n) {
		v[count].iov_base = s->out.p + s->out.at;
		v[count++].iov_len = gathered.n;
	}
	if (tail->n) {
		/* writev's type lacks the const that its meaning has */
		memcpy(&v[count].iov_base, &tail->p, sizeof(tail->p));
		v[count++].iov_len = tail->n;
	}
	r = s->transport->ops->write(s->transport, v, count, &sent);
	if (r == TRANSPORT_DONE) {
		from_out = size_min(sent, gathered.n);
		output_take(s, from_out);
		*tail = span_from(*tail, sent - from_out);
	}
	return r;
}

/* Sends until at most KEEP bytes are left. Each wait ends at DEADLINE, and after MAX_WAIT ns. */
SUSPENDS
static enum verdict
drain(struct stream *s, struct span *tail, size_t keep, uint64_t deadline, uint64_t max_wait)
{
	enum transport_result r;
	enum verdict v = VERDICT_OK;

	while (!s->broken && v == VERDICT_OK) {
		if (buffer_size(&s->out) + tail->n == 0)
			return VERDICT_OK;
		r = push(s, tail);
		if (r == TRANSPORT_DONE) {
			v = stream_stay_fair(s);
		} else if (r == TRANSPORT_EOF || r == TRANSPORT_ERROR) {
			s->broken = true;
		} else if (buffer_size(&s->out) + tail->n <= keep) {
			return VERDICT_OK;
		} else {
			uint64_t end = max_wait ? time_mono() + max_wait : DEADLINE_NEVER;

			v = stream_await(s, r, end < deadline ? end : deadline);
		}
	}
	if (s->broken)
		buffer_free(&s->out);
	return v == VERDICT_OK ? VERDICT_EOF : v;
}

/* Until no fiber is amid bytes of its own. */
SUSPENDS
static enum verdict
turn_wait(struct stream *s, uint64_t deadline)
{
	enum verdict v = VERDICT_OK;

	while (s->writing && v == VERDICT_OK)
		v = waitq_wait(&s->turn, deadline);
	return v;
}

static void
turn_end(struct stream *s)
{
	s->writing = false;
	waitq_wake_all(&s->turn);
}

SUSPENDS
static enum verdict
write_turn(struct stream *s)
{
	if (!s->writing)
		return VERDICT_OK;
	return turn_wait(s, time_mono() + s->write_wait);
}

/* The bytes may not all fit: they are sent from where they lie, and what is left when that would
 * wait is gathered. */
SUSPENDS
static enum verdict
write_through(struct stream *s, struct span bytes)
{
	enum verdict v;

	s->writing = true;
	v = drain(s, &bytes, LIMIT_STREAM_WRITE, DEADLINE_NEVER, s->write_wait);
	if (v == VERDICT_OK)
		buffer_append(&s->out, bytes);
	else
		s->broken = true;
	turn_end(s);
	return v;
}

SUSPENDS
enum verdict
stream_write(struct stream *s, struct span bytes)
{
	enum verdict v = write_turn(s);

	if (v != VERDICT_OK)
		return v;
	if (s->broken)
		return VERDICT_EOF;
	if (buffer_size(&s->out) + bytes.n >= SEND_EARLY)
		return write_through(s, bytes);
	buffer_append(&s->out, bytes);
	return VERDICT_OK;
}

SUSPENDS
enum verdict
stream_printf(struct stream *s, const char *fmt, ...)
{
	va_list ap, again;
	enum verdict v = write_turn(s);
	size_t n, room;

	if (v != VERDICT_OK)
		return v;
	if (s->broken)
		return VERDICT_EOF;
	va_start(ap, fmt);
	va_copy(again, ap);
	buffer_room(&s->out, 256, buffer_size(&s->out) * 2);
	room = s->out.cap - s->out.end;
	n = (size_t)vsnprintf(s->out.p + s->out.end, room, fmt, ap);
	if (n >= room && n < LIMIT_STREAM_WRITE) {
		buffer_room(&s->out, n + 1, buffer_size(&s->out) * 2);
		vsnprintf(s->out.p + s->out.end, n + 1, fmt, again);
	}
	va_end(again);
	va_end(ap);
	if (n >= LIMIT_STREAM_WRITE)
		return VERDICT_LIMIT;
	buffer_grew(&s->out, n);
	if (buffer_size(&s->out) < SEND_EARLY)
		return VERDICT_OK;
	return write_through(s, span_of(NULL, 0));
}

SUSPENDS
enum verdict
stream_flush(struct stream *s, uint64_t deadline)
{
	struct span none = span_of(NULL, 0);
	enum verdict v = turn_wait(s, deadline);

	if (v != VERDICT_OK)
		return v;
	s->flushing++;
	v = drain(s, &none, 0, deadline, 0);
	s->flushing--;
	return v;
}

SUSPENDS
enum verdict
stream_flush_for_read(struct stream *s, uint64_t deadline)
{
	struct span none = span_of(NULL, 0);

	/* Another fiber that is writing flushes for both; who reads goes on reading meanwhile, or
	 * two peers that both send much would wait for each other. */
	if (s->writing || s->flushing || buffer_size(&s->out) == 0)
		return VERDICT_OK;
	return drain(s, &none, 0, deadline, s->write_wait);
}

void
stream_set_write_timeout(struct stream *s, uint64_t ms)
{
	s->write_wait = ms * NS_PER_MS;
}

/* Through the buffer: transports that change bytes, and files so small that they go with what is
 * gathered. */
SUSPENDS
static enum verdict
file_copy(struct stream *s, int file, off_t at, size_t n, uint64_t deadline)
{
	struct span none = span_of(NULL, 0);
	enum verdict v = VERDICT_OK;

	while (n > 0 && v == VERDICT_OK) {
		size_t want = size_min(n, SEND_EARLY);
		ssize_t got;

		buffer_room(&s->out, want, 0);
		got = sys_pread(file, s->out.p + s->out.end, want, at);
		if (got <= 0)
			return VERDICT_TEMP;
		buffer_grew(&s->out, (size_t)got);
		at += got;
		n -= (size_t)got;
		if (buffer_size(&s->out) >= SEND_EARLY)
			v = drain(s, &none, SEND_EARLY, deadline, 0);
	}
	return v;
}

SUSPENDS
static enum verdict
file_send(struct stream *s, int file, off_t at, size_t n, uint64_t deadline)
{
	struct span none = span_of(NULL, 0);
	enum verdict v = drain(s, &none, 0, deadline, 0);

	while (n > 0 && v == VERDICT_OK) {
		ssize_t sent = sendfile(stream_fd(s), file, &at, n);

		if (sent > 0) {
			n -= (size_t)sent;
			v = stream_stay_fair(s);
		} else if (sent < 0 && errno == EAGAIN) {
			v = stream_await(s, TRANSPORT_WANT_WRITE, deadline);
		} else if (sent == 0 || errno == EIO) {
			return VERDICT_TEMP;
		} else if (errno != EINTR) {
			return VERDICT_EOF;
		}
	}
	return v;
}

SUSPENDS
enum verdict
stream_send_file(struct stream *s, int file, off_t at, size_t n, uint64_t deadline)
{
	enum verdict v = turn_wait(s, deadline);

	if (v != VERDICT_OK)
		return v;
	if (s->broken)
		return VERDICT_EOF;
	s->writing = true;
	if (s->transport->ops->verbatim && n > SEND_EARLY)
		v = file_send(s, file, at, n, deadline);
	else
		v = file_copy(s, file, at, n, deadline);
	if (v != VERDICT_OK)
		s->broken = true;
	turn_end(s);
	return v;
}
