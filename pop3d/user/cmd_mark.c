/*
 * Marks and their end: DELE, RSET, NOOP, QUIT (RFC 1939 5, 6). Called through the table. QUIT
 * alone removes anything, and says +OK when what it removed would stay removed after a power cut.
 */
#include "base/log.h"
#include "pop3d/user/popuser.h"

SUSPENDS void
cmd_dele(struct session *s, const struct pop3_line *line, struct maildrop_message *m)
{
	(void)line;
	m->marks |= MAILDROP_DELETED;
	pop3_ok(s->io, "message %zu will be removed at QUIT", maildrop_number(&s->drop, m));
}

SUSPENDS void
cmd_noop(struct session *s, const struct pop3_line *line, struct maildrop_message *m)
{
	(void)line;
	(void)m;
	pop3_ok(s->io, "nothing done");
}

SUSPENDS void
cmd_rset(struct session *s, const struct pop3_line *line, struct maildrop_message *m)
{
	(void)line;
	(void)m;
	maildrop_reset(&s->drop);
	pop3_ok(s->io, "no message will be removed");
}

SUSPENDS void
cmd_quit(struct session *s, const struct pop3_line *line, struct maildrop_message *m)
{
	struct err err = ERR_NONE;
	size_t removed = 0;
	enum verdict v = maildrop_update(&s->drop, &removed, &err);

	(void)line;
	(void)m;
	s->counts.removed = removed;
	if (v == VERDICT_OK)
		pop3_ok(s->io, "good-bye, %zu messages removed", removed);
	else
		pop3_err(s->io, "SYS/TEMP", "some deleted messages not removed: %s", err.text);
	if (v != VERDICT_OK)
		log_event(LOG_LEVEL_WARNING, "user=<%s>: messages were not removed: %s",
		    log_escape(s->from->login), err.text);
	s->over = true;
}
