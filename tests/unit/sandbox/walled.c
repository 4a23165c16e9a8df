/*
 * The site, the child and its end, for the tests of lib/sandbox. The child is born as master's
 * children are, but for exec: limits, identity, walls. It ends by _exit, so that no buffered output
 * of the test is written twice. Everything made in the file system lies in one directory under
 * TMPDIR, removed by walled_site_free.
 */
#include "config.h"

#include "tests/unit/sandbox/walled.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/walls.h"

#define EXIT_BROKEN 250

bool
walled_is_root(void)
{
	return geteuid() == 0;
}

unsigned
walled_abi(const char *abi)
{
	unsigned now;

	if (abi)
		setenv("POSTERN_LANDLOCK_ABI", abi, 1);
	now = landlock_abi();
	unsetenv("POSTERN_LANDLOCK_ABI");
	return now;
}

static int
site_open(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, flags | O_CLOEXEC, 0666);

	assert(fd >= 0);
	return fd;
}

static int
site_dir(int dir, const char *name)
{
	int made = mkdirat(dir, name, 0777);

	assert(made == 0);
	made = fchmodat(dir, name, 0777, 0);
	assert(made == 0);
	return site_open(dir, name, O_RDONLY | O_DIRECTORY);
}

static void
site_files(struct walled_site *site)
{
	const char *tmp = getenv("TMPDIR");
	struct str path = STR_INIT(4096);
	int fd;

	str_printf(&path, "%s/postern-sandbox-XXXXXX", tmp ? tmp : "/tmp");
	assert(str_cstr(&path) != NULL);
	assert(mkdtemp(path.p) != NULL);
	site->base = site_open(AT_FDCWD, path.p, O_RDONLY | O_DIRECTORY);
	fchmod(site->base, 0755);
	str_free(&path);
	site->empty = site_dir(site->base, "empty");
	site->home = site_dir(site->base, "home");
	site->inner = site_dir(site->home, "a");
	close(site_dir(site->home, "b"));
	fd = site_open(site->base, "secret", O_WRONLY | O_CREAT);
	close(fd);
	fd = site_open(site->inner, "file", O_WRONLY | O_CREAT);
	fchmod(fd, 0666);
	assert(write(fd, "hello\n", 6) == 6);
	close(fd);
	site->append = site_open(site->inner, "file", O_WRONLY | O_APPEND);
	site->readable = site_open(site->inner, "file", O_RDONLY);
}

static void
site_sockets(struct walled_site *site)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	int failed;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	site->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	failed = bind(site->listening, (struct sockaddr *)&at, n) || listen(site->listening, 5) ||
		 getsockname(site->listening, (struct sockaddr *)&at, &n);
	assert(!failed);
	site->port = ntohs(at.sin_port);
	site->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	failed = connect(site->client, (struct sockaddr *)&at, n) ||
		 socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, site->pair);
	assert(!failed);
}

void
walled_site_make(struct walled_site *site)
{
	memset(site, 0, sizeof(*site));
	site_files(site);
	site_sockets(site);
	site->procfd = -1;
	site->outside = -1;
	site->parent = getpid();
}

static bool
site_remove(int dir, const char *name, void *arg)
{
	int fd;

	if (unlinkat(dir, name, 0) == 0)
		return true;
	/* The site is three levels deep, and so is this. */
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		if (arg)
			dir_walk(fd, *(dir_walk_fn **)arg, NULL);
		close(fd);
	}
	unlinkat(dir, name, AT_REMOVEDIR);
	return true;
}

static bool
site_remove_inner(int dir, const char *name, void *arg UNUSED)
{
	dir_walk_fn *leaf = site_remove;

	return site_remove(dir, name, &leaf);
}

void
walled_site_unlink(struct walled_site *site)
{
	dir_walk_fn *inner = site_remove_inner;
	struct str link = STR_INIT(64);
	struct str path = STR_INIT(4096);
	ssize_t n;

	str_printf(&link, "/proc/self/fd/%d", site->base);
	n = readlink(str_cstr(&link), str_reserve(&path, 4095), 4095);
	dir_walk(site->base, site_remove, &inner);
	str_grew(&path, n > 0 ? (size_t)n : 0);
	rmdir(str_cstr(&path));
	str_free(&link);
	str_free(&path);
}

void
walled_site_free(struct walled_site *site)
{
	int fds[] = { site->base, site->home, site->empty, site->inner, site->append,
		site->readable, site->pair[0], site->pair[1], site->listening, site->client };

	walled_site_unlink(site);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* All directories but those the profile is given are closed: sandbox_enter would not have them. */
static size_t
site_declare(struct walled_site *site, struct sandbox_dir dirs[SANDBOX_SLOTS])
{
	const struct sandbox_profile *p = site->profile;
	size_t n = 0;

	for (size_t i = 0; i < SANDBOX_SLOTS && p->slots[i].name; i++) {
		const char *slot = p->slots[i].name;

		if (p->slots[i].rights != 0) {
			dirs[n++] = (struct sandbox_dir){ slot,
				p->root == SANDBOX_ROOT_NONE ? site->inner : site->home };
			continue;
		}
		site->procfd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		site->outside = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		dirs[n++] = (struct sandbox_dir){ slot, site->procfd };
		dirs[n++] = (struct sandbox_dir){ slot, site->outside };
	}
	close(site->base);
	if (p->root != SANDBOX_ROOT_EMPTY)
		close(site->empty);
	if (p->root != SANDBOX_ROOT_GIVEN)
		close(site->home);
	/* A descriptor of what lies in the root leads nowhere else, but is a directory. */
	if (p->root != SANDBOX_ROOT_NONE)
		close(site->inner);
	return n;
}

enum verdict
walled_enter(struct walled_site *site, const struct walled *how, struct err *err)
{
	struct sandbox_dir dirs[SANDBOX_SLOTS + 1];
	struct sandbox_options options = { how->rootless, -1, dirs, 0 };
	struct sandbox_report report;
	enum verdict v;

	site->profile = sandbox_profile_find(how->profile);
	site->act = how->act;
	if (how->abi)
		setenv("POSTERN_LANDLOCK_ABI", how->abi, 1);
	v = sandbox_set_limits(site->profile, err);
	if (v == VERDICT_OK && walled_is_root())
		v = sandbox_drop_identity(WALLED_UID, WALLED_GID, NULL, 0,
		    !how->rootless && sandbox_needs_chroot(site->profile), err);
	if (v != VERDICT_OK)
		return v;
	options.n_dirs = site_declare(site, dirs);
	if (site->profile->root == SANDBOX_ROOT_EMPTY)
		options.root_fd = site->empty;
	if (site->profile->root == SANDBOX_ROOT_GIVEN)
		options.root_fd = site->home;
	v = sandbox_enter(site->profile, &options, &report, err);
	if (v != VERDICT_OK)
		return v;
	if (site->profile->root == SANDBOX_ROOT_EMPTY)
		close(site->empty);
	if (!!(report.weak & SANDBOX_WALL_ROOT) !=
	    (how->rootless && site->profile->root != SANDBOX_ROOT_NONE))
		return err_set(err, VERDICT_PERM, "the report is wrong about the root");
	if (!!(report.weak & SANDBOX_WALL_FILES) != (report.landlock_abi < 2))
		return err_set(err, VERDICT_PERM, "the report is wrong about Landlock");
	return VERDICT_OK;
}

int
walled_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == EXIT_BROKEN ? WALLED_BROKEN : WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGSYS)
		return WALLED_KILLED;
	return WTERMSIG(status) == SIGABRT ? WALLED_ABORTED : WALLED_OTHER;
}

static void
walled_child(struct walled_site *site, const struct walled *how, act_fn *act)
{
	struct err err = ERR_NONE;

	if (walled_enter(site, how, &err) != VERDICT_OK) {
		dprintf(2, "%s: %s\n", how->profile, err.text);
		_exit(EXIT_BROKEN);
	}
	_exit(act(site));
}

int
walled_run(const struct walled *how, act_fn *act)
{
	struct walled_site site;
	pid_t pid;
	int end;

	walled_site_make(&site);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0)
		walled_child(&site, how, act);
	end = walled_wait(pid);
	walled_site_free(&site);
	return end;
}

struct walled_waiting
walled_start(struct walled_site *site, const struct walled *how, act_fn *act)
{
	struct walled_waiting waiting = { -1, false };
	char byte;

	waiting.pid = fork();
	assert(waiting.pid >= 0);
	if (waiting.pid == 0) {
		close(site->pair[0]);
		walled_child(site, how, act);
	}
	close(site->pair[1]);
	site->pair[1] = -1;
	waiting.stands = read(site->pair[0], &byte, 1) == 1;
	return waiting;
}

int
walled_stop(struct walled_site *site, struct walled_waiting *waiting)
{
	close(site->pair[0]);
	site->pair[0] = -1;
	return walled_wait(waiting->pid);
}
