/*
 * The login half of imapd and pop3d: everything between accept and a session in its user's process.
 * A daemon brings one function, the dialogue, which reads commands until login_hand_over has
 * carried the session to its end or the client has left; this brings TLS, authd, limits, log lines
 * and the rest of the session's life. Needs libtls.a.
 */
#ifndef LOGIN_LOGIN_H
#define LOGIN_LOGIN_H

#include "event/stream.h"
#include "login/sasl.h"
#include "service/service.h"

struct login_front; /* one per process */
struct login;	    /* one client */

struct login_settings {
	const char
	    *service;	  /* "imap", "pop3": for authd, logs, and what binds TLS tickets; static */
	bool tls_offered; /* STARTTLS; needs a certificate, so see login_can_start_tls */
	bool tls_wrapper; /* TLS at once, as on ports 993 and 995 */
	bool tls_needed;  /* no password without TLS, but from this host's loopback */
	uint64_t timeout; /* ns from accept to the login */
	uint64_t parked_max; /* ns that a parked session may be silent; 0: for ever */
	uint32_t errors_max; /* failed commands and logins; then the dialogue is over */
	uint32_t client_max; /* connections of one client at one time, 0: no limit */
	/*
	 * The dialogue, on a fiber of its own, TLS of the wrapper done. Returns when the session is
	 * over; what it has written is flushed, the connection is closed.
	 */
	void (*dialogue)(struct login *l);
	/* A client that may not come in, or stay parked (WHY is for it to read): says so in its
	 * protocol's words. */
	void (*refuse)(struct login *l, struct span why);
};

/*
 * From prepare(), before the walls: builds the TLS context from what master passed. VERDICT_PERM:
 * the certificate cannot be used. Settings are copied.
 */
enum verdict login_front_new(struct service_ctx *ctx, const struct login_settings *settings,
    struct login_front **out, struct err *err);
/* When no client is left: for tests. */
void login_front_free(struct login_front *front);
/* The service's accept: takes FD. */
void login_accept(struct login_front *front, int fd, unsigned listener);
/* The service's stop: at a shutdown sessions are told to end; else they go on. */
void login_front_stop(struct login_front *front);

/* What the protocol keeps for a client, of SIZE bytes, zeroed at the first call, freed with L. */
void *login_state(struct login *l, size_t size);
struct service_ctx *login_service(const struct login *l);
/* For replies. Not for reading: what clients send before they have logged in is counted. */
struct stream *login_stream(struct login *l);
/* "192.0.2.1" */
struct span login_client(const struct login *l);
uint64_t login_trace(const struct login *l);
bool login_secured(const struct login *l);
bool login_can_start_tls(const struct login *l);
/* May it send a password now? */
bool login_can_verify(const struct login *l);

/*
 * A line, without its end. VERDICT_LIMIT: longer than MAX; login_skip_line goes on. VERDICT_PERM:
 * more than LIMIT_LOGIN_BYTES or LIMIT_LOGIN_LINES before the login, or too many errors: say so and
 * return. VERDICT_TIMEOUT: the time to log in is over; VERDICT_CANCELLED: the service stops; both
 * may be told to the client. VERDICT_EOF.
 */
SUSPENDS enum verdict login_read_line(
    struct login *l, enum line_end ends, size_t max, struct span *line_out);
SUSPENDS enum verdict login_skip_line(struct login *l, enum line_end ends);
/* Exactly N bytes, for literals; verdicts as above. */
SUSPENDS enum verdict login_read_full(struct login *l, void *p, size_t n);
/* A command that failed: counts towards errors_max. */
void login_count_error(struct login *l);

/*
 * After the reply that invites to it: TLS. All that was sent before is dropped, and what
 * authenticated or identified the client before is for the caller to forget. Anything but
 * VERDICT_OK: return.
 */
SUSPENDS enum verdict login_start_tls(struct login *l);

/*
 * Asks authd, which delays the answer to those who guess. VERDICT_OK: login_hand_over may follow.
 * VERDICT_PERM: wrong (the client is told no more than that); VERDICT_TEMP: cannot be known now;
 * VERDICT_CANCELLED. Logs failures. The caller wipes the password.
 */
SUSPENDS enum verdict login_verify(
    struct login *l, const char *mechanism, const struct sasl_login *who, struct err *err);

/*
 * The session passes to the user's process, with STATE (LIMIT_LOGIN_STATE bytes at most), and this
 * carries it to its end. VERDICT_OK: it was carried: return, say nothing more. Else nothing was
 * passed or said: tell the client why not (ERR: the user half's refusal, or that there is none just
 * now).
 */
SUSPENDS enum verdict login_hand_over(struct login *l, struct span state, struct err *err);

#endif
