/*
 * OpenSSL's error queue into a struct err. The oldest entry is the deepest: what went wrong, not
 * who passed it on. Called on the main stack by all files of libtls.a after a call that failed. The
 * queue is per thread and shared by all streams, so it is emptied here and cleared before each
 * call: what one stream left behind must not be read by another.
 */
#include "config.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "event/tls_private.h"

static const char *
error_reason(unsigned long code)
{
	const char *text = ERR_reason_error_string(code);

	if (text)
		return text;
	if (ERR_SYSTEM_ERROR(code))
		return strerror(ERR_GET_REASON(code));
	text = ERR_lib_error_string(code);
	return text ? text : "unknown error";
}

enum verdict
tls_error(struct err *err, enum verdict v, const char *fmt, ...)
{
	struct str text = STR_INIT(LIMIT_ERR_TEXT);
	const char *data = NULL;
	int flags = 0;
	unsigned long code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&text, fmt, ap);
	va_end(ap);
	if (code)
		str_printf(&text, ": %s", error_reason(code));
	if (code && (flags & ERR_TXT_STRING) && data && *data)
		str_printf(&text, " (%s)", data);
	err_set(err, v, "%s", str_cstr(&text));
	str_free(&text);
	ERR_clear_error();
	return v;
}
