/*
 * Fuzz target for submissions: what is read holds no control characters and points into the input;
 * written again it is the same; an end that is read is the one that would be written.
 */
#include "config.h"

#include "base/cclass.h"
#include "message/submission.h"
#include "tests/fuzz/fuzz.h"

static void
check_within(struct span whole, struct span part)
{
	assert(submission_text_valid(part));
	assert(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

/* The same lines, in the order in which we write them, mean the same. */
static void
check_again(const struct submission *s)
{
	struct str text = STR_INIT(LIMIT_SUBMISSION_HEAD + 4096);
	struct span rest = s->recipients, address;
	struct submission again;
	struct err err = ERR_NONE;
	size_t n = 0;

	assert(submission_put(&text, s));
	for (; submission_next(&rest, &address); n++)
		assert(submission_put_recipient(&text, address));
	assert(n == s->recipients_n && submission_put_head_end(&text));
	assert(submission_parse(str_span(&text), &again, &err) == VERDICT_OK);
	assert(again.head_size == text.n);
	assert(span_eq(again.sender, s->sender) && span_eq(again.name, s->name));
	assert(span_eq(again.envid, s->envid) && span_eq(again.recipients, s->recipients));
	assert(again.notify == s->notify && again.ret == s->ret);
	str_free(&text);
}

FUZZ(data)
{
	struct str end = STR_INIT(100);
	struct submission s;
	struct err err = ERR_NONE;
	struct span rest, address;
	uint64_t size;
	uint32_t crc;

	if (submission_parse(data, &s, &err) == VERDICT_OK) {
		assert(s.head_size <= data.n && s.recipients_n > 0);
		check_within(data, s.sender);
		check_within(data, s.name);
		check_within(data, s.envid);
		for (rest = s.recipients; submission_next(&rest, &address);)
			check_within(data, address);
		check_again(&s);
	}
	if (submission_parse_end(data, &size, &crc)) {
		submission_put_end(&end, size, crc);
		assert(end.n == data.n);
	}
	str_free(&end);
}
