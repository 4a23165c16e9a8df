/*
 * Changes to messages that are there: flags and expunge. Called through mailbox.h. The file is
 * renamed or removed first, then the index is told, in one write for all: a process that dies
 * between leaves what a scan puts right. A file that is not where the index says makes us read the
 * directory once; what is then still missing has been expunged by others.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/mem.h"
#include "base/sys.h"
#include "mailbox/mailbox_impl.h"
#include "mailbox/mailfile.h"

#define STANDARD_FLAGS \
	(MAIL_DRAFT | MAIL_FLAGGED | MAIL_FORWARDED | MAIL_ANSWERED | MAIL_SEEN | MAIL_DELETED)

/* A change to a set of messages. STEP does one; VERDICT_ABSENT: its file was not there. */
struct change {
	struct mailbox *mb;
	uint64_t modseq;
	struct uid_list done;
	struct uid_list missing;
	struct str records;
	enum verdict (*step)(struct change *c, const struct mail *mail, struct err *err);
	/* Writes the record of what is done. */
	void (*finish)(struct change *c);
	const struct mailbox_store *store;
	struct flag_change flags;
	struct uid_list *modified;
};

static enum verdict
change_pass(struct change *c, struct uid_set set, struct err *err)
{
	struct index *ix = &c->mb->ix;
	enum verdict v = VERDICT_OK;

	for (size_t i = 0; i < set.n && v == VERDICT_OK; i++) {
		size_t k = index_find(ix, set.v[i].first);

		for (; k < ix->n && ix->v[k].uid <= set.v[i].last && v == VERDICT_OK; k++) {
			v = c->step(c, &ix->v[k], err);
			if (v == VERDICT_ABSENT) {
				uid_list_add(&c->missing, ix->v[k].uid);
				v = VERDICT_OK;
			}
		}
	}
	return v;
}

/* The index is held. */
static enum verdict
change_all(struct change *c, struct uid_set set, struct err *err)
{
	struct uid_list missing;
	struct own_change own;
	enum verdict v, w;

	own_change_begin(c->mb, &own);
	v = change_pass(c, set, err);
	if (c->missing.n > 0) {
		missing = c->missing;
		c->missing = (struct uid_list){ NULL, 0, 0 };
		/* Those done have other names than the index says: it has to know before it looks.
		 */
		c->finish(c);
		w = mailbox_write(c->mb, &c->records, err);
		str_reset(&c->records);
		uid_list_free(&c->done);
		if (w == VERDICT_OK)
			w = mailbox_scan(c->mb, err);
		v = v != VERDICT_OK ? v : w;
		own_change_begin(c->mb, &own);
		if (v == VERDICT_OK)
			v = change_pass(c, uid_list_set(&missing), err);
		uid_list_free(&missing);
	}
	c->finish(c);
	own_change_end(c->mb, &own, &c->records);
	w = mailbox_write(c->mb, &c->records, err);
	return v != VERDICT_OK ? v : w;
}

static enum verdict
change_run(struct change *c, struct uid_set set, struct err *err)
{
	enum verdict v = mailbox_hold_uids(c->mb, err);

	c->modseq = index_next_modseq(&c->mb->ix);
	str_init(&c->records, LIMIT_MAILBOX_INDEX);
	if (v == VERDICT_OK)
		v = change_all(c, set, err);
	mailbox_release(c->mb);
	uid_list_free(&c->done);
	uid_list_free(&c->missing);
	str_free(&c->records);
	return v;
}

/* The file of a message gets the name that FLAGS and KEYWORDS give it, in cur/. */
static enum verdict
mail_rename(
    struct change *c, const struct mail *mail, uint32_t flags, uint64_t keywords, struct err *err)
{
	struct str from = STR_INIT(LIMIT_MAIL_FILE_NAME), to = STR_INIT(LIMIT_MAIL_FILE_NAME);
	struct mailbox *mb = c->mb;
	struct mailfile file;
	enum verdict v = mail_file_name(mb, mail, &from, err);

	if (v != VERDICT_OK)
		goto out;
	mailfile_parse(str_span(&from), mail->flags & MAIL_NEW, &file);
	if (!mailfile_put(&to, file.base, flags, keywords)) {
		v = err_set(err, VERDICT_LIMIT, "a message's file name is too long");
		goto out;
	}
	if (span_eq(str_span(&from), str_span(&to)) && !(mail->flags & MAIL_NEW))
		goto out;
	if (sys_renameat_new(
		mail_dir(mb, mail->flags), str_cstr(&from), mb->folder.cur, str_cstr(&to)) != 0) {
		v = errno == ENOENT ? VERDICT_ABSENT : maildir_failed(err, errno, "rename message");
		goto out;
	}
	mb->unsynced |= UNSYNCED_CUR | (mail->flags & MAIL_NEW ? UNSYNCED_NEW : 0);
	if (mail->flags & MAIL_RAW)
		record_name(&c->records, mail->uid, false, file.base);
out:
	str_free(&from);
	str_free(&to);
	return v;
}

static enum verdict
step_flags(struct change *c, const struct mail *mail, struct err *err)
{
	uint32_t flags = (mail->flags & ~c->flags.remove) | c->flags.add;
	uint64_t keywords = (mail->keywords & ~c->flags.remove_keywords) | c->flags.add_keywords;
	bool same = ((flags ^ mail->flags) & MAIL_LETTERS) == 0 && keywords == mail->keywords;
	enum verdict v;

	if (c->store && mail->modseq > c->store->unchanged_since) {
		if (c->modified)
			uid_list_add(c->modified, mail->uid);
		return VERDICT_OK;
	}
	/* What new/ holds is moved even when no flag changes, if that was what was asked for. */
	if (same && (c->store || !(mail->flags & MAIL_NEW)))
		return VERDICT_OK;
	v = mail_rename(c, mail, flags & ~(MAIL_NEW | MAIL_RAW), keywords, err);
	if (v == VERDICT_OK)
		uid_list_add(&c->done, mail->uid);
	return v;
}

static void
finish_flags(struct change *c)
{
	record_flags(&c->records, c->modseq, &c->flags, uid_list_set(&c->done));
}

enum verdict
mailbox_store_flags(struct mailbox *mb, struct uid_set set, const struct mailbox_store *store,
    struct uid_list *modified_out, struct err *err)
{
	struct change c = { .mb = mb, .step = step_flags, .finish = finish_flags, .store = store };

	c.modified = modified_out;
	c.flags.remove = MAIL_NEW;
	if (store->how == MAILBOX_REMOVE_FLAGS) {
		c.flags.remove |= store->flags & MAIL_LETTERS;
		c.flags.remove_keywords = store->keywords;
	} else {
		c.flags.add = store->flags & MAIL_LETTERS;
		c.flags.add_keywords = store->keywords;
	}
	if (store->how == MAILBOX_REPLACE_FLAGS) {
		c.flags.remove |= STANDARD_FLAGS & ~store->flags;
		c.flags.remove_keywords = ~store->keywords;
	}
	return change_run(&c, set, err);
}

enum verdict
mailbox_take_new(struct mailbox *mb, struct err *err)
{
	struct change c = { .mb = mb, .step = step_flags, .finish = finish_flags };
	struct uid_range all = { 1, UINT32_MAX };

	c.flags.remove = MAIL_NEW;
	return change_run(&c, (struct uid_set){ &all, 1 }, err);
}

static enum verdict
step_expunge(struct change *c, const struct mail *mail, struct err *err)
{
	struct str name = STR_INIT(LIMIT_MAIL_FILE_NAME);
	enum verdict v = mail_file_name(c->mb, mail, &name, err);

	if (v == VERDICT_OK && sys_unlinkat(mail_dir(c->mb, mail->flags), str_cstr(&name), 0) != 0)
		v = errno == ENOENT ? VERDICT_ABSENT : maildir_failed(err, errno, "remove message");
	str_free(&name);
	if (v != VERDICT_OK)
		return v;
	c->mb->unsynced |= mail->flags & MAIL_NEW ? UNSYNCED_NEW : UNSYNCED_CUR;
	uid_list_add(&c->done, mail->uid);
	return VERDICT_OK;
}

static void
finish_expunge(struct change *c)
{
	record_expunge(&c->records, c->modseq, uid_list_set(&c->done));
}

enum verdict
mailbox_expunge(struct mailbox *mb, struct uid_set set, struct err *err)
{
	struct change c = { .mb = mb, .step = step_expunge, .finish = finish_expunge };

	return change_run(&c, set, err);
}

/* Opens the file by the name that the index has. */
static enum verdict
mail_open(struct mailbox *mb, const struct mail *mail, int *fd_out, struct err *err)
{
	struct str name = STR_INIT(LIMIT_MAIL_FILE_NAME);
	enum verdict v = mail_file_name(mb, mail, &name, err);
	struct stat st;

	if (v == VERDICT_OK)
		*fd_out = sys_open_beneath(
		    mail_dir(mb, mail->flags), str_cstr(&name), O_RDONLY | O_NONBLOCK, 0);
	if (v == VERDICT_OK && *fd_out < 0)
		v = errno == ENOENT ? VERDICT_ABSENT : maildir_failed(err, errno, "open message");
	if (v == VERDICT_OK && (fstat(*fd_out, &st) != 0 || !S_ISREG(st.st_mode))) {
		sys_close(*fd_out);
		v = err_set(err, VERDICT_TEMP, "a message is no regular file");
	}
	str_free(&name);
	return v;
}

enum verdict
mailbox_open_message(struct mailbox *mb, uint32_t uid, int *fd_out, struct err *err)
{
	const struct mail *mail = mailbox_mail(mb, uid);
	enum verdict v;

	*fd_out = -1;
	v = mail ? mail_open(mb, mail, fd_out, err) : VERDICT_ABSENT;
	if (mail && v == VERDICT_ABSENT) {
		/* Another process of ours has renamed it, or another program. */
		v = mailbox_hold_uids(mb, err);
		if (v == VERDICT_OK && (mail = mailbox_mail(mb, uid)) != NULL)
			v = mail_open(mb, mail, fd_out, err);
		if (v == VERDICT_ABSENT)
			v = mailbox_scan(mb, err);
		mailbox_release(mb);
		mail = mailbox_mail(mb, uid);
		if (v == VERDICT_OK && *fd_out < 0)
			v = mail ? mail_open(mb, mail, fd_out, err) : VERDICT_ABSENT;
	}
	return v == VERDICT_ABSENT ? err_set(err, v, "the message has been expunged") : v;
}
