/*
 * SASL mechanisms that carry a name and a password: PLAIN (RFC 4616) and LOGIN. Pure functions over
 * what came in base64; the exchange itself (RFC 4954, RFC 5034, RFC 9051 6.2.2) is the protocol's.
 */
#ifndef LOGIN_SASL_H
#define LOGIN_SASL_H

#include "base/err.h"
#include "base/str.h"

struct sasl_login {
	struct span act_as; /* RFC 4616 authzid; empty: user */
	struct span user;
	struct span password;
};

struct sasl {
	struct str bytes; /* decoded: wiped */
	size_t user_n;	  /* LOGIN: of those, the name */
	unsigned step;
	bool login;
};

/*
 * Begins an exchange. False: MECHANISM (ASCII case does not matter) is none of these. sasl_end
 * follows in any case.
 */
bool sasl_begin(struct sasl *x, struct span mechanism);
/* What to ask for next, as base64 already: "", "VXNlcm5hbWU6", "UGFzc3dvcmQ6". */
const char *sasl_prompt(const struct sasl *x);
/*
 * What the client sent, in base64 (an initial response of "=" is an empty one: RFC 4954 4).
 * VERDICT_OK: *OUT is complete, and lives until sasl_end; VERDICT_ABSENT: send the next
 * sasl_prompt; VERDICT_PERM: malformed, ERR says how: 501 5.5.2.
 */
enum verdict sasl_feed(struct sasl *x, struct span base64, struct sasl_login *out, struct err *err);
/* Wipes all of it. */
void sasl_end(struct sasl *x);

/* "PLAIN" or "LOGIN" of an exchange that has begun. */
const char *sasl_mechanism(const struct sasl *x);

/* A PLAIN message (RFC 4616 2) as decoded: spans into MESSAGE. VERDICT_PERM with the reason. */
enum verdict sasl_plain_parse(struct span message, struct sasl_login *out, struct err *err);

#endif
