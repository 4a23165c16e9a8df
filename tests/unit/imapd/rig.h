/*
 * A session of imapd's user half over a Maildir of its own, for tests of its commands: what a
 * client would send goes in, all that it would be told comes out.
 */
#ifndef UNIT_IMAPD_RIG_H
#define UNIT_IMAPD_RIG_H

#include "imapd/commands.h"
#include "tests/unit/mailbox/place.h"

struct rig {
	struct place *place;
	struct mailbox *mb;
	struct session s;
	struct stream *client;
	struct str said;  /* of the last command */
	struct str text;  /* the last command */
	size_t bytes_max; /* the client reads so much and leaves; 0: all */
	bool discard;	  /* it keeps nothing of what it reads */
	bool running;
};

/* For cmocka's setup and teardown: *state is a struct rig, whose INBOX is selected. */
int rig_make(void **state);
int rig_remove(void **state);
/* Selects again, as others see the mailbox now. */
void rig_select(struct rig *r, bool read_only);
/*
 * Runs "NAME arguments" or "UID NAME arguments" for the commands FETCH and SEARCH. Untagged data,
 * then a last line "OK", "OK [CODE] note", ...; valid until the next one.
 */
struct span rig_run(struct rig *r, const char *command);
struct span rig_run_span(struct rig *r, struct span command);

/* A file that another program makes, or has made, in the Maildir; its times stay old. */
void foreign_bytes(struct rig *r, const char *name, struct span bytes);
void foreign_rewrite(struct rig *r, const char *name, struct span bytes);

/* Each row's command has that answer; CR is left out of both. */
struct rig_case {
	const char *command;
	const char *want;
};
void rig_expect(struct rig *r, const struct rig_case *v, size_t n);

#endif
