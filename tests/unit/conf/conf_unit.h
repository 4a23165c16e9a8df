/* What the tests of lib/conf share: a source from text, and all problems as one text. */
#ifndef CONF_UNIT_H
#define CONF_UNIT_H

#include "conf/conf.h"
#include "tests/unit/unit.h"

static inline struct conf_source *
parse_source(const char *main_cf, const char *master_cf, struct conf_problems *problems)
{
	const struct conf_host host = {
		SPAN("mx.example.com"),
		SPAN("192.0.2.1/32 198.51.100.7/32"),
		SPAN("[2001:db8::1]/128"),
		SPAN("192.0.2.0/24"),
		SPAN("[2001:db8::]/64"),
	};

	return conf_parse("/conf", span_str(main_cf), span_str(master_cf), &host, problems);
}

/* "main.cf:3: error: text" lines. */
static inline void
put_problems(struct str *out, const struct conf_problems *problems)
{
	const struct conf_problem *p;

	for (size_t i = 0; (p = conf_problems_get(problems, i)) != NULL; i++) {
		const size_t slash = span_rfind(p->file, '/');

		str_printf(out, "%.*s:%u: %s: %.*s\n", SPAN_ARG(span_from(p->file, slash + 1)),
		    p->line, p->severity == CONF_ERROR ? "error" : "warning", SPAN_ARG(p->text));
	}
}

/* The problems of these files are exactly WANT. */
static inline void
expect_problems(const char *name, const char *main_cf, const char *master_cf, const char *want)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source = parse_source(main_cf, master_cf, problems);
	struct str got = STR_INIT(1 << 20);

	put_problems(&got, problems);
	expect_text(name, str_span(&got), want);
	str_free(&got);
	conf_free(source);
	conf_problems_free(problems);
}

#endif
