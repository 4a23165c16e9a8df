/*
 * Restrictions: who may do what, in Postfix's language (smtpd_client_restrictions and its kin). The
 * lists are compiled once, at start; each stage of a session runs those that are due then:
 *
 *	smtpd_delay_reject = yes: at RCPT client, HELO, sender, relay, recipient
 *	smtpd_delay_reject = no:  each at its own command
 *
 * A list is read from its front: permit ends it, reject ends the command. At the end unknown
 * recipients and what had to be deferred are refused.
 */
#ifndef SMTPD_ACCESS_ACCESS_H
#define SMTPD_ACCESS_ACCESS_H

#include "base/arena.h"
#include "base/str.h"
#include "conf/conf.h"
#include "ipc/types.h"

struct session;
struct access_rules;

/* A text of a list, newest last. */
struct access_text {
	struct access_text *next;
	struct span text;
};

/* What restrictions made of a message; lies in its transaction, texts in the transaction's arena.
 */
struct access_marks {
	bool hold;
	bool discard;
	struct span redirect;	     /* all recipients become this one; empty: no */
	struct access_text *bcc;     /* recipients to add */
	struct access_text *prepend; /* fields for its top */
	const struct err *deferred;  /* a restriction on the sender could not decide */
};

/* What they remember of a session. */
struct access_session {
	bool ahead; /* it has sent commands without waiting for replies, where it must */
	/* A restriction on the client, on it or HELO, could not decide; where that is kept. */
	const struct err *client_deferred, *helo_deferred;
	struct err *client_slot, *helo_slot;
};

/*
 * Compiles all lists of CONF, which outlives them. VERDICT_PERM names the parameter: an unknown
 * restriction, a missing argument, lists that would relay for everybody.
 */
enum verdict access_prepare(const struct conf *conf, struct access_rules **out, struct err *err);
void access_free(struct access_rules *rules);
/* Does it matter to them whether a sender of ours is there? */
bool access_checks_sender(const struct access_rules *rules);

/*
 * The stages. VERDICT_OK: go on. Else the reply is in *ERR, and has been logged. At RCPT *FOUND is
 * what rewrite made of the recipient; all of it lies in the transaction's arena.
 */
SUSPENDS enum verdict access_connect(struct session *s, struct err *err);
SUSPENDS enum verdict access_helo(struct session *s, struct err *err);
SUSPENDS enum verdict access_mail(struct session *s, struct err *err);
SUSPENDS enum verdict access_rcpt(
    struct session *s, struct span rcpt, struct msg_resolved *found, struct err *err);
SUSPENDS enum verdict access_data(struct session *s, struct err *err);
SUSPENDS enum verdict access_end_of_data(struct session *s, struct err *err);

/* STARTTLS: what was decided about the client before counts no more. */
void access_forget(struct session *s);
/* The fields that tables prepend, with their line ends. */
void access_put_fields(const struct access_marks *marks, struct str *out);

#endif
