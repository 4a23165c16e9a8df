/*
 * Submissions: head lines and end. Written by sendmail, checked by postdrop, read by pickup; each
 * of them may be talking to somebody who means harm, so a text with a control character (a line
 * end, a NUL) is refused where it is written and where it is read. Pure functions over bytes; what
 * is read points into them.
 */
#include "config.h"

#include "message/submission.h"

#include "base/cclass.h"
#include "base/num.h"

#define MAGIC	  "postern submission 1"
#define NUMBER_AT 5 /* in the end: "\nend " */
#define DIGITS	  20
#define CRC_AT	  26
#define CRC_N	  8

bool
submission_text_valid(struct span text)
{
	if (text.n > LIMIT_ADDRESS)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (cclass_is(text.p[i], CC_CTL))
			return false;
	}
	return true;
}

static bool
line_put(struct str *out, const char *word, struct span text)
{
	if (!submission_text_valid(text))
		return false;
	str_printf(out, "%s ", word);
	str_put(out, text);
	return str_putc(out, '\n');
}

bool
submission_put(struct str *out, const struct submission *s)
{
	bool good = str_puts(out, MAGIC "\n") && line_put(out, "sender", s->sender);

	if (good && s->name.n > 0)
		good = line_put(out, "name", s->name);
	if (good && s->envid.n > 0)
		good = line_put(out, "envid", s->envid);
	if (good && s->notify > 0)
		good = str_printf(out, "notify %u\n", s->notify);
	if (good && s->ret > 0)
		good = str_printf(out, "ret %u\n", s->ret);
	return good;
}

bool
submission_put_recipient(struct str *out, struct span address)
{
	return address.n > 0 && line_put(out, "recipient", address);
}

bool
submission_put_head_end(struct str *out)
{
	return str_putc(out, '\n');
}

/* The lines there are. Each may come once, but recipients. */
static bool
take_sender(struct submission *s, struct span text)
{
	s->sender = text;
	return true;
}

static bool
take_name(struct submission *s, struct span text)
{
	s->name = text;
	return true;
}

static bool
take_envid(struct submission *s, struct span text)
{
	s->envid = text;
	return text.n <= 100;
}

static bool
take_number(struct span text, uint8_t *out, uint64_t most)
{
	uint64_t n;

	if (!num_parse_u64(text, most, &n))
		return false;
	*out = (uint8_t)n;
	return true;
}

static bool
take_notify(struct submission *s, struct span text)
{
	/* NEVER stands alone: RFC 3461 4.1. */
	return take_number(text, &s->notify, 15) && ((s->notify & 1) == 0 || s->notify == 1);
}

static bool
take_ret(struct submission *s, struct span text)
{
	return take_number(text, &s->ret, 2);
}

static const struct {
	struct span word;
	bool (*take)(struct submission *s, struct span text);
} lines[] = {
	{ SPAN("sender"), take_sender },
	{ SPAN("name"), take_name },
	{ SPAN("envid"), take_envid },
	{ SPAN("notify"), take_notify },
	{ SPAN("ret"), take_ret },
};

/* A line that is no recipient; SEEN: a bit for each row. */
static bool
line_take(struct submission *s, struct span word, struct span text, unsigned *seen)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (!span_eq(word, lines[i].word))
			continue;
		if (*seen & 1u << i)
			return false;
		*seen |= 1u << i;
		return lines[i].take(s, text);
	}
	return false;
}

bool
submission_next(struct span *recipients, struct span *address_out)
{
	struct span line, word;

	if (recipients->n == 0)
		return false;
	span_cut(*recipients, '\n', &line, recipients);
	return span_cut(line, ' ', &word, address_out);
}

/* One line of the head; *RECIPIENTS_AT is where those begin, or 0. */
static enum verdict
head_line(struct submission *s, struct span line, size_t at, size_t *recipients_at, unsigned *seen,
    struct err *err)
{
	struct span word, text;

	if (!span_cut(line, ' ', &word, &text) || !submission_text_valid(text))
		return err_set(err, VERDICT_PERM, "a line of the head is malformed");
	if (span_eq(word, span_lit("recipient"))) {
		if (text.n == 0)
			return err_set(err, VERDICT_PERM, "a recipient is empty");
		if (*recipients_at == 0)
			*recipients_at = at;
		if (++s->recipients_n > LIMIT_RECIPIENTS)
			return err_set(err, VERDICT_LIMIT, "there are too many recipients");
		return VERDICT_OK;
	}
	if (*recipients_at > 0 || !line_take(s, word, text, seen))
		return err_set(err, VERDICT_PERM, "a line of the head is not one");
	return VERDICT_OK;
}

enum verdict
submission_parse(struct span bytes, struct submission *out, struct err *err)
{
	size_t at = 0, recipients_at = 0;
	unsigned seen = 0;
	enum verdict v = VERDICT_OK;

	*out = (struct submission){ .recipients_n = 0 };
	while (v == VERDICT_OK) {
		struct span rest = span_from(bytes, at);
		size_t n = span_find(rest, '\n');

		if (at + n > LIMIT_SUBMISSION_HEAD)
			return err_set(err, VERDICT_LIMIT, "the head is too long");
		/* A line that cannot become one is none, however it goes on. */
		if (n == rest.n && n > LIMIT_ADDRESS + 32)
			return err_set(err, VERDICT_PERM, "a line of the head is too long");
		if (n == rest.n)
			return VERDICT_ABSENT;
		if (at == 0 && !span_eq(span_head(rest, n), span_lit(MAGIC)))
			return err_set(err, VERDICT_PERM, "this is no submission");
		if (n == 0)
			break;
		if (at > 0)
			v = head_line(out, span_head(rest, n), at, &recipients_at, &seen, err);
		at += n + 1;
	}
	if (v != VERDICT_OK)
		return v;
	if (!(seen & 1) || out->recipients_n == 0)
		return err_set(err, VERDICT_PERM, "the head lacks its sender or a recipient");
	out->recipients = span_of(bytes.p + recipients_at, at - recipients_at);
	out->head_size = at + 1;
	return VERDICT_OK;
}

bool
submission_put_end(struct str *out, uint64_t size, uint32_t crc)
{
	return str_printf(out, "\nend %020llu %08x\n", (unsigned long long)size, crc);
}

bool
submission_parse_end(struct span bytes, uint64_t *size_out, uint32_t *crc_out)
{
	uint64_t crc;

	if (bytes.n != SUBMISSION_END || !span_starts(bytes, span_lit("\nend ")) ||
	    bytes.p[CRC_AT - 1] != ' ' || bytes.p[SUBMISSION_END - 1] != '\n')
		return false;
	if (!num_parse_u64(span_of(bytes.p + NUMBER_AT, DIGITS), UINT64_MAX, size_out) ||
	    !num_parse_hex(span_of(bytes.p + CRC_AT, CRC_N), &crc))
		return false;
	*crc_out = (uint32_t)crc;
	return true;
}
