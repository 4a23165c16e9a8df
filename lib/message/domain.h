/*
 * Domain names and address literals as SMTP writes them (RFC 5321 4.1.2, 4.1.3; RFC 5890 2.3):
 * syntax only, no lookups. A name has labels of 1 to 63 letters, digits, hyphens and underscores,
 * no hyphen at a label's end, at most LIMIT_DOMAIN bytes in all, and is not all digits and dots.
 * Underscores are no LDH, but hosts that send mail have them.
 */
#ifndef MESSAGE_DOMAIN_H
#define MESSAGE_DOMAIN_H

#include "base/arena.h"
#include "base/str.h"

/* DOMAIN_UTF8: labels may hold UTF-8 (RFC 6531 3.3); whether they are good U-labels is for IDNA to
 * say. */
enum domain_flag { DOMAIN_UTF8 = 1 };

bool domain_valid(struct span name, unsigned flags);
/* Valid and of two labels or more. */
bool domain_is_fqdn(struct span name, unsigned flags);

/* An IPv4 (4 bytes) or IPv6 (16 bytes) address. */
struct domain_ip {
	uint8_t size;
	uint8_t byte[16];
};

/* "192.0.2.1" or "2001:db8::1", strict: no leading zeros, no zone. */
bool domain_ip_parse(struct span text, struct domain_ip *out);
/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3); no other tags. */
bool domain_literal_parse(struct span text, struct domain_ip *out);

/* What EHLO may say: a name or an address literal; OUT.size is 0 for a name. */
bool domain_helo_parse(struct span text, unsigned flags, struct domain_ip *out);

/* ASCII letters in lower case, all else as it is; "[IPv6:" keeps its capitals. .p is NULL when
 * ARENA is full. */
struct span domain_canonical(struct span domain, struct arena *arena);

#endif
