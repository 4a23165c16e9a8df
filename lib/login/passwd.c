/*
 * The passwd file's grammar, for authd, which believes nothing else about an account, and for
 * postuser, which edits the file. Pure functions over text; owns nothing. A user name becomes the
 * name of a directory, so that "/", a leading dot, controls and blanks are never part of one.
 */
#include "config.h"

#include "login/passwd.h"

#include "base/num.h"

#define USER_MAX 255 /* bytes: NAME_MAX, and what master's messages hold */

bool
passwd_line_parse(struct span line, struct passwd_line *out)
{
	struct span *const fields[] = { &out->user, &out->password, &out->uid, &out->gid,
		&out->gecos, &out->home, &out->shell };

	line = span_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		span_cut(line, ':', fields[i], &line);
	out->extra = line;
	return true;
}

bool
passwd_user_valid(struct span user)
{
	size_t at = span_find(user, '@');

	if (user.n == 0 || user.n > USER_MAX || user.p[0] == '.' || user.p[0] == '#' || at == 0)
		return false;
	if (at < user.n && (at + 1 == user.n || user.p[at + 1] == '.'))
		return false;
	for (size_t i = 0; i < user.n; i++)
		if ((unsigned char)user.p[i] <= ' ' || user.p[i] == 0x7f || user.p[i] == '/' ||
		    user.p[i] == ':' || (user.p[i] == '@' && i != at))
			return false;
	return true;
}

bool
passwd_home(struct span base, struct span user, struct str *out)
{
	struct span name, domain;

	if (span_cut(user, '@', &name, &domain))
		return str_printf(
		    out, "%.*s/%.*s/%.*s", SPAN_ARG(base), SPAN_ARG(domain), SPAN_ARG(name));
	return str_printf(out, "%.*s/%.*s", SPAN_ARG(base), SPAN_ARG(user));
}

bool
passwd_static_id(struct span maps, uint32_t *out)
{
	const struct span prefix = span_lit("static:");
	uint64_t v;

	maps = span_trim(maps);
	if (!span_starts(maps, prefix) ||
	    !num_parse_u64(span_from(maps, prefix.n), UINT32_MAX - 1, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}
