/*
 * What there is: STAT, LIST, UIDL (RFC 1939 5, 7) and CAPA (RFC 2449 5). Called through the table.
 * Nothing is read from messages but, once in their life, the sizes of those that another program
 * stored. Long lists go out as they are made; a client that does not read them makes us wait, not
 * grow.
 */
#include "pop3d/user/popuser.h"

SUSPENDS void
cmd_stat(struct session *s, const struct pop3_line *line, struct maildrop_message *m)
{
	struct maildrop_totals totals;

	(void)line;
	(void)m;
	maildrop_count(&s->drop, &totals);
	pop3_ok(s->io, "%zu %llu", totals.n, (unsigned long long)totals.size);
}

SUSPENDS static void
list_all(struct session *s)
{
	struct maildrop_totals totals;
	struct maildrop_message *m;
	enum verdict v = VERDICT_OK;
	size_t at = 0;

	maildrop_count(&s->drop, &totals);
	pop3_ok(s->io, "%zu messages (%llu octets)", totals.n, (unsigned long long)totals.size);
	while (v == VERDICT_OK && (m = maildrop_next(&s->drop, &at)) != NULL)
		v = stream_printf(s->io, "%zu %llu\r\n", maildrop_number(&s->drop, m),
		    (unsigned long long)m->size);
	(void)stream_write(s->io, span_lit(".\r\n"));
}

SUSPENDS void
cmd_list(struct session *s, const struct pop3_line *line, struct maildrop_message *m)
{
	(void)line;
	if (!m) {
		list_all(s);
		return;
	}
	maildrop_measure(&s->drop, m);
	if (m->marks & MAILDROP_GONE)
		session_refuse(s, "the message has been removed by another program");
	else
		pop3_ok(
		    s->io, "%zu %llu", maildrop_number(&s->drop, m), (unsigned long long)m->size);
}

/* Messages that are gone have no line, as those that are marked as deleted. */
SUSPENDS static void
uidl_all(struct session *s)
{
	struct str id = STR_INIT(LIMIT_MAIL_FILE_NAME);
	struct maildrop_message *m;
	enum verdict v = VERDICT_OK;
	size_t at = 0;

	pop3_ok(s->io, "unique-ids follow");
	while (v == VERDICT_OK && (m = maildrop_next(&s->drop, &at)) != NULL) {
		str_reset(&id);
		if (maildrop_unique_id(&s->drop, m, &id, NULL) == VERDICT_OK)
			v = stream_printf(s->io, "%zu %.*s\r\n", maildrop_number(&s->drop, m),
			    SPAN_ARG(str_span(&id)));
	}
	(void)stream_write(s->io, span_lit(".\r\n"));
	str_free(&id);
}

SUSPENDS void
cmd_uidl(struct session *s, const struct pop3_line *line, struct maildrop_message *m)
{
	struct str id = STR_INIT(LIMIT_MAIL_FILE_NAME);
	struct err err = ERR_NONE;

	(void)line;
	if (!m)
		err.verdict = maildrop_check(&s->drop, &err);
	else
		err.verdict = maildrop_unique_id(&s->drop, m, &id, &err);
	if (err.verdict != VERDICT_OK)
		session_fail(s, &err);
	else if (m)
		pop3_ok(s->io, "%zu %.*s", maildrop_number(&s->drop, m), SPAN_ARG(str_span(&id)));
	else
		uidl_all(s);
	str_free(&id);
}

SUSPENDS void
cmd_capa(struct session *s, const struct pop3_line *line, struct maildrop_message *m)
{
	/* STLS is in order before the login alone (RFC 2595 4); all else is told again. */
	const struct pop3_offer offer = { .passwords = true };

	(void)line;
	(void)m;
	pop3_capa(s->io, s->conf, &offer);
}
