/*
 * "$", the result of the last SEARCH that was told to save it: RFC 5182. Called by cmd_search.c,
 * which sets it, by set.c, which reads it, and by the session, which forgets it with the mailbox.
 * Owns a list of UIDs, as ranges, so that messages expunged meanwhile need no care (RFC 5182 2.1).
 */
#include "config.h"

#include "imapd/saved.h"

#include "base/mem.h"
#include "imapd/session.h"
#include "imapd/set.h"

struct saved_search {
	struct uid_list uids;
};

struct uid_set
saved_uids(const struct saved_search *saved)
{
	return saved ? uid_list_set(&saved->uids) : (struct uid_set){ NULL, 0 };
}

void
saved_replace(struct saved_search **saved, struct uid_list *uids)
{
	saved_forget(saved);
	*saved = mem_alloc(sizeof(**saved));
	(*saved)->uids = *uids;
	*uids = (struct uid_list){ NULL, 0, 0 };
}

void
saved_forget(struct saved_search **saved)
{
	if (!*saved)
		return;
	uid_list_free(&(*saved)->uids);
	mem_free(*saved);
	*saved = NULL;
}

bool
set_args(struct session *s, struct args *a, struct set *out)
{
	struct args_set set;

	return args_set(a, &set) &&
	       set_resolve(a, &set, s->view, s->uid, saved_uids(s->saved), out);
}
