/*
 * AUTH (RFC 5034): the exchange. What the mechanisms say is lib/login/sasl.h's to parse, who
 * somebody is authd's to tell. Called through the table. AUTH alone tells the mechanisms, as RFC
 * 1734's clients ask for them.
 */
#include "pop3d/login/pop3d.h"

#define RESPONSE_LINE 12288 /* bytes of what a client says to a challenge, with its line end */

SUSPENDS static void
mechanisms_tell(struct dialogue *d)
{
	struct str names = STR_INIT(256);
	struct span rest, name;

	pop3_mechanisms_put(d->conf, &names);
	pop3_ok(dialogue_io(d), "mechanisms follow");
	rest = str_span(&names);
	while (span_token(&rest, span_lit(" "), &name))
		(void)stream_printf(dialogue_io(d), "%.*s\r\n", SPAN_ARG(name));
	(void)stream_write(dialogue_io(d), span_lit(".\r\n"));
	str_free(&names);
}

/* Sends the challenge and reads what the client says to it. False: the client has been told. */
SUSPENDS static bool
response_read(struct dialogue *d, const struct sasl *x, struct span *line)
{
	(void)stream_printf(dialogue_io(d), "+ %s\r\n", sasl_prompt(x));
	if (!dialogue_read(d, RESPONSE_LINE, line))
		return false;
	if (!span_eq(*line, span_lit("*")))
		return true;
	dialogue_refuse(d, "the login was given up");
	return false;
}

/* INITIAL is what came with the command, or empty. False: the client has been told why. */
SUSPENDS static bool
exchange_run(struct dialogue *d, struct sasl *x, struct span initial, struct sasl_login *out)
{
	struct err err = ERR_NONE;
	enum verdict v = VERDICT_ABSENT;
	struct span line = initial;

	while (v == VERDICT_ABSENT) {
		if (line.n == 0 && !response_read(d, x, &line))
			return false;
		v = sasl_feed(x, line, out, &err);
		dialogue_wipe(line);
		line = span_lit("");
	}
	if (v != VERDICT_OK)
		dialogue_refuse(d, err.text);
	return v == VERDICT_OK;
}

SUSPENDS void
cmd_auth(struct dialogue *d, const struct pop3_line *line)
{
	struct span name, initial;
	struct sasl_login who;
	struct sasl x;

	span_cut(span_trim(line->text), ' ', &name, &initial);
	if (!login_can_verify(d->login)) {
		dialogue_refuse(d, "TLS is needed for that");
		return;
	}
	if (name.n == 0) {
		mechanisms_tell(d);
		return;
	}
	if (sasl_begin(&x, name) && pop3_mechanism_offered(d->conf, name)) {
		if (exchange_run(d, &x, span_trim(initial), &who))
			dialogue_login(d, sasl_mechanism(&x), &who);
	} else {
		dialogue_refuse(d, "no such mechanism");
	}
	sasl_end(&x);
}
