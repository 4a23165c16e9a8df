/*
 * main.cf: logical lines "name = value" into definitions; the last of a name wins. Called by
 * conf_load. Says what is wrong with a line as such; whether names and values mean something is
 * check.c's. Bounded by LIMIT_CONF_FILE and LIMIT_CONF_NAMES.
 */
#include "base/cclass.h"
#include "base/mem.h"
#include "conf/source.h"

const struct conf_def *
conf_define(struct conf_source *source, struct span name, struct span value, unsigned line)
{
	struct conf_def *def = conf_keep_array(source, 1, sizeof(*def));
	struct conf_def *old;

	def->set.name = conf_keep(source, name);
	def->set.value = conf_keep(source, value);
	def->line = line;
	old = map_put(&source->defs, def->set.name, def);
	def->place = old ? old->place : source->order_n;
	if (!old) {
		/* Room for a power of two, doubled when it is full. */
		if ((source->order_n & (source->order_n - 1)) == 0)
			source->order = mem_resize_array(source->order,
			    source->order_n ? source->order_n * 2 : 1, sizeof(struct conf_def *));
		source->order_n++;
	}
	source->order[def->place] = def;
	return old;
}

static bool
has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (cclass_is(s.p[i], CC_CTL) && s.p[i] != '\t')
			return true;
	return false;
}

/* " #": no comment, though it may look like one. */
static bool
has_comment(struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '#' && (i == 0 || cclass_is(value.p[i - 1], CC_BLANK)))
			return true;
	return false;
}

static void
parse_line(
    struct conf_source *source, struct span text, unsigned line, struct conf_problems *problems)
{
	struct conf_setting set;
	const struct conf_def *old;

	if (has_control(text)) {
		conf_problem_add(problems, CONF_ERROR, source->main_path, line,
		    "there is a control character in \"%.*s\": take it out", SPAN_ARG(text));
		return;
	}
	if (!conf_setting_parse(text, &set)) {
		conf_problem_add(problems, CONF_ERROR, source->main_path, line,
		    "\"%.*s\" is not name = value: write it so, begin the line with a blank to "
		    "continue the one before, "
		    "or with # for a comment",
		    SPAN_ARG(text));
		return;
	}
	if (set.value.n > LIMIT_CONF_VALUE || source->order_n == LIMIT_CONF_NAMES) {
		conf_problem_add(problems, CONF_ERROR, source->main_path, line, "%s",
		    set.value.n > LIMIT_CONF_VALUE ? "the value is too long: put it into a table"
						   : "there are too many parameters");
		return;
	}
	if (has_comment(set.value))
		conf_problem_add(problems, CONF_WARNING, source->main_path, line,
		    "what follows # is part of the value of %.*s: put comments on lines of their "
		    "own",
		    SPAN_ARG(set.name));
	old = conf_define(source, set.name, set.value, line);
	if (old)
		conf_problem_add(problems, CONF_WARNING, source->main_path, line,
		    "overriding earlier entry on line %u: %.*s = %.*s", old->line,
		    SPAN_ARG(old->set.name), SPAN_ARG(old->set.value));
}

void
conf_main_parse(struct conf_source *source, struct span text, struct conf_problems *problems)
{
	struct conf_lines lines;

	conf_lines_init(&lines, text);
	while (conf_lines_next(&lines)) {
		if (lines.orphan)
			conf_problem_add(problems, CONF_ERROR, source->main_path, lines.line,
			    "the line begins with a blank but there is none that it could "
			    "continue");
		else
			parse_line(source, str_span(&lines.text), lines.line, problems);
	}
	conf_lines_free(&lines);
}
