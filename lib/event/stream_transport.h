/*
 * The seam between a stream and what carries its bytes: the bare socket (stream_plain.c) or TLS
 * (tls_transport.c, in libtls.a). Internal to lib/event. A transport never waits: it says what it
 * waits for and stream.c does all waiting, buffering and deadlines. Its calls come on a fiber's
 * small stack: one that needs a deep stack goes through on_main_stack by itself.
 */
#ifndef EVENT_STREAM_TRANSPORT_H
#define EVENT_STREAM_TRANSPORT_H

#include <sys/uio.h>

#include "event/stream.h"

enum transport_result {
	TRANSPORT_DONE,	      /* some bytes moved, or the handshake is complete */
	TRANSPORT_WANT_READ,  /* recv(2) said EAGAIN: again when readable */
	TRANSPORT_WANT_WRITE, /* send(2) said EAGAIN: again when writable */
	TRANSPORT_EOF,	      /* the peer has closed, orderly or not */
	TRANSPORT_ERROR,      /* broken: only shutdown and free are called from now on */
};

struct stream_transport;

struct stream_transport_ops {
	/* NULL: none. Called again after each WANT until DONE; ERR is filled on EOF and ERROR. */
	enum transport_result (*handshake)(struct stream_transport *t, struct err *err);
	/* At least one byte and at most N (> 0) into P when DONE. */
	enum transport_result (*read)(struct stream_transport *t, void *p, size_t n, size_t *n_out);
	/*
	 * At least one byte when DONE; fewer than all is no error. V is not empty, nor is V[0]; a
	 * transport may look at V[0] alone. After a WANT the same bytes come again, perhaps at
	 * another address and with more behind them.
	 */
	enum transport_result (*write)(
	    struct stream_transport *t, const struct iovec *v, int count, size_t *n_out);
	/* NULL: none. Bytes that read gives without looking at the descriptor. */
	size_t (*pending)(const struct stream_transport *t);
	/* NULL: plain. Lives as long as the transport; called only after the handshake. */
	const struct tls_info *(*info)(const struct stream_transport *t);
	/* NULL: none. Says good-bye to the peer if that does not wait; the descriptor is closed
	 * afterwards. */
	void (*shutdown)(struct stream_transport *t);
	/* Does not close the descriptor, which is the stream's. */
	void (*free)(struct stream_transport *t);
	/* Bytes go to the descriptor as they are: sendfile(2) may be used. */
	bool verbatim;
};

/* The first member of each transport's own struct. */
struct stream_transport {
	const struct stream_transport_ops *ops;
};

/* The bare socket; freed by its ops->free. */
struct stream_transport *transport_plain_new(int fd);

/*
 * Puts another transport under a stream. Output gathered is flushed on the old one; every byte of
 * input already buffered is dropped, and counted in *DROPPED_OUT (which may be NULL); T's handshake
 * is driven until it is done. T becomes the stream's in any case. After any verdict but VERDICT_OK
 * the stream reads and writes VERDICT_EOF and is only good to be freed. VERDICT_PERM: the handshake
 * failed; VERDICT_EOF: the peer closed; both with ERR filled, as with VERDICT_TIMEOUT and
 * VERDICT_CANCELLED.
 */
SUSPENDS enum verdict stream_swap_transport(struct stream *s, struct stream_transport *t,
    uint64_t deadline, size_t *dropped_out, struct err *err);

#endif
