/*
 * Fuzz target for the passwd file: all of the input is one. It is taken whole, or a line is named
 * and what was known before stays; who is in it can be found by its name in any case of letters,
 * and its name and home are fit to be a directory's.
 */
#include "config.h"

#include "authd/accounts.h"
#include "login/passwd.h"
#include "tests/fuzz/fuzz.h"

static void
check_line(struct accounts *a, struct span line)
{
	struct str home = STR_INIT(4096);
	struct passwd_line fields;
	const struct account *found;

	if (passwd_line_parse(line, &fields)) {
		assert(fields.user.n + fields.password.n + fields.extra.n <= line.n);
		found = accounts_find(a, fields.user);
		assert(found && passwd_user_valid(found->user));
		assert(span_eq_nocase(found->user, fields.user));
		assert(found->home.n > 0 && found->home.p[0] == '/');
		assert(span_find(found->user, '/') == found->user.n);
		if (passwd_home(span_lit("/srv"), found->user, &home))
			assert(span_find_span(str_span(&home), span_lit("/../")) == home.n);
	}
	str_free(&home);
}

FUZZ(data)
{
	const struct account_defaults defaults = { .uid = 5000, .gid = 5000, .base = SPAN("/srv") };
	struct accounts *a = accounts_new(-1, "passwd", &defaults);
	struct err err = ERR_NONE;
	struct span line;
	uint32_t id;

	assert(accounts_parse(a, span_lit("anna:{PLAIN}x::::/var/mail/anna"), &err) == VERDICT_OK);
	if (accounts_parse(a, data, &err) == VERDICT_OK) {
		for (struct span rest = data; rest.n > 0;) {
			span_cut(rest, '\n', &line, &rest);
			check_line(a, line);
		}
		assert(accounts_sample(a, data.n).n <= data.n);
	} else {
		assert(accounts_count(a) == 1 && accounts_find(a, span_lit("ANNA")));
	}
	passwd_static_id(data, &id);
	accounts_free(a);
}
