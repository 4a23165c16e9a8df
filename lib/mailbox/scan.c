/*
 * Reading new/ and cur/: how the index learns what other programs did. Called by mailbox.c when the
 * directories' times differ from those the index knows, when a file is not where it should be, and
 * once in LIMIT_MAILBOX_VERIFY. The lock keeps our own processes still; others rename while we
 * read, and readdir may then miss a file: nothing counts as expunged unless the times stayed the
 * same all through. The file's name wins over the index.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "mailbox/mailbox_impl.h"
#include "mailbox/mailfile.h"

#define SCAN_TRIES 4
/* A change can hide behind another in the same tick of the clock; some file systems count seconds.
 */
#define SCAN_SETTLE (2 * NS_PER_S)

struct found {
	size_t name_at; /* in names */
	size_t name_n;
	struct mailfile file;
	bool in_new;
	bool taken; /* by a message of the index, or not to be one */
	struct stat st;
};

struct scan {
	struct mailbox *mb;
	struct str names;
	struct found *v;
	size_t n;
	size_t cap;
	struct map by_base;
	struct index_dirs before;
	bool settled; /* nobody changed the directories while they were read */
	struct str records;
	uint64_t modseq;
};

static bool
time_eq(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static uint64_t
time_ns(struct timespec t)
{
	return t.tv_sec < 0 ? 0 : (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* False when one of them cannot be looked at. */
static bool
dirs_look(const struct mailbox *mb, struct index_dirs *out)
{
	struct stat new, cur;

	*out = (struct index_dirs){ .recent = 0 };
	if (fstat(mb->folder.new, &new) != 0 || fstat(mb->folder.cur, &cur) != 0)
		return false;
	out->new = new.st_mtim;
	out->cur = cur.st_mtim;
	return true;
}

bool
scan_is_due(const struct mailbox *mb)
{
	const struct index_dirs *known = &mb->ix.dirs;
	struct index_dirs now_there;
	uint64_t now = time_wall();

	if (!dirs_look(mb, &now_there))
		return false;
	if (!time_eq(known->new, now_there.new) || !time_eq(known->cur, now_there.cur))
		return true;
	if (known->recent &&
	    (now > time_ns(known->new) + SCAN_SETTLE && now > time_ns(known->cur) + SCAN_SETTLE))
		return true;
	return known->unverified > 0 && now > known->unverified + LIMIT_MAILBOX_VERIFY * NS_PER_S;
}

void
own_change_begin(const struct mailbox *mb, struct own_change *own)
{
	struct index_dirs there;
	bool looked = dirs_look(mb, &there);

	own->new_known = looked && time_eq(there.new, mb->ix.dirs.new);
	own->cur_known = looked && time_eq(there.cur, mb->ix.dirs.cur);
}

void
own_change_end(const struct mailbox *mb, const struct own_change *own, struct str *records)
{
	struct index_dirs dirs = mb->ix.dirs, there;

	if (!dirs_look(mb, &there))
		return;
	if (own->new_known)
		dirs.new = there.new;
	if (own->cur_known)
		dirs.cur = there.cur;
	if (time_eq(dirs.new, mb->ix.dirs.new) && time_eq(dirs.cur, mb->ix.dirs.cur))
		return;
	if (dirs.unverified == 0)
		dirs.unverified = time_wall();
	record_dirs(records, &dirs);
}

static void
scan_take_entry(struct scan *s, const struct dirent *e, bool in_new)
{
	struct span name = span_str(e->d_name);
	struct mailfile file;

	if (e->d_type != DT_REG && e->d_type != DT_UNKNOWN)
		return;
	if (!mailfile_parse(name, in_new, &file) || s->n >= LIMIT_MAILBOX_MESSAGES)
		return;
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->v = mem_resize_array(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n++] = (struct found){ .name_at = s->names.n, .name_n = name.n, .in_new = in_new };
	str_put(&s->names, name);
}

static enum verdict
scan_read_dir(struct scan *s, int dir, bool in_new, struct err *err)
{
	int fd = sys_open_beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int sys;

	if (!d) {
		sys = errno;
		if (fd >= 0)
			sys_close(fd);
		return maildir_failed(err, sys, "list folder");
	}
	while ((errno = 0, e = readdir(d)) != NULL)
		scan_take_entry(s, e, in_new);
	sys = errno;
	closedir(d);
	return sys ? maildir_failed(err, sys, "list folder") : VERDICT_OK;
}

static enum verdict
scan_read(struct scan *s, struct err *err)
{
	struct index_dirs after;
	enum verdict v = VERDICT_OK;

	for (int i = 0; i < SCAN_TRIES && v == VERDICT_OK && !s->settled; i++) {
		s->n = 0;
		str_reset(&s->names);
		if (!dirs_look(s->mb, &s->before))
			return err_sys(err, errno, "look at folder");
		/* In this order a file that is moved from one to the other meanwhile is seen. */
		v = scan_read_dir(s, s->mb->folder.new, true, err);
		if (v == VERDICT_OK)
			v = scan_read_dir(s, s->mb->folder.cur, false, err);
		s->settled = v == VERDICT_OK && dirs_look(s->mb, &after) &&
			     time_eq(after.new, s->before.new) && time_eq(after.cur, s->before.cur);
	}
	if (v == VERDICT_OK && s->names.full)
		v = err_set(err, VERDICT_LIMIT, "too many files in one folder");
	return v;
}

static struct span
found_name(const struct scan *s, const struct found *f)
{
	return span_of(s->names.p + f->name_at, f->name_n);
}

static int
found_dir(const struct scan *s, const struct found *f)
{
	return f->in_new ? s->mb->folder.new : s->mb->folder.cur;
}

/* Fills its stat; false: it is gone, or no regular file. */
static bool
found_look(const struct scan *s, struct found *f)
{
	char *name = mem_strdup(found_name(s, f));
	bool there = fstatat(found_dir(s, f), name, &f->st, AT_SYMLINK_NOFOLLOW) == 0;

	mem_free(name);
	return there && S_ISREG(f->st.st_mode);
}

/*
 * Two files of one base: a file that was renamed while we read is there under the later name alone.
 * Else somebody made a copy beside it: F gets a name of its own, and is found by the next scan.
 */
static void
scan_part(struct scan *s, struct found *first, struct found *f)
{
	struct str to = STR_INIT(LIMIT_MAIL_FILE_NAME);
	char *from = mem_strdup(found_name(s, f));

	f->taken = true;
	if (found_look(s, first)) {
		maildir_unique_name(s->mb->md, 0, 0, &to);
		str_put(&to, span_from(found_name(s, f), f->file.base.n));
		if (sys_renameat_new(found_dir(s, f), from, found_dir(s, f), str_cstr(&to)) == 0)
			s->settled = false;
	} else {
		first->taken = true;
		f->taken = false;
		map_put(&s->by_base, f->file.base, f);
	}
	mem_free(from);
	str_free(&to);
}

static void
scan_order(struct scan *s)
{
	map_init(&s->by_base);
	for (size_t i = 0; i < s->n; i++) {
		struct found *f = &s->v[i], *first;

		mailfile_parse(found_name(s, f), f->in_new, &f->file);
		first = map_get(&s->by_base, f->file.base);
		if (first)
			scan_part(s, first, f);
		else
			map_put(&s->by_base, f->file.base, f);
	}
}

/* The file's name says something else than the index. */
static void
scan_note_change(struct scan *s, const struct mail *mail, struct span stored, const struct found *f)
{
	const uint32_t mask = MAIL_LETTERS | MAIL_NEW;
	struct flag_change change = {
		.add = f->file.flags & ~mail->flags & mask,
		.remove = mail->flags & ~f->file.flags & mask,
		.add_keywords = f->file.keywords & ~mail->keywords,
		.remove_keywords = mail->keywords & ~f->file.keywords & MAIL_KEYWORD_LETTERS,
	};
	struct uid_range range = { mail->uid, mail->uid };
	bool raw = (f->file.flags & MAIL_RAW) != 0;
	struct span store = raw ? found_name(s, f) : f->file.base;

	if (change.add | change.remove || change.add_keywords | change.remove_keywords)
		record_flags(&s->records, s->modseq, &change, (struct uid_set){ &range, 1 });
	if (raw != ((mail->flags & MAIL_RAW) != 0) || !span_eq(stored, store))
		record_name(&s->records, mail->uid, raw, store);
}

static struct span
base_of(struct span stored, uint32_t flags)
{
	struct mailfile file;

	if (!(flags & MAIL_RAW))
		return stored;
	return mailfile_parse(stored, flags & MAIL_NEW, &file) ? file.base : stored;
}

/* What the index knows, against what is there. */
static enum verdict
scan_match(struct scan *s, struct err *err)
{
	struct index *ix = &s->mb->ix;
	struct str file = STR_INIT(LIMIT_MAILBOX_INDEX);
	struct uid_list gone = { NULL, 0, 0 };
	enum verdict v = index_read_file(ix, &file, err);

	for (size_t i = 0; v == VERDICT_OK && i < ix->n; i++) {
		struct span stored = index_name_in(str_span(&file), &ix->v[i]);
		struct found *f = map_get(&s->by_base, base_of(stored, ix->v[i].flags));

		if (f && !f->taken) {
			f->taken = true;
			scan_note_change(s, &ix->v[i], stored, f);
		} else if (s->settled) {
			uid_list_add(&gone, ix->v[i].uid);
		}
	}
	record_expunge(&s->records, s->modseq, uid_list_set(&gone));
	uid_list_free(&gone);
	str_free(&file);
	return v;
}

static int
found_compare(const void *pa, const void *pb)
{
	const struct found *a = pa, *b = pb;
	uint64_t at = time_ns(a->st.st_mtim), bt = time_ns(b->st.st_mtim);

	if (a->taken != b->taken)
		return a->taken - b->taken;
	if (at != bt)
		return at < bt ? -1 : 1;
	return span_cmp(a->file.base, b->file.base);
}

static void
scan_add(struct scan *s, const struct found *f, uint32_t uid)
{
	struct mail mail = {
		.uid = uid,
		.flags = f->file.flags,
		.keywords = f->file.keywords,
		.modseq = s->modseq,
		.size = (uint64_t)f->st.st_size,
		.date = f->st.st_mtim.tv_sec,
		.id = mailfile_id(f->file.base),
	};

	/* A name that is wrong about the one is not believed about the other. */
	if (f->file.size == mail.size && f->file.vsize >= mail.size)
		mail.vsize = f->file.vsize;
	record_message(
	    &s->records, &mail, f->file.flags & MAIL_RAW ? found_name(s, f) : f->file.base);
}

/* Files that no message has get one, the oldest first. */
static enum verdict
scan_add_new(struct scan *s, struct err *err)
{
	struct index *ix = &s->mb->ix;
	size_t n = 0;
	enum verdict v = VERDICT_OK;

	/* The map points into what is sorted now. */
	map_free(&s->by_base);
	map_init(&s->by_base);
	for (size_t i = 0; i < s->n; i++) {
		if (!s->v[i].taken)
			s->v[i].taken = !found_look(s, &s->v[i]);
		n += !s->v[i].taken;
	}
	n = size_min(n, LIMIT_MAILBOX_MESSAGES - ix->n);
	if (n == 0)
		return VERDICT_OK;
	qsort(s->v, s->n, sizeof(*s->v), found_compare);
	v = index_reserve(ix, (uint32_t)n, err);
	for (size_t i = 0; v == VERDICT_OK && i < n; i++)
		scan_add(s, &s->v[i], index_next_uid(ix) + (uint32_t)i);
	return v;
}

static void
scan_note_dirs(struct scan *s)
{
	const struct index_dirs *known = &s->mb->ix.dirs;
	struct index_dirs dirs = s->settled ? s->before : (struct index_dirs){ .recent = 0 };
	uint64_t now = time_wall();

	dirs.recent =
	    now < time_ns(dirs.new) + SCAN_SETTLE || now < time_ns(dirs.cur) + SCAN_SETTLE;
	if (!time_eq(dirs.new, known->new) || !time_eq(dirs.cur, known->cur) ||
	    dirs.recent != known->recent || known->unverified)
		record_dirs(&s->records, &dirs);
}

enum verdict
mailbox_scan(struct mailbox *mb, struct err *err)
{
	struct scan s = { .mb = mb, .modseq = index_next_modseq(&mb->ix) };
	enum verdict v;

	str_init(&s.names, LIMIT_MAILBOX_INDEX);
	str_init(&s.records, LIMIT_MAILBOX_INDEX);
	v = scan_read(&s, err);
	if (v == VERDICT_OK) {
		scan_order(&s);
		v = scan_match(&s, err);
	}
	if (v == VERDICT_OK)
		v = scan_add_new(&s, err);
	if (v == VERDICT_OK) {
		scan_note_dirs(&s);
		v = mailbox_write(mb, &s.records, err);
	}
	map_free(&s.by_base);
	mem_free(s.v);
	str_free(&s.names);
	str_free(&s.records);
	return v;
}
