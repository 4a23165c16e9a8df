/*
 * static:value, static:{ value with blanks }: every key is there, with this value.
 */
#include "base/mem.h"
#include "table/driver.h"

static enum verdict
static_open(struct table *t, struct span name, struct err *err)
{
	(void)err;
	if (name.n > 1 && name.p[0] == '{' && name.p[name.n - 1] == '}')
		name = span_trim(span_of(name.p + 1, name.n - 2));
	t->state = mem_strdup(name);
	return VERDICT_OK;
}

static enum verdict
static_lookup(struct table *t, struct span key, struct str *out, struct err *err)
{
	(void)key;
	(void)err;
	str_puts(out, t->state);
	return VERDICT_OK;
}

static void
static_close(struct table *t)
{
	mem_free(t->state);
}

const struct table_driver table_driver_static = {
	"static",
	0,
	static_open,
	static_lookup,
	NULL,
	static_close,
};
