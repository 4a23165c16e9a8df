/*
 * Fuzz target for what a server says: lines as they come are taken as replies, and each that is
 * complete is read as an answer to EHLO too. Bounds hold, and what logs show has no line end.
 */
#include "config.h"

#include "smtp/ehlo.h"
#include "smtp/reply.h"
#include "tests/fuzz/fuzz.h"

static void
check_reply(const struct reply *r)
{
	struct str text = STR_INIT(LIMIT_SMTP_REPLY * 2);
	struct ehlo ehlo;

	assert(r->code >= 200 && r->code <= 599);
	assert(r->dsn.class == 0 || r->dsn.class == r->code / 100);
	reply_put(&text, r);
	assert(!text.full && span_find(str_span(&text), '\n') == text.n);
	ehlo_parse(str_span(&r->text), &ehlo);
	str_free(&text);
}

FUZZ(data)
{
	struct span line;
	struct reply r;
	bool more = true;

	reply_init(&r);
	while (more) {
		more = span_cut(data, '\n', &line, &data);
		enum reply_step step = reply_take(&r, span_head(line, LIMIT_SMTP_REPLY_LINE));
		assert(r.text.n <= LIMIT_SMTP_REPLY && r.lines <= LIMIT_SMTP_REPLY_LINES + 1);
		if (step == REPLY_DONE)
			check_reply(&r);
		if (step != REPLY_MORE)
			reply_reset(&r);
	}
	reply_free(&r);
}
