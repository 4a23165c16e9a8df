/*
 * Parking: a session that has been silent for imapd_park_time goes back to its login half as one
 * line of text, and this process may end. Called by session.c. The record holds what the client
 * knows of its mailbox; what has happened meanwhile is told after the next command, as to any
 * session. Sessions with a saved search, or in IDLE, stay.
 */
#include "imapd/park.h"

#include "base/cursor.h"

#define PARK_VERSION 1

bool
park_put(const struct session *s, struct str *out)
{
	struct view_record r;

	if (s->saved)
		return false;
	str_printf(out, "%u %u", PARK_VERSION, s->enabled);
	if (s->view && view_room(s->view)->gone)
		return false;
	if (s->view) {
		view_keep(s->view, &r);
		str_printf(out, " %d %u %u %ju %ju %ju ", s->read_only, r.uidvalidity, r.top,
		    (uintmax_t)r.count, (uintmax_t)r.told, (uintmax_t)r.synced);
		str_put(out, str_span(&view_room(s->view)->name));
	}
	return !out->full;
}

static bool
take_number(struct cursor *c, uint64_t max, uint64_t *out)
{
	return cursor_skip(c, ' ') && cursor_u64(c, max, out);
}

bool
park_parse(struct span record, struct park_record *out)
{
	struct cursor c = cursor_of(record);
	uint64_t version, enabled, read_only, uidvalidity, top;

	*out = (struct park_record){ .selected = false };
	if (!cursor_u64(&c, PARK_VERSION, &version) || version != PARK_VERSION ||
	    !take_number(&c, UINT32_MAX, &enabled))
		return false;
	out->enabled = (unsigned)enabled;
	if (cursor_done(&c))
		return true;
	if (!take_number(&c, 1, &read_only) || !take_number(&c, UINT32_MAX, &uidvalidity) ||
	    !take_number(&c, UINT32_MAX, &top) ||
	    !take_number(&c, LIMIT_MAILBOX_MESSAGES, &out->view.count) ||
	    !take_number(&c, UINT64_MAX, &out->view.told) ||
	    !take_number(&c, UINT64_MAX, &out->view.synced) || !cursor_skip(&c, ' '))
		return false;
	out->view.uidvalidity = (uint32_t)uidvalidity;
	out->view.top = (uint32_t)top;
	out->read_only = read_only != 0;
	out->selected = true;
	out->name = cursor_rest(&c);
	return out->name.n > 0;
}

SUSPENDS bool
session_park(struct session *s)
{
	struct str record = STR_INIT(LIMIT_LOGIN_STATE);
	bool parked =
	    park_put(s, &record) && user_session_park(s->user, str_span(&record)) == VERDICT_OK;

	str_free(&record);
	if (parked)
		session_bye(s, "parked", NULL);
	return parked;
}

static bool
revive_view(struct session *s, const struct park_record *record)
{
	struct room *room;

	if (room_enter(s->account, record->name, &room, NULL) != VERDICT_OK)
		return false;
	s->view = view_revive(room, &record->view);
	return s->view != NULL;
}

SUSPENDS bool
session_revive(struct session *s)
{
	struct park_record record;
	bool good = park_parse(s->user->state, &record);

	s->enabled = record.enabled;
	s->read_only = record.read_only;
	if (good && record.selected)
		good = revive_view(s, &record);
	if (good)
		return true;
	session_bye(s, "mailbox gone", "The selected mailbox is no longer as it was");
	(void)stream_flush(s->io, deadline_after_s(LIMIT_IMAP_STALL));
	return false;
}
