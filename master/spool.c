/*
 * What must be on disk before anything starts: the directories of the queue, with owners and modes,
 * the lock that keeps a second master out, and the identities in /etc/passwd, read by a few lines
 * of our own since master asks no name service. Nothing here follows a link that others could have
 * planted: all parents belong to root or to us.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/sys.h"
#include "master/master.h"

#define PASSWD_MAX (1 << 20)

/* Who owns a directory of the spool and who may enter it. */
static const struct {
	const char *name;
	const char *user; /* NULL: master's own */
	mode_t mode;
} spool_dirs[] = {
	{ "", NULL, 0755 },
	{ "pid", NULL, 0755 },
	{ "empty", NULL, 0555 },
	{ "public", NULL, 0755 },
	{ "queue", "postern", 0700 },
	/* Whoever has setgid_group may leave files, and list or remove no others'. */
	{ "maildrop", "postern-pickup", 01730 },
};

/* Numbers in the third and fourth field of a line that begins with NAME; *SECOND_OUT may be none.
 */
static enum verdict
account_line(struct span line, struct span name, uint64_t *first_out, uint64_t *second_out)
{
	struct span word, first, second, rest;

	span_cut(line, ':', &word, &rest);
	if (!span_eq(word, name))
		return VERDICT_ABSENT;
	span_cut(rest, ':', &word, &rest);
	span_cut(rest, ':', &first, &rest);
	span_cut(rest, ':', &second, &rest);
	if (!num_parse_u64(first, UINT32_MAX - 1, first_out))
		return VERDICT_PERM;
	if (second_out && !num_parse_u64(second, UINT32_MAX - 1, second_out))
		return VERDICT_PERM;
	return VERDICT_OK;
}

/* Of /etc/passwd or /etc/group: the first line that tells of NAME. */
static enum verdict
account_find(const char *file, struct span name, uint64_t *first_out, uint64_t *second_out)
{
	enum verdict v = VERDICT_ABSENT;
	char *text = mem_alloc(PASSWD_MAX);
	int fd = sys_openat(AT_FDCWD, file, O_RDONLY, 0);
	ssize_t n = fd < 0 ? -1 : sys_pread_all(fd, text, PASSWD_MAX, 0);
	struct span rest = span_of(text, n > 0 ? (size_t)n : 0), line;

	if (fd >= 0)
		sys_close(fd);
	while (v == VERDICT_ABSENT && rest.n > 0) {
		span_cut(rest, '\n', &line, &rest);
		v = account_line(line, name, first_out, second_out);
	}
	mem_free(text);
	return v;
}

enum verdict
identity_find(const char *user, uid_t *uid_out, gid_t *gid_out, struct err *err)
{
	uint64_t uid = 0, gid = 0;
	enum verdict v = account_find("/etc/passwd", span_str(user), &uid, &gid);

	*uid_out = (uid_t)uid;
	*gid_out = (gid_t)gid;
	if (v == VERDICT_OK && *uid_out == 0)
		return err_set(
		    err, VERDICT_PERM, "user %s is root: it must have a uid of its own", user);
	if (v != VERDICT_OK)
		return err_set(err, VERDICT_PERM,
		    "there is no user \"%s\" in /etc/passwd: make the system users "
		    "(systemd-sysusers postern.conf)",
		    user);
	return VERDICT_OK;
}

static enum verdict
group_find(struct span group, gid_t *gid_out, struct err *err)
{
	uint64_t gid = 0;
	enum verdict v = account_find("/etc/group", group, &gid, NULL);

	*gid_out = (gid_t)gid;
	if (v == VERDICT_OK && gid == 0)
		return err_set(
		    err, VERDICT_PERM, "setgid_group: %.*s is root's group", SPAN_ARG(group));
	if (v != VERDICT_OK)
		return err_set(err, VERDICT_PERM,
		    "setgid_group: there is no group \"%.*s\" in "
		    "/etc/group",
		    SPAN_ARG(group));
	return VERDICT_OK;
}

/* Owner and mode of the open directory FD, as the table wants them. */
static enum verdict
spool_set_dir(int fd, const char *path, uid_t uid, gid_t gid, mode_t mode, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "stat %s", path);
	if ((st.st_uid != uid || st.st_gid != gid) && sys_fchown(fd, uid, gid) < 0)
		return err_sys(err, errno, "chown %s", path);
	if ((st.st_mode & 07777) != mode && sys_fchmod(fd, mode) < 0)
		return err_sys(err, errno, "chmod %s", path);
	return VERDICT_OK;
}

static enum verdict
spool_make_dir(struct master *m, const char *name, const char *user, mode_t mode, struct err *err)
{
	struct str path = STR_INIT(4096);
	uid_t uid = geteuid();
	gid_t gid = getegid();
	enum verdict v = VERDICT_OK;
	int fd = -1;

	if (!m->rootless && user && (v = identity_find(user, &uid, &gid, err)) != VERDICT_OK)
		return v;
	if (!m->rootless && (mode & 070) == 030 &&
	    (v = group_find(m->conf.setgid_group, &gid, err)) != VERDICT_OK)
		return v;
	str_printf(&path, "%.*s%s%s", SPAN_ARG(m->conf.queue_directory), *name ? "/" : "", name);
	const char *p = str_cstr(&path);
	if (sys_mkdirat(AT_FDCWD, p, 0700) < 0 && errno != EEXIST)
		v = err_sys(err, errno, "mkdir %s", p);
	else if ((fd = sys_openat(AT_FDCWD, p, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)) < 0)
		v = err_sys(err, errno, "open directory %s", p);
	else
		v = spool_set_dir(fd, p, uid, gid, mode, err);
	if (fd >= 0)
		sys_close(fd);
	str_free(&path);
	return v;
}

/*
 * The pid file is the lock: held as long as this master lives, whatever it says. A lock of this
 * process alone: a child on its way to exec does not keep it, nor can who may not write the file.
 */
static enum verdict
spool_lock(struct master *m, struct err *err)
{
	struct str path = STR_INIT(4096), pid = STR_INIT(32);
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	enum verdict v = VERDICT_OK;

	str_printf(&path, "%.*s/pid/master.pid", SPAN_ARG(m->conf.queue_directory));
	str_printf(&pid, "%d\n", (int)getpid());
	m->lock_fd = sys_openat(AT_FDCWD, str_cstr(&path), O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (m->lock_fd < 0)
		v = err_sys(err, errno, "open %s", str_cstr(&path));
	else if (fcntl(m->lock_fd, F_SETLK, &whole) < 0)
		v = err_set(err, VERDICT_PERM, "the mail system is already running (%s is locked)",
		    str_cstr(&path));
	else if (sys_ftruncate(m->lock_fd, 0) < 0 ||
		 sys_pwrite_all(m->lock_fd, pid.p, pid.n, 0) < 0)
		v = err_sys(err, errno, "write %s", str_cstr(&path));
	str_free(&path);
	str_free(&pid);
	return v;
}

enum verdict
spool_prepare(struct master *m, struct err *err)
{
	enum verdict v = VERDICT_OK;

	for (size_t i = 0; v == VERDICT_OK && i < ARRAY_LEN(spool_dirs); i++)
		v = spool_make_dir(
		    m, spool_dirs[i].name, spool_dirs[i].user, spool_dirs[i].mode, err);
	return v == VERDICT_OK ? spool_lock(m, err) : v;
}
