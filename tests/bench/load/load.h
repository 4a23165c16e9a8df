/*
 * What the kinds of load share. A lane is a fiber that holds one dialogue after another until all
 * of the work has been handed out; what a server says that it should not ends the program.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "base/str.h"
#include "event/stream.h"
#include "event/tls.h"

#define LOAD_WAIT_S 120 /* for anything that a server does */
#define LOAD_LINE   65536

struct load {
	uint16_t port;	/* of 127.0.0.1 */
	unsigned count; /* dialogues in all */
	unsigned lanes;
	unsigned users; /* "u0" to "u<n-1>" take turns; 0: USER alone */
	const char *user;
	const char *password;
	bool tls;
	bool resume;
	char **script; /* commands to be timed */
	unsigned script_n;
	struct tls_context *client;
	unsigned begun; /* dialogues */
	unsigned resumed;
};

struct lane {
	struct load *load;
	struct tls_session *session; /* of the last dialogue */
};

/* A kind of load: one dialogue, the number of which is N. */
typedef void load_fn(struct lane *lane, unsigned n);

SUSPENDS struct stream *load_connect(const struct load *load);
/* A whole line, without its end. */
SUSPENDS struct span load_line(struct stream *io);
/* A reply of SMTP: its last line begins with CODE. */
SUSPENDS void load_smtp_reply(struct stream *io, const char *code);
SUSPENDS void load_say(struct stream *io, const char *fmt, ...) PRINTF(2, 3);
/* Ends the program. */
_Noreturn void load_fail(const char *what, struct span said);

SUSPENDS void load_smtp_idle(struct lane *lane, unsigned n);
SUSPENDS void load_smtp_tls(struct lane *lane, unsigned n);
SUSPENDS void load_pop3_login(struct lane *lane, unsigned n);
SUSPENDS void load_imap_login(struct lane *lane, unsigned n);
SUSPENDS void load_imap_idle(struct lane *lane, unsigned n);
SUSPENDS void load_imap_script(struct lane *lane, unsigned n);
SUSPENDS void load_pop3_script(struct lane *lane, unsigned n);

#endif
