/*
 * Inside lib/ipc: the channel and what its parts say to each other. input.c reads, output.c writes,
 * request.c serves calls of the peer, call.c makes ours, channel.c begins and ends it. One fiber
 * reads; a second exists only while the socket is full. Whoever finds the channel broken calls
 * channel_break, at any place: the reading fiber then ends it.
 */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include "base/str.h"
#include "ipc/frame.h"
#include "ipc/ipc.h"

#define IPC_SPARE_BUFFERS  4   /* kept for the next channel that has something to read or send */
#define IPC_SPARE_REQUESTS 256 /* kept for the next message: one arena block of 1 KiB each */

struct ipc {
	uint64_t generation;
	struct list unsent; /* channels with frames gathered in this turn */
	struct list idle_requests;
	unsigned idle_requests_n;
	struct str spare[IPC_SPARE_BUFFERS];
	unsigned spare_n;
	bool giving; /* the descriptors of the message on its way into a channel are not the
			caller's */
	ipc_trace_fn *trace;
	void *trace_arg;
};

enum channel_state {
	CHANNEL_OPEN,
	CHANNEL_DRAINING, /* only what is queued is still sent */
	CHANNEL_BROKEN, /* nothing is sent or read any more; the reading fiber is on its way out */
};

/* Descriptors of the frame that begins at byte AT of all bytes ever queued. */
struct cargo {
	uint64_t at;
	unsigned fds_n;
	int fds[LIMIT_IPC_FDS];
};

struct ipc_channel {
	struct ipc *ipc;
	const struct ipc_service *service;
	void *arg;
	ipc_gone_fn *also_gone; /* ipc_on_gone */
	void *also_gone_arg;
	uint32_t tag;
	struct ipc_acceptor *acceptor; /* NULL: opened by ipc_open */
	enum channel_state state;
	struct err why; /* it broke */
	struct fdwatch watch;
	struct fiber *reader;
	uint64_t begun; /* monotonic ns: since when it waits for hello, or for the rest of a frame;
			   0: neither */
	uint64_t peer_generation;
	uint32_t peer_pid;
	uid_t peer_uid;
	bool greeted;	/* the peer's hello has come */
	bool writing;	/* the writing fiber lives */
	bool ended;	/* the reading fiber is done: who comes last frees */
	bool retired;	/* the peer wants no more calls: to be closed after the last answer */
	bool deaf;	/* the peer takes no more bytes; what it has sent is still read */
	bool last_read; /* deaf, and woken to read what is there */

	struct str in;
	size_t in_at;  /* bytes of it already used up */
	unsigned runs; /* reads in a row without waiting */
	unsigned in_fds_n;
	bool in_fds_more;		  /* the last frame with descriptors said so */
	int in_fds[2 * LIMIT_IPC_BESIDE]; /* came, and belong to frames not yet used up (input.c) */

	struct str out;
	size_t out_at;	   /* bytes of it already sent */
	uint64_t out_base; /* what out.p[0] is, of all bytes ever queued */
	struct cargo *cargo;
	size_t cargo_at;
	size_t cargo_n;
	size_t cargo_cap;
	struct list unsent; /* on ipc->unsent */

	struct list pending;  /* our calls, oldest first */
	struct list answered; /* those whose reply nobody has taken yet */
	unsigned calls;	      /* not yet answered, those forgotten too */
	unsigned forgotten;
	uint32_t last_id;

	struct list requests; /* the peer's, not yet ended */
	unsigned requests_n;
	size_t held; /* bytes of them */
	struct waitq relief;
};

/* channel.c */
/* Nothing comes or goes any more; whoever waits for the peer is woken. The first reason stands. */
void channel_break(struct ipc_channel *ch, const char *fmt, ...) PRINTF(2, 3);
struct ipc_channel *channel_open(struct ipc *ipc, int fd, const struct ipc_service *service,
    struct ipc_acceptor *acceptor, void *arg);
/* Frees it when no fiber of it is left. */
void channel_release(struct ipc_channel *ch);
void channel_trace(struct ipc_channel *ch, bool sent, uint64_t trace, const struct ipc_type *type,
    const void *msg);

/* Closes a channel that the peer has retired, if no call waits for its answer. */
void channel_settle(struct ipc_channel *ch);

/* ipc.c */
void ipc_take_buffer(struct ipc *ipc, struct str *buffer, size_t max);
void ipc_give_buffer(struct ipc *ipc, struct str *buffer);
void fds_close(int *fds, unsigned n);

/* input.c: until the channel is broken. */
SUSPENDS void input_run(struct ipc_channel *ch);
void input_drop(struct ipc_channel *ch);

/* output.c */
/* The descriptors of the next message queued with any are the channel's: between these two. */
void output_give(struct ipc *ipc);
void output_given(struct ipc *ipc, const struct ipc_type *type, const void *msg);
/* Queues one frame. VERDICT_TEMP: the channel is gone, no descriptor is left; else as ipc_measure.
 */
enum verdict output_put(struct ipc_channel *ch, const struct ipc_type *type, uint32_t id,
    uint64_t trace, const void *msg, struct err *err);
/* Sends what the socket takes. */
void output_flush(struct ipc_channel *ch);
void output_drop(struct ipc_channel *ch);

/* call.c */
/* A reply has come; FDS are taken. */
void call_answer(struct ipc_channel *ch, const struct ipc_type *type, const struct frame *f,
    struct span body, int *fds);
void call_fail_all(struct ipc_channel *ch);

/* request.c */
bool request_laden(const struct ipc_channel *ch);
/* A call or a note has come; FDS are taken. */
void request_take(struct ipc_channel *ch, const struct ipc_permit *permit, const struct frame *f,
    struct span body, int *fds);
void request_detach_all(struct ipc_channel *ch);
void request_pool_free(struct ipc *ipc);

/* failed.c: struct err on the wire. What DSN_TEXT holds must live as long as MSG. */
void failed_from_err(const struct err *err, char dsn_text[12], struct msg_failed *out);
bool failed_to_err(const struct msg_failed *msg, struct err *err);

/* acceptor.c */
void acceptor_gone(struct ipc_acceptor *a);

#endif
