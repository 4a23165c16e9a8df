/*
 * What a session sees of its mailbox. UIDs are kept as runs: a run is a UID, and the index of the
 * message that has it; those that follow it have the next UIDs, up to the next run. A mailbox that
 * nothing was removed from is one run, 8 bytes; at worst a message costs 8. Called by commands that
 * name messages and by news.c, which alone changes it. Never suspends.
 */
#include "imapd/view.h"

#include <stdlib.h>

#include "base/mem.h"
#include "imapd/account.h"

#define RUNS_FIRST 4

struct run {
	uint32_t uid;
	uint32_t index;
};

struct view {
	struct room *room;
	struct run *runs;
	size_t runs_n;
	size_t runs_cap;
	size_t count;
	uint32_t uidvalidity;
	uint64_t told;
	uint64_t synced;
	uint64_t keywords;
	struct uid_list recent;
	size_t recent_n;
};

struct mailbox *
view_mailbox(const struct view *v)
{
	return v->room->mailbox;
}

struct room *
view_room(const struct view *v)
{
	return v->room;
}

size_t
view_count(const struct view *v)
{
	return v->count;
}

bool
view_holds(const struct view *v)
{
	return !v->room->gone && mailbox_uidvalidity(v->room->mailbox) == v->uidvalidity;
}

uint64_t
view_told(const struct view *v)
{
	return v->told;
}

void
view_set_told(struct view *v, uint64_t modseq)
{
	v->told = modseq;
}

uint64_t
view_keywords(const struct view *v)
{
	return v->keywords;
}

void
view_set_keywords(struct view *v, uint64_t keywords)
{
	v->keywords = keywords;
}

size_t
view_recent_count(const struct view *v)
{
	return v->recent_n;
}

/* The index behind the last message of a run. */
static size_t
run_end(const struct view *v, size_t k)
{
	return k + 1 < v->runs_n ? v->runs[k + 1].index : v->count;
}

uint32_t
view_uid(const struct view *v, size_t i)
{
	size_t low = 0, high = v->runs_n;

	assert(i < v->count);
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (v->runs[mid].index <= i)
			low = mid;
		else
			high = mid;
	}
	return v->runs[low].uid + (uint32_t)(i - v->runs[low].index);
}

size_t
view_find(const struct view *v, uint32_t uid)
{
	size_t low = 0, high = v->runs_n;
	const struct run *run;

	if (v->runs_n == 0 || uid <= v->runs[0].uid)
		return 0;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (v->runs[mid].uid <= uid)
			low = mid;
		else
			high = mid;
	}
	run = &v->runs[low];
	return size_min(run->index + (size_t)(uid - run->uid), run_end(v, low));
}

const struct mail *
view_mail(const struct view *v, size_t i)
{
	const struct mailbox *mb = v->room->mailbox;
	uint32_t uid = view_uid(v, i);
	size_t at;

	/* Mostly nothing has gone, and it stands where it stood. */
	if (i < mailbox_count(mb) && mailbox_at(mb, i)->uid == uid)
		return mailbox_at(mb, i);
	at = mailbox_find(mb, uid);
	return at < mailbox_count(mb) && mailbox_at(mb, at)->uid == uid ? mailbox_at(mb, at) : NULL;
}

bool
view_is_recent(const struct view *v, uint32_t uid)
{
	size_t low = 0, high = v->recent.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v->recent.v[mid].last < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < v->recent.n && v->recent.v[low].first <= uid;
}

static void
view_append(struct view *v, uint32_t uid)
{
	const struct run *last = v->runs_n ? &v->runs[v->runs_n - 1] : NULL;

	if (!last || uid - last->uid != v->count - last->index) {
		if (v->runs_n == v->runs_cap) {
			v->runs_cap = v->runs_cap ? 2 * v->runs_cap : RUNS_FIRST;
			v->runs = mem_resize_array(v->runs, v->runs_cap, sizeof(*v->runs));
		}
		v->runs[v->runs_n++] = (struct run){ uid, (uint32_t)v->count };
	}
	v->count++;
}

size_t
view_add_new(struct view *v, bool recent)
{
	struct mailbox *mb = v->room->mailbox;
	uint32_t after = v->count ? view_uid(v, v->count - 1) : 0;
	size_t from = after == UINT32_MAX ? mailbox_count(mb) : mailbox_find(mb, after + 1);
	bool fresh = false;
	size_t n = 0;

	for (size_t i = from; i < mailbox_count(mb); i++, n++) {
		const struct mail *m = mailbox_at(mb, i);

		view_append(v, m->uid);
		if (!recent || !(m->flags & MAIL_NEW))
			continue;
		uid_list_add(&v->recent, m->uid);
		v->recent_n++;
		fresh = true;
	}
	/* What cannot be taken now is recent to the next session too. */
	if (fresh)
		(void)mailbox_take_new(mb, NULL);
	return n;
}

bool
view_drop_gone(struct view *v, struct str *out)
{
	struct view now = { .room = v->room };
	const struct mailbox *mb = v->room->mailbox;
	size_t at = 0, count = v->count;

	for (size_t i = 0; i < v->count; i++) {
		uint32_t uid = view_uid(v, i);

		if (at >= mailbox_count(mb) || mailbox_at(mb, at)->uid < uid)
			at = mailbox_find(mb, uid);
		if (at < mailbox_count(mb) && mailbox_at(mb, at)->uid == uid) {
			view_append(&now, uid);
			at++;
			continue;
		}
		if (out)
			str_printf(out, "* %zu EXPUNGE\r\n", now.count + 1);
		v->recent_n -= view_is_recent(v, uid);
	}
	mem_free(v->runs);
	v->synced = mailbox_modseq(mb);
	v->runs = now.runs;
	v->runs_n = now.runs_n;
	v->runs_cap = now.runs_cap;
	v->count = now.count;
	return v->count != count;
}

struct view *
view_new(struct room *room, bool recent)
{
	struct view *v = mem_alloc(sizeof(*v));

	v->room = room;
	v->uidvalidity = mailbox_uidvalidity(room->mailbox);
	view_add_new(v, recent);
	v->told = v->synced = mailbox_modseq(room->mailbox);
	return v;
}

void
view_keep(const struct view *v, struct view_record *out)
{
	*out = (struct view_record){
		.uidvalidity = v->uidvalidity,
		.top = v->count ? view_uid(v, v->count - 1) : 0,
		.count = v->count,
		.told = v->told,
		.synced = v->synced,
	};
}

static int
range_cmp(const void *pa, const void *pb)
{
	const struct uid_range *a = pa, *b = pb;

	return (a->first > b->first) - (a->first < b->first);
}

/* What has vanished since, by UID; the caller frees it. */
static struct uid_range *
vanished_since(const struct mailbox *mb, uint64_t modseq, size_t *n_out)
{
	size_t n, kept = 0;
	const struct vanished *all = mailbox_vanished(mb, &n);
	struct uid_range *ranges = mem_alloc_array(n + 1, sizeof(*ranges));

	for (size_t i = 0; i < n; i++)
		if (all[i].modseq > modseq)
			ranges[kept++] = all[i].uids;
	qsort(ranges, kept, sizeof(*ranges), range_cmp);
	*n_out = kept;
	return ranges;
}

/* What was there and what is there, in one order. */
static void
view_merge(struct view *v, const struct uid_range *gone, size_t gone_n, uint32_t top)
{
	const struct mailbox *mb = v->room->mailbox;
	size_t k = 0;

	for (size_t i = 0; i <= gone_n; i++) {
		uint32_t until = i < gone_n ? gone[i].first : UINT32_MAX;

		for (; k < mailbox_count(mb) && mailbox_at(mb, k)->uid < until; k++)
			if (mailbox_at(mb, k)->uid <= top)
				view_append(v, mailbox_at(mb, k)->uid);
		for (uint64_t uid = until; i < gone_n && uid <= gone[i].last && uid <= top; uid++)
			view_append(v, (uint32_t)uid);
	}
}

struct view *
view_revive(struct room *room, const struct view_record *record)
{
	const struct mailbox *mb = room->mailbox;
	struct view *v = mem_alloc(sizeof(*v));
	struct uid_range *gone;
	size_t gone_n;

	v->room = room;
	v->uidvalidity = record->uidvalidity;
	v->told = record->told;
	v->synced = record->synced;
	gone = vanished_since(mb, record->synced, &gone_n);
	if (view_holds(v) && record->synced >= mailbox_vanished_floor(mb))
		view_merge(v, gone, gone_n, record->top);
	mem_free(gone);
	if (view_holds(v) && v->count == record->count &&
	    (v->count == 0 || view_uid(v, v->count - 1) == record->top))
		return v;
	view_free(v);
	return NULL;
}

void
view_free(struct view *v)
{
	if (!v)
		return;
	room_leave(v->room);
	uid_list_free(&v->recent);
	mem_free(v->runs);
	mem_free(v);
}
