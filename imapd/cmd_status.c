/*
 * STATUS (RFC 9051 6.3.11; RFC 7162 for HIGHESTMODSEQ, RFC 7889 for APPENDLIMIT). One table of
 * items. Called through the table of commands, and by LIST. All of it comes from the index: no
 * message is opened.
 */
#include "imapd/status.h"

#include "imapd/commands.h"
#include "mailbox/name.h"
#include "message/envelope.h"

struct status {
	const struct session *s;
	const struct mailbox *mb;
	struct mailbox_counts counts;
};

static uint64_t
status_messages(const struct status *st)
{
	return st->counts.messages;
}

static uint64_t
status_recent(const struct status *st)
{
	return st->counts.fresh;
}

static uint64_t
status_unseen(const struct status *st)
{
	return st->counts.unseen;
}

static uint64_t
status_deleted(const struct status *st)
{
	return st->counts.deleted;
}

static uint64_t
status_size(const struct status *st)
{
	return st->counts.size;
}

static uint64_t
status_uidnext(const struct status *st)
{
	return mailbox_uidnext(st->mb);
}

static uint64_t
status_uidvalidity(const struct status *st)
{
	return mailbox_uidvalidity(st->mb);
}

static uint64_t
status_modseq(const struct status *st)
{
	return mailbox_modseq(st->mb);
}

static uint64_t
status_append_limit(const struct status *st)
{
	return st->s->conf->imapd_append_limit;
}

static const struct {
	const char *name;
	uint64_t (*value)(const struct status *st);
} items[] = {
	{ "MESSAGES", status_messages },
	{ "RECENT", status_recent },
	{ "UIDNEXT", status_uidnext },
	{ "UIDVALIDITY", status_uidvalidity },
	{ "UNSEEN", status_unseen },
	{ "DELETED", status_deleted },
	{ "SIZE", status_size },
	{ "HIGHESTMODSEQ", status_modseq },
	{ "APPENDLIMIT", status_append_limit },
};

static bool
status_parse_item(struct session *s, struct args *a, unsigned *items_out)
{
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		if (!args_word(a, items[i].name))
			continue;
		*items_out |= 1u << i;
		/* RFC 7162 3.1.2 */
		if (items[i].value == status_modseq)
			s->enabled |= ENABLED_CONDSTORE;
		return true;
	}
	return args_fail(a, "There is no such status item");
}

bool
status_parse(struct session *s, struct args *a, unsigned *items_out)
{
	*items_out = 0;
	if (!args_open(a) || !status_parse_item(s, a, items_out))
		return false;
	while (args_next_is(a, ' '))
		if (!args_space(a) || !status_parse_item(s, a, items_out))
			return false;
	return args_close(a);
}

void
mailbox_put(const struct session *s, struct str *out, struct span name)
{
	struct str wire = STR_INIT(4 * LIMIT_MAILBOX_NAME);

	if (s->enabled & (ENABLED_UTF8 | ENABLED_REV2))
		str_put(&wire, name);
	else
		mutf7_put(&wire, name);
	imap_put_string(out, str_span(&wire));
	str_free(&wire);
}

static void
status_put(const struct status *st, struct span name, unsigned wanted, struct str *out)
{
	const char *before = " (";

	str_puts(out, "* STATUS ");
	mailbox_put(st->s, out, name);
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		if (!(wanted >> i & 1))
			continue;
		str_printf(out, "%s%s ", before, items[i].name);
		if (items[i].value == status_append_limit && items[i].value(st) == 0)
			str_puts(out, "NIL");
		else
			str_put_u64(out, items[i].value(st));
		before = " ";
	}
	str_puts(out, ")\r\n");
}

SUSPENDS enum verdict
status_tell(struct session *s, struct span name, unsigned wanted, struct err *err)
{
	struct str out = STR_INIT(8 * LIMIT_MAILBOX_NAME);
	struct status st = { .s = s };
	struct room *room;
	enum verdict v = room_enter(s->account, name, &room, err);

	if (v == VERDICT_OK) {
		st.mb = room->mailbox;
		mailbox_count_all(st.mb, &st.counts);
		status_put(&st, name, wanted, &out);
		room_leave(room);
		session_put(s, str_span(&out));
	}
	str_free(&out);
	return v;
}

SUSPENDS void
cmd_status(struct session *s, struct args *a)
{
	struct err err = ERR_NONE;
	struct span name;
	unsigned wanted;

	if (!args_mailbox(a, &name) || !args_space(a) || !status_parse(s, a, &wanted) ||
	    !args_done(a))
		return;
	if (status_tell(s, name, wanted, &err) != VERDICT_OK)
		result_err(s, &err);
}
