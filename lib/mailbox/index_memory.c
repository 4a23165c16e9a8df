/*
 * The index in memory: messages by ascending UID, what vanished, keywords. Called when records are
 * applied, and by whoever looks. Bounded by LIMIT_MAILBOX_MESSAGES and LIMIT_MAILBOX_VANISHED.
 * Expunged messages are marked, and taken out once for many: one by one, a log with thousands of
 * them would cost thousands of moves of the whole array.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "mailbox/index_impl.h"

size_t
index_find(const struct index *ix, uint32_t uid)
{
	size_t low = 0, high = ix->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ix->v[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t
index_next_modseq(const struct index *ix)
{
	uint64_t now = time_wall() / NS_PER_US;

	/* The clock keeps it from being given again after a power cut took the last changes. */
	return now > ix->modseq ? now : ix->modseq + 1;
}

bool
index_add(struct index *ix, const struct mail *mail)
{
	if (mail->uid == 0 || mail->uid == UINT32_MAX || ix->n >= LIMIT_MAILBOX_MESSAGES)
		return false;
	if (ix->n > 0 && mail->uid <= ix->v[ix->n - 1].uid)
		return false;
	if (ix->n == ix->cap) {
		ix->cap = ix->cap ? ix->cap + ix->cap / 2 : 16;
		ix->v = mem_resize_array(ix->v, ix->cap, sizeof(*ix->v));
	}
	ix->v[ix->n++] = *mail;
	if (mail->uid >= ix->uidnext)
		ix->uidnext = mail->uid + 1;
	return true;
}

/* The oldest half goes when there are too many: what they tell can be told by what is there. */
static void
gone_add(struct index *ix, uint64_t modseq, struct uid_range range)
{
	if (ix->gone_n == LIMIT_MAILBOX_VANISHED) {
		size_t drop = ix->gone_n / 2;

		ix->modseq_floor = ix->gone[drop - 1].modseq;
		memmove(ix->gone, ix->gone + drop, (ix->gone_n - drop) * sizeof(*ix->gone));
		ix->gone_n -= drop;
	}
	if (ix->gone_n == ix->gone_cap) {
		ix->gone_cap = ix->gone_cap ? 2 * ix->gone_cap : 16;
		ix->gone = mem_resize_array(ix->gone, ix->gone_cap, sizeof(*ix->gone));
	}
	ix->gone[ix->gone_n++] = (struct vanished){ modseq, range };
}

void
index_vanish(struct index *ix, uint64_t modseq, struct uid_range range)
{
	for (size_t i = index_find(ix, range.first); i < ix->n && ix->v[i].uid <= range.last; i++) {
		ix->dead += !(ix->v[i].flags & MAIL_GONE);
		ix->v[i].flags |= MAIL_GONE;
	}
	gone_add(ix, modseq, range);
	if (range.last >= ix->uidnext && range.last < UINT32_MAX)
		ix->uidnext = range.last + 1;
}

void
index_squeeze(struct index *ix)
{
	size_t to = 0;

	if (ix->dead == 0)
		return;
	for (size_t i = 0; i < ix->n; i++)
		if (!(ix->v[i].flags & MAIL_GONE))
			ix->v[to++] = ix->v[i];
	ix->n = to;
	ix->dead = 0;
}

bool
index_set_keyword(struct index *ix, uint32_t number, struct span name)
{
	if (number >= MAIL_KEYWORDS || name.n == 0 || name.n > LIMIT_KEYWORD)
		return false;
	mem_free((void *)(uintptr_t)ix->keywords[number].p);
	ix->keywords[number] = span_of(mem_strdup(name), name.n);
	if (number >= ix->keywords_n)
		ix->keywords_n = number + 1;
	return true;
}

void
index_forget(struct index *ix)
{
	for (size_t i = 0; i < MAIL_KEYWORDS; i++)
		mem_free((void *)(uintptr_t)ix->keywords[i].p);
	mem_free(ix->v);
	mem_free(ix->gone);
	*ix = (struct index){ .dir = ix->dir, .fd = ix->fd, .lock = ix->lock, .held = ix->held };
}
