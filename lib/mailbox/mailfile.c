/*
 * Names of message files in new/ and cur/. Called by the scan, which meets names that any program
 * may have made, and by whoever renames. Owns nothing. A name that we would have written otherwise
 * (no ":2,", letters out of order) is kept as it is, as MAIL_RAW, until its flags change.
 */
#include "mailbox/mailfile.h"

#include "base/cursor.h"
#include "base/limits.h"

#define INFO ":2,"

/* The number after KEY in the base, as ",S=123". */
static uint64_t
number_after(struct span base, struct span key)
{
	struct cursor c = cursor_of(span_from(base, span_find_span(base, key) + key.n));
	uint64_t n = 0;

	if (span_find_span(base, key) == base.n || !cursor_u64(&c, INT64_MAX, &n))
		return 0;
	return cursor_done(&c) || cursor_peek(&c) == ',' ? n : 0;
}

/* False: not in the order that we write. */
static bool
letters_parse(struct span letters, struct mailfile *out)
{
	bool ordered = true;
	int last = 0;

	for (size_t i = 0; i < letters.n; i++) {
		char c = letters.p[i];

		if (cclass_is(c, CC_UPPER))
			out->flags |= MAIL_LETTER(c);
		else if (cclass_is(c, CC_LOWER))
			out->keywords |= UINT64_C(1) << (c - 'a');
		ordered = ordered && cclass_is(c, CC_ALPHA) && c > last;
		last = c;
	}
	return ordered;
}

bool
mailfile_parse(struct span name, bool in_new, struct mailfile *out)
{
	size_t info = span_find_span(name, span_lit(INFO));
	bool ordered;

	*out = (struct mailfile){ .base = span_head(name, info) };
	if (name.n == 0 || name.n > LIMIT_MAIL_FILE_NAME || name.p[0] == '.' || out->base.n == 0 ||
	    span_find(name, '/') < name.n || span_find(name, '\0') < name.n)
		return false;
	ordered = letters_parse(span_from(name, info + sizeof(INFO) - 1), out);
	if (in_new)
		out->flags |= MAIL_NEW;
	if (!ordered || in_new == (info < name.n))
		out->flags |= MAIL_RAW;
	out->size = number_after(out->base, span_lit(",S="));
	out->vsize = number_after(out->base, span_lit(",W="));
	return true;
}

bool
mailfile_put(struct str *out, struct span stored, uint32_t flags, uint64_t keywords)
{
	str_put(out, stored);
	if (flags & (MAIL_RAW | MAIL_NEW))
		return !out->full;
	str_puts(out, INFO);
	for (char c = 'A'; c <= 'Z'; c++)
		if (flags & MAIL_LETTER(c))
			str_putc(out, c);
	for (char c = 'a'; c <= 'z'; c++)
		if (keywords >> (c - 'a') & 1)
			str_putc(out, c);
	return !out->full;
}

uint64_t
mailfile_id(struct span base)
{
	struct span unique = span_head(base, span_find(base, ','));
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	/* FNV-1a: the same in every process, and after the index was lost. */
	for (size_t i = 0; i < unique.n; i++)
		hash = (hash ^ (unsigned char)unique.p[i]) * UINT64_C(0x100000001b3);
	return hash;
}
