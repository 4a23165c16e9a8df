/* What sendmail and postdrop share: exit status, complaints, values of main.cf. */
#ifndef TOOLS_SUBMIT_H
#define TOOLS_SUBMIT_H

#include "base/str.h"
#include "conf/conf.h"

/* Of sysexits.h: callers of sendmail look at them. */
enum submit_status {
	SUBMIT_OK = 0,
	SUBMIT_USAGE = 64,
	SUBMIT_DATA = 65, /* the message or an address cannot be taken */
	SUBMIT_NO_USER = 67,
	SUBMIT_UNAVAILABLE = 69, /* what was asked for is not to be had */
	SUBMIT_IO = 74,
	SUBMIT_TEMP = 75, /* try again later: nothing has been taken */
	SUBMIT_DENIED = 77,
	SUBMIT_CONFIG = 78,
};

/* "name: fatal: ..." on standard error; returns STATUS. */
int submit_fail(const char *name, int status, const char *fmt, ...) PRINTF(3, 4);
/* The value of PARAMETER; false (and said why) when the configuration cannot be read. */
bool submit_value(
    const char *name, struct conf_source *source, const char *parameter, struct str *out);

#endif
