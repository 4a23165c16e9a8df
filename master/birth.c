/*
 * Births: fork, final identity, exec. The child keeps nothing of master: descriptors above 3 are
 * closed, the environment is made anew, and all that the daemon needs follows as one BIRTH packet.
 * Between fork and exec only plain system calls run. Root rights end here for the child: what it
 * keeps is CAP_SYS_CHROOT, until its walls are up.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "master/master.h"
#include "sandbox/sandbox.h"

#define PROGRAM_FD (CONTROL_FD + 1) /* until exec */
#define LOG_FD	   (CONTROL_FD + 2) /* until exec */
#define HIGH_FD	   64
#define EXIT_BIRTH 71 /* EX_OSERR: the child could not become what it should be */

struct birth {
	struct master *m;
	struct mservice *s;
	const struct grant *grant;
	const struct sandbox_profile *profile;
	char *env[10];
	uid_t uid;
	gid_t gid;
	int control[2];
	int log[2];
	int root_fd;
	int program_fd;
	struct control_msg msg;
	int fds[CONTROL_MAX_FDS];
	unsigned n;
};

static void
birth_pass(struct birth *b, enum birth_fd kind, int fd)
{
	if (fd < 0 || b->n == CONTROL_MAX_FDS)
		return;
	b->msg.fd_kinds[b->n] = (uint8_t)kind;
	b->fds[b->n++] = fd;
}

/* The account's directory, reached without following a link in its last step, and owned as the
 * grant says. */
static enum verdict
birth_open_home(struct birth *b, struct err *err)
{
	struct stat st;

	b->root_fd = sys_openat(AT_FDCWD, b->grant->home, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (b->root_fd < 0)
		return err_sys(err, errno, "home of %s: %s", b->grant->account, b->grant->home);
	if (fstat(b->root_fd, &st) < 0 || st.st_uid != b->uid)
		return err_set(err, VERDICT_TEMP, "home of %s: %s belongs to uid %u, not to %u",
		    b->grant->account, b->grant->home, (unsigned)st.st_uid, (unsigned)b->uid);
	return VERDICT_OK;
}

/* What becomes its root: the account's home, a directory of the spool, or the empty one. */
static enum verdict
birth_open_root(struct birth *b, struct err *err)
{
	unsigned needs = b->s->kind->needs;
	const char *name = needs & BIRTH_ROOT_QUEUE	 ? "queue"
			   : needs & BIRTH_ROOT_MAILDROP ? "maildrop"
							 : "empty";
	struct str path = STR_INIT(4096);

	if (b->grant)
		return birth_open_home(b, err);
	if (!sandbox_needs_chroot(b->profile))
		return VERDICT_OK;
	str_printf(&path, "%.*s/%s", SPAN_ARG(b->m->conf.queue_directory), name);
	b->root_fd = sys_openat(AT_FDCWD, str_cstr(&path), O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (b->root_fd < 0)
		err_sys(err, errno, "open %s", str_cstr(&path));
	str_free(&path);
	return b->root_fd >= 0 ? VERDICT_OK : VERDICT_TEMP;
}

/*
 * The program is opened by master and run by descriptor: the suite may lie below a directory that
 * its users cannot enter.
 */
static enum verdict
birth_open_program(struct birth *b, struct err *err)
{
	struct str path = STR_INIT(4096);

	str_printf(&path, "%.*s/%s", SPAN_ARG(b->m->conf.daemon_directory), b->s->kind->program);
	b->program_fd = sys_openat(AT_FDCWD, str_cstr(&path), O_RDONLY, 0);
	if (b->program_fd < 0)
		err_sys(err, errno, "open %s", str_cstr(&path));
	str_free(&path);
	return b->program_fd >= 0 ? VERDICT_OK : VERDICT_TEMP;
}

static enum verdict
birth_identity(struct birth *b, struct err *err)
{
	b->uid = geteuid();
	b->gid = getegid();
	if (b->m->rootless)
		return VERDICT_OK;
	if (b->grant) {
		b->uid = b->grant->uid;
		b->gid = b->grant->gid;
		return VERDICT_OK;
	}
	return identity_find(b->s->kind->user, &b->uid, &b->gid, err);
}

static void
birth_env(struct birth *b)
{
	static const char *const kept[] = { "TZ", "POSTERN_FAULT", "POSTERN_FAULT_FD",
		"POSTERN_FAULT_MAP", "POSTERN_FIBER_SEED", "POSTERN_LANDLOCK_ABI", "ASAN_OPTIONS",
		"UBSAN_OPTIONS" };
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(kept) && n + 1 < ARRAY_LEN(b->env); i++) {
		const char *value = getenv(kept[i]);
		struct str s = STR_INIT(4096);
		if (!value)
			continue;
		str_printf(&s, "%s=%s", kept[i], value);
		b->env[n++] = mem_strdup(str_span(&s));
		str_free(&s);
	}
}

static enum verdict
birth_prepare(struct birth *b, struct err *err)
{
	struct mservice *s = b->s;
	enum verdict v = birth_identity(b, err);

	if (v != VERDICT_OK)
		return v;
	if ((v = birth_open_root(b, err)) != VERDICT_OK)
		return v;
	if ((v = birth_open_program(b, err)) != VERDICT_OK)
		return v;
	birth_env(b);
	int rc = control_pair(b->control);
	if (rc != 0)
		return err_sys(err, rc, "control channel");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, b->log) < 0)
		return err_sys(err, errno, "log socket");
	b->msg = (struct control_msg){ .type = CONTROL_BIRTH,
		.arg = CONTROL_VERSION,
		.ok = b->m->rootless,
		.id = b->m->generation,
		.uid = b->uid,
		.gid = b->gid };
	control_set_name(&b->msg, s->name);
	memcpy(b->msg.path, s->kind->profile, strlen(s->kind->profile) + 1);
	if (b->grant)
		memcpy(b->msg.account, b->grant->account, sizeof(b->msg.account));
	birth_pass(b, BIRTH_FD_LOG, b->log[1]);
	birth_pass(b, BIRTH_FD_CONFIG, s->snapshot_fd);
	birth_pass(b, BIRTH_FD_ROOT, b->root_fd);
	if (s->kind->needs & BIRTH_LOGFILE)
		birth_pass(b, BIRTH_FD_LOGFILE, b->m->log_file_fd);
	birth_pass(b, BIRTH_FD_PUBLIC, s->public_fd);
	for (unsigned i = 0; i < s->listen_n; i++)
		birth_pass(b, BIRTH_FD_LISTEN, s->listen_fds[i]);
	return VERDICT_OK;
}

/* The directory of the user database: authd opens the file in it anew whenever it has changed. */
static int
birth_open_users(const struct birth *b)
{
	struct span file = b->m->conf.auth_passwd_file;
	char *dir;

	if (!(b->s->kind->needs & BIRTH_USERS) || file.n == 0)
		return -1;
	dir = mem_strdup(span_head(file, size_max(1, span_rfind(file, '/'))));
	int fd = sys_openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		log_event(LOG_LEVEL_ERROR, "auth_passwd_file: %s: %s", dir, strerror(errno));
	mem_free(dir);
	return fd;
}

/* Files opened at each birth: a renewed certificate is there for the next process. */
static void
birth_pass_files(struct birth *b, int opened[3])
{
	unsigned needs = b->s->kind->needs;
	struct span ca = b->m->conf.smtp_tls_CAfile;
	char *path;

	if (needs & BIRTH_SERVER_TLS)
		opened[0] = chain_open(&b->m->conf, b->s->kind->name);
	if (opened[0] >= 0) {
		birth_pass(b, BIRTH_FD_CHAIN, opened[0]);
		birth_pass(b, BIRTH_FD_KEYS, b->m->keys_fd);
	}
	if ((needs & BIRTH_CLIENT_TLS) && ca.n) {
		path = mem_strdup(ca);
		opened[1] = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
		if (opened[1] < 0)
			log_event(
			    LOG_LEVEL_ERROR, "smtp_tls_CAfile: %s: %s", path, strerror(errno));
		mem_free(path);
		birth_pass(b, BIRTH_FD_CA, opened[1]);
	}
	opened[2] = birth_open_users(b);
	birth_pass(b, BIRTH_FD_USERS, opened[2]);
}

/* In the child: says what went wrong where its lines will be looked for, and ends. */
static _Noreturn void
birth_fail(const struct birth *b, const struct err *err)
{
	log_open(b->s->log_name, LOG_FD, false);
	log_event(LOG_LEVEL_FATAL, "birth: %s", err->text);
	log_flush();
	_exit(EXIT_BIRTH);
}

/* Descriptors 3, 4 and 5 and no others; those may be in the way of each other, so all go up first.
 */
static bool
birth_place_fds(const struct birth *b)
{
	int control = fcntl(b->control[1], F_DUPFD, HIGH_FD);
	int program = fcntl(b->program_fd, F_DUPFD, HIGH_FD);
	int log = fcntl(b->log[1], F_DUPFD, HIGH_FD);

	return dup2(control, CONTROL_FD) == CONTROL_FD &&
	       dup3(program, PROGRAM_FD, O_CLOEXEC) == PROGRAM_FD &&
	       dup3(log, LOG_FD, O_CLOEXEC) == LOG_FD && close_range(LOG_FD + 1, ~0U, 0) == 0;
}

/* In the child: becomes what it is to be, and runs its program. */
static _Noreturn void
birth_become(struct birth *b)
{
	char *argv[] = { (char *)(uintptr_t)b->s->kind->program, NULL };
	struct err err = ERR_NONE;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* A terminal's ^C is master's affair: it stops us in order. */
	setpgid(0, 0);
	umask(077);
	if (!birth_place_fds(b) || chdir("/") < 0) {
		err_sys(&err, errno, "descriptors or working directory");
		birth_fail(b, &err);
	}
	if (sandbox_set_limits(b->profile, &err) != VERDICT_OK)
		birth_fail(b, &err);
	if (!b->m->rootless && sandbox_drop_identity(b->uid, b->gid, NULL, 0,
				   sandbox_needs_chroot(b->profile), &err) != VERDICT_OK)
		birth_fail(b, &err);
	fexecve(PROGRAM_FD, argv, b->env);
	err_sys(&err, errno, "run %s", b->s->kind->program);
	birth_fail(b, &err);
}

static struct child *
birth_register(struct birth *b, pid_t pid)
{
	struct master *m = b->m;
	struct child *c = mem_alloc(sizeof(*c));

	c->watch = (struct watch){ b->control[0], child_on_ready };
	c->m = m;
	c->service = b->s;
	c->pid = pid;
	c->serial = ++m->next_serial;
	c->born = time_mono();
	c->log_fd = b->log[0];
	list_init(&c->outbox);
	if (b->grant)
		memcpy(c->account, b->grant->account, sizeof(c->account));
	b->s->alive++;
	list_push_front(&m->children, &c->node);
	m->children_n++;
	watch_add(m, &c->watch, false);
	child_send(c, &b->msg, b->fds, b->n);
	return c;
}

static void
birth_after(struct child *c)
{
	struct master *m = c->m;
	struct list *node;

	if (strcmp(c->service->kind->name, "log") == 0) {
		master_attach_log(m, c);
		list_foreach (other, after, &m->children)
			child_attach_log(m, LIST_ITEM(other, struct child, node));
	} else {
		child_attach_log(m, c);
	}
	while (c->account[0] == 0 && (node = list_pop(&c->service->pending)) != NULL) {
		struct packet_out *p = LIST_ITEM(node, struct packet_out, node);
		child_send(c, &p->msg, p->fds, p->fds_n);
		for (unsigned i = 0; i < p->fds_n; i++)
			close(p->fds[i]);
		mem_free(p);
	}
}

static void
close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

struct child *
child_birth(struct master *m, struct mservice *s, const struct grant *grant, struct err *err)
{
	struct birth *b = mem_alloc(sizeof(*b));
	int opened[3] = { -1, -1, -1 };
	struct child *c = NULL;
	pid_t pid = -1;

	b->m = m;
	b->s = s;
	b->grant = grant;
	b->profile = sandbox_profile_find(s->kind->profile);
	assert(b->profile);
	b->control[0] = b->control[1] = b->log[0] = b->log[1] = b->root_fd = b->program_fd = -1;
	if (m->children_n >= MASTER_MAX_CHILDREN) {
		err_set(err, VERDICT_TEMP, "there are %u processes already", m->children_n);
	} else if (birth_prepare(b, err) == VERDICT_OK) {
		birth_pass_files(b, opened);
		pid = fork();
		if (pid == 0)
			birth_become(b);
		if (pid < 0)
			err_sys(err, errno, "fork for %s", s->log_name);
		else
			c = birth_register(b, pid);
	}
	if (!c) {
		close_if(b->control[0]);
		close_if(b->log[0]);
	}
	close_if(b->control[1]);
	close_if(b->log[1]);
	close_if(b->root_fd);
	close_if(b->program_fd);
	for (unsigned i = 0; i < ARRAY_LEN(opened); i++)
		close_if(opened[i]);
	for (unsigned i = 0; i < ARRAY_LEN(b->env); i++)
		mem_free(b->env[i]);
	mem_free(b);
	if (c)
		birth_after(c);
	return c;
}
