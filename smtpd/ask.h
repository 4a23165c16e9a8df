/* Questions to the servers behind smtpd, several at a time where that saves waiting. */
#ifndef SMTPD_ASK_H
#define SMTPD_ASK_H

#include "service/dns.h"
#include "smtpd/session.h"

#define ASK_WAIT_S \
	60 /* for an answer of rewrite or dns: they have deadlines of their own below it */

/*
 * Sends MSG to the server of KIND; SLOT must be awaited or forgotten, unless the verdict is not
 * VERDICT_OK: then there is no channel.
 */
SUSPENDS enum verdict ask_send(struct session *s, const char *kind, const struct ipc_type *type,
    const void *msg, const struct ipc_type *reply_type, struct ipc_pending *slot, struct err *err);

/* A lookup in the DNS on its way. */
struct ask_dns {
	struct ipc_pending slot;
	struct span name;
	enum dns_type type;
	bool sent;
	enum verdict verdict; /* when it could not be sent */
};
SUSPENDS void ask_dns_send(
    struct session *s, struct span name, enum dns_type type, struct ask_dns *ask);
/* Verdicts as of dns_lookup; texts lie in ARENA. Ends the question. */
SUSPENDS enum verdict ask_dns_await(
    struct ask_dns *ask, struct msg_dns_answer *out, struct arena *arena, uint64_t deadline);

/* Rewrite's word on an address; VERDICT_PERM and _TEMP come with a reply in ERR. */
SUSPENDS enum verdict ask_resolve(
    struct session *s, struct span address, struct msg_resolved *out, struct err *err);

/* Asks rewrite about the transaction's sender, once; the answer is awaited when it is needed. */
SUSPENDS void ask_sender(struct session *s);
/* VERDICT_OK: s->t.sender_found is filled. Asks, if nobody has. */
SUSPENDS enum verdict await_sender(struct session *s);

#endif
