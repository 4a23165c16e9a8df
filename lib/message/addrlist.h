/*
 * Lists of addresses in From, To, Cc, ... (RFC 5322 3.4, 4.4), as IMAP's ENVELOPE (RFC 9051 7.5.2)
 * and sendmail -t want them: one entry at a time, in order, groups as their begin, their members
 * and their end. Nothing is refused: what mailers wrote is read as far as it can be. What an entry
 * has not got is empty.
 *
 * These are not yet addresses to send to: give local and domain to address_parse first.
 */
#ifndef MESSAGE_ADDRLIST_H
#define MESSAGE_ADDRLIST_H

#include "base/arena.h"
#include "base/cursor.h"
#include "base/str.h"
#include "message/address.h"

enum addrlist_kind {
	ADDRLIST_MAILBOX,
	ADDRLIST_GROUP,	    /* .name is the group's */
	ADDRLIST_GROUP_END, /* nothing but that */
};

struct addrlist_entry {
	enum addrlist_kind kind;
	struct span
	    name; /* display name, unquoted, blanks between words; encoded words as they are */
	struct span route;  /* obsolete source route, "@a,@b" */
	struct span local;  /* unquoted */
	struct span domain; /* as written */
};

struct addrlist {
	struct cursor at;
	struct arena *arena;
	bool in_group;
};

/* VALUE: a field's raw value. Texts of entries lie in ARENA; it may be reset between calls. */
static inline struct addrlist
addrlist_read(struct span value, struct arena *arena)
{
	return (struct addrlist){ cursor_of(value), arena, false };
}

/* False at the end, or when ARENA is full. Texts longer than LIMIT_HEADER_TEXT are cut. */
bool addrlist_next(struct addrlist *l, struct addrlist_entry *out);

/* "Name <address>" for a header: NAME (UTF-8, may be empty) quoted or in encoded words as needed.
 */
bool addrlist_put(struct str *out, struct span name, const struct address *address);

#endif
