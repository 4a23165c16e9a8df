/* One SMTP session and its transaction: what the files of smtpd share. */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "base/map.h"
#include "event/stream.h"
#include "message/address.h"
#include "message/content.h"
#include "message/esmtp.h"
#include "smtpd/access/access.h"
#include "smtpd/peer.h"
#include "smtpd/smtpd.h"

/* Where the dialogue stands: a column of the command table. */
enum smtp_state {
	SMTP_CONNECTED = 1, /* before HELO or EHLO, and after STARTTLS */
	SMTP_GREETED = 2,   /* no transaction */
	SMTP_MAIL = 4,	    /* a sender, no recipient */
	SMTP_RCPT = 8,	    /* a recipient at least */
	SMTP_BDAT = 16,	    /* a chunk of the content has come, the last has not */
};

/* "n or ok/total" of one command in the line that says how a session went. */
struct command_count {
	unsigned ok, all;
};

/* All that MAIL begins and RSET, DATA's end, EHLO and a failure end: one object, one reset
 * function. */
struct transaction {
	struct arena arena;
	struct span sender; /* canonical; empty: the null sender */
	struct span sender_domain;
	struct ipc_pending sender_ask; /* rewrite's word on the sender (ask.h) */
	bool sender_sent;
	bool sender_done;
	enum verdict sender_verdict;
	struct msg_sender_rewritten sender_found;
	struct span queue_id;
	uint64_t arrived; /* wall clock, ns */
	uint64_t declared_size;
	struct span envid;
	struct span auth_sender; /* RFC 4954 5 AUTH=, as it may be told on; empty: none */
	uint8_t ret;
	bool smtputf8;
	struct item_recipient *recipients;
	uint32_t recipients_n;
	uint32_t recipients_room;
	uint32_t rcpt_n;	 /* RCPT commands that were accepted */
	struct map known;	 /* recipients by address: nobody gets two copies */
	struct ipc_pending open; /* queue_open, on its way since MAIL */
	bool open_sent;
	bool opened;
	struct msg_queue_opened file;
	struct content content;
	uint32_t crc;
	uint64_t written; /* bytes in the file, fields of ours counted */
	uint64_t ours;	  /* of them: fields of ours */
	unsigned hops;	  /* Received: fields that it came with */
	uint8_t hop_state;
	bool too_big, write_failed, no_file;
	struct access_marks marks; /* what restrictions did to the message */
};

struct session {
	struct smtpd *smtpd;
	const struct conf *conf;
	struct stream *io;
	struct fiber *fiber;
	struct list node; /* smtpd->sessions */
	unsigned listener;
	uint64_t trace;
	enum smtp_state state;
	bool esmtp;
	bool quit;	   /* the session ends after this reply */
	bool waits;	   /* for a command: may be sent away at once */
	bool denied;	   /* restrictions on the client refused it; it may QUIT */
	const char *lost;  /* why it ended: "lost connection", "timeout", ..., or NULL */
	const char *stage; /* the last command's name, for "after DATA" */
	struct peer peer;
	struct str helo;
	struct str login; /* authenticated as; empty: not */
	const char *method;
	struct arena arena; /* as long as the session */
	struct access_session access;
	struct transaction t;
	struct command_count *counts; /* by row of the command table */
	unsigned errors, junk;
	unsigned last_reply; /* the code said last */
	bool bare_lf;
};

/* session.c */
FIBER_MAIN void session_run(void *arg);
/* The session ends; WHY is static text for the log. */
void session_dismiss(struct session *s, const char *why);

/* transaction.c */
void transaction_init(struct transaction *t);
/* Back to nothing; a file that was opened is given up. The one way a transaction ends. */
void transaction_reset(struct session *s);
/*
 * Adds them, but for those already there; all share what RCPT said. False when there is no room;
 * nothing was added then.
 */
bool transaction_add(
    struct transaction *t, const struct list_recipient *found, const struct item_recipient *said);

/* reply.c: each reply is one call. Texts begin with the enhanced code where there is one (RFC
 * 2034). */
SUSPENDS void reply(struct session *s, unsigned code, const char *fmt, ...) PRINTF(3, 4);
/* One line of a reply that goes on. */
SUSPENDS void reply_more(struct session *s, unsigned code, const char *fmt, ...) PRINTF(3, 4);
/* A verdict on mail as it came from whoever decided; 421 and 521 end the session. */
SUSPENDS void reply_verdict(struct session *s, const struct err *err);

/* commands.c */
SUSPENDS void command_run(struct session *s, struct span line);
size_t command_count(void);
struct span command_name(size_t row);

/* The chapters that the command table points to. ARGS: what follows the verb, blanks cut off. */
SUSPENDS void cmd_helo(struct session *s, struct span args);
SUSPENDS void cmd_ehlo(struct session *s, struct span args);
SUSPENDS void cmd_starttls(struct session *s, struct span args);
SUSPENDS void cmd_auth(struct session *s, struct span args);
SUSPENDS void cmd_mail(struct session *s, struct span args);
SUSPENDS void cmd_rcpt(struct session *s, struct span args);
SUSPENDS void cmd_data(struct session *s, struct span args);
SUSPENDS void cmd_bdat(struct session *s, struct span args);
SUSPENDS void cmd_rset(struct session *s, struct span args);
SUSPENDS void cmd_noop(struct session *s, struct span args);
SUSPENDS void cmd_quit(struct session *s, struct span args);
SUSPENDS void cmd_vrfy(struct session *s, struct span args);
SUSPENDS void cmd_expn(struct session *s, struct span args);
SUSPENDS void cmd_help(struct session *s, struct span args);

/* params.c: what stands behind the path of MAIL and RCPT. */
enum verdict params_mail(struct session *s, struct span text, struct err *err);
enum verdict params_rcpt(
    struct session *s, struct span text, struct item_recipient *out, struct err *err);

/* tls.c */
/* May STARTTLS be said now? */
bool tls_offered(const struct session *s);
/* All that was said before is forgotten; false: the connection is of no more use. */
SUSPENDS bool tls_begin(struct session *s);

/* auth.c */
struct mechanism;
/* " PLAIN LOGIN": what EHLO announces; false when AUTH is not offered now. */
bool auth_offered(const struct session *s, struct str *out);

/* receive.c: the content. Verdicts other than OK: the client is gone; what is wrong with the
 * content is in the transaction. */
SUSPENDS void receive_begin(struct session *s);
/* From 354 to the final dot. */
SUSPENDS enum verdict receive_data(struct session *s);
/* Exactly N bytes (RFC 3030); with KEEP false they are read and dropped. */
SUSPENDS enum verdict receive_chunk(struct session *s, uint64_t n, bool keep);

/* commit.c */
/* The file that MAIL asked for. */
SUSPENDS enum verdict message_await_file(struct session *s, struct err *err);
/* All content is here: judged, committed, answered; the transaction is over. */
SUSPENDS void message_finish(struct session *s);

/* rates.c: anvil's counts; VERDICT_TEMP when a limit is reached, with the reply in ERR. */
SUSPENDS enum verdict rates_connect(struct session *s, struct err *err);
void rates_disconnect(struct session *s);
SUSPENDS enum verdict rates_message(struct session *s, struct err *err);
SUSPENDS enum verdict rates_recipient(struct session *s, struct err *err);
SUSPENDS enum verdict rates_tls(struct session *s, struct err *err);
SUSPENDS enum verdict rates_auth(struct session *s, struct err *err);
/* V: what authd said; only a wrong password counts. */
void rates_auth_failed(struct session *s, enum verdict v);

#endif
