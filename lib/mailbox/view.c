/*
 * What a mailbox holds, to be looked at: no call here touches a file, but the one that sets the
 * special use. Called by the user processes through mailbox.h. Owns nothing.
 */
#include "mailbox/mailbox_impl.h"

uint32_t
mailbox_uidvalidity(const struct mailbox *mb)
{
	return mb->ix.uidvalidity;
}

uint32_t
mailbox_uidnext(const struct mailbox *mb)
{
	return mb->ix.uidnext;
}

uint64_t
mailbox_modseq(const struct mailbox *mb)
{
	return mb->ix.modseq;
}

struct span
mailbox_id(const struct mailbox *mb)
{
	return span_of(mb->ix.id, INDEX_ID);
}

size_t
mailbox_count(const struct mailbox *mb)
{
	return mb->ix.n;
}

const struct mail *
mailbox_at(const struct mailbox *mb, size_t i)
{
	assert(i < mb->ix.n);
	return &mb->ix.v[i];
}

size_t
mailbox_find(const struct mailbox *mb, uint32_t uid)
{
	return index_find(&mb->ix, uid);
}

const struct vanished *
mailbox_vanished(const struct mailbox *mb, size_t *n_out)
{
	*n_out = mb->ix.gone_n;
	return mb->ix.gone;
}

uint64_t
mailbox_vanished_floor(const struct mailbox *mb)
{
	return mb->ix.modseq_floor;
}

const struct folder *
mailbox_folder(const struct mailbox *mb)
{
	return &mb->folder;
}

struct maildir *
mailbox_maildir(const struct mailbox *mb)
{
	return mb->md;
}

bool
mailbox_scan_is_due(const struct mailbox *mb)
{
	return scan_is_due(mb);
}

void
mailbox_count_all(const struct mailbox *mb, struct mailbox_counts *out)
{
	*out = (struct mailbox_counts){ .messages = (uint32_t)mb->ix.n };
	for (size_t i = 0; i < mb->ix.n; i++) {
		const struct mail *mail = &mb->ix.v[i];

		out->deleted += (mail->flags & MAIL_DELETED) != 0;
		out->fresh += (mail->flags & MAIL_NEW) != 0;
		out->size += mail->vsize ? mail->vsize : mail->size;
		if (mail->flags & MAIL_SEEN)
			continue;
		if (out->unseen++ == 0)
			out->first_unseen = mail->uid;
	}
}

enum mailbox_use
mailbox_use(const struct mailbox *mb)
{
	return mb->ix.use;
}

enum verdict
mailbox_set_use(struct mailbox *mb, enum mailbox_use use, struct err *err)
{
	struct str record = STR_INIT(64);
	enum verdict v = mailbox_hold(mb, err);

	if (v == VERDICT_OK) {
		record_use(&record, use);
		v = mailbox_write(mb, &record, err);
	}
	mailbox_release(mb);
	str_free(&record);
	return v;
}
