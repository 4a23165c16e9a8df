/*
 * postern: starts, stops and reloads the suite, checks its configuration, and what it keeps
 * (postern(8)). The subcommands are a table. Whether a master runs is known by the lock on its pid
 * file, never by the number alone, so that no other process is ever signalled.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/time.h"
#include "conf/conf.h"
#include "tools/fsck.h"

#define STOP_WAIT_S 330 /* master gives each level of processes 60 s */

struct instance {
	const char *config_dir;
	struct conf_source *source;
	struct conf conf;
	int conf_fd;
	const char *option; /* behind the command, or NULL */
};

static int
complain(const char *what, const char *why)
{
	fprintf(stderr, "postern: %s: %s\n", what, why);
	return 1;
}

/* Reads the configuration and says every mistake in it; false when it cannot be used. */
static bool
instance_load(struct instance *in)
{
	struct conf_problems *problems = conf_problems_new();
	const struct conf_problem *p;
	struct err err = ERR_NONE;

	in->source = conf_load(in->config_dir, problems);
	for (size_t i = 0; (p = conf_problems_get(problems, i)) != NULL; i++)
		fprintf(stderr, "postern: %s: %.*s line %u: %.*s\n",
		    p->severity == CONF_ERROR ? "error" : "warning", SPAN_ARG(p->file), p->line,
		    SPAN_ARG(p->text));
	size_t mistakes = conf_problems_count(problems, CONF_ERROR);
	conf_problems_free(problems);
	if (mistakes > 0)
		return false;
	if (conf_snapshot_seal(in->source, NULL, 0, &in->conf_fd, &err) == VERDICT_OK &&
	    conf_snapshot_open(in->conf_fd, &in->conf, &err) == VERDICT_OK)
		return true;
	complain(in->config_dir, err.text);
	return false;
}

/* The pid of the master that runs, 0 when none does, -1 when that cannot be told. */
static pid_t
instance_pid(const struct instance *in)
{
	struct str path = STR_INIT(4096);
	char text[32] = { 0 };
	uint64_t pid = 0;

	str_printf(&path, "%.*s/pid/master.pid", SPAN_ARG(in->conf.queue_directory));
	int fd = sys_openat(AT_FDCWD, str_cstr(&path), O_RDONLY, 0);
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		complain(str_cstr(&path), strerror(errno));
	str_free(&path);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	bool idle = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
	ssize_t n = idle ? 0 : sys_pread_all(fd, text, sizeof(text) - 1, 0);
	sys_close(fd);
	if (idle)
		return 0;
	if (n <= 0 || !num_parse_u64(span_trim(span_str(text)), INT32_MAX, &pid) || pid < 2)
		return -1;
	return (pid_t)pid;
}

static int
run_master(struct instance *in, const char *flag)
{
	struct str program = STR_INIT(4096);
	const char *const argv[] = { "master", "-c", in->config_dir, flag, NULL };

	if (instance_pid(in) > 0)
		return complain("fatal", "the mail system is already running");
	str_printf(&program, "%.*s/master", SPAN_ARG(in->conf.daemon_directory));
	execv(str_cstr(&program), (char *const *)(uintptr_t)argv);
	return complain(str_cstr(&program), strerror(errno));
}

static int
do_start(struct instance *in)
{
	return run_master(in, NULL);
}

static int
do_start_fg(struct instance *in)
{
	return run_master(in, "-d");
}

static int
signal_master(struct instance *in, int signo, pid_t *pid_out)
{
	*pid_out = instance_pid(in);
	if (*pid_out <= 0)
		return complain("fatal", "the mail system is not running");
	if (kill(*pid_out, signo) < 0)
		return complain("cannot signal master", strerror(errno));
	return 0;
}

static int
do_stop(struct instance *in)
{
	uint64_t deadline = deadline_after_s(STOP_WAIT_S);
	pid_t pid;

	if (signal_master(in, SIGTERM, &pid) != 0)
		return 1;
	while (instance_pid(in) == pid) {
		if (time_mono() > deadline)
			return complain("fatal", "the mail system has not stopped within 330 s");
		poll(NULL, 0, 20);
	}
	return 0;
}

static int
do_abort(struct instance *in)
{
	pid_t pid;

	return signal_master(in, SIGKILL, &pid);
}

static int
do_reload(struct instance *in)
{
	pid_t pid;

	return signal_master(in, SIGHUP, &pid);
}

static int
do_status(struct instance *in)
{
	pid_t pid = instance_pid(in);

	if (pid <= 0) {
		printf("the mail system is not running\n");
		return 1;
	}
	printf("the mail system is running: PID: %d\n", (int)pid);
	return 0;
}

static int
do_check(struct instance *in)
{
	(void)in; /* loading said all there is to say */
	return 0;
}

static int
do_fsck(struct instance *in)
{
	return fsck_run(&in->conf, in->option != NULL);
}

static const struct subcommand {
	const char *name;
	int (*run)(struct instance *in);
	const char *help;
	const char *option; /* the only one it knows, or NULL */
} subcommands[] = {
	{ "start", do_start, "start the suite in the background", NULL },
	{ "start-fg", do_start_fg, "start it and stay in the foreground", NULL },
	{ "stop", do_stop, "stop it, when running deliveries are done", NULL },
	{ "abort", do_abort, "stop it at once; what was not done is done after the next start",
	    NULL },
	{ "reload", do_reload, "read the configuration again, without losing a connection", NULL },
	{ "status", do_status, "is it running?", NULL },
	{ "check", do_check, "is the configuration right?", NULL },
	{ "fsck", do_fsck, "are the queue and all mailboxes right? --fix mends them", "--fix" },
};

static int
usage(void)
{
	fprintf(stderr, "usage: postern [-c config_dir] command [option]\n");
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
		fprintf(stderr, "  %-10s %s\n", subcommands[i].name, subcommands[i].help);
	return 64;
}

int
main(int argc, char **argv)
{
	struct instance in = { .config_dir = POSTERN_CONFIG_DIR };
	int opt;

	/* "+": what stands behind the command is the command's. */
	while ((opt = getopt(argc, argv, "+c:")) != -1) {
		if (opt != 'c')
			return usage();
		in.config_dir = optarg;
	}
	if (optind + 1 != argc && optind + 2 != argc)
		return usage();
	in.option = argv[optind + 1];
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++) {
		const struct subcommand *c = &subcommands[i];

		if (strcmp(argv[optind], c->name) != 0)
			continue;
		if (in.option && (!c->option || strcmp(in.option, c->option) != 0))
			return usage();
		if (!instance_load(&in))
			return 1;
		return c->run(&in);
	}
	return usage();
}
