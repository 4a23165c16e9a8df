/*
 * What the files of pop3d's user half share: the process of one account, its sessions, and the
 * maildrop that each of them sees.
 */
#ifndef POP3D_USER_POPUSER_H
#define POP3D_USER_POPUSER_H

#include "login/user.h"
#include "mailbox/mailbox.h"
#include "pop3d/pop3.h"

/* The process. */
struct popuser {
	struct service_ctx *ctx;
	struct user_host *host;
	struct maildir_place place;
	struct maildir *maildir; /* NULL until the first session */
	struct mailbox *mailbox; /* INBOX; the same for all sessions */
	unsigned maildrops;	 /* that are open on it */
	struct pool *pool;
};

enum maildrop_mark {
	MAILDROP_DELETED = 1, /* by DELE: goes at QUIT */
	MAILDROP_READ = 2,    /* by RETR: becomes \Seen */
	MAILDROP_COUNTED = 4, /* size is known */
	MAILDROP_GONE = 8,    /* another program has removed it */
};

/* A message as it was when the session began; its number is its place, from 1. */
struct maildrop_message {
	uint64_t size; /* with CR LF, dots not counted twice (RFC 1939 11); once counted */
	uint64_t disk; /* bytes of its file */
	uint32_t uid;
	unsigned marks; /* enum maildrop_mark */
};

/* RFC 1939's word for the mailbox as one session sees it. */
struct maildrop {
	struct popuser *user;
	int lock; /* the descriptor that holds it, or -1 */
	uint32_t uidvalidity;
	struct maildrop_message *v;
	size_t n;
};

struct maildrop_totals {
	size_t n;
	uint64_t size;
};

/* maildrop.c. Errors have texts for the client, with a response code in front where there is one.
 */
/* Whatever the verdict, maildrop_close is due. Blocks as long as the mailbox takes to be read. */
enum verdict maildrop_open(struct maildrop *drop, struct popuser *user, struct err *err);
void maildrop_close(struct maildrop *drop);
/* Closes INBOX; no maildrop may be open on it but one that is being opened. */
void popuser_close(struct popuser *user);
/* Do the messages still mean what they meant? VERDICT_TEMP: the mailbox has got new UIDs. */
enum verdict maildrop_check(const struct maildrop *drop, struct err *err);
/* The message of that number, NULL when there is none or it is marked as deleted or gone. */
struct maildrop_message *maildrop_find(const struct maildrop *drop, uint64_t number);
/* The next that is there, from *AT on, which is left behind it; NULL: no more. */
struct maildrop_message *maildrop_next(const struct maildrop *drop, size_t *at);
size_t maildrop_number(const struct maildrop *drop, const struct maildrop_message *m);
/* Makes sure that the size of M is known: reads it, once in its life, when another program stored
 * it. May find that it is gone. */
void maildrop_measure(struct maildrop *drop, struct maildrop_message *m);
/* Messages and bytes that are there; lets others run meanwhile. */
SUSPENDS void maildrop_count(struct maildrop *drop, struct maildrop_totals *out);
/* What RFC 1939 7 calls its unique-id; VERDICT_ABSENT: it is gone. */
enum verdict maildrop_unique_id(
    struct maildrop *drop, struct maildrop_message *m, struct str *out, struct err *err);
void maildrop_reset(struct maildrop *drop);

/* update.c: what was marked happens to the mailbox. */
/* The UPDATE state of RFC 1939 6: on VERDICT_OK what was removed would stay so after a power cut.
 */
SUSPENDS enum verdict maildrop_update(struct maildrop *drop, size_t *removed_out, struct err *err);
/* Messages that were read become \Seen, whatever way the session ended. */
SUSPENDS void maildrop_mark_seen(struct maildrop *drop);

struct session {
	struct popuser *user;
	struct user_session *from; /* lib/login's side of it */
	struct stream *io;
	const struct conf *conf;
	struct maildrop drop;
	bool utf8;	   /* RFC 6856: the client takes UTF-8 in header fields */
	bool over;	   /* no further command */
	const char *ended; /* how, for the log */
	uint64_t errors;
	struct {
		uint64_t retr, retr_bytes, top, top_bytes, removed;
	} counts;
};

/* session.c: what lib/login runs for each session. */
SUSPENDS void session_run(struct user_session *from);
/* From the accepted login to the end; in a function of its own for tests. */
SUSPENDS void session_serve(struct session *s);
/* A client's mistake: counts. */
SUSPENDS void session_refuse(struct session *s, const char *why);
/* Not the client's: does not count. */
SUSPENDS void session_fail(struct session *s, const struct err *err);

/* commands.c */
SUSPENDS void command_run(struct session *s, struct span line);

/* send.c: the message, or its header and LINES lines of its body. VERDICT_OK: all of it has been
 * written, *BYTES_OUT of them. VERDICT_EOF: it could not be had whole, or the client is gone; the
 * session is over, without the end of the reply. Else nothing has been written. */
SUSPENDS enum verdict message_send(struct session *s, struct maildrop_message *m, bool whole,
    uint64_t lines, uint64_t *bytes_out, struct err *err);

/* surrogate.c: HEADER, whole, as ASCII alone (RFC 6858), with its empty line; false: OUT is full.
 */
bool surrogate_put(struct str *out, struct span header);

/* Handlers of the table. M is the message of the line's number, or NULL. */
SUSPENDS void cmd_stat(struct session *s, const struct pop3_line *line, struct maildrop_message *m);
SUSPENDS void cmd_list(struct session *s, const struct pop3_line *line, struct maildrop_message *m);
SUSPENDS void cmd_uidl(struct session *s, const struct pop3_line *line, struct maildrop_message *m);
SUSPENDS void cmd_retr(struct session *s, const struct pop3_line *line, struct maildrop_message *m);
SUSPENDS void cmd_top(struct session *s, const struct pop3_line *line, struct maildrop_message *m);
SUSPENDS void cmd_dele(struct session *s, const struct pop3_line *line, struct maildrop_message *m);
SUSPENDS void cmd_noop(struct session *s, const struct pop3_line *line, struct maildrop_message *m);
SUSPENDS void cmd_rset(struct session *s, const struct pop3_line *line, struct maildrop_message *m);
SUSPENDS void cmd_capa(struct session *s, const struct pop3_line *line, struct maildrop_message *m);
SUSPENDS void cmd_quit(struct session *s, const struct pop3_line *line, struct maildrop_message *m);

#endif
