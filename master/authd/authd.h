/* What the files of authd share. */
#ifndef AUTHD_AUTHD_H
#define AUTHD_AUTHD_H

#include "authd/accounts.h"
#include "authd/desk.h"
#include "authd/guess.h"
#include "authd/memo.h"
#include "service/service.h"

struct authd {
	struct service_ctx *ctx;
	struct accounts *accounts;
	struct pool *pool;
	uint64_t looked; /* when the passwd file was last looked at, monotonic */
	bool unreadable; /* then: it could not be read, which has been logged */
	struct digest_key key;
	struct memo verified; /* logins that were right */
	struct memo familiar; /* clients that an account has logged in from */
	struct guesses by_client;
	struct guesses by_account;
	struct desk desk;
	struct list verifying; /* struct verification */
	char dummy[192];       /* a hash for those who have none */
};

/* One front door: what may be granted to it, and what it has. The channel's argument. */
struct door {
	struct authd *authd;
	const char *user_kind; /* "imapuser", "pop3user", or NULL: it carries no sessions */
	struct map tickets;    /* struct ticket, by their numbers */
};

enum verdict authd_prepare(struct service_ctx *ctx, struct err *err);
void authd_start(struct service_ctx *ctx);
void authd_stop(struct service_ctx *ctx);

/* grants.c: what rewrite and local ask. ARG is the service's context. */
void authd_account_find(struct ipc_request *req, const void *msg, void *arg);
void authd_grant_delivery(struct ipc_request *req, const void *msg, void *arg);
/*
 * The account, copied into ARENA; or VERDICT_ABSENT; or VERDICT_TEMP while the passwd file cannot
 * be read and never was.
 */
SUSPENDS enum verdict authd_lookup(
    struct authd *a, struct span user, struct arena *arena, struct account *out, struct err *err);
/* Tells master that the other end of CHANNEL may redeem a grant for a process of KIND. */
SUSPENDS enum verdict authd_grant(struct authd *a, struct ipc_channel *channel, const char *kind,
    const struct account *account, uint64_t *grant_out, struct err *err);

/* doors.c: channels of smtpd, imapd and pop3d, and the tickets of their sessions. */
void door_opened(struct service_ctx *ctx, struct ipc_channel *ch, int fd);
void door_opened_imap(struct service_ctx *ctx, struct ipc_channel *ch, int fd);
void door_opened_pop3(struct service_ctx *ctx, struct ipc_channel *ch, int fd);
void door_gone(struct ipc_channel *ch, const char *why, void *arg);
/* A ticket for sessions of USER; 0: the door has too many. */
uint64_t door_ticket(struct door *d, struct span user);
void door_again(struct ipc_request *req, const void *msg, void *arg);
void door_over(struct ipc_request *req, const void *msg, void *arg);

/* verify.c: handler of ipc_auth_verify. ARG is the door. */
void verify_asked(struct ipc_request *req, const void *msg, void *arg);
/* Ends what waits: nobody is there any more to hear the answer. */
void verify_stop(struct authd *a);

#endif
