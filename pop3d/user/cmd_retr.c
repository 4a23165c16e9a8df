/*
 * Messages for the client: RETR and TOP (RFC 1939 5, 7). Called through the table. What RETR has
 * sent whole becomes \Seen when the session ends; TOP is a look that marks nothing.
 */
#include "pop3d/user/popuser.h"

SUSPENDS void
cmd_retr(struct session *s, const struct pop3_line *line, struct maildrop_message *m)
{
	struct err err = ERR_NONE;
	uint64_t bytes = 0;
	enum verdict v = message_send(s, m, true, line->lines, &bytes, &err);

	if (v == VERDICT_OK) {
		m->marks |= MAILDROP_READ;
		s->counts.retr++;
	} else if (v != VERDICT_EOF) {
		session_fail(s, &err);
	}
	s->counts.retr_bytes += bytes;
}

SUSPENDS void
cmd_top(struct session *s, const struct pop3_line *line, struct maildrop_message *m)
{
	struct err err = ERR_NONE;
	uint64_t bytes = 0;
	enum verdict v = message_send(s, m, false, line->lines, &bytes, &err);

	if (v == VERDICT_OK)
		s->counts.top++;
	else if (v != VERDICT_EOF)
		session_fail(s, &err);
	s->counts.top_bytes += bytes;
}
