/*
 * Adding messages: one way for deliveries and for IMAP APPEND. Called through mailbox.h. Files get
 * their names and the index one write, under one lock. A message is there when its file has its
 * name: what the index did not take, a scan gives a UID later, so that mail is delivered into a
 * Maildir whose index cannot be written.
 */
#include <errno.h>

#include "base/sys.h"
#include "base/time.h"
#include "mailbox/cache.h"
#include "mailbox/mailbox_impl.h"
#include "mailbox/mailfile.h"

static void
add_publish(struct mailbox *mb, struct mailbox_addition *a)
{
	struct str info = STR_INIT(LIMIT_MAIL_FILE_NAME);

	a->flags &= MAIL_LETTERS;
	if (a->flags || a->keywords)
		mailfile_put(&info, span_lit(""), a->flags, a->keywords);
	a->v = draft_publish(a->draft, str_span(&info), &a->err);
	if (a->v == VERDICT_OK)
		mb->unsynced |= info.n ? UNSYNCED_CUR : UNSYNCED_NEW;
	str_free(&info);
}

/* The record of a message that has its name. */
static void
add_record(
    struct cache_batch *cache, struct mailbox_addition *a, uint64_t modseq, struct str *records)
{
	struct mailfile file;
	struct mail mail;

	mailfile_parse(str_span(&a->draft->name), !a->flags && !a->keywords, &file);
	mail = (struct mail){ .uid = a->uid,
		.flags = a->flags | (file.flags & MAIL_NEW),
		.keywords = a->keywords,
		.modseq = modseq,
		.size = a->draft->size,
		.vsize = a->draft->vsize,
		.date = a->date ? a->date : (int64_t)(time_wall() / NS_PER_S),
		.id = mailfile_id(file.base) };
	mail.cache_at = cache_batch_add_draft(cache, a->uid, a->draft);
	record_message(records, &mail, file.base);
}

/* UIDs for those that have a name. The index is held. */
static enum verdict
add_index(struct mailbox *mb, struct mailbox_addition *v, size_t n, const struct own_change *own,
    struct err *err)
{
	struct str records = STR_INIT(LIMIT_MAILBOX_INDEX);
	uint64_t modseq = index_next_modseq(&mb->ix);
	uint32_t uid = index_next_uid(&mb->ix);
	struct cache_batch cache;
	enum verdict written;

	(void)cache_batch_begin(mb, &cache);
	for (size_t i = 0; i < n; i++) {
		if (v[i].v != VERDICT_OK)
			continue;
		v[i].uid = uid++;
		add_record(&cache, &v[i], modseq, &records);
	}
	/* A place where no record came to lie is noticed by who reads it. */
	(void)cache_batch_end(&cache);
	/* Last: a log that was cut before it has the directory read. */
	own_change_end(mb, own, &records);
	written = mailbox_write(mb, &records, err);
	str_free(&records);
	return written;
}

void
mailbox_add(struct mailbox *mb, struct mailbox_addition *v, size_t n)
{
	struct own_change own = { false, false };
	struct err err = ERR_NONE;
	enum verdict held = mailbox_hold(mb, &err);

	if (held == VERDICT_OK) {
		own_change_begin(mb, &own);
		if (mb->ix.n + n > LIMIT_MAILBOX_MESSAGES ||
		    index_reserve(&mb->ix, (uint32_t)n, &err) != VERDICT_OK)
			held = VERDICT_TEMP;
	}
	for (size_t i = 0; i < n; i++) {
		v[i].uid = 0;
		add_publish(mb, &v[i]);
	}
	if (held == VERDICT_OK) {
		held = add_index(mb, v, n, &own, &err);
	}
	for (size_t i = 0; held != VERDICT_OK && i < n; i++)
		v[i].uid = 0;
	mailbox_release(mb);
}
