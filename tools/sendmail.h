/* What the files of sendmail share: the message that is to be sent, and where its recipients come
 * from. */
#ifndef TOOLS_SENDMAIL_H
#define TOOLS_SENDMAIL_H

#include "base/arena.h"
#include "message/submission.h"

struct sendmail {
	const char *name; /* it was called by */
	const char *config_dir;
	bool config_given;
	bool extract; /* -t: recipients stand in the header */
	bool dots;    /* -i: a dot alone in its line is text */
	bool sender_given;
	struct submission envelope;
	struct str sender;     /* the envelope's, as it is written there */
	struct str recipients; /* lines of the head */
	size_t recipients_n;
	uint64_t extract_limit;
	struct arena arena;
};

/* sendmail_address.c: puts the one address that TEXT is; false: it is none, or more than one. */
bool sendmail_put_sender(struct sendmail *s, struct span text, struct str *out);
/* Adds the addresses of TEXT, as a header field has them; false, and ERR says
 * why: an address is none, or there are too many. */
bool sendmail_add_list(struct sendmail *s, struct span text, struct err *err);
/* The recipients that HEADER names (RFC 5322 3.6.3; where there is a Resent- one, 3.6.6). */
bool sendmail_extract(struct sendmail *s, struct span header, struct err *err);

/* sendmail_message.c: runs postdrop and gives it the envelope and what stands on standard input;
 * returns the exit status. */
int sendmail_submit(struct sendmail *s, const char *postdrop);

#endif
