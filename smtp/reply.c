/*
 * The reader of replies: RFC 5321 4.2 (codes, lines that go on), RFC 2034 and RFC 3463 (enhanced
 * codes). Called by session.c and transaction.c; the fuzzer calls reply_take. Tolerant where that
 * is harmless: a bare LF ends a line, the code of the last line counts (RFC 5321 4.2.1 wants all
 * the same). Bounds: LIMIT_SMTP_REPLY_LINE, LIMIT_SMTP_REPLY, LIMIT_SMTP_REPLY_LINES (ABUSE 37).
 */
#include "smtp/reply.h"

#include "base/cclass.h"
#include "base/num.h"

void
reply_init(struct reply *r)
{
	*r = (struct reply){ .text = STR_INIT(LIMIT_SMTP_REPLY) };
}

void
reply_free(struct reply *r)
{
	str_free(&r->text);
}

void
reply_reset(struct reply *r)
{
	str_reset(&r->text);
	r->code = 0;
	r->lines = 0;
	r->dsn = (struct dsn_code){ 0 };
}

/* The first word behind the code, if it is an enhanced code of the same class. */
static struct dsn_code
find_dsn(struct span text, unsigned class)
{
	struct span word, rest;
	struct dsn_code code;

	span_cut(text, ' ', &word, &rest);
	if (!dsn_code_parse(word, &code) || code.class != class)
		return (struct dsn_code){ 0 };
	return code;
}

enum reply_step
reply_take(struct reply *r, struct span line)
{
	uint64_t code;

	if (r->lines++ > 0)
		str_putc(&r->text, '\n');
	str_put(&r->text, line);
	if (r->text.full || r->lines > LIMIT_SMTP_REPLY_LINES)
		return REPLY_BAD;
	if (line.n < 3 || !num_parse_u64(span_head(line, 3), 599, &code) || code < 200)
		return REPLY_BAD;
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return REPLY_BAD;
	r->code = (unsigned)code;
	r->dsn = find_dsn(span_from(line, 4), r->code / 100);
	return line.n > 3 && line.p[3] == '-' ? REPLY_MORE : REPLY_DONE;
}

SUSPENDS
enum verdict
reply_read(struct stream *io, struct reply *r, uint64_t deadline)
{
	enum reply_step step = REPLY_MORE;
	struct span line;

	reply_reset(r);
	while (step == REPLY_MORE) {
		enum verdict v =
		    stream_read_line(io, LINE_LENIENT, LIMIT_SMTP_REPLY_LINE, deadline, &line);
		if (v == VERDICT_LIMIT) {
			str_puts(&r->text, r->lines ? "\n(a line too long)" : "(a line too long)");
			return VERDICT_PERM;
		}
		if (v != VERDICT_OK)
			return v;
		step = reply_take(r, line);
	}
	return step == REPLY_DONE ? VERDICT_OK : VERDICT_PERM;
}

void
reply_put(struct str *out, const struct reply *r)
{
	struct span text = span_head(str_span(&r->text), LIMIT_ERR_TEXT), line;

	for (bool more = text.n > 0; more;) {
		more = span_cut(text, '\n', &line, &text);
		str_put(out, line);
		if (more)
			str_putc(out, ' ');
	}
}
