/*
 * What all deliveries of the process share: the configuration, TLS contexts, connections kept, and
 * whom to ask. Tests put their own answers behind the questions.
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include "base/arena.h"
#include "base/list.h"
#include "conf/conf.h"
#include "event/fiber.h"
#include "event/tls.h"
#include "ipc/types.h"
#include "smtp/own.h"

struct client;
struct delivery;

/* As dns_mx of service/dns.h. */
SUSPENDS typedef enum verdict client_mx_fn(struct client *c, uint64_t trace,
    const struct msg_dns_mx *ask, struct msg_dns_mx_answer *out, struct arena *arena,
    uint64_t deadline, struct err *err);
/* VERDICT_ABSENT: without a login. */
SUSPENDS typedef enum verdict client_login_fn(struct client *c, uint64_t trace,
    const struct msg_smtp_auth *ask, struct msg_smtp_auth_found *out, struct arena *arena,
    uint64_t deadline, struct err *err);
/* One result; LAST: there will be no more of this delivery. */
typedef void client_report_fn(struct delivery *d, const struct item_result *result, bool last);

/* For each kind of certificate check a context; NULL where a level cannot be had. */
enum client_tls { CLIENT_TLS_MAY, CLIENT_TLS_ENCRYPT, CLIENT_TLS_VERIFY, CLIENT_TLS_KINDS };

struct client {
	void *owner; /* the service's context */
	const struct conf *conf;
	bool lmtp;
	uint16_t port; /* where a next hop names none */
	struct own own;
	struct tls_context *tls[CLIENT_TLS_KINDS];
	struct list idle; /* connections.c, oldest first */
	unsigned idle_n;
	bool closing; /* nothing is kept any more */
	client_mx_fn *find_mx;
	client_login_fn *find_login;
	client_report_fn *report;
};

#endif
