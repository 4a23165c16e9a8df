/*
 * Keywords of a mailbox (RFC 9051 2.3.2): numbers in the index, the first 26 as letters in file
 * names. The names are also in postern.keywords, "number name" a line, so that letters keep their
 * meaning when the index is lost; dovecot-keywords, which has the same form, is read when that is
 * not there. Called through mailbox.h. A keyword is never taken away: files may bear its letter for
 * ever.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/cursor.h"
#include "base/sys.h"
#include "mailbox/index_impl.h"
#include "mailbox/mailbox_impl.h"
#include "mailbox/maildir_impl.h"

#define KEYWORDS_FILE	      "postern.keywords"
#define KEYWORDS_FILE_DOVECOT "dovecot-keywords"
#define KEYWORDS_SIZE	      16384 /* bytes of such a file */

static bool
keyword_valid(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!cclass_is(name.p[i], CC_IMAP_ATOM))
			return false;
	return name.n > 0 && name.n <= LIMIT_KEYWORD;
}

void
keywords_load(struct mailbox *mb)
{
	struct str text = STR_INIT(KEYWORDS_SIZE);
	struct span rest, line, number, name;
	uint64_t n;

	if (file_read(mb->folder.dir, KEYWORDS_FILE, &text, NULL) != VERDICT_OK &&
	    file_read(mb->folder.dir, KEYWORDS_FILE_DOVECOT, &text, NULL) != VERDICT_OK)
		str_reset(&text);
	rest = str_span(&text);
	while (span_token(&rest, span_lit("\n"), &line)) {
		struct cursor c = cursor_of(line);

		number = cursor_run(&c, CC_DIGIT);
		name = span_trim(cursor_rest(&c));
		c = cursor_of(number);
		if (cursor_u64(&c, MAIL_KEYWORDS - 1, &n) && keyword_valid(name))
			index_set_keyword(&mb->ix, (uint32_t)n, name);
	}
	str_free(&text);
}

static enum verdict
keywords_save(struct mailbox *mb, unsigned number, struct span fresh, struct err *err)
{
	struct str text = STR_INIT(KEYWORDS_SIZE);
	enum verdict v;

	for (unsigned i = 0; i < mb->ix.keywords_n; i++)
		if (mb->ix.keywords[i].n > 0)
			str_printf(&text, "%u %.*s\n", i, SPAN_ARG(mb->ix.keywords[i]));
	str_printf(&text, "%u %.*s\n", number, SPAN_ARG(fresh));
	v = file_replace(mb->folder.dir, KEYWORDS_FILE, str_span(&text), true, err);
	str_free(&text);
	return v;
}

struct span
mailbox_keyword(const struct mailbox *mb, unsigned number)
{
	return number < mb->ix.keywords_n ? mb->ix.keywords[number] : span_lit("");
}

/* Its number, or that of the first free one; MAIL_KEYWORDS: none is free. */
static unsigned
keyword_find(const struct mailbox *mb, struct span name, bool *found)
{
	unsigned free = MAIL_KEYWORDS;

	*found = true;
	for (unsigned i = MAIL_KEYWORDS; i-- > 0;) {
		if (mb->ix.keywords[i].n == 0)
			free = i;
		else if (span_eq_nocase(mb->ix.keywords[i], name))
			return i;
	}
	*found = false;
	return free;
}

static enum verdict
keyword_make(struct mailbox *mb, struct span name, uint64_t *out, struct err *err)
{
	struct str record = STR_INIT(2 * LIMIT_KEYWORD);
	enum verdict v = mailbox_hold(mb, err);
	bool found;
	unsigned i = v == VERDICT_OK ? keyword_find(mb, name, &found) : 0;

	if (v == VERDICT_OK && i == MAIL_KEYWORDS)
		v = err_set(err, VERDICT_LIMIT, "the mailbox has %u keywords", MAIL_KEYWORDS);
	if (v == VERDICT_OK && !found) {
		/* First where it cannot be lost: a letter without a name means nothing. */
		v = keywords_save(mb, i, name, err);
		record_keyword(&record, i, name);
		if (v == VERDICT_OK)
			v = mailbox_write(mb, &record, err);
	}
	mailbox_release(mb);
	str_free(&record);
	if (v == VERDICT_OK)
		*out = UINT64_C(1) << i;
	return v;
}

enum verdict
mailbox_keyword_bit(
    struct mailbox *mb, struct span name, bool create, uint64_t *out, struct err *err)
{
	bool found;
	unsigned i = keyword_find(mb, name, &found);

	if (found) {
		*out = UINT64_C(1) << i;
		return VERDICT_OK;
	}
	if (!create)
		return err_set(err, VERDICT_ABSENT, "no such keyword");
	if (!keyword_valid(name))
		return err_set(err, VERDICT_PERM, "not a keyword");
	return keyword_make(mb, name, out, err);
}
