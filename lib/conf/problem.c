/*
 * What is wrong with a configuration, collected so that a postmaster sees all of it at once. Filled
 * by the parsers and checks, read by master and postconf. Owns the texts; keeps LIMIT_CONF_PROBLEMS
 * of them and counts the rest.
 */
#include <stdarg.h>

#include "base/mem.h"
#include "conf/source.h"

/* Of each problem a text and a path. */
#define MEMORY_MAX (LIMIT_CONF_PROBLEMS * (size_t)(LIMIT_ERR_TEXT + 4096 + 64))

struct conf_problems {
	struct arena arena;
	struct conf_problem v[LIMIT_CONF_PROBLEMS];
	size_t n;
	size_t counts[2];
};

struct conf_problems *
conf_problems_new(void)
{
	struct conf_problems *problems = mem_alloc(sizeof(*problems));

	arena_init(&problems->arena, MEMORY_MAX);
	return problems;
}

void
conf_problems_free(struct conf_problems *problems)
{
	if (!problems)
		return;
	arena_free(&problems->arena);
	mem_free(problems);
}

void
conf_problem_add(struct conf_problems *problems, enum conf_severity severity, struct span file,
    unsigned line, const char *fmt, ...)
{
	struct str text = STR_INIT(LIMIT_ERR_TEXT * 4);
	struct conf_problem *problem = &problems->v[problems->n];
	struct err printable;
	va_list ap;

	problems->counts[severity]++;
	if (problems->n == LIMIT_CONF_PROBLEMS)
		return;
	va_start(ap, fmt);
	str_vprintf(&text, fmt, ap);
	va_end(ap);
	/* Escapes what a terminal should not see. */
	err_set(&printable, VERDICT_PERM, "%s", text.full ? "a very long value" : str_cstr(&text));
	str_free(&text);
	problem->file = arena_dup(&problems->arena, span_head(file, 4096));
	problem->text = arena_dup(&problems->arena, err_text(&printable));
	problem->line = line;
	problem->severity = severity;
	problems->n++;
}

size_t
conf_problems_count(const struct conf_problems *problems, enum conf_severity severity)
{
	return problems->counts[severity];
}

const struct conf_problem *
conf_problems_get(const struct conf_problems *problems, size_t i)
{
	return i < problems->n ? &problems->v[i] : NULL;
}
