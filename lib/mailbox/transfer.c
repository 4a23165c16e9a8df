/*
 * Copying and moving messages between mailboxes of one Maildir: hard links and renames, so that no
 * byte is copied where the file system allows it. Called through mailbox.h. Both locks are held,
 * always taken in the order of mailbox ids. The target's index is told before the source's: a
 * process that dies between leaves a message twice, never not at all.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "mailbox/mailbox_impl.h"
#include "mailbox/mailfile.h"

#define NAME_TRIES  16
#define COPY_BLOCK  65536
#define MAP_UNKNOWN UINT64_MAX /* a keyword's bit in the target, not looked up yet */

struct transfer {
	struct mailbox *from;
	struct mailbox *to;
	bool move;
	struct mailbox_copied *out;
	uint64_t keyword_map[MAIL_KEYWORDS];
	uint64_t from_modseq, to_modseq;
	uint32_t uid; /* the next in the target */
	struct str records;
	struct str
	    names; /* of files made, each ended by NUL, with the directory's letter before it */
	struct uid_list missing;
	size_t first_from, first_to; /* ranges in OUT that this pass began with */
};

static enum verdict
hold_both(struct mailbox *a, struct mailbox *b, struct err *err)
{
	struct mailbox *first = memcmp(a->ix.id, b->ix.id, INDEX_ID) <= 0 ? a : b;
	struct mailbox *second = first == a ? b : a;
	enum verdict v = mailbox_hold_uids(first, err);

	if (v == VERDICT_OK && second != first)
		v = mailbox_hold_uids(second, err);
	return v;
}

/* The same keywords in the target, by name; new ones are made there. */
static enum verdict
map_keywords(struct transfer *t, uint64_t keywords, uint64_t *out, struct err *err)
{
	enum verdict v = VERDICT_OK;

	*out = 0;
	for (unsigned i = 0; i < MAIL_KEYWORDS && v == VERDICT_OK; i++) {
		struct span name = mailbox_keyword(t->from, i);

		if (!(keywords >> i & 1))
			continue;
		if (t->from == t->to) {
			*out |= UINT64_C(1) << i;
			continue;
		}
		if (t->keyword_map[i] == MAP_UNKNOWN) {
			t->keyword_map[i] = 0;
			/* A letter without a name means nothing elsewhere, a target may be full,
			 * and to make one takes the lock. */
			if (name.n > 0)
				v = mailbox_keyword_bit(
				    t->to, name, !t->to->ix.held, &t->keyword_map[i], err);
			if (v == VERDICT_LIMIT || v == VERDICT_PERM || v == VERDICT_ABSENT)
				v = VERDICT_OK;
		}
		*out |= t->keyword_map[i];
	}
	return v;
}

/* All keywords are mapped before the locks are taken: making one takes the target's. */
static enum verdict
map_all_keywords(struct transfer *t, struct uid_set set, struct err *err)
{
	uint64_t all = 0, mapped;

	for (size_t i = 0; i < MAIL_KEYWORDS; i++)
		t->keyword_map[i] = MAP_UNKNOWN;
	for (size_t i = 0; i < set.n; i++) {
		size_t k = mailbox_find(t->from, set.v[i].first);

		for (; k < t->from->ix.n && t->from->ix.v[k].uid <= set.v[i].last; k++)
			all |= t->from->ix.v[k].keywords;
	}
	return map_keywords(t, all, &mapped, err);
}

/* The bytes of a file where no link to it can be made. The copy has the date of the original. */
static enum verdict
copy_bytes(int dir, const char *name, int to_dir, const char *to_name, struct err *err)
{
	int from = sys_open_beneath(dir, name, O_RDONLY | O_NONBLOCK, 0);
	int to = from < 0
		     ? -1
		     : sys_openat(to_dir, to_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	char *block = mem_alloc(COPY_BLOCK);
	struct stat st;
	ssize_t got = 0;
	bool good = to >= 0 && fstat(from, &st) == 0;
	int sys;

	for (off_t at = 0; good && (got = sys_pread_all(from, block, COPY_BLOCK, at)) > 0;
	     at += got)
		good = sys_write_all(to, block, (size_t)got) == 0;
	good = good && got == 0 &&
	       sys_futimens(to, (const struct timespec[2]){ st.st_atim, st.st_mtim }) == 0 &&
	       sys_fsync(to) == 0;
	sys = errno;
	if (from >= 0)
		sys_close(from);
	if (to >= 0)
		sys_close(to);
	if (!good && to >= 0)
		sys_unlinkat(to_dir, to_name, 0);
	mem_free(block);
	errno = sys;
	return good	       ? VERDICT_OK
	       : sys == ENOENT ? VERDICT_ABSENT
			       : maildir_failed(err, sys, "copy message");
}

static enum verdict
transfer_file(
    struct transfer *t, int dir, const char *name, int to_dir, const char *to_name, struct err *err)
{
	int r = t->move ? sys_renameat_new(dir, name, to_dir, to_name)
			: sys_linkat(dir, name, to_dir, to_name);
	enum verdict v;

	if (r == 0)
		return VERDICT_OK;
	if (errno == EEXIST)
		return VERDICT_LIMIT;
	if (errno == ENOENT)
		return VERDICT_ABSENT;
	if (errno != EXDEV && errno != EMLINK && errno != EPERM)
		return maildir_failed(err, errno, t->move ? "move message" : "copy message");
	v = copy_bytes(dir, name, to_dir, to_name, err);
	if (v == VERDICT_OK && t->move && sys_unlinkat(dir, name, 0) != 0 && errno != ENOENT)
		v = maildir_failed(err, errno, "move message");
	return v;
}

static void
note_made(struct transfer *t, bool in_new, struct span name)
{
	str_putc(&t->names, in_new ? 'n' : 'c');
	str_put(&t->names, name);
	str_putc(&t->names, '\0');
}

/* Takes back what a copy that failed has made. */
static void
undo_made(struct transfer *t)
{
	struct span rest = str_span(&t->names), one;

	while (span_cut(rest, '\0', &one, &rest))
		sys_unlinkat(one.p[0] == 'n' ? t->to->folder.new : t->to->folder.cur, one.p + 1, 0);
}

/* MAIL goes into the target under a name that is free there; *BASE is it. */
static enum verdict
transfer_named(struct transfer *t, const struct mail *mail, struct mail *fresh, struct str *base,
    struct err *err)
{
	struct str from = STR_INIT(LIMIT_MAIL_FILE_NAME), to = STR_INIT(LIMIT_MAIL_FILE_NAME);
	struct mailfile file;
	enum verdict v = mail_file_name(t->from, mail, &from, err);
	int dir = mail_dir(t->from, mail->flags), to_dir = mail_dir(t->to, fresh->flags);

	if (v == VERDICT_OK && mailfile_parse(str_span(&from), mail->flags & MAIL_NEW, &file))
		str_put(base, file.base);
	for (int i = 0; v == VERDICT_OK && i < NAME_TRIES; i++) {
		/* In one mailbox the base is taken by the original. */
		if (i > 0 || t->from == t->to) {
			str_reset(base);
			maildir_unique_name(t->to->md, mail->size, mail->vsize, base);
		}
		str_reset(&to);
		mailfile_put(&to, str_span(base), fresh->flags, fresh->keywords);
		v = transfer_file(t, dir, str_cstr(&from), to_dir, str_cstr(&to), err);
		if (v != VERDICT_LIMIT)
			break;
		v = VERDICT_OK;
		errno = EEXIST;
	}
	if (v == VERDICT_OK)
		note_made(t, fresh->flags & MAIL_NEW, str_span(&to));
	str_free(&from);
	str_free(&to);
	return v;
}

/* Ranges of the two lists may differ, but a pass begins new ones in both. */
static void
copied_add(struct transfer *t, uint32_t from, uint32_t to)
{
	if (t->out->from.n == t->first_from) {
		uid_list_add_range(&t->out->from, (struct uid_range){ from, from });
		uid_list_add_range(&t->out->to, (struct uid_range){ to, to });
	} else {
		uid_list_add(&t->out->from, from);
		uid_list_add(&t->out->to, to);
	}
}

static enum verdict
transfer_one(struct transfer *t, const struct mail *mail, struct err *err)
{
	struct str base = STR_INIT(LIMIT_MAIL_FILE_NAME);
	struct mail fresh = *mail;
	enum verdict v;

	fresh.uid = t->uid;
	fresh.modseq = t->to_modseq;
	fresh.flags &= ~MAIL_RAW;
	fresh.cache_at = 0;
	if (fresh.flags & MAIL_LETTERS || fresh.keywords)
		fresh.flags &= ~MAIL_NEW;
	v = map_keywords(t, mail->keywords, &fresh.keywords, err);
	if (v == VERDICT_OK)
		v = transfer_named(t, mail, &fresh, &base, err);
	if (v == VERDICT_OK) {
		t->to->unsynced |= fresh.flags & MAIL_NEW ? UNSYNCED_NEW : UNSYNCED_CUR;
		if (t->move)
			t->from->unsynced |= mail->flags & MAIL_NEW ? UNSYNCED_NEW : UNSYNCED_CUR;
		record_message(&t->records, &fresh, str_span(&base));
		copied_add(t, mail->uid, t->uid++);
	} else if (v == VERDICT_ABSENT) {
		uid_list_add(&t->missing, mail->uid);
		v = VERDICT_OK;
	}
	str_free(&base);
	return v;
}

static uint32_t
count_messages(const struct mailbox *mb, struct uid_set set)
{
	uint32_t n = 0;

	for (size_t i = 0; i < set.n; i++) {
		size_t first = index_find(&mb->ix, set.v[i].first);
		size_t end =
		    set.v[i].last == UINT32_MAX ? mb->ix.n : index_find(&mb->ix, set.v[i].last + 1);

		n += (uint32_t)(end - first);
	}
	return n;
}

static enum verdict
transfer_set(struct transfer *t, struct uid_set set, struct err *err)
{
	/* In one mailbox those that are made come after these. */
	size_t n = t->from->ix.n;
	enum verdict v = VERDICT_OK;

	for (size_t i = 0; i < set.n && v == VERDICT_OK; i++) {
		size_t k = index_find(&t->from->ix, set.v[i].first);

		for (; v == VERDICT_OK && k < n && t->from->ix.v[k].uid <= set.v[i].last; k++)
			v = transfer_one(t, &t->from->ix.v[k], err);
	}
	return v;
}

/* Both are held. Tells both indexes what was done. */
static enum verdict
transfer_record(struct transfer *t, const struct own_change *from_own,
    const struct own_change *to_own, struct err *err)
{
	enum verdict v;

	own_change_end(t->to, to_own, &t->records);
	v = mailbox_write(t->to, &t->records, err);
	str_reset(&t->records);
	if (v != VERDICT_OK || !t->move || t->out->from.n == t->first_from)
		return v;
	record_expunge(&t->records, t->from_modseq,
	    (struct uid_set){ t->out->from.v + t->first_from, t->out->from.n - t->first_from });
	if (t->from != t->to)
		own_change_end(t->from, from_own, &t->records);
	return mailbox_write(t->from, &t->records, err);
}

/* One pass over SET, and what both indexes have to know of it. */
static enum verdict
transfer_pass(struct transfer *t, struct uid_set set, struct err *err)
{
	struct own_change from_own, to_own;
	enum verdict v, w;

	v = index_reserve(&t->to->ix, count_messages(t->from, set), err);
	if (v != VERDICT_OK)
		return v;
	own_change_begin(t->from, &from_own);
	own_change_begin(t->to, &to_own);
	t->uid = index_next_uid(&t->to->ix);
	t->to_modseq = index_next_modseq(&t->to->ix);
	t->from_modseq = t->from == t->to ? t->to_modseq : index_next_modseq(&t->from->ix);
	t->first_from = t->out->from.n;
	t->first_to = t->out->to.n;
	str_reset(&t->records);
	str_reset(&t->names);
	v = transfer_set(t, set, err);
	if (v != VERDICT_OK && !t->move) {
		undo_made(t);
		t->out->from.n = t->first_from;
		t->out->to.n = t->first_to;
		return v;
	}
	w = transfer_record(t, &from_own, &to_own, err);
	return v != VERDICT_OK ? v : w;
}

/* Both are held. Those whose files others have renamed get a second try, with their new names. */
static enum verdict
transfer_held(struct transfer *t, struct uid_set set, struct err *err)
{
	enum verdict v = transfer_pass(t, set, err);
	struct uid_list missing = t->missing;

	t->missing = (struct uid_list){ NULL, 0, 0 };
	if (v == VERDICT_OK && missing.n > 0)
		v = mailbox_scan(t->from, err);
	if (v == VERDICT_OK && missing.n > 0)
		v = transfer_pass(t, uid_list_set(&missing), err);
	uid_list_free(&missing);
	return v;
}

static enum verdict
transfer(struct transfer *t, struct uid_set set, struct err *err)
{
	enum verdict v;

	str_init(&t->records, LIMIT_MAILBOX_INDEX);
	str_init(&t->names, LIMIT_MAILBOX_INDEX);
	v = map_all_keywords(t, set, err);
	if (v == VERDICT_OK) {
		v = hold_both(t->from, t->to, err);
		if (v == VERDICT_OK)
			v = transfer_held(t, set, err);
		mailbox_release(t->from);
		mailbox_release(t->to);
	}
	str_free(&t->records);
	str_free(&t->names);
	uid_list_free(&t->missing);
	return v;
}

void
mailbox_copied_free(struct mailbox_copied *copied)
{
	uid_list_free(&copied->from);
	uid_list_free(&copied->to);
}

enum verdict
mailbox_copy(struct mailbox *from, struct uid_set set, struct mailbox *to,
    struct mailbox_copied *out, struct err *err)
{
	struct transfer t = { .from = from, .to = to, .out = out };

	return transfer(&t, set, err);
}

enum verdict
mailbox_move(struct mailbox *from, struct uid_set set, struct mailbox *to,
    struct mailbox_copied *out, struct err *err)
{
	struct transfer t = { .from = from, .to = to, .move = true, .out = out };

	return transfer(&t, set, err);
}
