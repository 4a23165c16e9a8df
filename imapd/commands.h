/*
 * The table of commands: a row says when one may come and how it is announced, so that handlers
 * hold no such checks.
 */
#ifndef IMAPD_COMMANDS_H
#define IMAPD_COMMANDS_H

#include "imapd/session.h"

enum command_state {
	IN_AUTH = 1,	 /* no mailbox is selected */
	IN_SELECTED = 2, /* one is */
	IN_ANY = IN_AUTH | IN_SELECTED,
};

enum command_trait {
	HAS_UID = 1,   /* "UID NAME" is a command too (RFC 9051 6.4.9) */
	ONLY_UID = 2,  /* there is only that form of this row */
	KEEPS_SEQ = 4, /* no EXPUNGE may be told while it runs, unless in its UID form (7.5.1) */
	WRITES = 8,    /* not in a mailbox that was opened with EXAMINE */
	STREAMS = 16,  /* its last literal is the handler's to read: APPEND */
	NO_ARGS = 32,  /* nothing follows the name */
	NO_NEWS = 64,  /* the news of the mailbox wait for the next command */
};

typedef SUSPENDS void command_fn(struct session *s, struct args *a);

struct command {
	struct span name;
	unsigned states;
	unsigned traits;
	command_fn *run;
};

/* NULL: there is no such command. */
const struct command *command_find(struct span name, bool uid);
/*
 * The text so far is a command whose last literal is announced at LITERAL_AT: is that one the
 * handler's to read (STREAMS)?
 */
bool command_takes_literal(struct session *s, size_t literal_at);
/* A command that is read: finds its row, runs it, tells the news, and answers. */
SUSPENDS void command_run(struct session *s);

/* The handlers. Arguments begin after the name and its space. */
SUSPENDS void cmd_capability(struct session *s, struct args *a);
SUSPENDS void cmd_noop(struct session *s, struct args *a);
SUSPENDS void cmd_logout(struct session *s, struct args *a);
SUSPENDS void cmd_id(struct session *s, struct args *a);
SUSPENDS void cmd_enable(struct session *s, struct args *a);
SUSPENDS void cmd_select(struct session *s, struct args *a);
SUSPENDS void cmd_examine(struct session *s, struct args *a);
SUSPENDS void cmd_close(struct session *s, struct args *a);
SUSPENDS void cmd_unselect(struct session *s, struct args *a);
SUSPENDS void cmd_create(struct session *s, struct args *a);
SUSPENDS void cmd_delete(struct session *s, struct args *a);
SUSPENDS void cmd_rename(struct session *s, struct args *a);
SUSPENDS void cmd_subscribe(struct session *s, struct args *a);
SUSPENDS void cmd_unsubscribe(struct session *s, struct args *a);
SUSPENDS void cmd_list(struct session *s, struct args *a);
SUSPENDS void cmd_lsub(struct session *s, struct args *a);
SUSPENDS void cmd_namespace(struct session *s, struct args *a);
SUSPENDS void cmd_status(struct session *s, struct args *a);
SUSPENDS void cmd_append(struct session *s, struct args *a);
SUSPENDS void cmd_idle(struct session *s, struct args *a);
SUSPENDS void cmd_expunge(struct session *s, struct args *a);
SUSPENDS void cmd_fetch(struct session *s, struct args *a);
SUSPENDS void cmd_search(struct session *s, struct args *a);
SUSPENDS void cmd_store(struct session *s, struct args *a);
SUSPENDS void cmd_copy(struct session *s, struct args *a);
SUSPENDS void cmd_move(struct session *s, struct args *a);

#endif
