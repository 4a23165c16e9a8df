/*
 * Messages between processes: declared in messages.def, carried over Unix stream sockets with descriptors beside them.
 * A channel is one connection with one peer whose role is known from where the socket came from (master made it, or it
 * was accepted from a public socket), never from what the peer says. Frames leave at the end of a loop turn, together.
 *
 * Strict: a frame that is too long, has a wrong length inside, an unknown number, a number this role may not send now,
 * descriptors that it should not have or of another kind, closes the channel; nothing of it is acted on.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include "base/arena.h"
#include "event/fiber.h"
#include "ipc/types.h"

#define IPC_VERSION 1

struct ipc_channel;
/* One request being answered. Lives from the handler's call to the reply, on any fiber. */
struct ipc_request;

/* A message as it came: MSG is the struct of its type, in memory of its own, valid until the handler's reply. */
typedef void ipc_handler_fn(struct ipc_request *req, const void *msg, void *arg);
/* The channel is gone: the peer closed it, broke the protocol, or ipc_close was called. Requests still unanswered die with it. */
typedef void ipc_gone_fn(struct ipc_channel *ch, const char *why, void *arg);

/* What a peer of a role may send: the permit table and the dispatch are one. */
struct ipc_permit {
	const struct ipc_type *type;
	ipc_handler_fn *handler; /* on the channel's reading fiber: it must not suspend for long; spawn for that */
};

struct ipc_service {
	const char *name; /* of the peer's role, for logs and traces: static text */
	const struct ipc_permit *permits;
	size_t permits_n;
	ipc_gone_fn *gone; /* may be NULL */
};

/*
 * Takes FD, sends hello, starts reading. ARG goes to handlers and gone. Both ends may call and may serve: SERVICE says
 * what the peer may ask (NULL permits: only replies to our calls). The channel frees itself after gone has run.
 */
struct ipc_channel *ipc_open(int fd, const struct ipc_service *service, uint64_t generation, void *arg);
/* Ends it after what is queued has been sent, or at once when DRAIN is false. */
void ipc_close(struct ipc_channel *ch, bool drain);
bool ipc_is_open(const struct ipc_channel *ch);
void *ipc_arg(const struct ipc_channel *ch);
/* The peer's pid and generation as its hello said (informational), and the kernel's word for its uid. */
uint32_t ipc_peer_pid(const struct ipc_channel *ch);
uid_t ipc_peer_uid(const struct ipc_channel *ch);

/*
 * Sends MSG (struct msg_* of TYPE) and waits for the reply, which must be of REPLY_TYPE: decoded into *REPLY_OUT, its
 * texts and lists in ARENA. ipc_failed comes back as its verdict and *ERR. Descriptors in MSG are duplicated by sending
 * and stay the caller's; those in the reply are the caller's. A channel that breaks meanwhile is VERDICT_TEMP.
 */
SUSPENDS enum verdict ipc_call(struct ipc_channel *ch, uint64_t trace, const struct ipc_type *type, const void *msg,
    const struct ipc_type *reply_type, void *reply_out, struct arena *arena, uint64_t deadline, struct err *err);
/* The same without waiting for the reply yet: the slot lies in the caller, who must ipc_await or ipc_forget it. */
struct ipc_pending {
	struct list node;
	uint32_t id;
	bool done;
	struct ipc_channel *ch;
	void *frame;
	struct waitq wait;
};
void ipc_send_call(struct ipc_channel *ch, uint64_t trace, const struct ipc_type *type, const void *msg,
    struct ipc_pending *slot);
SUSPENDS enum verdict ipc_await(struct ipc_pending *slot, const struct ipc_type *reply_type, void *reply_out,
    struct arena *arena, uint64_t deadline, struct err *err);
void ipc_forget(struct ipc_pending *slot);
/* A message without a reply. */
void ipc_note(struct ipc_channel *ch, uint64_t trace, const struct ipc_type *type, const void *msg);

struct ipc_channel *ipc_request_channel(const struct ipc_request *req);
uint64_t ipc_request_trace(const struct ipc_request *req);
/* Takes the descriptor that field FD of the message held (else it is closed when the request ends). */
int ipc_request_take_fd(struct ipc_request *req, const int *field);
/* Exactly one of these ends a request that is a call; a note ends with ipc_done. MSG lives until then. */
void ipc_reply(struct ipc_request *req, const struct ipc_type *type, const void *msg);
void ipc_fail(struct ipc_request *req, const struct err *err);
void ipc_done(struct ipc_request *req);

#endif
