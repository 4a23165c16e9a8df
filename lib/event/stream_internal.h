/*
 * What stream.c, stream_read.c and stream_write.c share. Nobody else includes this.
 */
#ifndef EVENT_STREAM_INTERNAL_H
#define EVENT_STREAM_INTERNAL_H

#include "event/stream_transport.h"

/* Bytes between `at` and `end`; owns no memory while there are none, but for input that a caller
 * still looks at. */
struct buffer {
	char *p;
	size_t at;
	size_t end;
	size_t cap;
	size_t high; /* bytes ever written: to be wiped, since passwords pass here */
};

struct stream {
	struct stream_transport *transport;
	struct fdwatch watch;
	struct buffer in;
	struct buffer out;
	size_t scanned;	  /* bytes of input known to hold no line end of the kind last looked for */
	size_t returned;  /* bytes stream_read_some gave last: may come back */
	size_t read_size; /* of the next buffer for input: follows how fast it comes */
	uint64_t write_wait; /* ns */
	struct waitq turn;   /* those who want to write while `writing` */
	const struct tls_info *tls;
	uint64_t received;  /* bytes that the transport gave */
	unsigned flushing;  /* fibers in stream_flush */
	unsigned streak;    /* calls that moved bytes since this stream last waited */
	enum line_end ends; /* what `scanned` is about */
	bool eof;	    /* nothing more comes */
	bool broken;	    /* nothing more goes */
	bool writing; /* a fiber is amid bytes that are not in `out`: others keep theirs back */
};

static inline size_t
buffer_size(const struct buffer *b)
{
	return b->end - b->at;
}

static inline struct span
buffer_span(const struct buffer *b)
{
	return span_of(b->p ? b->p + b->at : NULL, b->end - b->at);
}

/* At least MIN free bytes behind the end; a buffer that has to be made or to grow gets room for
 * SIZE if that is more. */
void buffer_room(struct buffer *b, size_t min, size_t size);
/* N bytes were written into the room. */
void buffer_grew(struct buffer *b, size_t n);
void buffer_append(struct buffer *b, struct span bytes);
/* Wiped and given back. */
void buffer_free(struct buffer *b);

/*
 * Waits for what a transport wanted. The two halves of it are for who suspends between: what is
 * exhausted must be said before that, since readiness is told once and may come meanwhile.
 */
SUSPENDS enum verdict stream_await(struct stream *s, enum transport_result want, uint64_t deadline);
void stream_exhausted(struct stream *s, enum transport_result want);
SUSPENDS enum verdict stream_wait(struct stream *s, enum transport_result want, uint64_t deadline);
/* Counts a call that moved bytes without waiting; lets others run when there were many. */
SUSPENDS enum verdict stream_stay_fair(struct stream *s);
/* Flushes what is gathered, before a read waits; each wait bounded by DEADLINE and the write
 * timeout. */
SUSPENDS enum verdict stream_flush_for_read(struct stream *s, uint64_t deadline);

#endif
