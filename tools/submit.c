/*
 * The common part of sendmail and postdrop: how they complain, and what they read of main.cf. Both
 * are run by any user of the host, postdrop with a group that the user does not have, so nothing
 * here trusts the environment.
 */
#include "config.h"

#include "tools/submit.h"

#include <stdarg.h>
#include <stdio.h>

int
submit_fail(const char *name, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s: fatal: ", name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return status;
}

bool
submit_value(const char *name, struct conf_source *source, const char *parameter, struct str *out)
{
	struct err err = ERR_NONE;

	if (conf_value(source, NULL, span_str(parameter), out, &err) == VERDICT_OK)
		return true;
	submit_fail(name, SUBMIT_CONFIG, "%s: %s", parameter, err.text);
	return false;
}
