/*
 * postconf: shows and edits main.cf, shows master.cf. Used by postmasters and by scripts that know
 * Postfix's, so options and shapes of output are the same. Reads files through lib/conf, which
 * finds what is wrong with them; tells that on standard error. Writes nothing but main.cf, and no
 * value there that its parameter would not take.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "conf/edit.h"

#define LINE_WIDTH 80 /* columns; folded lines are no longer if they can */

struct options {
	const char *dir;
	bool defaults;	/* -d */
	bool set_only;	/* -n */
	bool expand;	/* -x */
	bool fold;	/* -f */
	bool no_name;	/* -h */
	bool no_value;	/* -H */
	bool services;	/* -M */
	bool overrides; /* -P */
	bool edit;	/* -e, -# or -X */
	enum conf_edit_how how;
	struct conf_setting *settings; /* -o */
	size_t settings_n;
	char **names;
	size_t names_n;
};

static void
complain(const char *word, const char *text)
{
	fprintf(stderr, "postconf: %s%s\n", word, text);
}

static void
show_problems(const struct conf_problems *problems)
{
	const struct conf_problem *p;

	for (size_t i = 0; (p = conf_problems_get(problems, i)) != NULL; i++) {
		const char *word = p->severity == CONF_ERROR ? "error: " : "warning: ";

		fprintf(stderr, "postconf: %s%.*s", word, SPAN_ARG(p->file));
		if (p->line)
			fprintf(stderr, ", line %u", p->line);
		fprintf(stderr, "%s%.*s\n", p->file.n ? ": " : "", SPAN_ARG(p->text));
	}
}

/* LINE, broken at blanks before column 80 when folding; lines after the first begin with four
 * blanks. */
static void
show_line(const struct options *o, struct span line)
{
	struct span word;
	size_t column = 0;

	if (!o->fold) {
		printf("%.*s\n", SPAN_ARG(line));
		return;
	}
	while (span_token(&line, span_lit(" \t"), &word)) {
		if (column > 0 && column + 1 + word.n > LINE_WIDTH) {
			printf("\n   ");
			column = 3;
		}
		column += (size_t)printf("%s%.*s", column ? " " : "", SPAN_ARG(word));
	}
	printf("\n");
}

static void
show_setting(const struct options *o, const char *prefix, struct span name, struct span value)
{
	struct str line = STR_INIT(LIMIT_CONF_VALUE * 2);

	if (!o->no_name)
		str_printf(&line, "%s%.*s", prefix, SPAN_ARG(name));
	if (!o->no_name && !o->no_value)
		str_puts(&line, " = ");
	if (!o->no_value || o->no_name)
		str_put(&line, value);
	show_line(o, str_span(&line));
	str_free(&line);
}

/* False, said on standard error, when there is no parameter NAME. */
static bool
show_parameter(const struct options *o, const struct conf_source *source, struct span name)
{
	struct str value = STR_INIT(LIMIT_CONF_VALUE);
	struct err err = ERR_NONE;
	struct span raw;
	const bool found =
	    o->defaults ? conf_default(source, name, &raw) : conf_raw(source, NULL, name, &raw);

	if (!found) {
		fprintf(stderr, "postconf: warning: %.*s: unknown parameter\n", SPAN_ARG(name));
		return false;
	}
	if (o->expand && conf_value(source, NULL, name, &value, &err) == VERDICT_OK)
		raw = str_span(&value);
	else if (o->expand)
		complain("warning: ", err.text);
	show_setting(o, "", name, raw);
	str_free(&value);
	return true;
}

static int
compare_spans(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* All names that are to be shown when none is named, sorted; *N_OUT of them, to be freed. */
static struct span *
collect_names(const struct options *o, const struct conf_source *source, size_t *n_out)
{
	struct conf_setting def;
	size_t params_n, n = 0;
	const struct conf_param *params = conf_params(&params_n);
	struct span *names = mem_alloc_array(params_n + LIMIT_CONF_NAMES, sizeof(*names));

	for (size_t i = 0; i < params_n && !o->set_only; i++)
		names[n++] = params[i].name;
	for (size_t i = 0; !o->defaults && conf_definition(source, i, &def); i++)
		if (o->set_only || !conf_param_find(def.name))
			names[n++] = def.name;
	qsort(names, n, sizeof(*names), compare_spans);
	*n_out = n;
	return names;
}

static int
show_parameters(const struct options *o, const struct conf_source *source)
{
	bool ok = true;
	struct span *names;
	size_t n;

	for (size_t i = 0; i < o->names_n; i++)
		ok = show_parameter(o, source, span_str(o->names[i])) && ok;
	if (o->names_n > 0)
		return ok ? 0 : 1;
	names = collect_names(o, source, &n);
	for (size_t i = 0; i < n; i++)
		show_parameter(o, source, names[i]);
	mem_free(names);
	return 0;
}

/* Does PATTERN, "service", "service/type" or "service/type/name", match? What is left out or *
 * matches all. */
static bool
matches_one(struct span pattern, const struct conf_service *s, struct span name)
{
	const struct span parts[] = { s->columns[0], s->columns[1], name };
	struct span part;

	for (size_t i = 0; i < ARRAY_LEN(parts) && pattern.n > 0; i++) {
		span_cut(pattern, '/', &part, &pattern);
		if (!span_eq(part, span_lit("*")) && !span_eq(part, parts[i]))
			return false;
	}
	return true;
}

static bool
matches(const struct options *o, const struct conf_service *s, struct span name)
{
	bool any = o->names_n == 0;

	for (size_t i = 0; i < o->names_n && !any; i++)
		any = matches_one(span_str(o->names[i]), s, name);
	return any;
}

static bool
has_blank(struct span s)
{
	return s.n == 0 || span_find(s, ' ') < s.n || span_find(s, '\t') < s.n;
}

/* One line as Postfix lays it out; with -f each argument is on a line of its own. */
static void
show_service(const struct options *o, const struct conf_service *s)
{
	static const size_t goals[] = { 11, 17, 25, 33, 41, 49, 57 };
	const char *between = o->fold ? "\n    " : " ";
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(goals); i++) {
		const size_t width = s->columns[i].n + 1;
		const size_t left = goals[i] > at ? goals[i] - at : 0;

		at += (size_t)printf("%-*.*s", (int)size_max(width, left), SPAN_ARG(s->columns[i]));
	}
	printf("%.*s", SPAN_ARG(s->command));
	for (size_t i = 0; i < s->args_n; i++)
		printf(
		    has_blank(s->args[i]) ? "%s{ %.*s }" : "%s%.*s", between, SPAN_ARG(s->args[i]));
	for (size_t i = 0; i < s->settings_n; i++)
		printf(has_blank(s->settings[i].value) ? "%s-o { %.*s = %.*s }" : "%s-o %.*s=%.*s",
		    between, SPAN_ARG(s->settings[i].name), SPAN_ARG(s->settings[i].value));
	printf("\n");
}

static void
show_overrides(const struct options *o, const struct conf_service *s)
{
	struct str prefix = STR_INIT(LIMIT_NEXTHOP + LIMIT_CONF_NAME);

	str_printf(&prefix, "%.*s/%.*s/", SPAN_ARG(s->columns[0]), SPAN_ARG(s->columns[1]));
	for (size_t i = 0; i < s->settings_n; i++)
		if (matches(o, s, s->settings[i].name))
			show_setting(
			    o, str_cstr(&prefix), s->settings[i].name, s->settings[i].value);
	str_free(&prefix);
}

static int
show_services(const struct options *o, const struct conf_source *source)
{
	size_t n;
	const struct conf_service *services = conf_services(source, &n);

	for (size_t i = 0; i < n; i++)
		if (o->overrides)
			show_overrides(o, &services[i]);
		else if (matches(o, &services[i], span_lit("")))
			show_service(o, &services[i]);
	return 0;
}

static int
show(const struct options *o)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source = conf_load(o->defaults ? NULL : o->dir, problems);
	int status;

	for (size_t i = 0; i < o->settings_n; i++)
		conf_set(source, o->settings[i].name, o->settings[i].value, problems);
	status =
	    o->services || o->overrides ? show_services(o, source) : show_parameters(o, source);
	fflush(stdout);
	show_problems(problems);
	conf_free(source);
	conf_problems_free(problems);
	return status;
}

/* "name=value" of the command line; says what is wrong and returns false. */
static bool
read_setting(const char *arg, struct conf_setting *set)
{
	struct span name, value;

	if (!span_cut(span_str(arg), '=', &name, &value) || span_trim(name).n == 0) {
		fprintf(stderr, "postconf: fatal: \"%s\" is not name=value\n", arg);
		return false;
	}
	*set = (struct conf_setting){ span_trim(name), span_trim(value) };
	/* A line break would begin another definition. */
	if (span_find(value, '\n') < value.n || span_find(name, '\n') < name.n ||
	    set->name.n > LIMIT_CONF_NAME) {
		complain("fatal: ", "a name or value with a line break, or a very long name");
		return false;
	}
	return true;
}

/* Would main.cf take these? Values that are wrong are refused; a name that nothing uses yet is
 * worth a word. */
static bool
check_edit(const struct options *o, const struct conf_setting *settings)
{
	struct conf_problems *before = conf_problems_new(), *after = conf_problems_new();
	struct conf_source *source = conf_load(o->dir, before);
	struct err err = ERR_NONE;
	struct span transport;
	bool ok = true;

	for (size_t i = 0; i < o->names_n; i++)
		conf_set(source, settings[i].name, settings[i].value, before);
	for (size_t i = 0; i < o->names_n; i++) {
		const struct conf_param *p = conf_param_find(settings[i].name);

		if (!p)
			p = conf_param_find_transport(settings[i].name, &transport);
		if (!p) {
			conf_set(source, settings[i].name, settings[i].value, after);
		} else if (conf_check_value(source, NULL, p, settings[i].name, &err) !=
			   VERDICT_OK) {
			complain("fatal: ", err.text);
			ok = false;
		}
	}
	show_problems(after);
	conf_free(source);
	conf_problems_free(before);
	conf_problems_free(after);
	return ok;
}

static int
edit(const struct options *o)
{
	struct conf_setting *settings = mem_alloc_array(o->names_n, sizeof(*settings));
	struct err err = ERR_NONE;
	bool ok = o->names_n > 0;

	if (!ok)
		complain("fatal: ", "no parameter is named");
	for (size_t i = 0; i < o->names_n && ok; i++) {
		settings[i] = (struct conf_setting){ span_str(o->names[i]), span_lit("") };
		if (o->how == CONF_EDIT_SET)
			ok = read_setting(o->names[i], &settings[i]);
	}
	ok = ok && (o->how != CONF_EDIT_SET || check_edit(o, settings));
	if (ok && conf_edit_main(o->dir, o->how, settings, o->names_n, &err) != VERDICT_OK) {
		complain("fatal: ", err.text);
		ok = false;
	}
	mem_free(settings);
	return ok ? 0 : 1;
}

/* An option without an argument: the flag that it sets. */
static bool *
option_flag(struct options *o, int c)
{
	const struct {
		int c;
		bool *flag;
	} flags[] = {
		{ 'd', &o->defaults },
		{ 'n', &o->set_only },
		{ 'x', &o->expand },
		{ 'f', &o->fold },
		{ 'h', &o->no_name },
		{ 'H', &o->no_value },
		{ 'M', &o->services },
		{ 'P', &o->overrides },
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].c == c)
			return flags[i].flag;
	return NULL;
}

static bool
take_option(struct options *o, int c)
{
	static const struct span edits = SPAN("e#X"); /* in the order of enum conf_edit_how */
	bool *flag = option_flag(o, c);
	const size_t how = span_find(edits, (char)c);

	if (flag)
		*flag = true;
	else if (how < edits.n) {
		o->edit = true;
		o->how = (enum conf_edit_how)how;
	} else if (c == 'c')
		o->dir = optarg;
	else if (c == 'o')
		return read_setting(optarg, &o->settings[o->settings_n++]);
	else
		return c == 'p' || c == 'v';
	return true;
}

int
main(int argc, char **argv)
{
	struct options o = { .dir = getenv("MAIL_CONFIG") };
	bool ok = true;
	int c, status = 1;

	if (!o.dir)
		o.dir = POSTERN_CONFIG_DIR;
	o.settings = mem_alloc_array((size_t)argc, sizeof(*o.settings));
	while (ok && (c = getopt(argc, argv, "c:defhHMno:pPvxX#")) != -1)
		ok = take_option(&o, c);
	o.names = argv + optind;
	o.names_n = (size_t)(argc - optind);
	/* "postconf name=value" edits as it does in Postfix. */
	if (o.names_n > 0 && !o.services && !o.overrides &&
	    span_find(span_str(o.names[0]), '=') < strlen(o.names[0]))
		o.edit = true;
	if (!ok || (o.no_name && o.no_value))
		fprintf(stderr,
		    "usage: postconf [-dfhHnpvx] [-c dir] [-o name=value] [name ...]\n"
		    "       postconf [-ev] [-c dir] name=value ...\n"
		    "       postconf -# | -X [-v] [-c dir] name ...\n"
		    "       postconf -M [-fv] [-c dir] [service[/type] ...]\n"
		    "       postconf -P [-fhHv] [-c dir] [service[/type[/name]] ...]\n");
	else
		status = o.edit ? edit(&o) : show(&o);
	mem_free(o.settings);
	return status;
}
