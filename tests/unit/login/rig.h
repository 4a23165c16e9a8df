/*
 * A login half and a user half in one process, with a master and an authd that the test plays: the
 * halves talk over real sockets, clients come over loopback.
 */
#ifndef TESTS_LOGIN_RIG_H
#define TESTS_LOGIN_RIG_H

#include "event/listen.h"
#include "event/loop.h"
#include "event/tls.h"
#include "login/login.h"
#include "login/user.h"
#include "service/service_impl.h"
#include "tests/unit/event_tls/pki.h"
#include "tests/unit/unit.h"

#define SOON (deadline_after_s(20)) /* what should come at once: a test that hangs ends by this */

struct rig {
	struct service_ctx half, user;
	struct fdwatch master; /* the half's control channel, at master's end */
	struct ipc *ipc;       /* authd's */
	struct login_front *front;
	struct user_host *host;
	struct listener *listener;
	int listen_fd;
	uint16_t port;
	struct cert cert;
	int chain_fd;
	struct tls_context *client_tls;
	unsigned clients; /* that have not ended */
	unsigned verified, tickets, redeemed, sessions, parked;
	unsigned with_fd;    /* REDEEMs that brought the client's descriptor */
	uint64_t grants[16]; /* those that master would honour */
	unsigned grants_n;
	uint64_t ticket;
	bool lose_grants; /* authd grants, master never hears of it */
	struct str wrong; /* what authd answers then */
};

/* One client: a fiber that runs FN. */
struct client {
	struct rig *rig;
	struct stream *io;
	void (*fn)(struct client *c);
	const void *arg;
};

typedef void rig_fn(struct client *c);

/* SETTINGS may be NULL: the rig's own. */
struct rig *rig_new(const struct login_settings *settings);
/* Runs N clients at one time until all have ended. */
void rig_run(struct rig *rig, rig_fn *fn, const void *arg, unsigned n);
void rig_free(struct rig *rig);
/* What the rig's login half does by itself; to be changed and given to rig_new. */
struct login_settings rig_settings(void);

/* Of the client's side; all assert. */
SUSPENDS void client_send(struct client *c, const char *text);
SUSPENDS void client_expect(struct client *c, const char *line);
SUSPENDS void client_expect_end(struct client *c);
SUSPENDS void client_start_tls(struct client *c);

#endif
