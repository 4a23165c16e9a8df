/*
 * USER and PASS (RFC 1939 7), and what follows every login: verifying, and handing the session
 * over. Called through the table, and by AUTH. USER tells nobody which names there are; passwords
 * are wiped from where they stood. The reply to a login that succeeded is the user half's to give.
 */
#include "pop3d/login/pop3d.h"

SUSPENDS void
cmd_user(struct dialogue *d, const struct pop3_line *line)
{
	if (!login_can_verify(d->login)) {
		dialogue_refuse(d, "TLS is needed for that");
		return;
	}
	str_put(&d->name, span_trim(line->text));
	pop3_ok(dialogue_io(d), "now the password");
}

SUSPENDS void
cmd_pass(struct dialogue *d, const struct pop3_line *line)
{
	/* All of the line: blanks may belong to a password (RFC 1939 7). */
	const struct sasl_login who = {
		.act_as = span_lit(""), .user = str_span(&d->name), .password = line->text
	};

	dialogue_login(d, "USER", &who);
	/* Of a session that was carried the buffer is gone. */
	if (!d->over)
		dialogue_wipe(line->text);
	str_reset(&d->name);
}

/* RFC 3206: is it the credentials, or are we unable just now? */
SUSPENDS static void
login_failed(struct dialogue *d, const struct err *err)
{
	if (err->reply == 538 || err->text[0] == '[')
		pop3_err(dialogue_io(d), "", "%s", err->text);
	else
		pop3_err(dialogue_io(d), err->reply == 535 ? "AUTH" : "SYS/TEMP", "%s", err->text);
}

SUSPENDS void
dialogue_login(struct dialogue *d, const char *mechanism, const struct sasl_login *who)
{
	const char letter = POP3_STATE_UTF8;
	struct err err = ERR_NONE;
	enum verdict v = login_verify(d->login, mechanism, who, &err);

	if (v == VERDICT_OK)
		v = login_hand_over(d->login, span_of(&letter, d->utf8 ? 1 : 0), &err);
	if (v == VERDICT_OK) {
		d->over = true;
	} else if (v == VERDICT_CANCELLED) {
		pop3_err(dialogue_io(d), "SYS/TEMP", "the server is shutting down");
		d->over = true;
	} else {
		login_failed(d, &err);
	}
}
