/*
 * Fuzz target for address lists: the walk ends, groups begin and end in turn, texts stay within
 * their bound and never hold what could end a line.
 */
#include "config.h"

#include "base/limits.h"
#include "message/addrlist.h"
#include "tests/fuzz/fuzz.h"

static void
check_text(struct span s)
{
	assert(s.n <= LIMIT_HEADER_TEXT && s.p);
	for (size_t i = 0; i < s.n; i++)
		assert(s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0');
}

FUZZ(data)
{
	struct arena arena;
	struct addrlist l;
	struct addrlist_entry e;
	bool in_group = false;
	size_t count = 0;

	arena_init(&arena, 1 << 18);
	l = addrlist_read(data, &arena);
	while (addrlist_next(&l, &e)) {
		assert(++count <= 2 * data.n + 1);
		assert((e.kind == ADDRLIST_GROUP_END) <= in_group);
		assert(e.kind != ADDRLIST_GROUP || !in_group);
		in_group = e.kind == ADDRLIST_MAILBOX ? in_group : e.kind == ADDRLIST_GROUP;
		if (e.kind == ADDRLIST_MAILBOX) {
			check_text(e.local);
			check_text(e.domain);
			check_text(e.route);
		}
		if (e.kind != ADDRLIST_GROUP_END)
			check_text(e.name);
		arena_reset(&arena);
	}
	assert(!in_group && cursor_done(&l.at));
	arena_free(&arena);
}
