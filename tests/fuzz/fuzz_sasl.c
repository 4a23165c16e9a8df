/*
 * Fuzz target for SASL exchanges: the first line is the mechanism, each that follows a response in
 * base64. An exchange ends within its steps, what comes out of it has no NUL and is as long as what
 * went in allows; after an error there is a reply that a protocol can give.
 */
#include "config.h"

#include "login/sasl.h"
#include "tests/fuzz/fuzz.h"

#define STEPS_MAX 3 /* LOGIN: an initial response, or a name and a password */

static void
check_login(const struct sasl_login *who, struct span data)
{
	assert(who->user.n > 0);
	assert(who->user.n + who->password.n + who->act_as.n <= data.n);
	assert(span_find(who->user, '\0') == who->user.n);
	assert(span_find(who->password, '\0') == who->password.n);
	assert(span_find(who->act_as, '\0') == who->act_as.n);
}

static void
check_exchange(struct span mechanism, struct span rest, struct span data)
{
	struct sasl_login who = { 0 };
	struct err err = ERR_NONE;
	enum verdict v = VERDICT_ABSENT;
	struct span response;
	unsigned steps = 0;
	bool more = true;
	struct sasl x;

	if (sasl_begin(&x, mechanism)) {
		assert(span_eq_nocase(mechanism, span_str(sasl_mechanism(&x))));
		for (; more && v == VERDICT_ABSENT; steps++) {
			assert(sasl_prompt(&x));
			more = span_cut(rest, '\n', &response, &rest);
			v = sasl_feed(&x, response, &who, &err);
		}
		assert(steps <= STEPS_MAX);
		assert(v == VERDICT_OK || v == VERDICT_ABSENT || v == VERDICT_PERM);
		assert(v != VERDICT_PERM || err.reply == 501);
		if (v == VERDICT_OK)
			check_login(&who, data);
	}
	sasl_end(&x);
}

FUZZ(data)
{
	struct sasl_login who = { 0 };
	struct err err = ERR_NONE;
	struct span mechanism, rest;

	span_cut(data, '\n', &mechanism, &rest);
	check_exchange(mechanism, rest, data);
	if (sasl_plain_parse(data, &who, &err) == VERDICT_OK)
		check_login(&who, data);
	else
		assert(err.reply == 501);
}
