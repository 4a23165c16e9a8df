/*
 * postdrop: takes a submission (message/submission.h) on standard input and leaves it in the
 * maildrop. Run by sendmail; set-gid, since only its group may make files there, so whoever runs it
 * may mean harm: the environment is not looked at, a configuration is trusted when root vouches for
 * it, and what comes is checked before it is kept. The file is the caller's own; pickup learns from
 * that who sent it. Exit status 0 means that the message would survive a power cut.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rand.h"
#include "base/sys.h"
#include "base/time.h"
#include "message/submission.h"
#include "tools/submit.h"

#define BLOCK	   65536
#define NAME_TRIES 16

static const char tool[] = "postdrop";

struct drop {
	const char *config_dir;
	uint64_t size_limit; /* of the content; 0: none */
	int dir;	     /* the maildrop */
	int fd;		     /* the file, -1: none */
	struct str name;
	struct str held;  /* what was read and not yet written: the head, then the last bytes */
	uint64_t written; /* bytes, head and content */
	size_t head_size;
	uint32_t crc;
	volatile bool made;
};

/* For the signals that end us amid a message: what is left of it goes too. */
static struct drop *drop_here;

static void
drop_remove(struct drop *d)
{
	if (d->made)
		sys_unlinkat(d->dir, str_cstr(&d->name), 0);
	d->made = false;
}

static void
drop_interrupted(int signo)
{
	if (drop_here->made)
		sys_unlinkat(drop_here->dir, drop_here->name.p, 0); /* async-signal-safe */
	_exit(128 + signo);
}

/* Can nobody but root change what PATH is, or (STICKY allowed) put another in its place? */
static bool
path_is_roots(const char *path, mode_t type, bool parent)
{
	struct stat st;

	if (lstat(path, &st) != 0 || (st.st_mode & S_IFMT) != type || st.st_uid != 0)
		return false;
	return (st.st_mode & 022) == 0 || (parent && (st.st_mode & S_ISVTX));
}

/*
 * Whoever may name the configuration says where files are made with our group. Root may; the
 * default is root's; and so is a main.cf that only root can have put where it is: no link on the
 * way to it, which could lead elsewhere a moment later, and no directory that others may change.
 */
static bool
config_is_trusted(const char *dir)
{
	char real[PATH_MAX];
	struct str path = STR_INIT(PATH_MAX + 16);
	bool good;

	if (getuid() == 0 || strcmp(dir, POSTERN_CONFIG_DIR) == 0)
		return true;
	if (!realpath(dir, real) || strcmp(real, dir) != 0)
		return false;
	str_printf(&path, "%s/main.cf", dir);
	good = path_is_roots(str_cstr(&path), S_IFREG, false) && path_is_roots(dir, S_IFDIR, false);
	for (size_t n = strlen(dir); good && n > 0;) {
		n = span_rfind(span_of(dir, n), '/');
		str_reset(&path);
		str_put(&path, n > 0 ? span_of(dir, n) : span_lit("/"));
		good = path_is_roots(str_cstr(&path), S_IFDIR, true);
	}
	str_free(&path);
	return good;
}

/* With any other configuration the caller gets what he has without us: a suite of his own may well
 * have its maildrop where he can write. */
static bool
group_settle(const char *config_dir)
{
	gid_t own = getgid();

	if (getegid() == own || config_is_trusted(config_dir))
		return true;
	return setresgid(own, own, own) == 0 && getegid() == own;
}

/* authorized_submit_users: names, "!name", static:anyone; the first that fits decides. */
static bool
user_is_authorized(struct span list)
{
	const struct passwd *pw = getpwuid(getuid());
	struct span item;

	while (conf_list_next(&list, &item)) {
		bool not = span_starts(item, span_lit("!"));
		struct span what = span_from(item, not ? 1 : 0);

		if (span_starts(what, span_lit("static:")) ||
		    (pw && span_eq(what, span_str(pw->pw_name))))
			return !not ;
	}
	return false;
}

static int
drop_configure(struct drop *d, struct str *maildrop)
{
	struct conf_problems *problems = conf_problems_new();
	struct str size = STR_INIT(64), users = STR_INIT(LIMIT_CONF_VALUE);
	struct conf_source *source;
	int status = SUBMIT_OK;

	if (!group_settle(d->config_dir)) {
		conf_problems_free(problems);
		return submit_fail(tool, SUBMIT_DENIED, "cannot give up the group");
	}
	source = conf_load(d->config_dir, problems);
	if (!submit_value(tool, source, "queue_directory", maildrop) ||
	    !submit_value(tool, source, "message_size_limit", &size) ||
	    !submit_value(tool, source, "authorized_submit_users", &users) ||
	    !num_parse_u64(str_span(&size), UINT64_MAX, &d->size_limit))
		status = SUBMIT_CONFIG;
	else if (!user_is_authorized(str_span(&users)))
		status = submit_fail(
		    tool, SUBMIT_DENIED, "user %u may not send mail", (unsigned)getuid());
	str_puts(maildrop, "/maildrop");
	conf_free(source);
	conf_problems_free(problems);
	str_free(&size);
	str_free(&users);
	return status;
}

/* A file of its own; nobody else can have made one of that name. */
static int
drop_create(struct drop *d)
{
	for (int i = 0; i < NAME_TRIES && d->fd < 0; i++) {
		str_reset(&d->name);
		str_printf(&d->name, "%llx.%x.%llx", (unsigned long long)(time_wall() / NS_PER_US),
		    (unsigned)getpid(), (unsigned long long)rand_u64());
		str_cstr(&d->name);
		d->fd = sys_openat(
		    d->dir, str_cstr(&d->name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
		if (d->fd < 0 && errno != EEXIST)
			break;
	}
	if (d->fd < 0)
		return submit_fail(
		    tool, SUBMIT_TEMP, "cannot make a file in the maildrop: %s", strerror(errno));
	d->made = true;
	return SUBMIT_OK;
}

static int
drop_write(struct drop *d, size_t n)
{
	struct span bytes = span_head(str_span(&d->held), n);

	d->crc = crc32c(d->crc, bytes);
	d->written += bytes.n;
	if (d->size_limit > 0 && d->written > d->size_limit + d->head_size)
		return submit_fail(tool, SUBMIT_DATA, "message file too big");
	if (sys_write_all(d->fd, bytes.p, bytes.n) < 0)
		return submit_fail(
		    tool, SUBMIT_TEMP, "cannot write to the maildrop: %s", strerror(errno));
	str_drop(&d->held, bytes.n);
	return SUBMIT_OK;
}

/* The head is whole and good: the file begins. ABSENT: more of it is to come. */
static int
drop_head(struct drop *d, bool *begun)
{
	struct submission s;
	struct err err = ERR_NONE;
	enum verdict v = submission_parse(str_span(&d->held), &s, &err);

	if (v == VERDICT_ABSENT)
		return SUBMIT_OK;
	if (v != VERDICT_OK)
		return submit_fail(tool, SUBMIT_DATA, "refused: %s", err.text);
	d->head_size = s.head_size;
	*begun = true;
	return drop_create(d);
}

/* The last bytes must be the end that fits all that came before them. */
static int
drop_finish(struct drop *d, bool begun)
{
	uint64_t size;
	uint32_t crc;

	if (!begun || !submission_parse_end(str_span(&d->held), &size, &crc) ||
	    size != d->written || crc != d->crc)
		return submit_fail(tool, SUBMIT_DATA, "refused: the submission is not whole");
	if (sys_write_all(d->fd, d->held.p, d->held.n) < 0 || sys_fsync(d->fd) != 0)
		return submit_fail(
		    tool, SUBMIT_TEMP, "cannot write to the maildrop: %s", strerror(errno));
	return SUBMIT_OK;
}

static int
drop_take(struct drop *d)
{
	bool begun = false;
	int status = SUBMIT_OK;

	while (status == SUBMIT_OK) {
		char *room = str_reserve(&d->held, BLOCK);
		ssize_t n = room ? sys_read(STDIN_FILENO, room, BLOCK) : -1;

		if (!room)
			return submit_fail(tool, SUBMIT_DATA, "refused: the head is too long");
		if (n < 0)
			return submit_fail(
			    tool, SUBMIT_IO, "cannot read the submission: %s", strerror(errno));
		if (n == 0)
			return drop_finish(d, begun);
		str_grew(&d->held, (size_t)n);
		if (!begun)
			status = drop_head(d, &begun);
		if (status == SUBMIT_OK && begun && d->held.n > SUBMISSION_END)
			status = drop_write(d, d->held.n - SUBMISSION_END);
	}
	return status;
}

static int
drop_run(struct drop *d)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM };
	struct str maildrop = STR_INIT(4096);
	int status = drop_configure(d, &maildrop);

	if (status == SUBMIT_OK) {
		d->dir =
		    sys_openat(AT_FDCWD, str_cstr(&maildrop), O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
		if (d->dir < 0)
			status = submit_fail(tool, SUBMIT_UNAVAILABLE, "%s: %s",
			    str_cstr(&maildrop), strerror(errno));
	}
	str_free(&maildrop);
	if (status != SUBMIT_OK)
		return status;
	drop_here = d;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if (signal(signals[i], SIG_IGN) != SIG_IGN)
			signal(signals[i], drop_interrupted);
	}
	status = drop_take(d);
	if (status != SUBMIT_OK)
		drop_remove(d);
	d->made = false;
	return status;
}

int
main(int argc, char **argv)
{
	struct drop d = { .config_dir = POSTERN_CONFIG_DIR, .dir = -1, .fd = -1 };
	int c;

	/* Descriptors that the caller did not give must not become our files. */
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return SUBMIT_IO;
	clearenv();
	umask(0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	str_init(&d.name, 256);
	str_init(&d.held, LIMIT_SUBMISSION_HEAD + 2 * BLOCK);
	while ((c = getopt(argc, argv, "c:rv")) >= 0) {
		if (c == 'c')
			d.config_dir = optarg;
		else if (c != 'r' && c != 'v')
			return submit_fail(tool, SUBMIT_USAGE, "usage: postdrop [-c config_dir]");
	}
	if (optind < argc)
		return submit_fail(tool, SUBMIT_USAGE, "usage: postdrop [-c config_dir]");
	c = drop_run(&d);
	str_free(&d.name);
	str_free(&d.held);
	return c;
}
