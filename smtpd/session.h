/* One SMTP session and its transaction: what the files of smtpd share. */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include <netinet/in.h>

#include "base/arena.h"
#include "event/stream.h"
#include "message/address.h"
#include "message/content.h"
#include "message/esmtp.h"
#include "service/service.h"

/* Where the dialogue stands: a column of the command table. */
enum smtp_state {
	SMTP_CONNECTED = 1, /* before HELO, EHLO or LHLO, and after STARTTLS */
	SMTP_GREETED = 2,   /* no transaction */
	SMTP_MAIL = 4,	    /* a sender, no recipient */
	SMTP_RCPT = 8,	    /* a recipient at least */
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
	struct span queue_id;
	uint64_t arrived; /* wall clock, ns */
	uint64_t declared_size;
	struct span envid;
	uint8_t ret;
	bool smtputf8;
	bool body_8bit; /* BODY=8BITMIME was said */
	struct item_recipient *recipients;
	uint32_t recipients_n;
	uint32_t recipients_room;
	struct ipc_pending open; /* queue_open, on its way since MAIL */
	bool open_sent;
	bool opened;
	struct msg_queue_opened file;
	struct content content;
	uint32_t crc;
	uint64_t written; /* bytes in the file, fields of ours counted */
	bool too_big, write_failed;
};

struct session {
	struct service_ctx *ctx;
	const struct conf *conf;
	struct stream *io;
	unsigned listener;
	uint64_t trace;
	enum smtp_state state;
	bool esmtp;
	bool quit;	   /* the session ends after this reply */
	const char *lost;  /* why it ended: "lost connection", "timeout", ..., or NULL */
	const char *stage; /* the last command's name, for "after DATA" */
	char client_ip[INET6_ADDRSTRLEN];
	char client_name[LIMIT_DOMAIN + 1];
	bool client_is_local; /* in mynetworks */
	struct span helo;
	struct arena arena; /* as long as the session */
	struct transaction t;
	struct command_count *counts; /* by row of the command table */
	unsigned errors, junk;
	unsigned last_reply; /* the code said last */
	bool bare_lf;
};

/* session.c */
FIBER_MAIN void session_run(void *arg);

/* transaction.c */
void transaction_init(struct transaction *t);
/* Back to nothing; a file that was opened is given up. The one way a transaction ends. */
void transaction_reset(struct session *s);
struct item_recipient *transaction_add(struct transaction *t);

/* reply.c: each reply is one call. Texts begin with the enhanced code where there is one (RFC
 * 2034). */
SUSPENDS void reply(struct session *s, unsigned code, const char *fmt, ...) PRINTF(3, 4);
/* One line of a reply that goes on. */
SUSPENDS void reply_more(struct session *s, unsigned code, const char *fmt, ...) PRINTF(3, 4);
/* A verdict on mail as it came from whoever decided. */
SUSPENDS void reply_verdict(struct session *s, const struct err *err);

/* commands.c */
SUSPENDS void command_run(struct session *s, struct span line);
size_t command_count(void);
struct span command_name(size_t row);

/* The chapters that the command table points to. ARGS: what follows the verb, blanks cut at its
 * front. */
SUSPENDS void cmd_helo(struct session *s, struct span args);
SUSPENDS void cmd_ehlo(struct session *s, struct span args);
SUSPENDS void cmd_mail(struct session *s, struct span args);
SUSPENDS void cmd_rcpt(struct session *s, struct span args);
SUSPENDS void cmd_data(struct session *s, struct span args);
SUSPENDS void cmd_rset(struct session *s, struct span args);
SUSPENDS void cmd_noop(struct session *s, struct span args);
SUSPENDS void cmd_quit(struct session *s, struct span args);
SUSPENDS void cmd_vrfy(struct session *s, struct span args);

/* receive.c: the content, from 354 to the final dot. VERDICT_OK: all of it came, good or not
 * (t->too_big, ...). */
SUSPENDS enum verdict receive_content(struct session *s);

/* policy.c */
SUSPENDS enum verdict policy_recipient(
    struct session *s, const struct address *rcpt, struct item_recipient *out, struct err *err);
bool policy_is_local_client(const struct conf *conf, const struct sockaddr *addr);

/* loglines.c: one function for each kind of event. */
void log_connect(const struct session *s);
void log_client(const struct session *s);
void log_reject(
    const struct session *s, const char *stage, struct span rcpt, const struct err *err);
void log_disconnect(const struct session *s);
void log_lost(const struct session *s);

#endif
