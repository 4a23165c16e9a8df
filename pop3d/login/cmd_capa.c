/*
 * What comes before a login or instead of one: CAPA (RFC 2449 5), STLS (RFC 2595 4), UTF8 (RFC 6856
 * 2), QUIT. Called through the table. After STLS nothing holds that was said before it.
 */
#include "pop3d/login/pop3d.h"

SUSPENDS void
cmd_capa(struct dialogue *d, const struct pop3_line *line)
{
	const struct pop3_offer offer = { .stls = login_can_start_tls(d->login),
		.passwords = login_can_verify(d->login) };

	(void)line;
	pop3_capa(dialogue_io(d), d->conf, &offer);
}

SUSPENDS void
cmd_stls(struct dialogue *d, const struct pop3_line *line)
{
	(void)line;
	if (!login_can_start_tls(d->login)) {
		dialogue_refuse(d,
		    login_secured(d->login) ? "TLS is there already" : "there is no TLS to offer");
		return;
	}
	pop3_ok(dialogue_io(d), "begin TLS");
	str_reset(&d->name);
	d->utf8 = false;
	if (login_start_tls(d->login) != VERDICT_OK)
		d->over = true;
}

SUSPENDS void
cmd_utf8(struct dialogue *d, const struct pop3_line *line)
{
	(void)line;
	d->utf8 = true;
	pop3_ok(dialogue_io(d), "UTF-8 it is");
}

SUSPENDS void
cmd_quit(struct dialogue *d, const struct pop3_line *line)
{
	(void)line;
	pop3_ok(dialogue_io(d), "good-bye");
	d->over = true;
}
