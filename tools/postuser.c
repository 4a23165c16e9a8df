/*
 * postuser: adds, removes and lists accounts of auth_passwd_file, and sets passwords (postuser(1)).
 * The file is read whole and replaced whole under a lock on its directory; lines that are not
 * touched stay as they are, comments too. Passwords come from the terminal, twice, or from standard
 * input; they are kept in memory that is wiped and never stand in arguments. The home of a new
 * account is made below virtual_mailbox_base; a removed account's mail stays where it is.
 */
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/sys.h"
#include "conf/conf.h"
#include "login/passwd.h"
#include "service/processes.h"

#define FILE_MAX   (256u << 20) /* bytes: as many as authd reads */
#define PHRASE_MAX CRYPT_MAX_PASSPHRASE_SIZE
#define PATH_MAX_B 4096

struct tool {
	const char *config_dir;
	struct conf_source *source;
	struct conf conf;
	int conf_fd;
	bool verbose;
	const char *uid, *gid, *home; /* options, or NULL */
	/* the file */
	int dir;
	const char *name;
	char *dir_name;
	struct str text; /* as it was */
	struct stat st;
	bool exists;
};

/* False, always: what was asked cannot be done. */
static bool
complain(const char *what, const char *why)
{
	fprintf(stderr, "postuser: fatal: %s: %s\n", what, why);
	return false;
}

static bool
conf_read(struct tool *t)
{
	struct conf_problems *problems = conf_problems_new();
	const struct conf_problem *p;
	struct err err = ERR_NONE;

	t->source = conf_load(t->config_dir, problems);
	for (size_t i = 0; (p = conf_problems_get(problems, i)) != NULL; i++)
		if (p->severity == CONF_ERROR)
			fprintf(stderr, "postuser: %.*s line %u: %.*s\n", SPAN_ARG(p->file),
			    p->line, SPAN_ARG(p->text));
	size_t mistakes = conf_problems_count(problems, CONF_ERROR);
	conf_problems_free(problems);
	if (mistakes > 0)
		return false;
	if (conf_snapshot_seal(t->source, NULL, 0, &t->conf_fd, &err) == VERDICT_OK &&
	    conf_snapshot_open(t->conf_fd, &t->conf, &err) == VERDICT_OK)
		return true;
	return complain(t->config_dir, err.text);
}

/* --- the file --------------------------------------------------------------------------------- */

/* A lock on the directory: it needs no file of its own, and ends with the process. */
static bool
file_lock(struct tool *t)
{
	struct span path = t->conf.auth_passwd_file;
	size_t slash = span_rfind(path, '/');

	if (path.n == 0 || slash >= path.n)
		return complain("auth_passwd_file", "not set in main.cf");
	t->dir_name = mem_strdup(span_head(path, slash > 0 ? slash : 1));
	t->name = path.p + slash + 1; /* a text of the configuration ends in NUL */
	t->dir = sys_openat(AT_FDCWD, t->dir_name, O_RDONLY | O_DIRECTORY, 0);
	if (t->dir < 0 || flock(t->dir, LOCK_EX) != 0)
		return complain(t->dir_name, strerror(errno));
	return true;
}

static bool
file_read(struct tool *t)
{
	int fd = sys_openat(t->dir, t->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	ssize_t n = -1;

	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0)
		return complain(t->name, strerror(errno));
	t->exists = true;
	if (fstat(fd, &t->st) == 0 && S_ISREG(t->st.st_mode) && t->st.st_size <= (off_t)FILE_MAX) {
		size_t size = (size_t)t->st.st_size;
		n = sys_pread_all(fd, str_reserve(&t->text, size + 1), size, 0);
	}
	sys_close(fd);
	if (n < 0)
		return complain(t->name, "it is no file, too large, or cannot be read");
	str_grew(&t->text, (size_t)n);
	return true;
}

/* A new file is root's, and authd's to read. */
static void
file_owner(const struct tool *t, uid_t *uid_out, gid_t *gid_out, mode_t *mode_out)
{
	const struct process_kind *authd = process_kind_find(span_lit("authd"));
	const struct passwd *pw = geteuid() == 0 ? getpwnam(authd->user) : NULL;

	*uid_out = t->exists ? t->st.st_uid : geteuid();
	*gid_out = t->exists ? t->st.st_gid : pw ? pw->pw_gid : getegid();
	*mode_out = t->exists ? t->st.st_mode & 0777 : pw ? 0640 : 0600;
}

/* Without rights to give it away the file must have been ours all along. */
static bool
file_dress(int fd, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	if ((st.st_uid != uid || st.st_gid != gid) && sys_fchown(fd, uid, gid) != 0)
		return false;
	return sys_fchmod(fd, mode) == 0;
}

static bool
file_write(struct tool *t, const struct str *text)
{
	struct str temp = STR_INIT(PATH_MAX_B);
	uid_t uid;
	gid_t gid;
	mode_t mode;
	int fd;
	bool ok;

	file_owner(t, &uid, &gid, &mode);
	str_printf(&temp, "%s.postuser", t->name);
	/* Left by a run that was killed: the lock says that none is under way. */
	(void)sys_unlinkat(t->dir, str_cstr(&temp), 0);
	fd = sys_openat(t->dir, str_cstr(&temp), O_WRONLY | O_CREAT | O_EXCL, 0600);
	ok = fd >= 0 && sys_write_all(fd, text->p, text->n) == 0 &&
	     file_dress(fd, uid, gid, mode) && sys_fsync(fd) == 0 &&
	     sys_renameat(t->dir, str_cstr(&temp), t->dir, t->name) == 0 && sys_fsync(t->dir) == 0;
	if (!ok) {
		complain(t->name, strerror(errno));
		(void)sys_unlinkat(t->dir, str_cstr(&temp), 0);
	}
	if (fd >= 0)
		sys_close(fd);
	str_free(&temp);
	return ok;
}

/* The line of USER, with its end; false when there is none. */
static bool
file_find(const struct tool *t, struct span user, struct span *line_out, struct passwd_line *out)
{
	struct span text = str_span(&t->text), line, rest;

	while (text.n > 0) {
		bool ended = span_cut(text, '\n', &line, &rest);
		if (passwd_line_parse(line, out) && span_eq_nocase(out->user, user)) {
			*line_out = span_of(text.p, line.n + ended);
			return true;
		}
		text = rest;
	}
	return false;
}

/* The file with LINE (a part of it, or nothing at its end) replaced. */
static bool
file_replace(struct tool *t, struct span line, struct span by)
{
	struct span all = str_span(&t->text);
	struct str text = STR_INIT(FILE_MAX);
	size_t at = line.p ? (size_t)(line.p - all.p) : all.n;
	bool ok;

	str_reserve(&text, all.n + by.n + 1);
	str_put(&text, span_head(all, at));
	if (!line.p && all.n > 0 && all.p[all.n - 1] != '\n')
		str_putc(&text, '\n');
	str_put(&text, by);
	str_put(&text, span_from(all, at + line.n));
	ok = text.full ? complain(t->name, "it would be too large") : file_write(t, &text);
	str_wipe(&text);
	return ok;
}

/* --- passwords -------------------------------------------------------------------------------- */

/* A line of FD without its end. One byte at a time: what follows is not ours. */
static bool
phrase_read(int fd, struct str *out)
{
	char c;
	ssize_t n;

	while ((n = sys_read(fd, &c, 1)) == 1 && c != '\n')
		if (!str_putc(out, c))
			return false;
	return n == 1 || (n == 0 && out->n > 0);
}

static bool
phrase_ask(int tty, const char *prompt, struct str *out)
{
	bool ok = sys_write_all(tty, prompt, strlen(prompt)) == 0 && phrase_read(tty, out);

	(void)sys_write_all(tty, "\n", 1);
	return ok;
}

/* Twice, without echo; the terminal is as it was afterwards. */
static const char *
phrase_from_terminal(int tty, struct str *out)
{
	struct str again = STR_INIT(PHRASE_MAX);
	struct termios was, quiet;
	const char *fault = NULL;

	if (tcgetattr(tty, &was) != 0)
		return "the terminal cannot be asked";
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	str_reserve(&again, PHRASE_MAX - 1);
	tcsetattr(tty, TCSAFLUSH, &quiet);
	if (!phrase_ask(tty, "New password: ", out) || !phrase_ask(tty, "Again: ", &again))
		fault = "no password was given";
	else if (!span_eq(str_span(out), str_span(&again)))
		fault = "they differ: nothing was changed";
	tcsetattr(tty, TCSAFLUSH, &was);
	str_wipe(&again);
	return fault;
}

/* OUT is "{CRYPT}" and a yescrypt hash. */
static const char *
phrase_hash(struct str *phrase, struct str *out)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data *work = mem_alloc(sizeof(*work));
	const char *hash = NULL;

	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, (int)sizeof(setting)))
		hash = crypt_rn(str_cstr(phrase), setting, work, (int)sizeof(*work));
	if (hash)
		str_printf(out, "{CRYPT}%s", hash);
	mem_wipe(work, sizeof(*work));
	mem_free(work);
	return hash ? NULL : "libcrypt could not make a hash";
}

static bool
password_get(struct str *hash_out)
{
	struct str phrase = STR_INIT(PHRASE_MAX - 1);
	const char *fault = NULL;

	str_reserve(&phrase, PHRASE_MAX - 1);
	if (isatty(STDIN_FILENO))
		fault = phrase_from_terminal(STDIN_FILENO, &phrase);
	else if (!phrase_read(STDIN_FILENO, &phrase))
		fault = "none on standard input, or it is too long";
	if (!fault && phrase.n == 0)
		fault = "it is empty";
	if (!fault && memchr(phrase.p, 0, phrase.n))
		fault = "it holds a NUL";
	if (!fault)
		fault = phrase_hash(&phrase, hash_out);
	str_wipe(&phrase);
	return !fault || complain("password", fault);
}

/* --- homes ------------------------------------------------------------------------------------ */

/* One directory below DIR, of this owner if we may give it; an open descriptor, or -1. */
static int
home_step(int dir, struct span name, mode_t mode, uid_t uid, gid_t gid)
{
	char *step = mem_strdup(name);
	bool fresh = sys_mkdirat(dir, step, 0700) == 0;
	int fd = fresh || errno == EEXIST
		     ? sys_open_beneath(dir, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
		     : -1;

	/* What was there keeps its owner: master refuses a home that is somebody else's. */
	if (fd >= 0 && fresh &&
	    ((geteuid() == 0 && sys_fchown(fd, uid, gid) != 0) || sys_fchmod(fd, mode) != 0 ||
		sys_fsync(dir) != 0)) {
		sys_close(fd);
		fd = -1;
	}
	mem_free(step);
	return fd;
}

/* BASE/domain is the postmaster's, BASE/domain/name the account's. */
static bool
home_make(const struct tool *t, struct span user, uint32_t uid, uint32_t gid)
{
	struct span name = user, domain = span_lit("");
	char *base = mem_strdup(t->conf.virtual_mailbox_base);
	int dir = sys_openat(AT_FDCWD, base, O_RDONLY | O_DIRECTORY, 0);
	int home = -1;

	if (dir >= 0 && span_cut(user, '@', &name, &domain)) {
		int below = home_step(dir, domain, 0711, geteuid(), getegid());
		sys_close(dir);
		dir = below;
	}
	if (dir >= 0)
		home = home_step(dir, name, 0700, uid, gid);
	if (home < 0)
		complain(base, strerror(errno));
	if (dir >= 0)
		sys_close(dir);
	if (home >= 0)
		sys_close(home);
	mem_free(base);
	return home >= 0;
}

/* An option, or what the configuration has for all. */
static bool
id_choose(const char *option, struct span maps, const char *name, uint32_t *out)
{
	uint64_t v;

	if (option) {
		if (!num_parse_u64(span_str(option), UINT32_MAX - 1, &v))
			return complain(option, "not a number");
		*out = (uint32_t)v;
		return true;
	}
	if (passwd_static_id(maps, out))
		return true;
	/* As one ordinary user there is one identity. */
	*out = geteuid();
	return geteuid() != 0 || complain(name, "not set to static:number, and no option says it");
}

/* --- commands --------------------------------------------------------------------------------- */

static bool
user_add(struct tool *t, struct span user)
{
	struct str hash = STR_INIT(1024), line = STR_INIT(2 * PATH_MAX_B);
	struct passwd_line there;
	struct span was;
	uint32_t uid, gid;
	bool ok;

	if (file_find(t, user, &was, &there))
		return complain(user.p, "there is such a user");
	if (!t->home && t->conf.virtual_mailbox_base.n == 0)
		return complain("virtual_mailbox_base", "not set, and no -d says where");
	if (t->home && t->home[0] != '/')
		return complain(t->home, "a home begins with \"/\"");
	if (!id_choose(t->uid, t->conf.virtual_uid_maps, "virtual_uid_maps", &uid) ||
	    !id_choose(t->gid, t->conf.virtual_gid_maps, "virtual_gid_maps", &gid))
		return false;
	if (geteuid() == 0 &&
	    (uid < t->conf.virtual_minimum_uid || gid < t->conf.virtual_minimum_uid))
		return complain(user.p, "its uid or gid is below virtual_minimum_uid");
	if (!password_get(&hash))
		return false;
	str_printf(&line, "%.*s:%s:%s:%s::%s::\n", SPAN_ARG(user), str_cstr(&hash),
	    t->uid ? t->uid : "", t->gid ? t->gid : "", t->home ? t->home : "");
	/* The home first: an account that is there can get mail. */
	ok = (t->home || home_make(t, user, uid, gid)) &&
	     file_replace(t, span_of(NULL, 0), str_span(&line));
	str_wipe(&hash);
	str_wipe(&line);
	return ok;
}

static bool
user_password(struct tool *t, struct span user)
{
	struct str hash = STR_INIT(1024), line = STR_INIT(FILE_MAX);
	struct passwd_line there;
	struct span was;
	bool ok;

	if (!file_find(t, user, &was, &there))
		return complain(user.p, "no such user");
	if (!password_get(&hash))
		return false;
	str_put(&line, there.user);
	str_printf(&line, ":%s", str_cstr(&hash));
	/* All that stood behind the password, as it stood. */
	const char *rest = there.password.n ? there.password.p + there.password.n
					    : there.user.p + there.user.n + 1;
	if (rest < was.p + was.n)
		str_put(&line, span_of(rest, (size_t)(was.p + was.n - rest)));
	else
		str_putc(&line, '\n');
	ok = file_replace(t, was, str_span(&line));
	str_wipe(&hash);
	str_wipe(&line);
	return ok;
}

static bool
user_remove(struct tool *t, struct span user)
{
	struct str home = STR_INIT(PATH_MAX_B);
	struct passwd_line there;
	struct span was;
	bool ok;

	if (!file_find(t, user, &was, &there))
		return complain(user.p, "no such user");
	if (there.home.n > 0)
		str_put(&home, there.home);
	else
		passwd_home(t->conf.virtual_mailbox_base, there.user, &home);
	ok = file_replace(t, was, span_lit(""));
	if (ok)
		printf("%s: removed; its mail is still in %s\n", user.p, str_cstr(&home));
	str_free(&home);
	return ok;
}

static struct span
scheme_of(struct span password)
{
	struct span name, hash;

	if (password.n == 0)
		return span_lit("-");
	if (password.p[0] != '{')
		return span_lit("CRYPT");
	span_cut(span_from(password, 1), '}', &name, &hash);
	return name;
}

static bool
user_list(struct tool *t, struct span user)
{
	struct span text = str_span(&t->text), line;
	struct passwd_line there;

	(void)user;
	while (text.n > 0) {
		struct str home = STR_INIT(PATH_MAX_B);
		span_cut(text, '\n', &line, &text);
		if (!passwd_line_parse(line, &there))
			continue;
		if (there.home.n > 0)
			str_put(&home, there.home);
		else
			passwd_home(t->conf.virtual_mailbox_base, there.user, &home);
		if (t->verbose)
			printf("%.*s\t%.*s\t%.*s\t%.*s\t%s\n", SPAN_ARG(there.user),
			    SPAN_ARG(scheme_of(there.password)), SPAN_ARG(there.uid),
			    SPAN_ARG(there.gid), str_cstr(&home));
		else
			printf("%.*s\n", SPAN_ARG(there.user));
		str_free(&home);
	}
	return true;
}

static const struct command {
	const char *name;
	bool names_user;
	bool (*run)(struct tool *t, struct span user);
} commands[] = {
	{ "add", true, user_add },
	{ "password", true, user_password },
	{ "remove", true, user_remove },
	{ "list", false, user_list },
};

static const struct command *
command_find(int args, char **arg)
{
	for (size_t i = 0; args > 0 && i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, arg[0]) == 0 && args == 1 + commands[i].names_user)
			return &commands[i];
	fprintf(stderr, "usage: postuser [-c dir] [-d home] [-g gid] [-u uid] add user[@domain]\n"
			"       postuser [-c dir] password|remove user[@domain]\n"
			"       postuser [-v] [-c dir] list\n");
	return NULL;
}

static bool
take_option(struct tool *t, int c)
{
	const struct {
		int c;
		const char **value;
	} values[] = { { 'c', &t->config_dir }, { 'd', &t->home }, { 'g', &t->gid },
		{ 'u', &t->uid } };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		if (values[i].c == c)
			*values[i].value = optarg;
	}
	t->verbose = t->verbose || c == 'v';
	return c != '?';
}

static bool
tool_run(struct tool *t, const struct command *command, const char *user)
{
	if (command->names_user && !passwd_user_valid(span_str(user)))
		return complain(user, "no account can have that name");
	return conf_read(t) && file_lock(t) && file_read(t) && command->run(t, span_str(user));
}

int
main(int argc, char **argv)
{
	struct tool t = { .config_dir = getenv("MAIL_CONFIG"), .dir = -1, .conf_fd = -1 };
	const struct command *command = NULL;
	bool ok = true;
	int c;

	if (!t.config_dir)
		t.config_dir = POSTERN_CONFIG_DIR;
	str_init(&t.text, FILE_MAX + 2);
	umask(077);
	/* Options may stand before the command and behind it. */
	while (ok && (c = getopt(argc, argv, "c:d:g:u:v")) != -1)
		ok = take_option(&t, c);
	command = command_find(ok ? argc - optind : 0, argv + optind);
	ok = command && tool_run(&t, command, argv[optind + command->names_user]);
	str_wipe(&t.text);
	mem_free(t.dir_name);
	conf_snapshot_close(&t.conf);
	conf_free(t.source);
	return ok ? 0 : 1;
}
