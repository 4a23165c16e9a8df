/*
 * What follows a path in MAIL and RCPT (RFC 5321 4.1.2): parameters "KEY" or "KEY=value"; and the
 * encodings of their values: xtext (RFC 3461 4) and ORCPT's address (RFC 3461 4.2, RFC 6533 3).
 * Spans point into the command line.
 */
#ifndef MESSAGE_ESMTP_H
#define MESSAGE_ESMTP_H

#include "base/err.h"
#include "base/str.h"

struct esmtp_param {
	struct span key;
	struct span value;
	bool has_value; /* "KEY=" with nothing after it is malformed */
};

struct esmtp_params {
	size_t count;
	struct esmtp_param v[LIMIT_ESMTP_PARAMS];
};

/* TEXT: all that follows the path. UTF8: values may hold UTF-8. VERDICT_PERM: 501 5.5.4, also for a
 * key given twice. */
enum verdict esmtp_params_parse(
    struct span text, bool utf8, struct esmtp_params *out, struct err *err);
/* NULL when KEY (case folded) is not there. */
const struct esmtp_param *esmtp_param_find(const struct esmtp_params *params, struct span key);

/*
 * Strict: every byte is xchar or "+" and two capital hex digits. Refused as well is what decodes to
 * a control character or to 8 bits: RFC 3461 allows neither in ENVID or ORCPT. False leaves OUT as
 * it was.
 */
bool xtext_parse(struct span text, struct str *out);
/* What is not xchar is written "+XX"; any byte may be given. */
bool xtext_put(struct str *out, struct span bytes);

/*
 * ORCPT's value, "rfc822;xtext" or "utf-8;...", as "type;address" with the address decoded and the
 * type in lower case. For utf-8 "\x{HEX}" is decoded and, with UTF8, UTF-8 is allowed as it stands.
 * False leaves OUT as it was.
 */
bool orcpt_parse(struct span value, bool utf8, struct str *out);
/* The reverse: DECODED is "type;address"; to a server without SMTPUTF8 (UTF8 false) "\x{HEX}" is
 * used. */
bool orcpt_put(struct str *out, struct span decoded, bool utf8);

#endif
