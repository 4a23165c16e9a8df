/*
 * The user half of imapd and pop3d: sessions of one account, as login halves hand them over. Each
 * is a fiber with a stream, plain whatever the client speaks; the process links no TLS. Where bytes
 * come from (the client itself, or a login half that pumps) is nobody's concern.
 */
#ifndef LOGIN_USER_H
#define LOGIN_USER_H

#include "event/stream.h"
#include "service/service.h"

struct user_host; /* one per process */

/* What is known of a session; lives as long as it. */
struct user_session {
	struct user_host *host;
	struct stream *io;   /* the session's: freed after run() */
	struct span service; /* of master.cf: "imaps" */
	struct span login;   /* canonical name, for logs */
	struct span client;  /* IP address, in text */
	struct span state;   /* what login_hand_over said, or the record of user_session_park */
	uint64_t id;	     /* trace id, the same for the whole life of the connection */
	bool tls;
	bool revived; /* it was parked: the client has had its reply to the login */
};

/*
 * One session, from hand-over to end. Begins with user_session_accept (the client has then been
 * told nothing yet: the reply to its login is run's to give) or user_session_refuse; until then the
 * stream must be left alone. A session that is neither accepted nor refused is refused with 451.
 */
typedef void user_run_fn(struct user_session *s);

/* From prepare(). SESSIONS_MAX of one account at one time. Lingers and leaves by itself
 * (mailbox_linger_time) when there is no session and no user_host_busy. */
struct user_host *user_host_new(struct service_ctx *ctx, user_run_fn *run, unsigned sessions_max);
/* When no session is left: for tests. */
void user_host_free(struct user_host *host);
/* The service's stop: at a shutdown sessions are told to end; else they go on. */
void user_host_stop(struct user_host *host);
/* Counts work that is no session: the process stays until it is idle again. */
void user_host_busy(struct user_host *host);
void user_host_idle(struct user_host *host);
struct service_ctx *user_host_service(const struct user_host *host);

/* What login halves may ask: `asks` of the role "imapd" or "pop3d". */
extern const struct ipc_service user_asks;
/* To be called by the role's `arrived`. Takes FD. */
void user_arrived(struct user_host *host, struct ipc_channel *ch, int fd);

void user_session_accept(struct user_session *s);
/* ERR is what login_hand_over returns; its text may be shown to the client. */
void user_session_refuse(struct user_session *s, const struct err *err);

/*
 * Waits for the client's next byte. VERDICT_OK: there is input; VERDICT_TIMEOUT; VERDICT_EOF: the
 * client or the login half is gone; VERDICT_ABSENT: stream_nudge was called; VERDICT_CANCELLED: the
 * service stops, or the worker that carries this session: say good-bye and return. The one place
 * where a session is stopped: a command that has begun is finished.
 */
SUSPENDS enum verdict user_session_wait(struct user_session *s, uint64_t deadline);
/* Has it been told to end? For long commands between steps. */
bool user_session_ending(struct user_session *s);

/*
 * Gives the session back to its login half, with RECORD (LIMIT_LOGIN_STATE bytes at most) to go on
 * from. VERDICT_OK: forget it and return from run. Anything else: input has come meanwhile, or it
 * cannot be done: go on.
 */
SUSPENDS enum verdict user_session_park(struct user_session *s, struct span record);

#endif
