/*
 * The names of special uses: one table, read by CREATE and written by LIST. Called by both.
 * lib/mailbox keeps the bits; RFC 6154 2 says what they mean, RFC 8457 2 has \Important.
 */
#include "imapd/use.h"

#include "mailbox/mailbox.h"

static const struct {
	const char *name;
	enum mailbox_use use;
} uses[] = {
	{ "All", MAILBOX_ALL },
	{ "Archive", MAILBOX_ARCHIVE },
	{ "Drafts", MAILBOX_DRAFTS },
	{ "Flagged", MAILBOX_FLAGGED },
	{ "Junk", MAILBOX_JUNK },
	{ "Sent", MAILBOX_SENT },
	{ "Trash", MAILBOX_TRASH },
	{ "Important", MAILBOX_IMPORTANT },
};

unsigned
use_parse(struct args *a)
{
	if (cursor_skip(&a->in, '\\'))
		for (size_t i = 0; i < ARRAY_LEN(uses); i++)
			if (args_word(a, uses[i].name))
				return uses[i].use;
	args_fail(a, "There is no such special use");
	return 0;
}

void
use_put(struct str *out, unsigned use)
{
	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (use & uses[i].use)
			str_printf(out, " \\%s", uses[i].name);
}
