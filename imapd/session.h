/*
 * A session of the user half: what its files share. A handler parses its arguments, does its work,
 * sends untagged data with session_put and kin, and says how it ended with one of result_*, or
 * nothing: then the command is BAD when its arguments were (args->bad), else OK. It never sends the
 * tagged line: commands.c does, after the news of the selected mailbox, so that these come in the
 * right order.
 */
#ifndef IMAPD_SESSION_H
#define IMAPD_SESSION_H

#include "base/arena.h"
#include "imapd/account.h"
#include "imapd/args.h"
#include "imapd/fetch_mark.h"
#include "imapd/view.h"
#include "login/user.h"

/* What ENABLE (RFC 5161), or a command that implies it, has turned on. */
enum session_enabled {
	ENABLED_CONDSTORE = 1, /* RFC 7162 3.1: FETCH responses of news have MODSEQ */
	ENABLED_UTF8 = 2,      /* RFC 9755: names and strings in UTF-8 */
	ENABLED_REV2 = 4,      /* RFC 9051 */
};

enum session_result { RESULT_NONE, RESULT_OK, RESULT_NO, RESULT_BAD };

struct session {
	struct user_session *user;
	struct stream *io;
	struct account *account;
	const struct conf *conf;
	struct view *view; /* the selected mailbox, or NULL */
	unsigned enabled;
	struct fetch_mark mark;	    /* of the message that is read in pieces; cmd_fetch.c's */
	struct saved_search *saved; /* "$" (RFC 5182); cmd_search.c's, NULL: none */
	unsigned errors;	    /* bad commands in a row */
	unsigned commands;	    /* all, and those that were bad: for the log */
	unsigned bad;
	bool linger;	 /* what comes after that is read and dropped for a while */
	bool dismissed;	 /* BYE was said unasked: nothing more is */
	const char *end; /* why it ends, for the log; NULL: it has not ended */
	bool quit;	 /* the connection is to be closed after this command */

	/* the command at hand */
	struct arena arena; /* emptied after each */
	struct str text;    /* the command, with its literals */
	struct span tag;
	const struct command *command;
	bool uid;	/* its UID form: sets are UIDs */
	bool read_only; /* EXAMINE: nothing may be changed */
	enum session_result result;
	struct str code; /* "[...]" of the tagged reply; empty: none */
	struct str note; /* its text; empty: the command's name and "completed" */
	uint64_t began;	 /* of this stretch without a yield: session_breathe */
};

/*
 * Untagged data, whole lines with CR LF or pieces of them. They gather in the stream; false: the
 * client is gone, and the command may give up.
 */
SUSPENDS bool session_put(struct session *s, struct span bytes);
SUSPENDS bool session_printf(struct session *s, const char *fmt, ...) PRINTF(2, 3);
/* TEXT as quoted string or literal, whatever is in it. */
SUSPENDS bool session_put_string(struct session *s, struct span text);

/* How the command ended; CODE is "" or what stands between the brackets. */
void result_ok(struct session *s, const char *code, const char *fmt, ...) PRINTF(3, 4);
void result_no(struct session *s, const char *code, const char *fmt, ...) PRINTF(3, 4);
void result_bad(struct session *s, const char *fmt, ...) PRINTF(2, 3);
/* NO, with the response code that ERR calls for: a call of lib/mailbox or the like failed. */
void result_err(struct session *s, const struct err *err);

/*
 * For long loops, at each step: every 10 ms others run. False: the client is gone or the session
 * is to end. Nothing that a mailbox gave out before holds after it.
 */
SUSPENDS bool session_breathe(struct session *s);

/* "(\Seen $Forwarded)": the flags of M, as FETCH shows them; \Recent is the view's own. */
void flags_put(struct str *out, const struct view *v, const struct mail *m);

/* None is selected any more. */
void session_unselect(struct session *s);
/*
 * Removes the messages that are \Deleted, of SET alone (NULL: of all); the client is told by the
 * news.
 */
SUSPENDS enum verdict expunge_deleted(
    struct session *s, const struct uid_set *set, struct err *err);

/*
 * The session is over, for the reason END (static, for the log); TEXT, for the client, goes out as
 * BYE, unless it is NULL.
 */
SUSPENDS void session_bye(struct session *s, const char *end, const char *text);
/* The same for the verdict of a wait; false. */
SUSPENDS bool session_lost(struct session *s, enum verdict v);
/* A bad command: after too many in a row the session is over. */
SUSPENDS void session_count_bad(struct session *s);

/* session.c: the whole of it, the account's host calls it. */
SUSPENDS void session_run(struct user_session *user);

#endif
