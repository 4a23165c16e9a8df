/*
 * The maildrop: INBOX as it was when a session began, with numbers that stay (RFC 1939 4), and what
 * the session has marked. Owned by one session; the mailbox below is shared by all sessions of the
 * process, and changed by deliveries, IMAP and other programs meanwhile. What these remove is gone
 * here too; what they add is for the next session. Must never let a UID of another UIDVALIDITY
 * through.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "mailbox/mailfile.h"
#include "pop3d/user/popuser.h"

#define LOCK_FILE  "postern.pop3.lock" /* in INBOX; empty, never removed */
#define COUNT_TURN (10 * NS_PER_MS)    /* of counting, then others run */

/* A unique-id that clients may see: RFC 1939 7. Names of files are longer at times. */
#define ID_MOST	   70
#define ID_KEPT	   48 /* bytes of a long name that stand before its hash */
#define ID_LOWEST  '!'
#define ID_HIGHEST '~'

/* Is what is open still what the name leads to? A Maildir may be put back from a backup. */
static bool
maildir_is_there(const struct popuser *user)
{
	struct str path = STR_INIT(LIMIT_CONF_VALUE + 1);
	struct stat open, named;
	bool same;

	str_put(&path, user->place.path);
	same = fstat(maildir_dir(user->maildir), &open) == 0 &&
	       fstatat(user->place.home, str_cstr(&path), &named, 0) == 0 &&
	       open.st_dev == named.st_dev && open.st_ino == named.st_ino;
	str_free(&path);
	return same;
}

/* INBOX, open and fresh. What cannot be refreshed is opened anew, if no other session has it. */
static enum verdict
mailbox_ready(struct popuser *user, struct err *err)
{
	enum verdict v = VERDICT_OK;

	if (user->mailbox && user->maildrops == 1 && !maildir_is_there(user))
		popuser_close(user);
	if (user->mailbox) {
		v = mailbox_refresh(user->mailbox, err);
		if (v == VERDICT_OK || user->maildrops > 1)
			return v;
		popuser_close(user);
	}
	if (!user->maildir)
		v = maildir_open(&user->place, &user->maildir, err);
	if (v == VERDICT_OK)
		v = mailbox_open(user->maildir, span_lit("INBOX"), &user->mailbox, err);
	return v;
}

void
popuser_close(struct popuser *user)
{
	mailbox_close(user->mailbox);
	maildir_close(user->maildir);
	user->mailbox = NULL;
	user->maildir = NULL;
}

/*
 * RFC 1939 4: one session at a time. An OFD lock, so that it holds between sessions of one process
 * as well as between processes, and ends with whoever holds it.
 */
static enum verdict
maildrop_lock(struct maildrop *drop, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const struct folder *folder = mailbox_folder(drop->user->mailbox);

	drop->lock = sys_open_beneath(folder->dir, LOCK_FILE, O_RDWR | O_CREAT, 0600);
	if (drop->lock < 0)
		return err_sys(err, errno, "lock mailbox");
	if (fcntl(drop->lock, F_OFD_SETLK, &lock) == 0)
		return VERDICT_OK;
	if (errno != EAGAIN && errno != EACCES)
		return err_sys(err, errno, "lock mailbox");
	return err_mail(err, 451, "4.2.0", "[IN-USE] the mailbox has a POP3 session already");
}

static void
maildrop_fill(struct maildrop *drop)
{
	const struct mailbox *mb = drop->user->mailbox;

	drop->uidvalidity = mailbox_uidvalidity(mb);
	drop->n = mailbox_count(mb);
	drop->v = mem_alloc_array(drop->n, sizeof(*drop->v));
	for (size_t i = 0; i < drop->n; i++) {
		const struct mail *mail = mailbox_at(mb, i);

		drop->v[i] = (struct maildrop_message){
			.uid = mail->uid,
			.disk = mail->size,
			.size = mail->vsize,
			.marks = mail->vsize > 0 ? MAILDROP_COUNTED : 0,
		};
	}
}

enum verdict
maildrop_open(struct maildrop *drop, struct popuser *user, struct err *err)
{
	enum verdict v;

	*drop = (struct maildrop){ .user = user, .lock = -1 };
	user->maildrops++;
	v = mailbox_ready(user, err);
	if (v == VERDICT_OK && service_conf(user->ctx)->pop3d_lock_mailbox)
		v = maildrop_lock(drop, err);
	if (v == VERDICT_OK)
		maildrop_fill(drop);
	return v;
}

void
maildrop_close(struct maildrop *drop)
{
	if (drop->lock >= 0)
		sys_close(drop->lock);
	if (drop->user)
		drop->user->maildrops--;
	mem_free(drop->v);
	*drop = (struct maildrop){ .lock = -1 };
}

enum verdict
maildrop_check(const struct maildrop *drop, struct err *err)
{
	if (drop->uidvalidity == mailbox_uidvalidity(drop->user->mailbox))
		return VERDICT_OK;
	return err_set(
	    err, VERDICT_TEMP, "the mailbox was rebuilt meanwhile: log in again to see it");
}

static bool
message_is_there(const struct maildrop_message *m)
{
	return (m->marks & (MAILDROP_DELETED | MAILDROP_GONE)) == 0;
}

struct maildrop_message *
maildrop_find(const struct maildrop *drop, uint64_t number)
{
	if (number == 0 || number > drop->n || !message_is_there(&drop->v[number - 1]))
		return NULL;
	return &drop->v[number - 1];
}

struct maildrop_message *
maildrop_next(const struct maildrop *drop, size_t *at)
{
	while (*at < drop->n) {
		struct maildrop_message *m = &drop->v[(*at)++];

		if (message_is_there(m))
			return m;
	}
	return NULL;
}

size_t
maildrop_number(const struct maildrop *drop, const struct maildrop_message *m)
{
	return (size_t)(m - drop->v) + 1;
}

/* A message that cannot be read is told with the bytes it has on disk: RETR will say what is wrong.
 */
void
maildrop_measure(struct maildrop *drop, struct maildrop_message *m)
{
	struct mailbox *mb = drop->user->mailbox;
	struct err err = ERR_NONE;
	const struct mail *mail;
	enum verdict v;
	size_t i;

	if (m->marks & MAILDROP_COUNTED)
		return;
	v = maildrop_check(drop, &err);
	if (v == VERDICT_OK)
		v = mailbox_measure(mb, m->uid, &err);
	if (v == VERDICT_ABSENT)
		m->marks |= MAILDROP_GONE;
	i = mailbox_find(mb, m->uid);
	mail = v == VERDICT_OK && i < mailbox_count(mb) ? mailbox_at(mb, i) : NULL;
	m->marks |= MAILDROP_COUNTED;
	m->size = m->disk;
	if (mail && mail->uid == m->uid) {
		m->disk = mail->size;
		m->size = mail->vsize;
	}
}

SUSPENDS void
maildrop_count(struct maildrop *drop, struct maildrop_totals *out)
{
	uint64_t turn = time_mono() + COUNT_TURN;
	struct maildrop_message *m;
	size_t at = 0;

	*out = (struct maildrop_totals){ .n = 0 };
	while ((m = maildrop_next(drop, &at)) != NULL) {
		if (!(m->marks & MAILDROP_COUNTED) && time_mono() > turn) {
			(void)fiber_yield();
			turn = time_mono() + COUNT_TURN;
		}
		maildrop_measure(drop, m);
		if (m->marks & MAILDROP_GONE)
			continue;
		out->n++;
		out->size += m->size;
	}
}

/* NAME, when it can be an id; else what is unique of it, made into one. */
static void
id_put(struct str *out, struct span name)
{
	bool plain = name.n <= ID_MOST;

	for (size_t i = 0; i < name.n; i++)
		plain = plain && name.p[i] >= ID_LOWEST && name.p[i] <= ID_HIGHEST;
	if (plain) {
		str_put(out, name);
		return;
	}
	for (size_t i = 0; i < size_min(name.n, ID_KEPT); i++) {
		bool good = name.p[i] >= ID_LOWEST && name.p[i] <= ID_HIGHEST;

		str_putc(out, good ? name.p[i] : '_');
	}
	str_printf(out, ".%016llx", (unsigned long long)mailfile_id(name));
}

/*
 * The name of its file, less the flags: it stays when the index is lost, when the Maildir moves to
 * another host, and it is what qmail and Courier have told users who come from there.
 */
enum verdict
maildrop_unique_id(
    struct maildrop *drop, struct maildrop_message *m, struct str *out, struct err *err)
{
	struct str name = STR_INIT(LIMIT_MAIL_FILE_NAME);
	enum verdict v = maildrop_check(drop, err);

	if (v == VERDICT_OK)
		v = mailbox_base_name(drop->user->mailbox, m->uid, &name, err);
	if (v == VERDICT_ABSENT)
		m->marks |= MAILDROP_GONE;
	if (v == VERDICT_OK)
		id_put(out, str_span(&name));
	str_free(&name);
	return v;
}

void
maildrop_reset(struct maildrop *drop)
{
	for (size_t i = 0; i < drop->n; i++)
		drop->v[i].marks &= ~(unsigned)MAILDROP_DELETED;
}
