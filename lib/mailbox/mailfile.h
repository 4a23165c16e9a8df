/* Names of message files: what they say (https://cr.yp.to/proto/maildir.html, ",S=" ",W=" of
 * Maildir++). */
#ifndef MAILBOX_MAILFILE_H
#define MAILBOX_MAILFILE_H

#include "base/str.h"
#include "mailbox/mail.h"

struct mailfile {
	struct span base; /* what stays the same when flags change */
	uint32_t flags;	  /* letters, MAIL_NEW, MAIL_RAW */
	uint64_t keywords;
	uint64_t size;	/* of ",S="; 0: not there */
	uint64_t vsize; /* of ",W="; 0: not there */
};

/* False for what is no message: empty, a leading dot, longer than a name may be, '/' or NUL in it.
 */
bool mailfile_parse(struct span name, bool in_new, struct mailfile *out);
/* The whole name of a message: STORED is the base, or all of it when FLAGS has MAIL_RAW. */
bool mailfile_put(struct str *out, struct span stored, uint32_t flags, uint64_t keywords);
/* EMAILID (RFC 8474) of a message first seen under a name of this base. */
uint64_t mailfile_id(struct span base);

#endif
