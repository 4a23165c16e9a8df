/* Flags and keywords between the wire and lib/mailbox. */
#ifndef IMAPD_FLAGS_H
#define IMAPD_FLAGS_H

#include "imapd/session.h"

/* Of STORE and APPEND: letters, and the names of keywords, which may not be there yet. */
struct flags {
	uint32_t letters;
	struct span *names; /* in the command's arena */
	size_t names_n;
};

/* A flag list in parentheses, or (STORE alone) without: RFC 9051 9, flag-list and store-att-flags.
 */
bool flags_parse(struct args *a, bool bare, struct flags *out);
/*
 * The bits of keywords in MB, which are made where they are missing (CREATE). VERDICT_LIMIT: there
 * is no room for another.
 */
enum verdict flags_bits(struct mailbox *mb, const struct flags *flags, bool create,
    uint64_t *keywords_out, struct err *err);

/* A bit for each keyword that the mailbox has a name for. */
uint64_t flags_keywords(const struct mailbox *mb);
/* "\Answered \Flagged ... $Forwarded NonJunk": all flags that there may be. */
void flags_put_known(struct str *out, const struct mailbox *mb);

#endif
