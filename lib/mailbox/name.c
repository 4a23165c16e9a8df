/*
 * Mailbox names and the directories that bear them (Maildir++). Called by whoever opens, makes,
 * renames or lists a folder. Owns nothing. Whatever a client or a sender wrote passes
 * mailbox_name_check first; what comes out of mailbox_name_to_disk holds no '/', and no dot but
 * those that part levels, so that it is one name below the Maildir and neither "." nor "..".
 */
#include "mailbox/name.h"

#include <limits.h>

#include "base/cursor.h"
#include "base/utf8.h"
#include "mailbox/nfc.h"

#define LEVEL_DOT "&AC4-" /* a dot within a level */

static bool
is_control(int32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

bool
mailbox_name_is_inbox(struct span name)
{
	return span_eq_nocase(name, span_lit("INBOX"));
}

/* Takes the next level off the front of *NAME; *LAST: no more follow. */
static struct span
name_level(struct span *name, bool *last)
{
	struct span level;

	*last = !span_cut(*name, MAILBOX_SEPARATOR, &level, name);
	return level;
}

static enum verdict
name_check_text(struct span name, struct err *err)
{
	struct cursor c = cursor_of(name);

	if (name.n > LIMIT_MAILBOX_NAME)
		return err_set(
		    err, VERDICT_PERM, "mailbox name is longer than %u bytes", LIMIT_MAILBOX_NAME);
	while (!cursor_done(&c)) {
		int32_t point = utf8_next(&c);

		if (point < 0)
			return err_set(err, VERDICT_PERM, "mailbox name is not UTF-8");
		if (is_control(point))
			return err_set(err, VERDICT_PERM, "mailbox name has a control character");
	}
	return VERDICT_OK;
}

static enum verdict
name_check_levels(struct span name, struct str *out, struct err *err)
{
	bool last = false;

	for (unsigned depth = 0; !last; depth++) {
		struct span level = name_level(&name, &last);

		if (level.n == 0)
			return err_set(err, VERDICT_PERM, "mailbox name has an empty level");
		if (depth == LIMIT_MAILBOX_DEPTH)
			return err_set(err, VERDICT_PERM, "mailbox name has more than %u levels",
			    LIMIT_MAILBOX_DEPTH);
		if (depth > 0)
			str_putc(out, MAILBOX_SEPARATOR);
		str_put(
		    out, depth == 0 && mailbox_name_is_inbox(level) ? span_lit("INBOX") : level);
	}
	return VERDICT_OK;
}

enum verdict
mailbox_name_check(struct span name, struct str *out, struct err *err)
{
	struct str normal = STR_INIT(LIMIT_MAILBOX_NAME);
	enum verdict v = name_check_text(name, err);

	if (v == VERDICT_OK && nfc_put(&normal, name))
		v = name_check_levels(str_span(&normal), out, err);
	if (v == VERDICT_OK && (normal.full || out->full))
		v = err_set(err, VERDICT_PERM, "mailbox name is too long");
	str_free(&normal);
	return v;
}

static bool
level_to_disk(struct span level, struct str *out)
{
	struct span part;
	bool more = true;

	while (more) {
		more = span_cut(level, '.', &part, &level);
		if (!mutf7_put(out, part))
			return false;
		if (more)
			str_puts(out, LEVEL_DOT);
	}
	return !out->full;
}

enum verdict
mailbox_name_to_disk(struct span name, struct str *out, struct err *err)
{
	size_t begin = out->n;
	bool last = mailbox_name_is_inbox(name);

	while (!last) {
		struct span level = name_level(&name, &last);

		str_putc(out, '.');
		if (!level_to_disk(level, out))
			return err_set(err, VERDICT_PERM, "mailbox name is not UTF-8 or too long");
	}
	if (out->full || out->n - begin > NAME_MAX)
		return err_set(err, VERDICT_PERM, "mailbox name is too long for a directory");
	return VERDICT_OK;
}

/* A level of a directory's name; dots were encoded by level_to_disk, one run each. */
static bool
level_from_disk(struct span level, struct str *out)
{
	while (level.n > 0) {
		size_t dot = span_find_span(level, span_lit(LEVEL_DOT));

		if (!mutf7_parse(span_head(level, dot), out))
			return false;
		if (dot == level.n)
			return true;
		str_putc(out, '.');
		level = span_from(level, dot + sizeof(LEVEL_DOT) - 1);
	}
	return true;
}

bool
mailbox_name_from_disk(struct span directory, struct str *out)
{
	struct str checked = STR_INIT(LIMIT_MAILBOX_NAME), again = STR_INIT(NAME_MAX);
	struct span rest = span_from(directory, 1), level;
	size_t begin = out->n;
	bool good = directory.n > 1 && directory.p[0] == '.', more = true;

	while (good && more) {
		more = span_cut(rest, '.', &level, &rest);
		if (out->n > begin)
			str_putc(out, MAILBOX_SEPARATOR);
		good = level.n > 0 && level_from_disk(level, out);
	}
	/* What somebody else made may spell the same name in another way: only one of them is it.
	 */
	struct span name = span_from(str_span(out), begin);
	good = good && !out->full && mailbox_name_check(name, &checked, NULL) == VERDICT_OK &&
	       span_eq(name, str_span(&checked)) &&
	       mailbox_name_to_disk(name, &again, NULL) == VERDICT_OK &&
	       span_eq(directory, str_span(&again));
	if (!good)
		str_cut(out, begin);
	str_free(&checked);
	str_free(&again);
	return good;
}
