/*
 * Streams: a connected socket (plain or TLS) with calls that read like blocking ones and suspend
 * only the fiber. A buffer exists while there is something in it: a session that waits for its peer
 * owns none. What is written is gathered until stream_flush, or until a read has to wait: then it
 * is flushed first, so a dialogue cannot deadlock on a forgotten flush and pipelined replies leave
 * in one segment.
 */
#ifndef EVENT_STREAM_H
#define EVENT_STREAM_H

#include <sys/types.h>

#include "event/fiber.h"

/*
 * Verdicts of all calls that wait: VERDICT_TIMEOUT, VERDICT_CANCELLED, and VERDICT_EOF when the
 * peer has closed or reset the connection. What is already here is delivered before any of them.
 * After a write that had to wait was cut short by one, the peer has part of it: further writes are
 * VERDICT_EOF.
 */
struct stream;
struct tls_context;
struct tls_info;

/* Takes FD (a connected stream socket), makes it non-blocking. */
struct stream *stream_new(int fd);
/* Flushes nothing; closes the descriptor and, for TLS, sends close_notify if that does not wait. */
void stream_free(struct stream *s);
/* The descriptor, still the stream's. */
int stream_fd(const struct stream *s);
/* Gives the descriptor away (plain streams with no unread input alone; -1 otherwise) and frees the
 * stream. */
int stream_release(struct stream *s);

/*
 * A line without its end; valid until the next call that reads. ENDS: see enum line_end.
 * VERDICT_LIMIT: no line end within MAX bytes, the end counted (RFC 5321 4.5.3.1.4 counts so), at
 * most LIMIT_STREAM_READ (nothing is taken: stream_skip_line goes on). VERDICT_EOF: the peer
 * closed; bytes of an unfinished line are lost. VERDICT_TIMEOUT: the deadline passed before the
 * whole line was there.
 */
enum line_end {
	LINE_CRLF,    /* only CR LF ends a line; a bare CR or LF is part of it (RFC 5321 2.3.8) */
	LINE_LENIENT, /* LF ends a line, one CR before it is dropped */
	LINE_STRICT,  /* LF ends a line; one that no CR precedes stays in it, for the caller to
			 refuse */
};
SUSPENDS enum verdict stream_read_line(
    struct stream *s, enum line_end ends, size_t max, uint64_t deadline, struct span *line_out);
/* Drops input up to and including the next line end, however long the line. */
SUSPENDS enum verdict stream_skip_line(struct stream *s, enum line_end ends, uint64_t deadline);
/*
 * What is there, at least one byte, at most MAX; valid until the next call that reads.
 * stream_unread gives the last N of them back.
 */
SUSPENDS enum verdict stream_read_some(
    struct stream *s, size_t max, uint64_t deadline, struct span *out);
void stream_unread(struct stream *s, size_t n);
/* Exactly N bytes into P. After any other verdict, as many as had come are lost. */
SUSPENDS enum verdict stream_read_full(struct stream *s, void *p, size_t n, uint64_t deadline);
/* Whole input buffered now, without waiting or taking it: has the client pipelined? */
struct span stream_buffered(const struct stream *s);
/* Bytes ever received, those still buffered too. */
uint64_t stream_received(const struct stream *s);
/*
 * Has the peer closed or reset? Looks without waiting or taking anything. True as soon as the peer
 * has closed its sending side, though input from before may still be unread.
 */
bool stream_peer_gone(struct stream *s);
/* Waits for input without taking it; VERDICT_ABSENT: there is none, and stream_nudge was called. */
SUSPENDS enum verdict stream_wait_input(struct stream *s, uint64_t deadline);
/* Ends a wait for input that has nothing left to write; without one it does nothing. */
void stream_nudge(struct stream *s);

/*
 * Gathers; sends by itself what does not have to wait when much has been gathered, and waits when
 * LIMIT_STREAM_WRITE is reached. One stream_printf makes less than that (else VERDICT_LIMIT).
 */
SUSPENDS enum verdict stream_write(struct stream *s, struct span bytes);
SUSPENDS enum verdict stream_printf(struct stream *s, const char *fmt, ...) PRINTF(2, 3);
SUSPENDS enum verdict stream_flush(struct stream *s, uint64_t deadline);
/* Each wait of stream_write and of the flush before a read is bounded by this many ms (default 300
 * s). */
void stream_set_write_timeout(struct stream *s, uint64_t ms);
/*
 * Sends N bytes of FILE from offset AT: sendfile(2) where nothing has to be changed, else through
 * the buffer. VERDICT_TEMP: the file could not be read or ended early; the peer has got less than N
 * bytes and cannot know it.
 */
SUSPENDS enum verdict stream_send_file(
    struct stream *s, int file, off_t at, size_t n, uint64_t deadline);

/*
 * From here on TLS. Every byte already buffered is dropped (RFC 3207 4.2: nothing said before the
 * handshake may act after it); *DROPPED_OUT says how many, for the log. ERR says why a handshake
 * failed, in OpenSSL's words.
 */
SUSPENDS enum verdict stream_start_tls_server(struct stream *s, struct tls_context *ctx,
    uint64_t deadline, size_t *dropped_out, struct err *err);
/* NAME: the server name to send (SNI) and, when the context verifies names, to match; empty: none.
 */
SUSPENDS enum verdict stream_start_tls_client(struct stream *s, struct tls_context *ctx,
    struct span name, uint64_t deadline, struct err *err);
/* NULL on a plain stream. */
const struct tls_info *stream_tls(const struct stream *s);

/* A pair of connected streams in one process, for tests. */
void stream_pair(struct stream **a_out, struct stream **b_out);

#endif
