/*
 * What the files of pop3d's login half share: the dialogue of a client that has not logged in.
 */
#ifndef POP3D_LOGIN_POP3D_H
#define POP3D_LOGIN_POP3D_H

#include "login/login.h"
#include "pop3d/pop3.h"

struct dialogue {
	struct login *login;
	const struct conf *conf;
	struct str name; /* of USER: good for the next command alone */
	bool utf8;
	bool
	    over; /* nothing more is read, nor written: the stream may have gone to the user half */
};

/* The settings of a pop3d whose configuration is CONF; prepare gives them to login_front_new. */
void pop3d_settings(const struct conf *conf, struct login_settings *out);

/* session.c */
SUSPENDS void pop3d_dialogue(struct login *l);
/* The stream of the client, for replies. */
struct stream *dialogue_io(const struct dialogue *d);
/*
 * The next line. False: there is none, the client has been told why, the dialogue is over. MAX:
 * bytes with the line's end; what is longer gets its -ERR and is passed over.
 */
SUSPENDS bool dialogue_read(struct dialogue *d, size_t max, struct span *line_out);
/* A client's mistake. */
SUSPENDS void dialogue_refuse(struct dialogue *d, const char *why);
/* Overwrites what the client sent: a password was in it. */
void dialogue_wipe(struct span line);

/* commands.c: the table. */
SUSPENDS void command_run(struct dialogue *d, struct span line);

/* Handlers of the table, each in the file of its group. */
SUSPENDS void cmd_capa(struct dialogue *d, const struct pop3_line *line);
SUSPENDS void cmd_stls(struct dialogue *d, const struct pop3_line *line);
SUSPENDS void cmd_utf8(struct dialogue *d, const struct pop3_line *line);
SUSPENDS void cmd_quit(struct dialogue *d, const struct pop3_line *line);
SUSPENDS void cmd_user(struct dialogue *d, const struct pop3_line *line);
SUSPENDS void cmd_pass(struct dialogue *d, const struct pop3_line *line);
SUSPENDS void cmd_auth(struct dialogue *d, const struct pop3_line *line);

/* cmd_user.c: verifies, and when WHO is somebody carries the session to its end. */
SUSPENDS void dialogue_login(
    struct dialogue *d, const char *mechanism, const struct sasl_login *who);

#endif
