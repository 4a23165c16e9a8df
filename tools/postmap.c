/*
 * postmap and postalias: make lookup tables out of text, and ask them (postmap(1), postalias(1)).
 * Used by postmasters and by scripts that know Postfix's, so options, output and exit status are
 * the same. A table is built beside the old one and takes its place at once (lib/table/build).
 * Started by root, the work on a table is done with the rights of the owner of its text. One source
 * for two programs: they differ in how a line is read.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sys.h"
#include "conf/conf.h"
#include "conf/lines.h"
#include "table/build.h"
#include "table/table.h"

#ifdef POSTALIAS
#define TOOL "postalias"
#else
#define TOOL "postmap"
#endif

#define SOURCE_MAX ((size_t)1 << 30) /* bytes of text */
#define OPTIONS	   "bc:d:fFhijmnNopq:rsuUvw"

struct options {
	const char *config_dir;
	const char *query;  /* -q */
	const char *delete; /* -d */
	bool dump;	    /* -s */
	bool incremental;   /* -i */
	bool replace;	    /* -r */
	bool quiet;	    /* -w */
	bool keep_root;	    /* -o */
	bool default_mode;  /* -p */
	unsigned build;	    /* enum table_build_flag */
	struct span type;   /* of tables that are named without one */
};

static int
fatal(const char *what, const char *why)
{
	fprintf(stderr, TOOL ": fatal: %s%s%s\n", what, *why ? ": " : "", why);
	return 1;
}

/* "type:name", or a name of the default type. */
struct target {
	struct span type;
	char *name;
	char *spec;
};

static struct target
target_of(const struct options *o, const char *arg)
{
	struct str spec = STR_INIT(LIMIT_TABLE_NAME + LIMIT_CONF_NAME);
	struct target t;
	struct span type, name;

	if (table_is_spec(span_str(arg)) && span_cut(span_str(arg), ':', &type, &name))
		t.type = type;
	else
		name = span_str(arg), t.type = o->type;
	str_printf(&spec, "%.*s:%.*s", SPAN_ARG(t.type), SPAN_ARG(name));
	t.name = mem_strdup(name);
	t.spec = mem_strdup(str_span(&spec));
	str_free(&spec);
	return t;
}

static void
target_free(struct target *t)
{
	mem_free(t->name);
	mem_free(t->spec);
}

/* All that FD has to say; false with errno. */
static bool
read_all(int fd, struct str *out)
{
	ssize_t n = 1;

	while (n > 0) {
		char *p = str_reserve(out, 65536);

		if (!p) {
			errno = EFBIG;
			return false;
		}
		n = sys_read(fd, p, 65536);
		if (n > 0)
			str_grew(out, (size_t)n);
	}
	return n == 0;
}

/*
 * Tables in a directory of somebody else are built with his rights: root would follow what he
 * planted there.
 */
static bool
become_owner(const struct options *o, const struct stat *st)
{
	if (geteuid() != 0 || o->keep_root || st->st_uid == 0)
		return true;
	return setgroups(0, NULL) == 0 && setegid(st->st_gid) == 0 && seteuid(st->st_uid) == 0;
}

static void
become_root_again(void)
{
	if (getuid() == 0 && geteuid() != 0 && (seteuid(0) != 0 || setegid(0) != 0))
		exit(fatal("seteuid", strerror(errno)));
}

/* One line of text as an entry; false and why not. */
#ifdef POSTALIAS
static bool
line_split(struct span line, struct span *key, struct span *value, const char **why)
{
	size_t at = 0;

	if (line.n > 0 && line.p[0] == '"')
		at = span_find(span_from(line, 1), '"') + 1;
	at += span_find(span_from(line, at), ':');
	*key = span_trim(span_head(line, at));
	*value = span_trim(span_from(line, at + 1));
	if (key->n > 1 && key->p[0] == '"' && key->p[key->n - 1] == '"')
		*key = span_of(key->p + 1, key->n - 2);
	*why = NULL;
	if (at >= line.n || key->n == 0 || value->n == 0)
		*why = "expected format: name: value";
	else if (span_find(*key, '@') < key->n)
		*why = "the name of an alias has no @: it is local";
	else if (key->n > LIMIT_TABLE_KEY)
		*why = "the name is too long";
	return *why == NULL;
}
#else
static bool
line_split(struct span line, struct span *key, struct span *value, const char **why)
{
	return table_split_line(line, key, value, why);
}
#endif

/* Lines that are malformed or double are told and left out. */
static enum verdict
build_lines(const struct options *o, struct table_build *b, const char *source, struct span text,
    struct err *err)
{
	enum verdict v = VERDICT_OK;
	struct conf_lines lines;
	struct span key, value;
	const char *why;

	conf_lines_init(&lines, text);
	while (v == VERDICT_OK && conf_lines_next(&lines)) {
		bool added = true;

		if (line_split(str_span(&lines.text), &key, &value, &why))
			v = table_build_put(b, key, value, o->replace, &added, err);
		else
			fprintf(
			    stderr, TOOL ": warning: %s, line %u: %s\n", source, lines.line, why);
		if (v == VERDICT_OK && !added && !o->quiet)
			fprintf(stderr, TOOL ": warning: %s, line %u: duplicate entry: \"%.*s\"\n",
			    source, lines.line, SPAN_ARG(key));
	}
	conf_lines_free(&lines);
	return v;
}

static enum verdict
build_table(const struct options *o, const struct target *t, const char *source, struct span text,
    const struct stat *st, struct err *err)
{
	mode_t mode = o->default_mode ? 0644 : st->st_mode & 0666;
	struct table_build *b;
	enum verdict v = table_build_begin(t->type, t->name, o->build, mode, &b, err);

	if (v != VERDICT_OK)
		return v;
	if (o->incremental)
		v = table_build_copy(b, err);
	if (v == VERDICT_OK || v == VERDICT_ABSENT)
		v = build_lines(o, b, source, text, err);
	if (v == VERDICT_OK)
		return table_build_commit(b, err);
	table_build_abort(b);
	return v;
}

/* Whose the table is: the old one's owner and mode, else the text's. */
static bool
stat_table(const struct target *t, struct stat *st)
{
	struct str path = STR_INIT(LIMIT_TABLE_NAME + 4);
	bool there;

	str_printf(&path, "%s.db", t->name);
	there = stat(str_cstr(&path), st) == 0 || stat(t->name, st) == 0;
	str_free(&path);
	return there;
}

/* Makes the table anew out of its text, or adds what stdin has. */
static int
do_build(const struct options *o, const struct target *t)
{
	const char *source = o->incremental ? "stdin" : t->name;
	int fd =
	    o->incremental ? STDIN_FILENO : sys_openat(AT_FDCWD, t->name, O_RDONLY | O_NOCTTY, 0);
	struct str text = STR_INIT(SOURCE_MAX);
	struct err err = ERR_NONE;
	struct stat st;
	int status = 1;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fatal(t->name, strerror(errno));
	if (o->incremental && !stat_table(t, &st))
		st = (struct stat){ .st_uid = getuid(), .st_gid = getgid(), .st_mode = 0644 };
	if (!o->incremental && S_ISDIR(st.st_mode))
		errno = EISDIR, fatal(source, strerror(errno));
	else if (!read_all(fd, &text))
		fatal(source, strerror(errno));
	else if (!become_owner(o, &st))
		fatal("cannot become the owner of the file", strerror(errno));
	else if (build_table(o, t, source, str_span(&text), &st, &err) != VERDICT_OK)
		fatal(t->spec, err.text);
	else
		status = 0;
	become_root_again();
	if (fd != STDIN_FILENO)
		sys_close(fd);
	str_free(&text);
	return status;
}

/* Calls FN for KEY, or for each line of stdin when KEY is "-". */
typedef bool key_fn(struct span key, void *arg);

static bool
each_key(const char *key, key_fn *fn, void *arg)
{
	struct str text = STR_INIT(SOURCE_MAX);
	struct span rest, line;
	bool any = false;

	if (strcmp(key, "-") != 0)
		return fn(span_str(key), arg);
	if (!read_all(STDIN_FILENO, &text))
		exit(fatal("stdin", strerror(errno)));
	rest = str_span(&text);
	while (rest.n > 0) {
		span_cut(rest, '\n', &line, &rest);
		if (line.n > 0)
			any = fn(line, arg) || any;
	}
	str_free(&text);
	return any;
}

struct deletion {
	struct table_build *b;
	struct err *err;
};

static bool
delete_key(struct span key, void *arg)
{
	struct deletion *d = arg;

	return table_build_delete(d->b, key, d->err) == VERDICT_OK;
}

/* All but the keys named is copied: readers never see a table half changed. */
static int
do_delete(const struct options *o, const struct target *t)
{
	struct err err = ERR_NONE;
	struct deletion d = { NULL, &err };
	struct stat st;
	bool deleted = false;
	enum verdict v;

	if (!stat_table(t, &st))
		return fatal(t->spec, strerror(errno));
	if (!become_owner(o, &st))
		return fatal("cannot become the owner of the file", strerror(errno));
	v = table_build_begin(t->type, t->name, o->build, st.st_mode & 0666, &d.b, &err);
	if (v == VERDICT_OK) {
		v = table_build_copy(d.b, &err);
		deleted = v == VERDICT_OK && each_key(o->delete, delete_key, &d);
		if (deleted)
			v = table_build_commit(d.b, &err);
		else
			table_build_abort(d.b);
	}
	become_root_again();
	if (v != VERDICT_OK)
		return fatal(t->spec, err.text);
	return deleted ? 0 : 1;
}

static struct table *
open_table(const struct target *t)
{
	struct table *table;
	struct err err = ERR_NONE;
	struct span notes, line;

	if (table_open(span_str(t->spec), &table, &err) != VERDICT_OK)
		fatal(t->spec, err.text);
	notes = table_notes(table);
	while (notes.n > 0) {
		span_cut(notes, '\n', &line, &notes);
		fprintf(stderr, TOOL ": warning: %.*s\n", SPAN_ARG(line));
	}
	return table;
}

struct query {
	struct table **tables;
	size_t n;
	bool show_key;
};

static bool
query_key(struct span key, void *arg)
{
	const struct query *q = arg;
	struct str value = STR_INIT(LIMIT_TABLE_VALUE);
	struct err err = ERR_NONE;
	enum verdict v = VERDICT_ABSENT;

	for (size_t i = 0; i < q->n && v == VERDICT_ABSENT; i++)
		v = table_lookup(q->tables[i], key, &value, &err);
	if (v == VERDICT_OK && q->show_key)
		printf("%.*s\t%.*s\n", SPAN_ARG(key), SPAN_ARG(str_span(&value)));
	else if (v == VERDICT_OK)
		printf("%.*s\n", SPAN_ARG(str_span(&value)));
	else if (v != VERDICT_ABSENT)
		exit(fatal("query error", err.text));
	str_free(&value);
	return v == VERDICT_OK;
}

static bool
print_entry(struct span key, struct span value, UNUSED void *arg)
{
	printf("%.*s\t%.*s\n", SPAN_ARG(key), SPAN_ARG(value));
	return true;
}

/* -q asks all tables in turn, -s lists each. */
static int
do_read(const struct options *o, struct target *targets, size_t n)
{
	struct query q = { mem_alloc_array(n, sizeof(*q.tables)), n,
		o->query && strcmp(o->query, "-") == 0 };
	struct err err = ERR_NONE;
	int status = 0;

	for (size_t i = 0; i < n; i++)
		q.tables[i] = open_table(&targets[i]);
	for (size_t i = 0; i < n && o->dump && status == 0; i++)
		if (table_walk(q.tables[i], print_entry, NULL, &err) != VERDICT_OK)
			status = fatal(targets[i].spec, err.text);
	if (o->query)
		status = each_key(o->query, query_key, &q) ? 0 : 1;
	for (size_t i = 0; i < n; i++)
		table_close(q.tables[i]);
	mem_free(q.tables);
	return status;
}

static int
run(const struct options *o, struct target *targets, size_t n)
{
	int status = 0;

	if (o->query || o->dump)
		return do_read(o, targets, n);
	for (size_t i = 0; i < n && !o->delete &&status == 0; i++)
		status = do_build(o, &targets[i]);
	/* Deleted from one of them is deleted. */
	for (size_t i = 0; i < n && o->delete; i++)
		status = do_delete(o, &targets[i]) == 0 || (i > 0 && status == 0) ? 0 : 1;
	return status;
}

/* default_database_type of main.cf; without one that can be read, hash. */
static void
find_default_type(struct options *o, struct str *type)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source = conf_load(o->config_dir, problems);
	struct err err = ERR_NONE;

	if (conf_value(source, NULL, span_lit("default_database_type"), type, &err) != VERDICT_OK ||
	    type->n == 0) {
		str_reset(type);
		str_puts(type, "hash");
	}
	o->type = str_span(type);
	conf_free(source);
	conf_problems_free(problems);
}

/* Options that Postfix has and we have not: why. */
static const char *
refused_option(int c)
{
	static const struct {
		int c;
		const char *why;
	} refused[] = {
		{ 'b', "-b: queries for body lines are not supported: ask for the line with -q" },
		{ 'h', "-h: queries for header lines are not supported: ask for the line with -q" },
		{ 'm', "-m: queries for MIME headers are not supported: ask for the line with -q" },
		{ 'F', "-F: values that are files are not supported" },
		{ 'j', "-j: JSON is not supported" },
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (refused[i].c == c)
			return refused[i].why;
	return NULL;
}

static bool
take_option(struct options *o, int c)
{
	const struct {
		int c;
		bool *flag;
	} flags[] = {
		{ 's', &o->dump },
		{ 'i', &o->incremental },
		{ 'r', &o->replace },
		{ 'w', &o->quiet },
		{ 'o', &o->keep_root },
		{ 'p', &o->default_mode },
	};

	if (refused_option(c))
		exit(fatal(refused_option(c), ""));
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].c == c)
			*flags[i].flag = true;
	if (c == 'f')
		o->build |= TABLE_BUILD_KEEP_CASE;
	else if (c == 'n')
		o->build |= TABLE_BUILD_NO_NUL;
	else if (c == 'N')
		o->build &= ~(unsigned)TABLE_BUILD_NO_NUL;
	else if (c == 'c')
		o->config_dir = optarg;
	else if (c == 'q')
		o->query = optarg;
	else if (c == 'd')
		o->delete = optarg;
	return c != '?';
}

int
main(int argc, char **argv)
{
	struct options o = { .config_dir = getenv("MAIL_CONFIG") };
	struct str type = STR_INIT(LIMIT_CONF_VALUE);
	struct target *targets;
	bool ok = true;
	size_t n;
	int c, status;

	if (!o.config_dir)
		o.config_dir = POSTERN_CONFIG_DIR;
	while (ok && (c = getopt(argc, argv, OPTIONS)) != -1)
		ok = take_option(&o, c);
	n = (size_t)(argc - optind);
	if (!ok || n == 0 || (o.query != NULL) + (o.delete != NULL) + o.dump > 1) {
		fprintf(stderr, "usage: " TOOL " [-fiNnoprsuUvw] [-c config_dir] [-d key] [-q key] "
				"[file_type:]file_name...\n");
		return 1;
	}
	find_default_type(&o, &type);
	targets = mem_alloc_array(n, sizeof(*targets));
	for (size_t i = 0; i < n; i++)
		targets[i] = target_of(&o, argv[optind + (int)i]);
	status = run(&o, targets, n);
	for (size_t i = 0; i < n; i++)
		target_free(&targets[i]);
	mem_free(targets);
	str_free(&type);
	return fflush(stdout) == 0 ? status : 1;
}
