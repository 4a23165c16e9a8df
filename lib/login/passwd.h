/*
 * Lines of the passwd file (auth_passwd_file): Dovecot's form,
 * "user:{SCHEME}hash:uid:gid:gecos:home:shell:extra". authd reads it, postuser writes it.
 */
#ifndef LOGIN_PASSWD_H
#define LOGIN_PASSWD_H

#include "base/str.h"

/* Spans into the line; fields that are not there are empty. */
struct passwd_line {
	struct span user;
	struct span password;
	struct span uid;
	struct span gid;
	struct span gecos;
	struct span home;
	struct span shell;
	struct span extra; /* to the end of the line: it may hold colons */
};

/* LINE without its end, blanks around it do not count. False: a comment, or nothing. */
bool passwd_line_parse(struct span line, struct passwd_line *out);
/* A name that may be an account's: it becomes a directory's name and stands in log lines. */
bool passwd_user_valid(struct span user);
/* Where an account without a home of its own lives: BASE/domain/name, or BASE/name. */
bool passwd_home(struct span base, struct span user, struct str *out);
/* The number in "static:NUMBER", which is all that virtual_uid_maps and virtual_gid_maps may be for
 * accounts without ids of their own; false: it is something else. */
bool passwd_static_id(struct span maps, uint32_t *out);

#endif
