/*
 * Messages between processes: declared in messages.def, carried over Unix stream sockets with
 * descriptors beside them. A channel is one connection with one peer whose role is known from where
 * the socket came from (master made it, or it was accepted from a public socket), never from what
 * the peer says. Frames leave at the end of a loop turn, together.
 *
 * Strict: a frame that is too long, has a wrong length inside, an unknown number, a number this
 * role may not send now, descriptors that it should not have or of another kind, closes the
 * channel; nothing of it is acted on.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <sys/types.h>

#include "base/arena.h"
#include "event/fiber.h"
#include "ipc/types.h"

#define IPC_VERSION 1

/* What the channels of a process share: buffers, the list of those with frames to send, the
 * generation. */
struct ipc;
struct ipc_channel;
/* One request being answered. Lives from the handler's call to the reply, on any fiber. */
struct ipc_request;

/* GENERATION: of this process's configuration, said in each hello. After loop_init. */
struct ipc *ipc_new(uint64_t generation);
/* After loop_fini: by then no channel is left. */
void ipc_free(struct ipc *ipc);
/* For a process that swaps its configuration live: channels opened from now on say so. */
void ipc_set_generation(struct ipc *ipc, uint64_t generation);

/* Each message as it is sent or taken: PEER is the role's name. ipc_print (ipc/codec.h) makes a
 * line of it. */
typedef void ipc_trace_fn(const char *peer, bool sent, uint64_t trace, const struct ipc_type *type,
    const void *msg, void *arg);
/* NULL: none. */
void ipc_set_trace(struct ipc *ipc, ipc_trace_fn *fn, void *arg);

/*
 * A message as it came: MSG is the struct of its type, in memory of its own, valid until the
 * request is ended. Runs on the channel's reading fiber, which reads nothing meanwhile: what waits
 * for long goes to a fiber of its own.
 */
typedef void ipc_handler_fn(struct ipc_request *req, const void *msg, void *arg);
/* The peer has greeted: the first call for a channel. Here ipc_set_arg gives a connection a state
 * of its own. */
typedef void ipc_opened_fn(struct ipc_channel *ch, void *arg);
/*
 * The channel is gone: the peer closed it, broke the protocol, or ipc_close was called. Also for
 * one that never opened. Must not suspend. Requests still unanswered have lost their channel; they
 * must still be ended.
 */
typedef void ipc_gone_fn(struct ipc_channel *ch, const char *why, void *arg);

/* What a peer of a role may send: the permit table and the dispatch are one. Calls and notes alone
 * stand here. */
struct ipc_permit {
	const struct ipc_type *type;
	ipc_handler_fn *handler;
};

struct ipc_service {
	const char *name; /* of the peer's role, for errors, logs and traces: static text */
	const struct ipc_permit *permits;
	size_t permits_n;
	ipc_opened_fn *opened; /* may be NULL */
	ipc_gone_fn *gone;     /* may be NULL */
};

/*
 * Takes FD (a connected Unix stream socket), sends hello, starts reading. ARG goes to handlers,
 * opened and gone. Both ends may call and may serve: SERVICE, which outlives the channel, says what
 * the peer may ask (NULL permits: nothing). NULL when LIMIT_FIBERS are alive; FD is closed then.
 * The channel frees itself after gone has run.
 */
struct ipc_channel *ipc_open(struct ipc *ipc, int fd, const struct ipc_service *service, void *arg);
/* One more to tell, after the service's own gone: for who holds a pointer to the channel. */
void ipc_on_gone(struct ipc_channel *ch, ipc_gone_fn *fn, void *arg);
/* Master's number for the process at the other end: who may redeem what is granted here. */
void ipc_set_tag(struct ipc_channel *ch, uint32_t tag);
uint32_t ipc_tag(const struct ipc_channel *ch);
/* Ends it after what is queued has been sent (for LIMIT_IPC_DRAIN seconds), or at once when DRAIN
 * is false. */
void ipc_close(struct ipc_channel *ch, bool drain);
/*
 * The peer is to make no more calls here (its next ones go over a channel of their own), and closes
 * this one when those it has made are answered. For servers whose channels have no state.
 */
void ipc_retire(struct ipc_channel *ch);
/* May calls be made? */
bool ipc_is_open(const struct ipc_channel *ch);
/* Bytes that wait to be sent: who streams many notes waits while there are too many
 * (LIMIT_IPC_OUTPUT ends the channel). */
size_t ipc_backlog(const struct ipc_channel *ch);
void *ipc_arg(const struct ipc_channel *ch);
void ipc_set_arg(struct ipc_channel *ch, void *arg);
/* The peer's pid and generation as its hello said (informational; 0 before it). */
uint32_t ipc_peer_pid(const struct ipc_channel *ch);
uint64_t ipc_peer_generation(const struct ipc_channel *ch);
/* The kernel's word for its uid (SO_PEERCRED); of a socketpair, that of the process which made the
 * pair. */
uid_t ipc_peer_uid(const struct ipc_channel *ch);

/*
 * Sends MSG (struct msg_* of TYPE) and waits for the reply, which must be of REPLY_TYPE: decoded
 * into *REPLY_OUT, its texts and lists in ARENA. ipc_failed comes back as its verdict and *ERR.
 * Descriptors in MSG are duplicated by sending and stay the caller's; those in the reply are the
 * caller's. VERDICT_TEMP: the channel broke, LIMIT_IPC_CALLS are open; VERDICT_TIMEOUT,
 * VERDICT_CANCELLED: the wait ended, a late reply is dropped; VERDICT_PERM: MSG breaks its bounds;
 * VERDICT_LIMIT: ARENA is full.
 */
SUSPENDS enum verdict ipc_call(struct ipc_channel *ch, uint64_t trace, const struct ipc_type *type,
    const void *msg, const struct ipc_type *reply_type, void *reply_out, struct arena *arena,
    uint64_t deadline, struct err *err);

/* The same without waiting for the reply yet: the slot lies in the caller, who must ipc_await or
 * ipc_forget it. */
struct ipc_pending {
	struct list node;
	struct ipc_channel *ch; /* NULL once it is gone */
	const struct ipc_type *reply_type;
	struct ipc_answer *answer;
	struct waitq wait;
	const char *peer;
	uint32_t id;
};
/* Never fails: what is wrong, ipc_await says. */
void ipc_send_call(struct ipc_channel *ch, uint64_t trace, const struct ipc_type *type,
    const void *msg, const struct ipc_type *reply_type, struct ipc_pending *slot);
/* Ends the slot, whatever the verdict. */
SUSPENDS enum verdict ipc_await(struct ipc_pending *slot, void *reply_out, struct arena *arena,
    uint64_t deadline, struct err *err);
/* Ends the slot; the reply is dropped when it comes. */
void ipc_forget(struct ipc_pending *slot);

/* A message without a reply. A channel that is gone takes none; one that cannot be sent closes the
 * channel. */
void ipc_note(struct ipc_channel *ch, uint64_t trace, const struct ipc_type *type, const void *msg);
/* The same; the descriptors in MSG are the channel's from now on, whatever comes of it. */
void ipc_note_giving(
    struct ipc_channel *ch, uint64_t trace, const struct ipc_type *type, const void *msg);

/* NULL once the channel is gone. */
struct ipc_channel *ipc_request_channel(const struct ipc_request *req);
uint64_t ipc_request_trace(const struct ipc_request *req);
/*
 * Takes the descriptor FD, a field of the message: it is the caller's from here on. Those that
 * nobody took are closed when the request ends.
 */
int ipc_request_take_fd(struct ipc_request *req, int fd);
/*
 * Exactly one of these ends a request that is a call; a note ends with ipc_done. REQ and its
 * message are gone then. Descriptors in MSG are duplicated and stay the caller's. A reply that
 * cannot be sent becomes ipc_failed.
 */
void ipc_reply(struct ipc_request *req, const struct ipc_type *type, const void *msg);
/* The same; the descriptors in MSG are the channel's from now on, whatever comes of it. */
void ipc_reply_giving(struct ipc_request *req, const struct ipc_type *type, const void *msg);
void ipc_fail(struct ipc_request *req, const struct err *err);
void ipc_done(struct ipc_request *req);

/* A connection to the public socket at PATH. VERDICT_TEMP: nobody listens there, or too many wait.
 */
enum verdict ipc_connect(const char *path, int *fd_out, struct err *err);
/* Two ends of one connection, non-blocking and close-on-exec: master makes them, and tests. 0, or
 * -1 with errno. */
int ipc_pair(int fds_out[2]);

/* A public socket: accepts connections and makes each a channel. */
struct ipc_acceptor;
/* FD, a listening Unix stream socket, stays the caller's. At most MAX channels are open; ARG is
 * what each begins with. */
struct ipc_acceptor *ipc_acceptor_start(
    struct ipc *ipc, int fd, unsigned max, const struct ipc_service *service, void *arg);
unsigned ipc_acceptor_open(const struct ipc_acceptor *a);
/* Accepts no more; the channels go on. */
void ipc_acceptor_stop(struct ipc_acceptor *a);
/* When ipc_acceptor_open is 0, or after loop_fini. */
void ipc_acceptor_free(struct ipc_acceptor *a);

#endif
