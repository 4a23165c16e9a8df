/*
 * APPEND (RFC 9051 6.3.12, RFC 7889): the message goes from the connection into a file of the
 * mailbox, piece by piece, and is named only when all of it is on disk. Called through the table
 * with the literal announced and not yet read. OK means that the message survives a power cut. A
 * message that is refused is passed over, so that what follows it is not taken for commands.
 */
#include "imapd/commands.h"
#include "imapd/flags.h"
#include "imapd/wire.h"

#define PIECE 65536 /* bytes taken from the connection at a time */

struct append {
	struct session *s;
	struct literal lit;
	struct room *room;
	struct flags flags;
	int64_t date; /* 0: now */
	struct draft draft;
	bool drafting;
	bool nul;
	bool lost; /* the client is gone */
};

/* Mailbox, flags, date; the literal is next. */
static bool
append_parse(struct append *ap, struct args *a, struct span *name_out)
{
	if (!args_mailbox(a, name_out) || !args_space(a))
		return false;
	if (args_next_is(a, '(') && (!flags_parse(a, false, &ap->flags) || !args_space(a)))
		return false;
	if (args_next_is(a, '"') && (!args_date_time(a, &ap->date) || !args_space(a)))
		return false;
	return args_next_is(a, '{') || args_fail(a, "The message is missing");
}

/* Takes the literal, into the draft while that goes well; then the rest of the line. */
SUSPENDS static enum verdict
append_read(struct append *ap, struct err *err)
{
	struct stream *io = ap->s->io;
	uint64_t left = ap->lit.size;
	enum verdict v = VERDICT_OK, r = VERDICT_OK;
	struct span piece;

	while (left > 0 && r == VERDICT_OK) {
		r = stream_read_some(
		    io, size_min(left, PIECE), deadline_after_s(LIMIT_IMAP_STALL), &piece);
		if (r != VERDICT_OK)
			break;
		left -= piece.n;
		ap->nul = ap->nul || memchr(piece.p, '\0', piece.n);
		if (ap->drafting && v == VERDICT_OK)
			v = draft_put(&ap->draft, piece, err);
	}
	if (r == VERDICT_OK)
		r = stream_read_line(io, LINE_LENIENT, ap->s->conf->imapd_line_limit,
		    deadline_after_s(LIMIT_IMAP_STALL), &piece);
	ap->lost = r != VERDICT_OK;
	if (v == VERDICT_OK && !ap->lost && piece.n > 0)
		v = err_set(err, VERDICT_PERM, "One message at a time, please");
	return ap->lost ? r : v;
}

/* In a thread: the disk is waited for. */
struct append_sync {
	struct append *append;
	enum verdict v;
	struct err *err;
};

static void
append_sync(void *arg)
{
	struct append_sync *job = arg;
	struct append *ap = job->append;

	job->v = draft_sync(&ap->draft, ap->date < 0 ? 1 : (uint64_t)ap->date * NS_PER_S, job->err);
}

/* The message is whole: named, indexed, durable. */
SUSPENDS static enum verdict
append_finish(struct append *ap, uint32_t *uid_out, struct err *err)
{
	struct mailbox *mb = ap->room->mailbox;
	struct pool *pool = account_pool(ap->s->account);
	struct append_sync job = { .append = ap, .v = VERDICT_OK, .err = err };
	struct mailbox_addition add = { .draft = &ap->draft };
	enum verdict v;

	/* Cancelled or not, it has run. */
	(void)pool_run(pool, append_sync, &job);
	v = job.v;
	if (v == VERDICT_OK)
		v = flags_bits(mb, &ap->flags, true, &add.keywords, err);
	if (v != VERDICT_OK)
		return v;
	add.flags = ap->flags.letters;
	add.date = ap->date;
	mailbox_add(mb, &add, 1);
	if (add.v != VERDICT_OK) {
		*err = add.err;
		return add.v;
	}
	*uid_out = add.uid;
	v = mailbox_sync(mb, pool, err);
	if (v != VERDICT_OK)
		draft_withdraw(&ap->draft);
	room_changed(ap->room);
	return v;
}

SUSPENDS static void
append_answer(struct append *ap, enum verdict v, uint32_t uid, const struct err *err)
{
	struct session *s = ap->s;
	struct str code = STR_INIT(64);

	if (ap->lost) {
		session_bye(s, "lost connection", NULL);
		return;
	}
	/* RFC 4315 3; a message whose UID is not known yet has none to be told. */
	if (uid > 0)
		str_printf(&code, "APPENDUID %u %u", mailbox_uidvalidity(ap->room->mailbox), uid);
	if (v == VERDICT_OK)
		result_ok(s, str_cstr(&code), "APPEND completed");
	else
		result_err(s, err);
	str_free(&code);
}

SUSPENDS static void
append_run(struct append *ap)
{
	struct err err = ERR_NONE;
	struct maildir *md = mailbox_maildir(ap->room->mailbox);
	enum verdict v, read;
	uint32_t uid = 0;

	v = draft_begin(&ap->draft, md, mailbox_folder(ap->room->mailbox), &err);
	ap->drafting = v == VERDICT_OK;
	if (ap->lit.waits && v == VERDICT_OK) {
		session_put(ap->s, span_lit("+ go on\r\n"));
		(void)stream_flush(ap->s->io, deadline_after_s(LIMIT_IMAP_STALL));
	}
	if (v == VERDICT_OK || !ap->lit.waits) {
		read = append_read(ap, &err);
		v = v == VERDICT_OK ? read : v;
	}
	if (v == VERDICT_OK && ap->nul)
		v = err_set(&err, VERDICT_PERM, "A message may not have NUL bytes");
	if (v == VERDICT_OK)
		v = append_finish(ap, &uid, &err);
	draft_end(&ap->draft);
	append_answer(ap, v, uid, &err);
}

/* Refused before it was read: a client that does not wait sends it all the same (RFC 7888 4). */
SUSPENDS static void
append_pass_over(struct append *ap)
{
	struct err ignored;

	if (ap->lit.waits)
		return;
	if (ap->lit.size > LIMIT_IMAP_PASS) {
		session_put(ap->s, span_lit("* BYE [TOOBIG] Message is too large\r\n"));
		ap->s->quit = true;
		return;
	}
	(void)append_read(ap, &ignored);
	if (ap->lost)
		session_bye(ap->s, "lost connection", NULL);
}

/* What speaks against it; false: the answer is known, and the message not read. */
SUSPENDS static bool
append_admit(struct append *ap, struct span name)
{
	struct session *s = ap->s;
	uint64_t max = s->conf->imapd_append_limit;
	struct err err = ERR_NONE;

	if (ap->lit.size == 0)
		result_no(s, "CANNOT", "An empty message is none");
	else if (ap->lit.size == UINT64_MAX || (max > 0 && ap->lit.size > max))
		result_no(s, "TOOBIG", "The message is too large");
	else if (room_enter(s->account, name, &ap->room, &err) == VERDICT_OK)
		return true;
	else if (err.verdict == VERDICT_ABSENT)
		result_no(s, "TRYCREATE", "There is no such mailbox");
	else
		result_err(s, &err);
	return false;
}

SUSPENDS void
cmd_append(struct session *s, struct args *a)
{
	struct append ap = { .s = s };
	struct span name;

	if (!literal_parse(str_span(&s->text), &ap.lit)) {
		args_fail(a, "The message is missing");
		return;
	}
	if (append_parse(&ap, a, &name) && append_admit(&ap, name))
		append_run(&ap);
	else
		append_pass_over(&ap);
	if (ap.room)
		room_leave(ap.room);
}
