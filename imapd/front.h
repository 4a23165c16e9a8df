/*
 * The login half's dialogue: what its two files share. A client that has not logged in has one
 * struct front, which lies on its fiber's stack; the command at hand is wiped when it is answered,
 * as it may hold a password.
 */
#ifndef IMAPD_FRONT_H
#define IMAPD_FRONT_H

#include "base/arena.h"
#include "imapd/args.h"
#include "login/login.h"

struct front {
	struct login *login;
	struct stream *io;
	const struct conf *conf;
	struct str text; /* the command, with its literals */
	struct arena arena;
	struct span tag;
	bool over; /* logged in and out again, or to be closed */
};

/* login_settings.dialogue and .refuse */
SUSPENDS void front_dialogue(struct login *l);
SUSPENDS void front_refuse(struct login *l, struct span why);

/* Another line for AUTHENTICATE, without its end; false: the client is gone, or has been sent away.
 */
SUSPENDS bool front_read_line(struct front *f, struct span *line_out);
/* front_commands.c: answers what front_dialogue has read. */
SUSPENDS void front_run(struct front *f);
/* "IMAP4rev1 ...": what is offered before the login, now. */
void front_capabilities(const struct front *f, struct str *out);

#endif
