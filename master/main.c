/*
 * master: starts the daemons, watches them, starts them again, reloads and stops them. The only
 * process that is root. Run by `postern start`; -c names the configuration directory, so several
 * instances can run; -d keeps it in the foreground with its log on standard output as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/sys.h"
#include "base/time.h"
#include "config.h"
#include "master/master.h"

#define TICKET_KEYS_SIZE 240 /* three generations of 80 bytes: event/tls.h */
#define PORTS_WAIT_S                                                                 \
	3 /* children of a master that was killed leave within a turn of their loops \
	   */

static void
master_reload(struct master *m)
{
	struct err err = ERR_NONE;

	if (m->stopping)
		return;
	log_event(LOG_LEVEL_INFO, "reload -- version " PACKAGE_VERSION ", configuration %s",
	    m->config_dir);
	if (master_configure(m, &err) != VERDICT_OK || services_update(m, &err) != VERDICT_OK) {
		log_event(LOG_LEVEL_ERROR, "%s", err.text);
		return;
	}
	list_foreach (node, after, &m->services) {
		struct mservice *s = LIST_ITEM(node, struct mservice, node);
		service_stop_children(s, m, false);
	}
}

static void
master_stop(struct master *m, int signo)
{
	if (m->stopping)
		return;
	log_event(LOG_LEVEL_INFO, "terminating on signal %d", signo);
	m->stopping = true;
	m->stop_level = 0;
}

static struct child *
child_of_pid(struct master *m, pid_t pid)
{
	list_foreach (node, after, &m->children) {
		struct child *c = LIST_ITEM(node, struct child, node);
		if (c->pid == pid)
			return c;
	}
	return NULL;
}

static void
master_reap(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *c = child_of_pid(m, pid);
		if (c)
			child_died(c, status);
	}
}

static void
master_on_signal(struct watch *w, unsigned events)
{
	struct master *m = CONTAINER_OF(w, struct master, signals);
	struct signalfd_siginfo si;

	(void)events;
	while (sys_read(w->fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			master_reap(m);
		else if (si.ssi_signo == SIGHUP)
			master_reload(m);
		else
			master_stop(m, (int)si.ssi_signo);
	}
}

static enum verdict
master_watch_signals(struct master *m, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	m->signals =
	    (struct watch){ signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), master_on_signal };
	if (m->epoll_fd < 0 || m->signals.fd < 0)
		return err_sys(err, errno, "signalfd");
	watch_add(m, &m->signals, false);
	return VERDICT_OK;
}

/* Keys for TLS session tickets, one set for all workers: in memory only. */
static enum verdict
master_make_keys(struct master *m, struct err *err)
{
	unsigned char keys[TICKET_KEYS_SIZE];

	rand_bytes(keys, sizeof(keys));
	m->keys_fd = memfd_create("ticket keys", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (m->keys_fd < 0 || sys_write_all(m->keys_fd, keys, sizeof(keys)) < 0)
		return err_sys(err, errno, "memfd for TLS ticket keys");
	fcntl(m->keys_fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	mem_wipe(keys, sizeof(keys));
	return VERDICT_OK;
}

/* maillog_file is opened here, since its directory is root's; without one the log daemon uses
 * syslog. */
static enum verdict
master_open_log_file(struct master *m, struct err *err)
{
	char *path;

	if (m->conf.maillog_file.n == 0)
		return VERDICT_OK;
	if (span_eq(m->conf.maillog_file, span_lit("/dev/stdout"))) {
		m->log_file_fd = dup(STDOUT_FILENO);
		return VERDICT_OK;
	}
	path = mem_strdup(m->conf.maillog_file);
	m->log_file_fd =
	    sys_openat(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0640);
	if (m->log_file_fd < 0)
		err_sys(err, errno, "maillog_file: %s", path);
	mem_free(path);
	return m->log_file_fd >= 0 ? VERDICT_OK : VERDICT_PERM;
}

/* From here on master's own lines go where all lines go. */
static enum verdict
master_log_to_daemon(struct master *m, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return err_sys(err, errno, "log socket");
	m->log_fd = ends[0];
	log_open("postern/master", ends[1], false);
	return VERDICT_OK;
}

static enum verdict
master_start(struct master *m, struct err *err)
{
	static enum verdict (*const steps[])(
	    struct master *, struct err *) = { master_watch_signals, master_configure,
		spool_prepare, master_open_log_file, master_make_keys, services_update };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		enum verdict v = steps[i](m, err);
		if (v != VERDICT_OK)
			return v;
	}
	return VERDICT_OK;
}

/*
 * Into the background: the parent waits until all is bound and says by its exit status whether that
 * worked. Returns in the child alone, with the descriptor on which to say so.
 */
static int
master_fork(void)
{
	int ends[2];
	char said = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		setsid();
		return ends[1];
	}
	close(ends[1]);
	_exit(pid > 0 && sys_read(ends[0], &said, 1) == 1 ? 0 : 1);
}

static void
master_detach(int ready_fd)
{
	int null = sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);

	if (sys_write(ready_fd, "r", 1) != 1 || null < 0)
		return;
	close(ready_fd);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	sys_close(null);
}

static void
master_run(struct master *m)
{
	for (;;) {
		uint64_t until = services_tend(m);
		if (m->stopping) {
			services_stop_level(m);
			if (m->children_n == 0)
				return;
			until = m->stop_until;
		}
		watch_turn(m, until);
		log_flush();
	}
}

static void
master_init(struct master *m)
{
	m->config_dir = POSTERN_CONFIG_DIR;
	m->log_fd = m->conf_fd = m->keys_fd = m->lock_fd = m->log_file_fd = -1;
	m->rootless = geteuid() != 0;
	m->ports_until = deadline_after_s(PORTS_WAIT_S);
	list_init(&m->services);
	list_init(&m->children);
	list_init(&m->grants);
	list_init(&m->dead);
}

int
main(int argc, char **argv)
{
	static struct master m;
	struct err err = ERR_NONE;
	int opt, ready_fd = -1;

	master_init(&m);
	while ((opt = getopt(argc, argv, "c:d")) != -1) {
		if (opt == 'c')
			m.config_dir = optarg;
		else if (opt == 'd')
			m.foreground = true;
		else
			return 64;
	}
	log_open("postern/master", STDERR_FILENO, true);
	if (!m.foreground)
		ready_fd = master_fork();
	if (master_start(&m, &err) != VERDICT_OK) {
		log_event(LOG_LEVEL_FATAL, "%s", err.text);
		log_flush();
		return 1;
	}
	if (m.rootless)
		log_event(LOG_LEVEL_WARNING,
		    "not root: all processes run as uid %u, so identities and empty roots are not "
		    "among their walls",
		    (unsigned)geteuid());
	if (master_log_to_daemon(&m, &err) != VERDICT_OK)
		log_event(LOG_LEVEL_ERROR, "%s", err.text);
	log_event(LOG_LEVEL_INFO, "daemon started -- version " PACKAGE_VERSION ", configuration %s",
	    m.config_dir);
	log_flush();
	if (ready_fd >= 0)
		master_detach(ready_fd);
	master_run(&m);
	log_event(LOG_LEVEL_INFO, "stopped");
	log_flush();
	return 0;
}
