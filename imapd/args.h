/*
 * The arguments of one IMAP command (RFC 9051 9, RFC 3501 9), read from front to back. The command
 * lies in memory as a whole, with the bytes of its literals where they stand ("{5}\r\nhello"), but
 * for APPEND's message. A call that fails has set `bad`, which the tagged BAD tells, and leaves the
 * rest unread; decoded strings lie in the command or in ARENA. Nothing recurses.
 */
#ifndef IMAPD_ARGS_H
#define IMAPD_ARGS_H

#include "base/arena.h"
#include "base/cursor.h"

struct args {
	struct cursor in;
	struct arena *arena; /* the command's */
	bool utf8; /* mailbox names are UTF-8 (RFC 9051, or RFC 6855 enabled), not modified UTF-7 */
	const char *bad; /* what is wrong, for people; static; the first that was found */
};

/* One number or range of a sequence set. first <= last. ARGS_STAR is "*"; the number 4294967295
 * itself, which no message has, is taken for the one below it, so that it is not. */
#define ARGS_STAR UINT32_MAX
struct args_range {
	uint32_t first;
	uint32_t last;
};
/* Sorted, disjoint. */
struct args_set {
	const struct args_range *v;
	size_t n;
	bool saved; /* "$", RFC 5182 */
};

bool args_fail(struct args *a, const char *bad); /* false */
bool args_done(struct args *a);			 /* nothing may follow */
bool args_space(struct args *a);		 /* exactly one SP */
bool args_open(struct args *a);			 /* "(" */
bool args_close(struct args *a);		 /* ")" */
/* Is BYTE next? Takes nothing. */
bool args_next_is(const struct args *a, char byte);
bool args_atom(struct args *a, struct span *out);
bool args_word(struct args *a, const char *word); /* takes it if it is next, as a whole atom */
/* Quoted or literal; its bytes, any but NUL. */
bool args_string(struct args *a, struct span *out);
bool args_astring(struct args *a, struct span *out);
bool args_nstring(struct args *a, struct span *out); /* NIL: out->p is NULL */
bool args_number(struct args *a, uint64_t max, uint64_t *out);
bool args_nz_number(struct args *a, uint32_t *out);
/* At most LIMIT_IMAP_RANGES ranges; which messages they are is for set.h to say. */
bool args_set(struct args *a, struct args_set *out);
/* "1:500" or "-1:-500" (RFC 9394 3.1): the first, or the last, so many of a result. */
struct args_part {
	uint32_t first; /* as it was asked for, in either order; 0: no part was */
	uint32_t last;
	bool from_end;
};
bool args_part(struct args *a, struct args_part *out);
/* Which of COUNT that are, counted from 1; *FIRST > *LAST: none. */
void args_part_place(const struct args_part *part, size_t count, size_t *first, size_t *last);
/* A mailbox name: modified UTF-7 (or UTF-8 once enabled) on the wire, UTF-8 NFC out; INBOX in any
 * case is "INBOX". */
bool args_mailbox(struct args *a, struct span *out);
/* The same for CREATE and kin, where a separator may stand behind the last level. */
bool args_new_mailbox(struct args *a, struct span *out);
/* LIST's pattern: as args_mailbox, with "%" and "*". */
bool args_pattern(struct args *a, struct span *out);
/* "1-Feb-1994", quoted or not (SEARCH): days since 1970. */
bool args_date(struct args *a, int64_t *days_out);
/* "\"17-Jul-1996 02:44:25 -0700\"": seconds since 1970. */
bool args_date_time(struct args *a, int64_t *out);

#endif
