/*
 * fail:text: no lookup works, for trying what happens then.
 */
#include "table/driver.h"

static enum verdict
fail_open(struct table *t, struct span name, struct err *err)
{
	(void)t;
	(void)name;
	(void)err;
	return VERDICT_OK;
}

static enum verdict
fail_lookup(struct table *t, struct span key, struct str *out, struct err *err)
{
	(void)key;
	(void)out;
	return err_set(err, VERDICT_TEMP, "%s: lookups here fail", t->spec);
}

static void
fail_close(struct table *t)
{
	(void)t;
}

const struct table_driver table_driver_fail = {
	"fail",
	0,
	fail_open,
	fail_lookup,
	NULL,
	fail_close,
};
