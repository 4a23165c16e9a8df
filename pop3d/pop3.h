/*
 * What both halves of pop3d share: how a command line is read, how replies are written, and what
 * CAPA tells. The login half has the AUTHORIZATION state of RFC 1939, the user half the TRANSACTION
 * and UPDATE states; each has its own table of commands.
 */
#ifndef POP3D_POP3_H
#define POP3D_POP3_H

#include "conf/conf.h"
#include "event/stream.h"

#define POP3_LINE 255 /* bytes of a command with its line end: RFC 2449 4 */

/* What the login half tells of a session, as the state of its hand-over: letters. */
#define POP3_STATE_UTF8 'u' /* the client has said UTF8 (RFC 6856) */

struct pop3_line {
	struct span verb;
	struct span text; /* all after the blank that ends the verb */
	uint64_t message; /* 0: none was given */
	uint64_t lines;
};

/* False: control characters, or no command at all. TEXT is not looked into. */
bool pop3_line_split(struct span line, struct pop3_line *out);
/*
 * What may follow a verb: a column of the tables of commands. False: LINE has not that; else the
 * numbers are filled in. After a text comes nothing: it stands as it is, blanks and all.
 */
typedef bool pop3_args_fn(struct pop3_line *line);
bool pop3_args_none(struct pop3_line *line);
bool pop3_args_text(struct pop3_line *line);
bool pop3_args_any(struct pop3_line *line);
bool pop3_args_message(struct pop3_line *line);
bool pop3_args_message_or_none(struct pop3_line *line);
bool pop3_args_message_lines(struct pop3_line *line);

/* "+OK text"; one line, cut at the 512 bytes that RFC 1939 3 allows. */
SUSPENDS void pop3_ok(struct stream *io, const char *fmt, ...) PRINTF(2, 3);
/* "-ERR [code] text"; CODE as of RFC 2449 8 and RFC 3206, or "". */
SUSPENDS void pop3_err(struct stream *io, const char *code, const char *fmt, ...) PRINTF(3, 4);

struct pop3_offer {
	bool stls;	/* it could be given now */
	bool passwords; /* and so could these */
};
/* The whole reply to CAPA (RFC 2449 5). */
SUSPENDS void pop3_capa(struct stream *io, const struct conf *conf, const struct pop3_offer *offer);
/* Is MECHANISM one that we know and that auth_mechanisms names? */
bool pop3_mechanism_offered(const struct conf *conf, struct span mechanism);
/* Appends those that are, each with a blank before it. */
void pop3_mechanisms_put(const struct conf *conf, struct str *out);

#endif
