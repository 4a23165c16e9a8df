/* What the tests of lib/table share: a directory of their own, tables out of text, and rows of
 * lookups. */
#ifndef TABLE_UNIT_H
#define TABLE_UNIT_H

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys.h"
#include "table/find.h"
#include "tests/unit/unit.h"

struct place {
	char dir[32];
	int fd;
};

static inline void
place_make(struct place *p)
{
	memcpy(p->dir, "/tmp/table-XXXXXX", sizeof("/tmp/table-XXXXXX"));
	assert_non_null(mkdtemp(p->dir));
	p->fd = sys_openat(AT_FDCWD, p->dir, O_RDONLY | O_DIRECTORY, 0);
	assert_true(p->fd >= 0);
}

/* NAMES: all files that a test may have left. */
static inline void
place_drop(struct place *p, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		unlinkat(p->fd, names[i], 0);
	close(p->fd);
	assert_int_equal(rmdir(p->dir), 0);
}

static inline void
place_put(struct place *p, const char *name, struct span text)
{
	const int fd = sys_openat(p->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(sys_write_all(fd, text.p, text.n), 0);
	sys_close(fd);
}

/* "type:dir/name", in a ring of four. */
static inline struct span
place_spec(struct place *p, const char *type, const char *name)
{
	static struct str ring[4];
	static size_t at;
	struct str *s = &ring[at++ % ARRAY_LEN(ring)];

	str_free(s);
	str_init(s, 256);
	str_printf(s, "%s%s/%s", type, p->dir, name);
	str_cstr(s);
	return str_span(s);
}

static inline struct table *
table_of(const char *spec)
{
	struct table *t;
	struct err err = ERR_NONE;

	if (table_open(span_str(spec), &t, &err) != VERDICT_OK)
		fail_msg("%s: %s", spec, err.text);
	return t;
}

/* VALUE NULL: absent; "!": VERDICT_TEMP. */
static inline void
expect_lookup(struct table *t, struct span key, const char *value)
{
	struct str got = STR_INIT(LIMIT_TABLE_VALUE);
	struct err err = ERR_NONE;
	struct str name = STR_INIT(512);
	enum verdict v = table_lookup(t, key, &got, &err);

	str_printf(&name, "%.*s[%.*s]", SPAN_ARG(table_spec(t)), SPAN_ARG(span_head(key, 64)));
	if (!value)
		expect_number(str_cstr(&name), v, VERDICT_ABSENT);
	else if (strcmp(value, "!") == 0)
		expect_number(str_cstr(&name), v, VERDICT_TEMP);
	else
		expect_number(str_cstr(&name), v, VERDICT_OK);
	if (v == VERDICT_OK)
		expect_text(str_cstr(&name), str_span(&got), value);
	str_free(&name);
	str_free(&got);
}

#endif
