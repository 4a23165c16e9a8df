/* What a server offers in its reply to EHLO. */
#ifndef SMTP_EHLO_H
#define SMTP_EHLO_H

#include "base/span.h"

enum ehlo_feature {
	EHLO_PIPELINING = 1,
	EHLO_SIZE = 2,
	EHLO_8BITMIME = 4,
	EHLO_DSN = 8,
	EHLO_SMTPUTF8 = 16,
	EHLO_STARTTLS = 32,
	EHLO_AUTH = 64,
};

enum ehlo_mechanism { EHLO_AUTH_PLAIN = 1, EHLO_AUTH_LOGIN = 2 };

struct ehlo {
	unsigned features;
	unsigned mechanisms;
	uint64_t size; /* bytes of the largest message; 0: no limit told */
};

/* TEXT: the lines of a reply with their codes, as struct reply holds them. What is unknown is
 * passed over. */
void ehlo_parse(struct span text, struct ehlo *out);

#endif
