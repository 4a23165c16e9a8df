/*
 * Mail addresses as SMTP writes them (RFC 5321 4.1.2, RFC 6531 3.3). An address is held by value:
 * the local part without its quotes, the domain in lower case. Text made from it (address_put) is
 * canonical: the same address always looks the same, is quoted only where it must be, and that text
 * is what the queue, tables and logs carry.
 *
 * The local part is any bytes but controls: it may hold "/", "|", "..", blanks. It is a value,
 * never a path or a command.
 */
#ifndef MESSAGE_ADDRESS_H
#define MESSAGE_ADDRESS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct address {
	struct span local;  /* unquoted; empty for the null address alone */
	struct span domain; /* lower case; "[192.0.2.1]" for a literal; empty when there was none */
	bool utf8;	    /* some byte is not ASCII: whoever is sent it must offer SMTPUTF8 */
};

enum path_flag {
	PATH_UTF8 = 1,	    /* the client said SMTPUTF8 */
	PATH_NULL = 2,	    /* "<>" is allowed: MAIL FROM */
	PATH_NO_DOMAIN = 4, /* "<postmaster>" is allowed: RFC 5321 4.1.1.3 */
	PATH_BARE = 8,	    /* the brackets may be missing: strict_rfc821_envelopes = no */
	PATH_SENDER = 16,   /* errors speak of a sender (5.1.7), else of a recipient (5.1.3) */
};

/*
 * Takes a path off the front of *ARGS; what follows (nothing, or a blank and parameters) stays
 * there. A source route is read and ignored (RFC 5321 C). Dots at the ends of a local part, or two
 * together, are taken: such mailboxes exist. What OUT points to lies in ARENA. VERDICT_PERM:
 * 501 5.1.3 or 5.1.7; 553 5.6.7 for UTF-8 without PATH_UTF8; VERDICT_TEMP: ARENA is full. *ARGS has
 * then not moved.
 */
enum verdict path_parse(
    struct span *args, unsigned flags, struct arena *arena, struct address *out, struct err *err);

/* All of TEXT is local@domain, as address_put writes it: from tables, options, other processes.
 * Flags as above. */
enum verdict address_parse(
    struct span text, unsigned flags, struct arena *arena, struct address *out, struct err *err);

static inline bool
address_is_null(const struct address *a)
{
	return a->local.n == 0;
}

/* Both parts equal, the local part byte by byte. */
bool address_eq(const struct address *a, const struct address *b);

/* local@domain, quoted where it must be (a dot-string else a quoted-string; good in headers too);
 * "" for null. */
bool address_put(struct str *out, const struct address *a);
/* "<local@domain>", "<>" */
bool address_put_path(struct str *out, const struct address *a);
/* The same as address_put, into ARENA; .p is NULL when it is full. */
struct span address_text(const struct address *a, struct arena *arena);
/* A local part alone, quoted where it must be. Bytes that no quoting makes legal (controls) become
 * "?". */
bool address_put_local(struct str *out, struct span local);

/*
 * Cuts canonical text at its last "@" without reading it anew; LOCAL_OUT is still quoted. False
 * when there is no "@": all of it is then local.
 */
bool address_split(struct span canonical, struct span *local_out, struct span *domain_out);

#endif
