/*
 * PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login) from the server's side. Called by the
 * AUTH commands of smtpd, imapd and pop3d; reads and writes no socket. Names and passwords are
 * whatever bytes the client sent, but never empty names and never NUL; that they are UTF-8 nobody
 * demands, since old clients know no better. What was decoded is in memory that never moves and is
 * wiped.
 */
#include "config.h"

#include "base/base64.h"
#include "base/limits.h"
#include "login/sasl.h"

/* Two names, a password, two NULs: more is refused before it is decoded. */
#define SASL_BYTES (2 * LIMIT_ADDRESS + LIMIT_PASSWORD + 2)

enum { LOGIN_NAME, LOGIN_PASSWORD, LOGIN_DONE };

bool
sasl_begin(struct sasl *x, struct span mechanism)
{
	*x = (struct sasl){ .bytes = STR_INIT(SASL_BYTES) };
	x->login = span_eq_nocase(mechanism, span_lit("LOGIN"));
	return x->login || span_eq_nocase(mechanism, span_lit("PLAIN"));
}

const char *
sasl_mechanism(const struct sasl *x)
{
	return x->login ? "LOGIN" : "PLAIN";
}

/* "Username:" and "Password:" (no standard names them, clients look at neither). */
const char *
sasl_prompt(const struct sasl *x)
{
	if (!x->login)
		return "";
	return x->step == LOGIN_NAME ? "VXNlcm5hbWU6" : "UGFzc3dvcmQ6";
}

static enum verdict
malformed(struct err *err, const char *why)
{
	return err_mail(err, 501, "5.5.2", "%s", why);
}

static enum verdict
login_check(const struct sasl_login *who, struct err *err)
{
	if (who->user.n == 0)
		return malformed(err, "the user name is empty");
	if (who->user.n > LIMIT_ADDRESS || who->act_as.n > LIMIT_ADDRESS)
		return malformed(err, "the user name is too long");
	if (who->password.n > LIMIT_PASSWORD)
		return malformed(err, "the password is too long");
	if (memchr(who->user.p, 0, who->user.n) ||
	    (who->password.n > 0 && memchr(who->password.p, 0, who->password.n)))
		return malformed(err, "a NUL stands in a name or in a password");
	return VERDICT_OK;
}

/* message = [authzid] NUL authcid NUL passwd */
enum verdict
sasl_plain_parse(struct span message, struct sasl_login *out, struct err *err)
{
	struct span rest;

	if (!span_cut(message, '\0', &out->act_as, &rest) ||
	    !span_cut(rest, '\0', &out->user, &out->password))
		return malformed(err, "a PLAIN message has two NULs in it");
	return login_check(out, err);
}

/* Appends what BASE64 means. */
static enum verdict
decode(struct sasl *x, struct span base64, struct err *err)
{
	/* Reserved at once: growing would leave copies of a password behind. */
	if (!x->bytes.p && !str_reserve(&x->bytes, SASL_BYTES))
		return malformed(err, "the response is too long");
	if (span_eq(base64, span_lit("=")))
		return VERDICT_OK;
	if (base64.n / 4 * 3 > SASL_BYTES - x->bytes.n + 2)
		return malformed(err, "the response is too long");
	if (!base64_parse(base64, &x->bytes))
		return malformed(
		    err, x->bytes.full ? "the response is too long" : "the response is no base64");
	return VERDICT_OK;
}

enum verdict
sasl_feed(struct sasl *x, struct span base64, struct sasl_login *out, struct err *err)
{
	enum verdict v;

	assert(x->step != LOGIN_DONE);
	v = decode(x, base64, err);
	if (v != VERDICT_OK)
		return v;
	if (!x->login) {
		x->step = LOGIN_DONE;
		return sasl_plain_parse(str_span(&x->bytes), out, err);
	}
	if (x->step++ == LOGIN_NAME) {
		x->user_n = x->bytes.n;
		return VERDICT_ABSENT;
	}
	*out = (struct sasl_login){
		.act_as = span_lit(""),
		.user = span_head(str_span(&x->bytes), x->user_n),
		.password = span_from(str_span(&x->bytes), x->user_n),
	};
	return login_check(out, err);
}

void
sasl_end(struct sasl *x)
{
	str_wipe(&x->bytes);
	x->step = LOGIN_DONE;
}
