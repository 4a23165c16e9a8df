/*
 * DATA (RFC 5321 4.1.1.4) and BDAT (RFC 3030 2): how the content comes. What becomes of it is in
 * commit.c. A BDAT out of order is answered after its chunk, which is read and dropped: the client
 * has sent it already. After an error within a chunked message the transaction is over (ABUSE 5).
 * Called through the command table.
 */
#include "base/num.h"
#include "base/time.h"
#include "smtpd/loglines.h"

#define CHUNK_MAX (UINT64_C(1) << 62)

SUSPENDS static void
content_lost(struct session *s, enum verdict v)
{
	session_dismiss(s, v == VERDICT_TIMEOUT ? "timeout" : "lost connection");
	if (v == VERDICT_TIMEOUT)
		reply(s, 421, "4.4.2 %.*s Error: timeout exceeded", SPAN_ARG(s->conf->myhostname));
	transaction_reset(s);
}

/* What comes before the content: restrictions, the file. */
SUSPENDS static enum verdict
content_admit(struct session *s, struct err *err)
{
	enum verdict v = access_data(s, err);

	if (v != VERDICT_OK)
		return v;
	v = message_await_file(s, err);
	if (v != VERDICT_OK)
		log_verdict(s, "reject", s->stage, span_lit(""), err);
	return v;
}

SUSPENDS void
cmd_data(struct session *s, struct span args)
{
	struct err err = ERR_NONE;
	enum verdict v = content_admit(s, &err);

	(void)args;
	if (v != VERDICT_OK) {
		reply_verdict(s, &err);
		transaction_reset(s);
		return;
	}
	receive_begin(s);
	reply(s, 354, "End data with <CR><LF>.<CR><LF>");
	v = receive_data(s);
	if (v == VERDICT_OK)
		message_finish(s);
	else
		content_lost(s, v);
}

static bool
bdat_parse(struct span args, uint64_t *n_out, bool *last_out)
{
	struct span number, word;

	*last_out = span_cut(args, ' ', &number, &word);
	word = span_trim(word);
	return num_parse_u64(number, CHUNK_MAX, n_out) &&
	       (!*last_out || span_eq_nocase(word, span_lit("LAST")));
}

/* The first chunk. False: the reply is in ERR. */
SUSPENDS static enum verdict
bdat_begin(struct session *s, struct err *err)
{
	enum verdict v;

	if (!(s->state & (SMTP_RCPT | SMTP_BDAT)))
		return s->state == SMTP_MAIL
			   ? err_mail(err, 554, "5.5.1", "Error: no valid recipients")
			   : err_mail(err, 503, "5.5.1", "Error: need RCPT command");
	if (s->state == SMTP_BDAT)
		return VERDICT_OK;
	v = content_admit(s, err);
	if (v == VERDICT_OK) {
		s->state = SMTP_BDAT;
		receive_begin(s);
	}
	return v;
}

SUSPENDS void
cmd_bdat(struct session *s, struct span args)
{
	struct err err = ERR_NONE;
	enum verdict v, read;
	uint64_t n;
	bool last;

	if (!bdat_parse(args, &n, &last)) {
		/* Where the next command begins nobody can tell. */
		reply(s, 501, "5.5.4 Syntax: BDAT count [LAST]");
		transaction_reset(s);
		s->quit = true;
		return;
	}
	v = bdat_begin(s, &err);
	read = receive_chunk(s, n, v == VERDICT_OK);
	if (read != VERDICT_OK) {
		content_lost(s, read);
	} else if (v != VERDICT_OK) {
		reply_verdict(s, &err);
		transaction_reset(s);
	} else if (last) {
		message_finish(s);
	} else if (s->t.too_big) {
		reply(s, 552, "5.3.4 Error: message file too big");
		transaction_reset(s);
	} else {
		reply(s, 250, "2.0.0 Ok: %llu bytes", (unsigned long long)n);
	}
}
